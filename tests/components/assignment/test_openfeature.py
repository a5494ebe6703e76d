"""OpenFeature's own client asks, on a real Redis: values, reasons and error codes."""

import threading
from collections.abc import Iterator

import pytest
from mlrollout import Rollout
from mlrollout.assignment.openfeature import Flag, MlrolloutProvider
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagType, FlagValueType
from openfeature.provider import ProviderStatus

from tests.components.assignment.openfeature_client import FLAG, KIM, serving
from tests.components.assignment.place import KEY, REVISION, Place, reaches, until

DEFAULTS: dict[FlagType, FlagValueType] = {
    FlagType.BOOLEAN: False,
    FlagType.STRING: "neither",
    FlagType.INTEGER: -1,
    FlagType.FLOAT: -1.0,
    FlagType.OBJECT: {"neither": True},
}
TREATMENT: dict[FlagType, FlagValueType] = {
    FlagType.BOOLEAN: True,
    FlagType.STRING: "treatment",
    FlagType.INTEGER: 1,
    FlagType.FLOAT: 1.0,
    FlagType.OBJECT: {"group": "treatment"},
}


@pytest.fixture
def client(at_100: Rollout) -> Iterator[OpenFeatureClient]:
    with serving(MlrolloutProvider({FLAG: at_100})) as made:
        yield made


def asked(
    client: OpenFeatureClient, kind: FlagType = FlagType.STRING, flag: str = FLAG, context: EvaluationContext = KIM
) -> FlagEvaluationDetails[FlagValueType]:
    details: FlagEvaluationDetails[FlagValueType]
    details = client.evaluate_flag_details(kind, flag, DEFAULTS[kind], context)
    return details


# --- values ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(FlagType))
def test_a_flag_is_of_the_type_that_is_asked_for(client: OpenFeatureClient, kind: FlagType) -> None:
    details = asked(client, kind)

    assert details.error_code is None
    assert details.value == TREATMENT[kind]
    assert type(details.value) is type(TREATMENT[kind])
    assert (details.variant, details.reason) == ("treatment", "SPLIT")


@pytest.mark.parametrize("kind", list(FlagType))
async def test_an_async_evaluation_answers_the_same_in_the_same_thread(
    client: OpenFeatureClient, kind: FlagType
) -> None:
    threads = threading.active_count()
    details = await client.evaluate_flag_details_async(kind, FLAG, DEFAULTS[kind], KIM)

    assert (details.value, details.reason) == (TREATMENT[kind], "SPLIT")
    assert threading.active_count() == threads


def test_each_caller_has_an_object_of_their_own(at_100: Rollout) -> None:
    flag = Flag(at_100, control={"stops": [1]}, treatment={"stops": [2]})
    with serving(MlrolloutProvider({FLAG: flag})) as client:
        asked(client, FlagType.OBJECT).value["stops"].append("spoilt")  # type: ignore[index, union-attr, call-overload]

        assert asked(client, FlagType.OBJECT).value == {"stops": [2]}


def test_the_variants_may_have_values_of_their_own(at_100: Rollout) -> None:
    flag = Flag(at_100, control="nearest", treatment="ranker")
    with serving(MlrolloutProvider({FLAG: flag})) as client:
        assert (asked(client).value, asked(client).variant) == ("ranker", "treatment")
        with at_100.force("control"):
            assert (asked(client).value, asked(client).variant) == ("nearest", "control")


@pytest.mark.parametrize("kind", sorted(set(FlagType) - {FlagType.INTEGER, FlagType.FLOAT}))
def test_a_flag_with_values_of_another_type_is_a_mismatch(at_100: Rollout, kind: FlagType) -> None:
    with serving(MlrolloutProvider({FLAG: Flag(at_100, control=3, treatment=5)})) as client:
        details = asked(client, kind)

        assert (details.error_code, details.value) == (ErrorCode.TYPE_MISMATCH, DEFAULTS[kind])
        assert "FLOAT and INTEGER" in (details.error_message or "")
        assert asked(client, FlagType.FLOAT).value == 5.0


def test_true_is_no_integer(at_100: Rollout) -> None:
    with serving(MlrolloutProvider({FLAG: Flag(at_100, control=False, treatment=True)})) as client:
        assert asked(client, FlagType.INTEGER).error_code is ErrorCode.TYPE_MISMATCH


def test_the_answers_are_the_rollouts(place: Place) -> None:
    place.put(30)
    with Rollout(KEY, redis=place.server.url) as rollout, serving(MlrolloutProvider({FLAG: rollout})) as client:
        users = [f"user-{number}" for number in range(300)]
        answers = {user: client.get_string_value(FLAG, "", EvaluationContext(user)) for user in users}

        assert answers == {user: rollout.group(user) for user in users}
        assert set(answers.values()) == {"control", "treatment"}


# --- reasons -----------------------------------------------------------------------------------


def test_the_metadata_says_what_the_answer_is_based_on(place: Place, client: OpenFeatureClient) -> None:
    told = dict(asked(client).flag_metadata)

    assert 0 <= float(told.pop("age_seconds")) < 20
    assert told == {
        "percentage": 100,
        "rollout_reason": "Split",
        "attempt": place.record.attempt,
        "sequence": place.record.sequence,
        "stage": "pilot",
        "revision": REVISION,
    }


def test_a_rollback_answers_control_and_that_the_flag_is_disabled(
    place: Place, at_100: Rollout, client: OpenFeatureClient
) -> None:
    place.put(0, latched=True)
    reaches(at_100, 0)

    details = asked(client, FlagType.BOOLEAN)
    assert (details.value, details.variant, details.reason) == (False, "control", "DISABLED")
    assert details.flag_metadata["rollout_reason"] == "RolledBack"


@pytest.mark.parametrize(
    ("value", "reason", "why"),
    [("0", "DISABLED", "Stopped"), ("all", "DEFAULT", "Unreadable"), (None, "DEFAULT", "Absent")],
)
def test_what_redis_does_not_hold_is_control(
    place: Place, client: OpenFeatureClient, value: str | None, reason: str, why: str
) -> None:
    if value is None:
        place.redis.delete(KEY)
    else:
        place.redis.set(KEY, value)
    place.read_again()

    details = asked(client)
    assert (details.value, details.reason, details.error_code) == ("control", reason, None)
    assert details.flag_metadata["rollout_reason"] == why


def test_another_revision_is_control(place: Place) -> None:
    place.put(100)
    with (
        Rollout(KEY, redis=place.server.url, revision="another") as rollout,
        serving(MlrolloutProvider({FLAG: rollout})) as client,
    ):
        assert (asked(client).value, asked(client).reason) == ("control", "DEFAULT")


def test_staff_are_targeted(place: Place) -> None:
    place.put(1)
    with (
        Rollout(KEY, redis=place.server.url, staff=["kim"]) as rollout,
        serving(MlrolloutProvider({FLAG: rollout})) as client,
    ):
        assert (asked(client).value, asked(client).reason) == ("treatment", "TARGETING_MATCH")
        assert asked(client, context=EvaluationContext("lee")).reason == "SPLIT"


def test_what_a_test_forces_is_static_and_needs_no_redis() -> None:
    with Rollout(KEY, redis="redis://127.0.0.1:1") as rollout, rollout.force("treatment"):
        with serving(MlrolloutProvider({FLAG: rollout})) as client:
            details = asked(client)

        assert (details.value, details.reason) == ("treatment", "STATIC")


# --- error codes -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(FlagType))
def test_an_unknown_flag_is_not_found_and_the_default(client: OpenFeatureClient, kind: FlagType) -> None:
    details = asked(client, kind, flag="dispatch-ml")

    assert (details.error_code, details.reason) == (ErrorCode.FLAG_NOT_FOUND, "ERROR")
    assert details.value == DEFAULTS[kind]
    assert FLAG in (details.error_message or "")


@pytest.mark.parametrize(
    ("user", "code"),
    [
        (None, ErrorCode.TARGETING_KEY_MISSING),
        ("", ErrorCode.TARGETING_KEY_MISSING),
        (7.5, ErrorCode.INVALID_CONTEXT),
        (True, ErrorCode.INVALID_CONTEXT),
        ("x" * 1025, ErrorCode.INVALID_CONTEXT),
        (b"kim", ErrorCode.INVALID_CONTEXT),
        (["kim"], ErrorCode.INVALID_CONTEXT),
        ("kim\ud800", ErrorCode.INVALID_CONTEXT),
    ],
    ids=ascii,
)
async def test_who_is_no_user_gets_the_default(client: OpenFeatureClient, user: str | None, code: ErrorCode) -> None:
    context = EvaluationContext(user)

    details = asked(client, context=context)
    assert (details.error_code, details.value, details.reason) == (code, "neither", "ERROR")
    again = await client.get_string_details_async(FLAG, "neither", context)
    assert (again.error_code, again.value, again.reason) == (code, "neither", "ERROR")


def test_the_targeting_key_of_the_whole_application_counts(client: OpenFeatureClient) -> None:
    try:
        api.set_evaluation_context(KIM)

        assert asked(client, context=EvaluationContext()).value == "treatment"
    finally:
        api.set_evaluation_context(EvaluationContext())


def test_one_flag_that_is_not_known_yet_leaves_the_others_alone(at_100: Rollout) -> None:
    with Rollout("elsewhere", redis="redis://127.0.0.1:1") as elsewhere:
        provider = MlrolloutProvider({FLAG: at_100, "elsewhere": elsewhere}, wait=0)
        with serving(provider, wait=False) as client:
            until(lambda: client.get_provider_status() is ProviderStatus.ERROR, "the end of initialising")

            assert asked(client).value == "treatment"
            details = asked(client, flag="elsewhere")
            assert (details.error_code, details.value) == (ErrorCode.PROVIDER_NOT_READY, "neither")


@pytest.mark.parametrize("wait", [-1, float("nan"), float("inf"), 1e300])
def test_a_wait_that_makes_no_sense_is_refused(at_100: Rollout, wait: float) -> None:
    with pytest.raises(ValueError, match="number of seconds"):
        MlrolloutProvider({FLAG: at_100}, wait=wait)
