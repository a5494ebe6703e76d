"""The provider's life and what it tells: starting without Redis, rollbacks, outages, recovery, shutting down."""

from dataclasses import replace

import pytest
from mlrollout import Group, Reason, Rollout
from mlrollout.assignment.openfeature import MlrolloutProvider
from mlrollout.domain.record import encode
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode, ProviderNotReadyError
from openfeature.provider import ProviderStatus

from tests.components.assignment.openfeature_client import FLAG, KIM, heard, serving
from tests.components.assignment.place import KEY, Place, reaches, until

READY, STALE = ProviderEvent.PROVIDER_READY, ProviderEvent.PROVIDER_STALE
CHANGED, ERROR = ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, ProviderEvent.PROVIDER_ERROR


def hasty(url: str, key: str = KEY) -> Rollout:
    """A client that does not wait long."""
    return Rollout(key, redis=url, poll=0.1, max_staleness=0.5)


def is_now(client: OpenFeatureClient, status: ProviderStatus) -> None:
    until(lambda: client.get_provider_status() is status, str(status))


def count(told: list[tuple[ProviderEvent, EventDetails]], event: ProviderEvent) -> int:
    return [one for one, _ in told].count(event)


# --- starting ----------------------------------------------------------------------------------


def test_it_is_ready_once_redis_is_read(place: Place) -> None:
    place.put(100)
    with (
        Rollout(KEY, redis=place.server.url) as rollout,
        serving(MlrolloutProvider({FLAG: rollout}, wait=20)) as client,
    ):
        assert client.get_provider_status() is ProviderStatus.READY
        assert client.get_string_value(FLAG, "", KIM) == "treatment"


def test_set_provider_and_wait_without_redis_raises_and_becomes_ready_later(own_place: Place) -> None:
    own_place.server.kill()
    with hasty(own_place.server.url) as rollout:
        provider = MlrolloutProvider({FLAG: rollout}, wait=0.1)
        with pytest.raises(ProviderNotReadyError, match=FLAG):
            api.set_provider_and_wait(provider, "without-redis")
        client = api.get_client("without-redis")
        told = heard(client)
        details = client.get_boolean_details(FLAG, default_value=False, evaluation_context=KIM)
        assert (details.value, details.error_code) == (False, ErrorCode.PROVIDER_NOT_READY)

        own_place.server.start()
        own_place.put(100)
        is_now(client, ProviderStatus.READY)
        reaches(rollout, 100)
        assert client.get_boolean_value(FLAG, default_value=False, evaluation_context=KIM)
        until(lambda: count(told, READY), "being told")
        assert count(told, ERROR) == 1  # which was told to a handler that came late
        api.shutdown()


def test_set_provider_without_redis_goes_on_at_once_and_becomes_ready_later(own_place: Place) -> None:
    own_place.put(100)
    own_place.server.pause()
    with (
        hasty(own_place.server.url) as rollout,
        serving(MlrolloutProvider({FLAG: rollout}, wait=20), wait=False) as client,
    ):
        details = client.get_boolean_details(FLAG, default_value=False, evaluation_context=KIM)
        assert (details.value, details.error_code) == (False, ErrorCode.PROVIDER_NOT_READY)

        own_place.server.resume()
        is_now(client, ProviderStatus.READY)
        assert client.get_boolean_value(FLAG, default_value=False, evaluation_context=KIM)


def test_a_provider_that_is_set_during_an_outage_is_ready_after_it(own_place: Place) -> None:
    own_place.put(100)
    with hasty(own_place.server.url) as rollout:
        reaches(rollout, 100)
        own_place.server.pause()
        until(lambda: rollout.state.reason is Reason.STALE, "staleness")
        with serving(MlrolloutProvider({FLAG: rollout}), wait=False) as client:
            is_now(client, ProviderStatus.ERROR)
            details = client.get_string_details(FLAG, "", KIM)
            assert (details.value, details.reason, details.error_code) == ("control", "STALE", None)

            own_place.server.resume()
            is_now(client, ProviderStatus.READY)


# --- changes -----------------------------------------------------------------------------------


def test_a_rollback_is_told_as_a_change_of_every_flag_of_the_rollout(place: Place, at_100: Rollout) -> None:
    with serving(MlrolloutProvider({FLAG: at_100, "ml-panel": at_100})) as client:
        told = heard(client)
        place.put(0, latched=True)
        until(lambda: count(told, CHANGED), "being told")

        details = next(details for event, details in told if event is CHANGED)
        assert details.flags_changed == [FLAG, "ml-panel"]
        assert details.provider_name == "mlrollout"
        assert "RolledBack" in (details.message or "")
        assert client.get_string_value(FLAG, "", KIM) == "control"
        assert client.get_provider_status() is ProviderStatus.READY


def test_a_change_of_one_rollout_names_no_flag_of_another(place: Place, at_100: Rollout) -> None:
    with (
        Rollout("elsewhere", redis=place.server.url) as elsewhere,
        serving(MlrolloutProvider({FLAG: at_100, "elsewhere": elsewhere}, wait=20)) as client,
    ):
        told = heard(client)
        record = replace(place.record, percentage=30)
        place.redis.mset({"elsewhere": 30, "elsewhere:record": encode(record)})
        place.redis.publish("elsewhere:changes", encode(record))
        until(lambda: count(told, CHANGED), "being told")

        assert [details.flags_changed for event, details in told if event is CHANGED] == [["elsewhere"]]


def test_an_outage_is_stale_and_control_and_after_it_all_is_as_before(own_place: Place) -> None:
    own_place.put(100)
    with hasty(own_place.server.url) as rollout, serving(MlrolloutProvider({FLAG: rollout}, wait=20)) as client:
        told = heard(client)
        own_place.server.pause()
        is_now(client, ProviderStatus.STALE)
        details = client.get_string_details(FLAG, "", KIM)
        assert (details.value, details.reason, details.error_code) == ("control", "STALE", None)
        assert details.flag_metadata["percentage"] == 0

        own_place.server.resume()
        is_now(client, ProviderStatus.READY)
        assert client.get_string_value(FLAG, "", KIM) == "treatment"
        until(lambda: count(told, READY) == 2, "being told")
        assert count(told, STALE) >= 1


def test_one_of_two_rollouts_that_is_too_old_makes_the_provider_stale(place: Place, own_place: Place) -> None:
    place.put(100)
    own_place.put(100)
    with (
        hasty(place.server.url) as here,
        hasty(own_place.server.url) as there,
        serving(MlrolloutProvider({FLAG: here, "there": there}, wait=20)) as client,
    ):
        own_place.server.kill()
        is_now(client, ProviderStatus.STALE)
        until(lambda: client.get_string_value("there", "", KIM) == "control", "control")
        assert client.get_string_value(FLAG, "", KIM) == "treatment"


def test_an_outage_that_nobody_noticed_is_told_when_it_is_over(own_place: Place) -> None:
    """What follows Redis may freeze longer than what is known holds, as in a process that was stopped."""
    own_place.put(100)
    with Rollout(KEY, redis=own_place.server.url, poll=0.1, max_staleness=0.9) as rollout:
        reaches(rollout, 100)
        told: list[Reason] = []
        rollout.on_change(lambda state: told.append(state.reason))

        def freeze() -> bool:
            if not told:
                rollout._view = replace(rollout._view, confirmed=rollout._view.confirmed - 1)
            return bool(told)

        until(freeze, "being told of the outage")
        until(lambda: len(told) == 2, "being told of its end")
        assert told == [Reason.STALE, Reason.SPLIT]


# --- shutting down -----------------------------------------------------------------------------


def test_a_provider_that_is_shut_down_leaves_the_rollout_to_who_made_it(place: Place, at_100: Rollout) -> None:
    provider = MlrolloutProvider({FLAG: at_100})
    with serving(provider) as client:
        told = heard(client)
        listeners = len(at_100._listeners)
        assert listeners == 1
    until(lambda: not at_100._listeners, "shutting down")

    place.put(30)
    reaches(at_100, 30)
    assert not count(told, CHANGED)


def test_a_provider_closes_the_rollouts_that_were_given_to_it(place: Place) -> None:
    place.put(100)
    rollout = Rollout(KEY, redis=place.server.url)
    with serving(MlrolloutProvider({FLAG: rollout}, wait=20, close=True)):
        assert rollout.group("kim") is Group.TREATMENT
    until(lambda: rollout.state.reason is Reason.NOT_READY, "closing")


def test_a_provider_that_was_shut_down_can_be_set_again(place: Place, at_100: Rollout) -> None:
    provider = MlrolloutProvider({FLAG: at_100})
    with serving(provider):
        pass
    until(lambda: not at_100._listeners, "shutting down")
    with serving(provider) as client:
        told = heard(client)
        place.put(30)
        until(lambda: count(told, CHANGED) == 1, "being told")
