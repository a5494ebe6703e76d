"""A Prometheus that is shown what a Secret of an object's namespace holds."""

from mlrollout.evidence.answer import Answer
from mlrollout.ports import SourceError

from .http.access import UnusableAccessError
from .http.access_of_secret import AccessOfSecret
from .prometheus import PrometheusSource


class PrometheusOfSecret:
    """One Prometheus. Implements `EvidenceSource`; to be made where an event loop runs.

    Args:
        address: As of `PrometheusSource`.
        access: What its Secret says.

    Raises:
        ValueError: The address is none, or carries a user name, a password or a query.
    """

    def __init__(self, address: str, access: AccessOfSecret) -> None:
        self._access = access
        self._source = PrometheusSource(address, access.current)

    async def query(self, promql: str, *, deadline: float, at: float | None = None) -> Answer:
        """As of `PrometheusSource`.

        Raises:
            QueryRefusedError: The query can't be parsed.
            SourceError: There is no usable answer, or nothing to show; the text says why.
        """
        try:
            left = await self._access.ready(deadline)
        except UnusableAccessError as error:
            raise SourceError(str(error)) from error
        return await self._source.query(promql, deadline=left, at=at)

    async def close(self) -> None:
        """Give up the connections."""
        self._access.close()
        await self._source.close()
