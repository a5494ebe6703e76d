"""Each promise of the demo can be broken, and is then told apart from a kept one."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace

import pytest
from mlrollout.api.status import Condition, ConditionStatus, Status
from mlrollout.domain.record import Record
from mlrollout.domain.traffic import Traffic

from devstack.demo.application import Requests
from devstack.demo.chronicle import Happening, Quiet, Scene
from devstack.demo.promises import Promise, earned, left_alone, taken_back, would_have_been_taken_back
from devstack.demo.story import rollout

SPEC = rollout()
DESCRIBED = "Stalled GuardrailBreached RolledBack"
BREACH = (
    "10 % -> 0 %: guardrail errors: treatment fails 29.7 % (11 of 37), legacy 1.17 %; 25 times worse, surely more than "
    "3.8; tolerated is 1.5; chance of a false alarm below 0.5 %"
)
ALONE = (
    "100 % -> 0 %: guardrail errors: treatment fails 25.3 % (42 of 166) without a control, surely more than 13 %; "
    "max 10 %; chance of a false alarm below 0.5 %"
)
FLAWLESS = (
    "10 % -> 0 %: guardrail errors: treatment fails 40 % (6 of 15), legacy 0 %, surely more than 4.8; tolerated is "
    "1.5; chance of a false alarm below 0.5 %"
)
LATE = (
    "30 % -> 0 %: guardrail errors: treatment fails 26 % (34 of 131) since 2026-11-26T04:45:50Z, legacy 2.11 %; "
    "12 times worse; in all of this stage treatment fails 13.4 % (43 of 320), legacy 2.5 %; 5.4 times worse; "
    "tolerated is 1.5"
)
OLD_RULE = "guardrail old-threshold (alerts only): 0.0566 is above max 0.05 (window 5s)"


@dataclass
class Film:
    """Scenes at two per second, with a hundred requests in between."""

    scenes: list[Scene] = field(default_factory=list)
    attempt: int = 1

    def run(self, seconds: float, percentage: int, *, share: float | None = None, latched: bool = False) -> "Film":
        record = Record(self.attempt, latched, len(self.scenes), percentage)
        for _ in range(round(seconds * 2) + 1):
            last = self.scenes[-1] if self.scenes else Scene(0, Traffic(None, None), Requests(0, 0, 0))
            treated = percentage if share is None else share
            served = Requests(last.requests.control + 100 - treated, last.requests.treatment + treated, 0)
            self.scenes.append(Scene(last.at + 0.5, Traffic(str(percentage), record), served, generation=1))
        return self

    def end(self, *conditions: str, events: Sequence[str] = (), before: Sequence[str] = ()) -> list[Scene]:
        """The scenes, with these conditions true and these warnings told in the last one; some before the attempt."""
        shown = tuple(
            Condition(
                type=name,
                status=ConditionStatus.TRUE,
                reason="Test",
                message="",
                last_transition_time=0,
                observed_generation=1,
            )
            for name in conditions
        )
        begun = Happening(serial="begun", reason="AttemptStarted", message="attempt 2 begins", warning=False)
        told = (*warnings(before, "RolledBack"), begun, *warnings(events, "RolledBack"))
        last = replace(self.scenes[-1], status=Status(conditions=shown), events=told)
        return [*self.scenes[:-1], last]


def warnings(messages: Sequence[str], reason: str) -> tuple[Happening, ...]:
    return tuple(Happening(message, reason, message, warning=True) for message in messages)


def success() -> Film:
    return Film().run(1, 0).run(12, 10).run(12, 30).run(10, 100)


def rollback() -> Film:
    film = Film().run(1, 100)
    film.attempt = 2
    return film.run(1, 0).run(4, 10).run(3, 0, latched=True)


def broken(promises: Sequence[Promise]) -> list[str]:
    return [promise.text for promise in promises if not promise.kept]


def broken_of_success(scenes: list[Scene]) -> list[str]:
    return broken(list(earned(SPEC, scenes)))


def broken_of_rollback(scenes: list[Scene], described: str = DESCRIBED, stages: Sequence[int] = (10,)) -> list[str]:
    return broken(list(taken_back(SPEC, scenes, described, stages)))


def quietly(*held: int, latched: bool = False, told: str = OLD_RULE) -> list[Scene]:
    """Scenes of the second rollout alone."""
    served = Requests(900, 100, 3)
    events = warnings([told], "GuardrailAlert")
    found = [Quiet(percentage, latched=latched, requests=served, events=events) for percentage in held]
    return [Scene(at, Traffic(None, None), served, quiet=one) for at, one in enumerate(found)]


def test_a_rollout_as_promised_breaks_nothing() -> None:
    assert broken_of_success(success().end("Ready")) == []


def test_a_rollback_as_promised_breaks_nothing() -> None:
    assert broken_of_rollback(rollback().end("Stalled", events=[BREACH])) == []


@pytest.mark.parametrize(
    ("film", "complaint"),
    [
        (Film().run(12, 10).run(10, 100), "Redis held 10, 30, 100, in this order (seen: 10, 100)"),
        (Film().run(12, 10).run(12, 30).run(2, 0).run(12, 30).run(10, 100), "(seen: 10, 30, 30, 100)"),
        (Film().run(5, 10).run(12, 30).run(10, 100), "stage pilot lasted at least its 6 s"),
        (Film().run(12, 10).run(12, 30).run(3, 100), "stage full lasted at least its 4 s"),
        (Film().run(12, 10).run(12, 30, share=10).run(10, 100), "treatment about 30 % of the requests (seen: 10.0 %)"),
        (Film().run(12, 10, share=0).run(12, 30).run(10, 100), "treatment about 10 % of the requests (seen: 0.0 %)"),
    ],
)
def test_a_stage_that_was_skipped_cut_short_or_not_followed_is_found(film: Film, complaint: str) -> None:
    found = broken_of_success(film.end("Ready"))

    assert len(found) == 1
    assert complaint in found[0]


def test_an_object_that_is_not_ready_is_found() -> None:
    assert broken_of_success(success().end()) == ["the object became Ready"]


def test_a_ready_that_speaks_of_an_older_spec_does_not_count() -> None:
    scenes = success().end("Ready")
    scenes[-1] = replace(scenes[-1], generation=2)

    assert broken_of_success(scenes) == ["the object became Ready"]


def test_a_rollback_that_came_too_late_is_found() -> None:
    film = Film(attempt=2).run(1, 0).run(4, 10).run(4, 30).run(3, 0, latched=True)

    assert "seen: 10, 30, 0" in broken_of_rollback(film.end("Stalled", events=[BREACH]))[0]


def test_a_zero_without_a_latch_is_found() -> None:
    film = Film(attempt=2).run(1, 0).run(4, 10).run(3, 0)

    assert len(broken_of_rollback(film.end("Stalled", events=[BREACH]))) == 1


def test_users_who_stay_in_treatment_are_found() -> None:
    film = Film(attempt=2).run(1, 0).run(4, 10).run(3, 0, share=1, latched=True)

    assert "served control only" in broken_of_rollback(film.end("Stalled", events=[BREACH]))[0]


@pytest.mark.parametrize("message", [ALONE, LATE, FLAWLESS])
def test_other_words_for_the_evidence_are_found_too(message: str) -> None:
    assert broken_of_rollback(rollback().end("Stalled", events=[message])) == []


def test_a_model_that_goes_bad_late_may_go_on_to_the_next_stage_before_it_is_found() -> None:
    film = Film(attempt=2).run(1, 0).run(12, 10).run(12, 30)
    late = [deepcopy(film).run(3, 0, latched=True), deepcopy(film).run(2, 100).run(3, 0, latched=True)]

    assert [broken_of_rollback(one.end("Stalled", events=[LATE]), stages=(10, 30)) for one in late] == [[], []]
    early = Film(attempt=2).run(1, 0).run(4, 10).run(3, 0, latched=True)
    assert "seen: 10, 0" in broken_of_rollback(early.end("Stalled", events=[LATE]), stages=(10, 30))[0]


def test_the_quiet_one_that_keeps_its_users_breaks_nothing() -> None:
    scenes = quietly(0, 0, 10, 10, 30)

    assert broken(list(left_alone(scenes))) == []
    assert would_have_been_taken_back(scenes[-1])


@pytest.mark.parametrize(
    ("scenes", "complaint"),
    [
        (quietly(0, 10, 30, told="guardrail errors (alerts only): something else"), "the old rule would have taken"),
        (quietly(0, 10, 0), "the comparison left it its users (seen: 10, 0 %"),
        (quietly(0, 0), "the comparison left it its users (seen: nothing %"),
        (quietly(0, 10, latched=True), "the comparison left it its users (seen: 10 %"),
    ],
)
def test_what_became_otherwise_of_the_quiet_one_is_found(scenes: list[Scene], complaint: str) -> None:
    (found,) = broken(list(left_alone(scenes)))

    assert complaint in found


@pytest.mark.parametrize(
    "message",
    [
        "",
        "guardrail errors",
        BREACH.replace("tolerated is 1.5", "tolerated is 2"),
        BREACH.replace("guardrail errors", "guardrail slow"),
        BREACH.replace("29.7 %", "1.2 %"),
        ALONE.replace("max 10 %", "max 5 %"),
        ALONE.replace("25.3 %", "9 %"),
    ],
)
def test_an_event_without_the_evidence_is_found(message: str) -> None:
    found = broken_of_rollback(rollback().end("Stalled", events=[message], before=[BREACH]))

    assert len(found) == 1
    assert "a Warning Event says by how much the treatment is too bad" in found[0]


@pytest.mark.parametrize("conditions", [(), ("Ready",), ("Ready", "Stalled")])
def test_an_object_that_is_not_stalled_is_found(conditions: tuple[str, ...]) -> None:
    found = broken_of_rollback(rollback().end(*conditions, events=[BREACH]))

    assert found == ["the object became Stalled, and is no longer Ready"]


def test_a_description_that_says_nothing_of_it_is_found() -> None:
    found = broken_of_rollback(rollback().end("Stalled", events=[BREACH]), described="Name: ml-dispatch")

    assert found == ["kubectl describe tells all of it"]
