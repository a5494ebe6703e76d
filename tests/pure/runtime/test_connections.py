"""An object gets the operator's own connections, or its own where that is allowed; Secrets are followed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from mlrollout.adapters.prometheus import PrometheusSource
from mlrollout.adapters.redis import RedisTrafficStore
from mlrollout.adapters.revisions import AllowedRevisionSources
from mlrollout.allowed import matches
from mlrollout.api.revision_from import RevisionFrom
from mlrollout.api.spec import Spec
from mlrollout.ports import (
    AddressRefusedError,
    ObjectsError,
    Ref,
    RevisionNotAllowedError,
    RevisionUnknownError,
    TrafficError,
)
from mlrollout.runtime import process
from mlrollout.runtime.connections import PACE, Directory
from mlrollout.runtime.traffic_io import SELDOM

from tests.pure.runtime.conftest import Logs
from tests.pure.runtime.fates import REDIS_DOWN, failing
from tests.pure.runtime.small_world import SmallWorld
from tests.pure.runtime.specs import KEY, OWN_REDIS, spec
from tests.support.virtual_time import virtual

REF = Ref("dispatch", "ml-dispatch")
OWN = "http://prometheus.monitoring:9090"


@dataclass
class Secrets:
    values: dict[tuple[str, str, str], str] = field(default_factory=dict)
    slow: bool = False
    reads: int = 0

    async def read(self, namespace: str, name: str, key: str) -> str:
        self.reads += 1
        if self.slow:
            await asyncio.sleep(0.01)
        try:
            return self.values[namespace, name, key]
        except KeyError:
            raise ObjectsError(f"Could not read the Secret {namespace}/{name}") from None

    async def read_all(self, namespace: str, name: str) -> Mapping[str, bytes]:
        raise ObjectsError(f"Could not read the Secret {namespace}/{name}")


class NoConfigMaps:
    async def read(self, namespace: str, name: str) -> Mapping[str, Any]:
        raise ObjectsError(f"Could not read the ConfigMap {namespace}/{name}")


@dataclass(eq=False)
class Opened:
    what: str
    closed: bool = False

    async def close(self) -> None:
        self.closed = True


@dataclass
class Desk:
    """A directory whose connections are only noted."""

    allowed: tuple[str, ...] = ()
    address: str | None = OWN
    secrets: Secrets = field(default_factory=Secrets)
    opened: list[Opened] = field(default_factory=list)
    own: Any = field(default_factory=lambda: Opened("the operator's"))

    def __post_init__(self) -> None:
        self.directory = Directory(
            store=self.own,
            address=self.address,
            allowed=self.allowed,
            secrets=self.secrets,
            open_store=self._open,
            open_source=self._open,
            open_shown=lambda *where: self._open(" ".join(where)),
            revisions=AllowedRevisionSources(self.allowed, self.secrets, NoConfigMaps()),
        )

    def _open(self, what: str) -> Any:
        self.opened.append(Opened(what))
        return self.opened[-1]

    def source(self, address: str | None = None, secret: str = "", ref: Ref = REF) -> str:
        shown = {"secretRef": {"name": secret}} if secret else {}
        changes = {} if address is None else {"prometheus": {"address": address, **shown}}
        found: Any = self.directory.source(ref, Spec.model_validate(spec(**changes)))
        return str(found.what)

    async def store(self, ref: Ref = REF, *, own: bool = True) -> Any:
        redis = {"redis": {"secretRef": {"name": "redis", "key": "url"}}} if own else {}
        return await self.directory.store(ref, Spec.model_validate(spec(traffic={"key": KEY, **redis})))


# --- Prometheus ----------------------------------------------------------------------------------


def test_an_object_that_names_no_prometheus_gets_the_operators() -> None:
    desk = Desk()
    assert desk.source() == OWN
    assert desk.source() == OWN
    assert len(desk.opened) == 1


def test_an_object_may_name_the_operators_own_and_what_is_allowed_and_nothing_else() -> None:
    desk = Desk(allowed=("http://prometheus.*:9090",))
    assert desk.source(OWN) == OWN
    assert desk.source("http://prometheus.team-a:9090") == "http://prometheus.team-a:9090"
    with pytest.raises(AddressRefusedError, match=r"http://169\.254\.169\.254 is not allowed: an administrator"):
        desk.source("http://169.254.169.254")
    with pytest.raises(AddressRefusedError):
        Desk().source("http://prometheus.team-a:9090")


def test_what_an_object_has_shown_is_shared_by_those_alone_who_name_the_same_secret() -> None:
    desk = Desk()
    assert desk.source(OWN, "tenant") == f"{OWN} {REF.namespace} tenant"
    desk.source(OWN, "tenant", Ref(REF.namespace, "another"))
    assert len(desk.opened) == 2
    assert desk.source(OWN, "tenant", Ref("elsewhere", REF.name)) == f"{OWN} elsewhere tenant"
    assert desk.source(OWN, "other") == f"{OWN} {REF.namespace} other"
    assert desk.source(OWN) == OWN, "and never by who names none"
    with pytest.raises(AddressRefusedError, match="is not allowed"):
        desk.source("http://169.254.169.254", "tenant")


def test_without_one_it_is_told_what_to_set() -> None:
    with pytest.raises(AddressRefusedError, match="set MLROLLOUT_PROMETHEUS_URL"):
        Desk(address=None).source()


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("http://prometheus.monitoring:9090", "http://prometheus.monitoring:9090"),
        ("http://prometheus.monitoring:9090", "http://prometheus.monitoring:9090/"),
        ("http://prometheus.monitoring:9090/", "http://prometheus.monitoring:9090"),
        ("http://prometheus.*.svc:9090", "http://prometheus.team-a.svc:9090"),
        ("https://prom-*.example.com", "https://prom-eu1.example.com"),
        ("http://mimir/tenants/*/prometheus", "http://mimir/tenants/team_a/prometheus"),
        ("http://[::1]:9090", "http://[::1]:9090"),
    ],
)
def test_a_star_stands_for_one_part_of_a_name(pattern: str, address: str) -> None:
    assert matches(pattern, address)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("http://prometheus.monitoring:9090", "http://prometheus.monitoring:9090@evil"),
        ("http://prometheus.monitoring:9090", "http://prometheus.monitoring:9090.evil"),
        ("http://prometheus.monitoring:9090", "http://prometheusXmonitoring:9090"),
        ("http://prometheus.monitoring:9090", "http://prometheus.monitoring:9090/api/v1/admin"),
        ("http://prometheus.monitoring", "http://prometheus.monitoring:22"),
        ("http://prometheus.monitoring", "https://prometheus.monitoring"),
        ("http://prometheus.*", "http://prometheus.x@evil"),
        ("http://prometheus.*", "http://prometheus.x.evil.example"),
        ("http://prometheus.*", "http://prometheus.x:8080"),
        ("http://prometheus.*", "http://prometheus.x/../admin"),
        ("http://prometheus.*", "http://prometheus."),
        ("https://*.example.com", "https://evil/x.example.com"),
        ("https://*.example.com", "https://evil?.example.com"),
        ("https://*.example.com", "https://evil#.example.com"),
        ("https://*.example.com", "https://evil%2f.example.com"),
        ("https://*.example.com", "https://evil\\.example.com"),
        ("https://*.example.com", "https://a.b.example.com"),
        ("https://*.example.com", "https://evil\n.example.com"),
        ("https://*.example.com", "https://x.example.com\n"),
        ("http://[ab]", "http://a"),
        ("http://a?", "http://ab"),
    ],
)
def test_and_for_nothing_that_leads_elsewhere(pattern: str, address: str) -> None:
    assert not matches(pattern, address)


def _real(address: str | None = None, allowed: tuple[str, ...] = (), secrets: Secrets | None = None) -> Directory:
    return Directory(
        store=None,
        address=address,
        allowed=allowed,
        secrets=secrets or Secrets(),
        open_store=RedisTrafficStore.from_url,
        open_source=PrometheusSource,
        open_shown=lambda address, *_: PrometheusSource(address),
        revisions=AllowedRevisionSources(allowed, secrets or Secrets(), NoConfigMaps()),
    )


@pytest.mark.parametrize(
    "address", ["http://user:hunter2@prometheus", "prometheus:9090", "http://prometheus?x=hunter2", "http://a:hunter2"]
)
async def test_an_address_that_is_none_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(ValueError, match="Prometheus' address must be") as refused:
        _real(address)
    assert "hunter2" not in str(refused.value)


async def test_an_allowed_address_that_is_none_is_refused_as_such() -> None:
    asked = Spec.model_validate(spec(prometheus={"address": "http://prometheus?x"}))
    with pytest.raises(AddressRefusedError, match=r"spec.prometheus.address can't be used: .*without user name"):
        _real(allowed=("http://prometheus?x",)).source(REF, asked)


# --- sources of revisions ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mlflow", "http"])
async def test_a_source_of_revisions_must_be_allowed_and_it_is_said_by_what(kind: str) -> None:
    named = RevisionFrom.model_validate({kind: {"address": "http://169.254.169.254/x", "model": "dispatch"}})
    with pytest.raises(
        RevisionNotAllowedError,
        match=rf"revisionFrom.{kind}.address http://169.254.169.254/x is not allowed: .*allowedRevisionSources",
    ):
        _real(allowed=("http://169.254.169.254",)).revisions(REF, named)


async def test_an_allowed_source_that_is_no_address_is_refused_without_its_query() -> None:
    address = "http://mlflow?token=hunter2"
    named = RevisionFrom.model_validate({"mlflow": {"address": address, "model": "dispatch"}})
    with pytest.raises(RevisionNotAllowedError, match=r"mlflow.address can't be used: .*without user name") as refused:
        _real(allowed=(address,)).revisions(REF, named)
    assert "hunter2" not in str(refused.value)


async def test_a_config_map_needs_no_pattern_but_the_right() -> None:
    named = RevisionFrom.model_validate({"configMap": {"name": "models", "key": "candidate"}})
    with pytest.raises(RevisionUnknownError, match="Could not read the ConfigMap dispatch/models"):
        await _real().revisions(REF, named).ask(deadline=5)


# --- what is named no more -----------------------------------------------------------------------

OTHERS = Ref("other", "ml-dispatch")
NAMING = {
    "prometheus": {"address": OWN, "secretRef": {"name": "tenant"}},
    "traffic": {"key": KEY, "redis": {"secretRef": {"name": "redis", "key": "url"}}},
    "revisionFrom": {"http": {"address": "http://models.example", "secretRef": {"name": "tenant"}}},
}


def naming() -> Spec:
    """A spec that names a Secret for each of its connections."""
    own = spec(**NAMING)
    del own["revision"]
    return Spec.model_validate(own)


async def all_of(desk: Desk, ref: Ref) -> tuple[Any, Any, Any]:
    found = naming()
    assert found.revision_from is not None
    asked: Any = desk.directory.revisions(ref, found.revision_from)
    return desk.directory.source(ref, found), await desk.directory.store(ref, found), asked._site


async def test_what_no_object_names_any_more_is_given_up_and_all_else_kept() -> None:
    secrets = Secrets({(ref.namespace, "redis", "url"): "redis://a" for ref in (REF, OTHERS)})
    desk = Desk(allowed=("http://models.example",), secrets=secrets)
    kept, gone = await all_of(desk, REF), await all_of(desk, OTHERS)
    desk.source()
    left = [(REF, naming())]

    await desk.directory.keep(left)
    assert (await all_of(desk, OTHERS)) == gone, "a look or a write of it may still be under way"
    await desk.directory.keep(left)

    assert [one.closed for one in gone[:2]] == [True, True]
    assert gone[2]._peer._session.closed
    assert (await all_of(desk, REF)) == kept
    assert [one.what for one in desk.opened if one.closed] == [f"{OWN} other tenant", "redis://a"]
    assert (await all_of(desk, OTHERS))[2] is not gone[2], "it is made anew for who comes again"
    await desk.directory.close()


@virtual
async def test_a_secret_that_is_being_read_is_waited_for_though_no_object_names_it_any_more() -> None:
    """By one that is gone, and whose key is still to be given up."""
    desk = Desk(secrets=Secrets({(REF.namespace, "redis", "url"): "redis://a"}))
    may, read = asyncio.Event(), desk.secrets.read

    async def late(namespace: str, name: str, key: str) -> str:
        await may.wait()
        return await read(namespace, name, key)

    desk.secrets.read = late  # type: ignore[method-assign]
    waiting = asyncio.create_task(desk.store())
    await asyncio.sleep(0)
    await desk.directory.keep(())
    await desk.directory.keep(())
    may.set()
    assert (await waiting).what == "redis://a"
    await desk.directory.keep(())
    await desk.directory.keep(())
    assert [one.closed for one in desk.opened if one.what == "redis://a"] == [True]


@virtual
async def test_a_process_looks_for_them_once_a_minute() -> None:
    world, desk = SmallWorld(), Desk(secrets=Secrets({(REF.namespace, "redis", "url"): "redis://a"}))
    place = await world.begun()
    desk.source(OWN, "tenant")
    await desk.store()
    tidying = asyncio.create_task(process._tidy(desk.directory, place.operator))
    await asyncio.sleep(3 * process.TIDIED)
    assert [(one.what, one.closed) for one in desk.opened] == [
        (OWN, False),
        (f"{OWN} {REF.namespace} tenant", True),
        ("redis://a", True),
    ]
    tidying.cancel()


async def test_the_operators_own_stay_though_no_object_is_there() -> None:
    desk = Desk()
    desk.source()
    for _ in range(3):
        await desk.directory.keep(())
    assert not any(one.closed for one in (*desk.opened, desk.own))


# --- Redis ---------------------------------------------------------------------------------------


async def test_an_object_without_a_redis_of_its_own_gets_the_operators() -> None:
    desk = Desk()
    assert await desk.store(own=False) is desk.own


async def test_without_one_either_it_is_told_what_to_set() -> None:
    with pytest.raises(TrafficError, match=r"MLROLLOUT_REDIS_URL, or spec.traffic.redis"):
        await _real().store(REF, Spec.model_validate(spec()))


async def test_a_secret_is_read_in_the_objects_own_namespace() -> None:
    desk = Desk(secrets=Secrets({("dispatch", "redis", "url"): "redis://a", ("other", "redis", "url"): "redis://b"}))
    assert (await desk.store()).what == "redis://a"
    assert (await desk.store(Ref("other", "ml-dispatch"))).what == "redis://b"
    with pytest.raises(ObjectsError, match="third/redis"):
        await desk.store(Ref("third", "ml-dispatch"))


@virtual
async def test_a_rotated_secret_opens_a_new_connection_and_closes_the_old_one() -> None:
    desk = Desk(secrets=Secrets({("dispatch", "redis", "url"): "redis://:old@redis"}))
    old = await desk.store()
    assert await desk.store() is old
    desk.secrets.values["dispatch", "redis", "url"] = "redis://:new@redis"
    await asyncio.sleep(PACE)
    new = await desk.store()
    assert (new.what, new.closed, old.closed) == ("redis://:new@redis", False, True)


@virtual
async def test_objects_that_ask_at_the_same_time_share_a_connection() -> None:
    desk = Desk(secrets=Secrets({("dispatch", "redis", "url"): "redis://a"}, slow=True))
    one, other = await asyncio.gather(desk.store(), desk.store(Ref("dispatch", "other")))
    assert one is other
    desk.secrets.values["dispatch", "redis", "url"] = "redis://b"
    await asyncio.sleep(PACE)
    await asyncio.gather(desk.store(), desk.store())
    assert [opened.what for opened in desk.opened[1:]] == ["redis://a", "redis://b"]
    assert [opened.closed for opened in desk.opened[1:]] == [True, False]


@virtual
async def test_a_secret_that_can_not_be_read_again_leaves_the_connection_as_it_is(logs: Logs) -> None:
    desk = Desk(secrets=Secrets({("dispatch", "redis", "url"): "redis://:hunter2@redis"}))
    known = await desk.store()
    desk.secrets.values.clear()
    await asyncio.sleep(PACE)
    assert await desk.store() is known
    assert not known.closed
    assert "hunter2" not in str(logs)
    assert "dispatch/redis" in logs[-1]["error"]


@pytest.mark.parametrize("there", [True, False])
@virtual
async def test_however_many_ask_for_it_a_secret_is_read_twice_a_second_at_most(*, there: bool) -> None:
    values = {("dispatch", "redis", "url"): "redis://a"} if there else {}
    desk = Desk(secrets=Secrets(dict(values)))
    for _ in range(100):
        asking = (desk.store(Ref("dispatch", f"object-{number}")) for number in range(50))
        await asyncio.gather(*asking, return_exceptions=True)
        await asyncio.sleep(0.1)
    assert 10 <= desk.secrets.reads <= 10 / PACE + 1


async def test_what_a_secret_holds_is_not_repeated_where_it_is_no_url() -> None:
    directory = _real(secrets=Secrets({("dispatch", "redis", "url"): "hunter2://hunter2"}))
    asked = Spec.model_validate(spec(traffic=OWN_REDIS))
    with pytest.raises(TrafficError) as refused:
        await directory.store(REF, asked)
    assert "hunter2" not in str(refused.value)


@virtual
async def test_a_secret_is_read_again_once_after_redis_failed() -> None:
    world = SmallWorld()
    place = await world.begun(traffic=OWN_REDIS)
    await asyncio.sleep(SELDOM)
    assert place.connects == 1
    world.redis.fates.next["read"].append(failing(REDIS_DOWN))
    await asyncio.sleep(30)
    assert place.connects == 2


async def test_at_the_end_everything_is_closed() -> None:
    desk = Desk(secrets=Secrets({("dispatch", "redis", "url"): "redis://a"}))
    await desk.store()
    desk.source()
    await desk.directory.close()
    assert desk.own.closed
    assert all(opened.closed for opened in desk.opened)
