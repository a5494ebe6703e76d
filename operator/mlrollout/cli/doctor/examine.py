"""What the API server is asked, in the order of what is told."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from mlrollout.api import GROUP, KIND, VERSION
from mlrollout.cli.cluster.api import Api, ApiCall, ClusterError, Data
from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import CommandError
from mlrollout.glance.doctor import clocks, crd, lease, rights, services
from mlrollout.glance.doctor.diagnosis import Diagnosis, DiagnosisLevel, ok, unseen
from mlrollout.glance.fields import Fields
from mlrollout.glance.rollout import glance

from . import leases, reviews

_SERVER = "API server"
_YOURS = "your rights"
_OF_OPERATOR = "operator's rights"
_DISCOVERY = f"/apis/{GROUP}"
_SCHEMAS = f"/openapi/v3/apis/{GROUP}/{VERSION}"
_ASK_FOR = "ask whoever runs the cluster for the role mlrollout-edit, or mlrollout-view to look alone"
_REACH = (
    "see the kubeconfig, --context and the network in between; until then no verb can be asked for, and 0 under a "
    "rollout's key in its Redis takes everybody out"
)
_BEHIND = (crd.ABOUT, _YOURS, lease.ABOUT, _OF_OPERATOR, services.REDIS, services.PROMETHEUS)
"""What the API server alone tells of."""
_GRANT = (
    "upgrade the chart, with rbac.create: its roles grant all that; Secrets and ConfigMaps that objects name, in the "
    "namespaces of secretNamespaces and configMapNamespaces"
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where else to look.

    Attributes:
        operator: The namespace of the operator; empty to have it found.
        redis: The URL of a Redis to ask; empty for none.
        prometheus: The address of a Prometheus to ask; empty for none.
    """

    operator: str = ""
    redis: str = ""
    prometheus: str = ""


def examine(cluster: ClusterRollouts, places: Places, *, everywhere: bool) -> Iterator[Diagnosis]:
    """Everything that rollouts depend on.

    Args:
        cluster: The cluster, and the namespace in question.
        places: Where else to look.
        everywhere: Whether all namespaces are meant.

    Raises:
        CommandError: The API server can't be talked to.
    """
    api, space = cluster.api, "" if everywhere else cluster.namespace
    version = Fields(api.ask(ApiCall("ask for its version", "GET", "/version"))).text("gitVersion")
    who = cluster.asker()
    yield _answers(api, version, who)
    yield _seen(crd.ABOUT, lambda: _crd(api))
    yield _seen(_YOURS, lambda: _yours(api, space, who or "you"))
    found, why = _objects(cluster, everywhere=everywhere)
    now = cluster.now
    known = _leases(api, places.operator, space, lease.last_word(found, now))
    alive = [] if isinstance(known, Diagnosis) else [one for one in known if one.lives(now)]
    yield from _operators(known, now, space, places.operator, found)
    for one in alive:
        yield _seen(_OF_OPERATOR, partial(_of_operator, api, one, found))
    if not alive:
        yield unseen(_OF_OPERATOR, "it is not known who the operator is")
    yield services.redis(found, now) if not why else unseen(services.REDIS, why)
    yield services.prometheus([glance(one, now) for one in found]) if not why else unseen(services.PROMETHEUS, why)
    ahead = {"this machine's": None if api.skew is None else -api.skew}
    ahead["the operator's"] = max((one.ahead for one in alive if one.ahead is not None), key=abs, default=None)
    yield from _asked(places, found)
    yield clocks.clocks(ahead)


def behind(error: CommandError, places: Places) -> Iterator[Diagnosis]:
    """The same where the API server can't be talked to: what is not behind it is looked at all the same.

    Args:
        error: Why it can't.
        places: Where else to look.
    """
    yield Diagnosis(_SERVER, DiagnosisLevel.FAILED, str(error), _REACH)
    yield from (unseen(about, "the API server tells of it, which can't be asked") for about in _BEHIND)
    yield from _asked(places, ())
    yield unseen(clocks.ABOUT, "they are held against the API server's, which can't be asked")


def _asked(places: Places, found: Sequence[Data]) -> Iterator[Diagnosis]:
    """What is asked from here, without the API server."""
    if places.redis or places.prometheus or os.environ.get("MLROLLOUT_REDIS_URL_FILE"):
        from . import asked

        yield from asked.services(places.redis, places.prometheus, found)


def _seen(about: str, look: Callable[[], Diagnosis]) -> Diagnosis:
    """What was found, or why it could not be seen."""
    try:
        return look()
    except ClusterError as error:
        return unseen(about, _why(error))


def _why(error: CommandError) -> str:
    """Why something could not be seen; of a right that is missing, no more than that: there are lines about rights."""
    if isinstance(error, ClusterError) and error.status == HTTPStatus.FORBIDDEN:
        return f"{str(error).partition(': ')[0]}: you lack the right"
    return str(error)


def _answers(api: Api, version: str, who: str) -> Diagnosis:
    server = str(api.context.cluster.get("server") or "").rpartition("//")[2]
    by = f", and knows you as {who}" if who else ""
    return ok(_SERVER, f"{version or 'it'} at {server} answers (context {api.context.name}){by}")


def _crd(api: Api) -> Diagnosis:
    from mlrollout.api.crd import schema

    try:
        group = api.ask(ApiCall(f"find {KIND}", "GET", _DISCOVERY))
    except ClusterError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        group = {}
    versions = [one.text("version") for one in Fields(group).parts("versions")]
    return crd.crd(versions, _published(api) if VERSION in versions else None, schema())


def _published(api: Api) -> Data | None:
    """The schema of the object as the API server tells everybody; `None` where it does not."""
    try:
        found = api.ask(ApiCall("read the schemas", "GET", _SCHEMAS))
    except ClusterError:
        return None
    schemas = Fields(found).part("components").mapping("schemas")
    return next((one for name, one in schemas.items() if name.endswith(f".{KIND}")), None)


def _yours(api: Api, space: str, who: str) -> Diagnosis:
    missing = [one for one in rights.yours(space) if not reviews.mine(api, one)]
    return rights.rights(_YOURS, who, missing, space, _ASK_FOR)


def _objects(cluster: ClusterRollouts, *, everywhere: bool) -> tuple[Sequence[Data], str]:
    """The objects, or none and why."""
    try:
        return cluster.all(everywhere=everywhere), ""
    except CommandError as error:
        return (), _why(error)


def _leases(api: Api, lives: str, space: str, otherwise: str) -> Sequence[lease.LeaseGlance] | Diagnosis:
    try:
        return leases.find(api, lives, space)
    except ClusterError as error:
        todo = "" if lives else "say --operator-namespace NAME: it takes the right to get a Lease there"
        return unseen(lease.ABOUT, f"{_why(error)}{otherwise}", todo)


def _operators(
    known: Sequence[lease.LeaseGlance] | Diagnosis, now: float, space: str, lives: str, found: Sequence[Data]
) -> Sequence[Diagnosis]:
    """Whether an operator runs, in one namespace or in each."""
    if isinstance(known, Diagnosis):
        return (known,)
    if space:
        return (lease.operator(known, now, space, lives),)
    return lease.operators(known, now, {_space(one) for one in found}, lives)


def _space(found: Data) -> str:
    return Fields(found).part("metadata").text("namespace")


def _of_operator(api: Api, one: lease.LeaseGlance, found: Sequence[Data]) -> Diagnosis:
    account = leases.account(api, one)
    if not account:
        return unseen(_OF_OPERATOR, f"{one.holder} is no pod in the namespace {one.namespace}, so it runs elsewhere")
    guarded = [each for each in found if one.watched in ("", _space(each))]
    needed = rights.of_operator(one.watched, one.namespace, one.name, leases.named(guarded))
    missing = [right for right in needed if not reviews.of_account(api, one.namespace, account, right)]
    return rights.rights(_OF_OPERATOR, f"the operator ({one.namespace}/{account})", missing, one.watched, _GRANT)
