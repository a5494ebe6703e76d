"""The sources of revisions that objects may name."""

from collections.abc import Iterable, Sequence

from mlrollout.adapters.http.access_of_secret import AccessOfSecret
from mlrollout.adapters.http.peer import checked
from mlrollout.allowed import matches
from mlrollout.api.revision_from import JsonDocument, MLflowModel, RevisionFrom
from mlrollout.ports import RevisionNotAllowedError, RevisionSource, Secrets

from .config_map import ConfigMapSource, ReadsConfigMaps
from .document import DocumentSource
from .mlflow import MLflowSource
from .site import Site


class AllowedRevisionSources:
    """Implements the port `RevisionSources`. Those of one address share its connections, where they show the same.

    Args:
        allowed: Patterns of the addresses that an object may name, see `allowed.matches`.
        secrets: Where what is shown stands.
        config_maps: Reads ConfigMaps.
    """

    def __init__(self, allowed: Sequence[str], secrets: Secrets, config_maps: ReadsConfigMaps) -> None:
        self._allowed = allowed
        self._secrets = secrets
        self._config_maps = config_maps
        self._sites: dict[tuple[str, ...], Site] = {}
        self._idle: set[tuple[str, ...]] = set()

    def source(self, namespace: str, found: RevisionFrom) -> RevisionSource:
        """What an object of a namespace names."""
        if found.mlflow is not None:
            return MLflowSource(self._site(namespace, found.mlflow, "mlflow"), found.mlflow)
        if found.http is not None:
            return DocumentSource(self._site(namespace, found.http, "http"), found.http)
        assert found.config_map is not None  # noqa: S101 - the model sees to it
        return ConfigMapSource(self._config_maps, namespace, found.config_map)

    async def keep(self, named: Iterable[tuple[str, RevisionFrom | None]]) -> None:
        """Give up the connections that none of these names, by namespace, and none has named the last time either."""
        places = {
            _place(namespace, address)
            for namespace, found in named
            if found is not None and (address := found.mlflow or found.http) is not None
        }
        idle = self._sites.keys() - places
        left = idle & self._idle
        self._idle = idle - left
        for place in left:
            await self._sites.pop(place).close()

    async def close(self) -> None:
        """Give up every connection."""
        for site in self._sites.values():
            await site.close()

    def _site(self, namespace: str, named: MLflowModel | JsonDocument, kind: str) -> Site:
        address, field = named.address, f"spec.revisionFrom.{kind}.address"
        if not any(matches(pattern, address) for pattern in self._allowed):
            raise RevisionNotAllowedError(
                f"{field} {address} is not allowed: an administrator allows addresses by pattern, "
                "with the chart's allowedRevisionSources"
            )
        _, *shown = place = _place(namespace, named)
        if place not in self._sites:
            try:
                url = checked(address, "the source's")
            except ValueError as error:
                raise RevisionNotAllowedError(f"{field} can't be used: {error}") from error
            self._sites[place] = Site(url, self._access(*shown) if shown else None)
        return self._sites[place]

    def _access(self, namespace: str, name: str) -> AccessOfSecret:
        return AccessOfSecret(f"the Secret {namespace}/{name}", lambda: self._secrets.read_all(namespace, name))


def _place(namespace: str, named: MLflowModel | JsonDocument) -> tuple[str, ...]:
    """What tells connections apart: one that is shown a Secret is shared by nobody who does not name that Secret."""
    return (named.address, *(() if named.secret_ref is None else (namespace, named.secret_ref.name)))
