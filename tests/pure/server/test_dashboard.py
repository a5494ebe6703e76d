"""What the dashboard makes of an object, of signatures, of figures; and how its sessions are sealed."""

import json
import math
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import promql_parser
import pytest
import yaml
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.domain.foretell import offered
from mlrollout.domain.request import SHOWN, one_line
from mlrollout.glance.advice import advise
from mlrollout.glance.rollout import glance
from mlrollout.ports import Ref
from mlrollout.server.config import BusinessFigure, DashboardSettings
from mlrollout.server.dashboard import acts, details, figures, offers, seal
from mlrollout.server.dashboard.exchange import SessionAnswer
from mlrollout.server.dashboard.figure_models import FigureTarget, Op
from mlrollout.server.dashboard.known import KnownRollout, KnownRollouts
from mlrollout.server.dashboard.models import RolloutDetail
from mlrollout.server.dashboard.people import Person, check_csrf
from mlrollout.server.dashboard.refs import checked
from mlrollout.server.dashboard.seal import Seal, TooLongError
from mlrollout.server.http.problem import HttpProblem

from tests.support import dispatch

STATES = dispatch.rollouts()


def detailed(found: dict[str, Any]) -> RolloutDetail:
    seen = glance(found, dispatch.NOW)
    return details.detail(found, seen, advise(seen), offers.offers(found, dispatch.NOW))


# --- an object ---------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_line_and_its_detail(state: str) -> None:
    found = STATES[state]
    known = KnownRollout(found, dispatch.NOW, 1)
    line, one = json.loads(known.line(may_act=True)), json.loads(known.detail(may_act=True).text())

    assert line["message"]
    assert {name: one[name] for name in line if name not in {"stages", "can"}} == {
        name: value for name, value in line.items() if name not in {"stages", "can"}
    }
    assert one["can"] == [str(offer.verb) for offer in offered(found, dispatch.NOW)]
    assert ("rollback" in line["can"]) is ("rollback" in one["can"])
    assert [len(one["guardrails"]), len(one["history"])] == [
        len(found["spec"]["guardrails"]),
        len(found.get("status", {}).get("history", [])),
    ]


def test_a_revision_that_waits_for_a_person_is_told() -> None:
    found = STATES["complete"]
    waiting = found | {"status": found["status"] | {"waiting": {"revision": "ranker-2"}}}
    assert (detailed(found).waiting, detailed(waiting).waiting) == ("", "ranker-2")


def test_who_may_not_act_is_offered_nothing() -> None:
    known = KnownRollout(STATES["second stage"], dispatch.NOW, 1)
    assert json.loads(known.line(may_act=False))["can"] == []
    assert known.detail(may_act=False).can == ()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(spec=ANYTHING, status=ANYTHING, field=ANYTHING)
def test_whatever_stands_in_an_object_it_is_shown_as_json(spec: object, status: object, field: object) -> None:
    names = ("conditions", "history", "guardrails", "stages", "progress", "record", "percentage", "ongoing")
    metadata = {"namespace": "a", "name": "b", "uid": "u", "managedFields": field}
    for of in ({"spec": spec, "status": status}, {"status": dict.fromkeys(names, field), "spec": {"stages": field}}):
        known = KnownRollout({"metadata": metadata, **of}, dispatch.NOW, 1)
        assert json.loads(known.line(may_act=False))["name"] == "b"
        assert json.loads(known.detail(may_act=False).text())["name"] == "b"


def test_the_percentage_over_time_is_that_of_the_history_up_to_now() -> None:
    one = detailed(STATES["rolled back by a person"])
    track = details.track(one, dispatch.NOW)

    assert [value for _, value in track.points] == [*[step.to for step in one.history], 0]
    assert [at for at, _ in track.points] == sorted(at for at, _ in track.points)
    assert track.points[-1] == (dispatch.NOW, 0)
    assert [(event.was, event.to) for event in track.events][-1] == (10, 0)


@pytest.mark.parametrize(
    ("reason", "message", "who"),
    [
        ("Paused", "the rollout is paused: lunch (by kim)", "kim"),
        ("Paused", "the rollout is paused: by kim", "kim"),
        ("Retried", "a new attempt is asked for: by kim; 0 %", "kim"),
        ("ManualRollback", "asked for by annotation: x (by ops over HTTP at 2026-11-23T09:30:00.250Z)", "ops"),
        ("RolledBack", "10 % -> 0 %: asked for by annotation: x (by kim)", "kim"),
        ("RolledBack", "10 % -> 0 %: guardrail errors: 7 % are bad (by kim)", None),
        ("ManualRollback", "asked for by an annotation that x (by kim) keeps in a manifest: ", None),
        ("AttemptStarted", "attempt 2 begins: revision 2 (by kim)", None),
        (
            "Approved",
            "x (by admin) [dashboard 2026-11-23T09:30:00Z] (by system:serviceaccount:a:b)",
            "system:serviceaccount:a:b",
        ),
        ("Paused", "lunch (by boss) [dashboard 2026-11-23T09:30:00.250Z] (by Kim Lee)", "Kim Lee"),
        ("Paused", "lunch (by boss) [dashboard 2026-11-23T09:30:00.250Z] (by Lee (ops) Kim)", "Lee (ops) Kim"),
        ("Paused", "lunch (by boss) [dashboard 2026-11-23T09:30:00.250Z] (by Lee (ops)", None),
        ("Paused", "lunch (by boss) [dashboard 2026-11-23T09:30:00.250Z]", None),
        ("Paused", "lunch (by boss) (by ops team over HTTP at 2026-11-23T09:30:00.250Z)", "ops team"),
        ("Promoted", "guardrail errors: 7 % are bad, by chance alone", None),
        ("Promoted", "(by )", None),
        ("Promoted", "", None),
    ],
)
def test_who_asked_is_who_signed_last(reason: str, message: str, who: str | None) -> None:
    assert details.signer(reason, message) == who


@given(reason=st.text(max_size=200), name=st.text(alphabet="abc:- é", max_size=200).map(one_line).filter(bool))
def test_whoever_asks_stands_in_what_the_operator_keeps(reason: str, name: str) -> None:
    said = acts._signed(reason, name)
    assert len(f"100 {said}") <= SHOWN
    assert details.signer("Paused", said) == name


@pytest.mark.parametrize("name", ["", "a" * 201])
def test_who_is_not_known_or_does_not_fit_signs_nothing(name: str) -> None:
    """A part of a name would be somebody else's."""
    said = acts._signed("they complain", name)
    assert said.startswith("they complain [dashboard ")
    assert details.signer("Paused", said) is None


# --- what is known -----------------------------------------------------------------------------


def _object(name: str, version: int, uid: str = "u") -> dict[str, Any]:
    found = STATES["second stage"]
    metadata = {**found["metadata"], "name": name, "resourceVersion": str(version), "uid": uid}
    return {**found, "metadata": metadata}


async def test_a_list_that_brings_nothing_new_changes_nothing() -> None:
    known = KnownRollouts(lambda: dispatch.NOW)
    await known.replace([_object("a", 1), _object("b", 2)])
    seen = known.version
    await known.replace([_object("a", 1), _object("b", 2)])
    assert (known.version, known.since(seen), known.removed) == (seen, [], 0)
    await known.replace([_object("b", 3)])
    assert [ref.name for ref, _ in known.since(seen)] == ["b"]
    assert known.removed > seen


def test_the_end_of_an_object_is_none_of_its_successor() -> None:
    known = KnownRollouts(lambda: dispatch.NOW)
    ref = Ref(dispatch.NAMESPACE, "a")
    known.put(ref, _object("a", 2, "later"))
    known.remove(ref, "earlier")
    assert ref in known
    known.remove(ref, "later")
    assert ref not in known


def test_the_last_change_comes_last() -> None:
    known = KnownRollouts(lambda: dispatch.NOW)
    for number, name in enumerate("abcab"):
        known.put(Ref("x", name), _object(name, number))
    assert [ref.name for ref, _ in known.since(0)] == ["c", "a", "b"]
    assert [ref.name for ref, _ in known.since(4)] == ["b"]


@pytest.mark.parametrize("namespace", ["", "A", "a/b", "..", "a..", "-a", "a" * 300, "a\n", "ä"])
def test_what_is_no_name_is_refused(namespace: str) -> None:
    with pytest.raises(HttpProblem):
        checked(namespace, "a")
    with pytest.raises(HttpProblem):
        checked("a", namespace)


# --- figures -----------------------------------------------------------------------------------

TREND = figures.TrendRange(3600, 60)
BUSINESS = BusinessFigure.model_validate(
    {
        "key": "empty_run",
        "title": {"en": "Empty-run distance"},
        "query": 'label_replace(sum by (group) (x{n="$namespace",o="$name"}[$window]), "a", "$1", "b", "(.*)")',
        "target": {"op": "<=", "value": -20, "relative": True},
    }
)


def test_what_stands_for_the_rollout_is_filled_in_and_nothing_else() -> None:
    said = figures.business_query(BUSINESS, Ref("dispatch", "eta"), "eta", 300.0)
    assert said == 'label_replace(sum by (group) (x{n="dispatch",o="eta"}[300s]), "a", "$1", "b", "(.*)")'


def _business(treatment: float, control: float) -> Any:
    answer = [
        ({"group": "treatment"}, [(3600.0, treatment)]),
        ({"group": "control"}, [(3600.0, control)]),
        ({}, [(3600.0, 1.0)]),
    ]
    return figures.business(BUSINESS, TREND, answer)


def test_a_relative_target_is_about_the_treatment_against_the_control() -> None:
    good, bad, alone = _business(70, 100), _business(90, 100), _business(70, 0)
    assert (good.change, good.groups["treatment"].ok, good.groups["control"].ok) == (pytest.approx(-30), True, None)
    assert (bad.change, bad.groups["treatment"].ok) == (pytest.approx(-10), False)
    assert (alone.change, alone.groups["treatment"].ok) == (None, None)
    assert good.title.ko == "Empty-run distance"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_nothing(value: float) -> None:
    found = _business(value, 100)
    assert (found.groups["treatment"].value, found.change) == (None, None)
    assert "NaN" not in found.text()


@given(value=st.floats(allow_nan=False, allow_infinity=False), limit=st.floats(-1e6, 1e6))
def test_a_target_is_met_or_missed_and_of_nothing_neither(value: float, limit: float) -> None:
    held = {op: figures.meets(FigureTarget(op=op, value=limit), value) for op in Op}
    assert held[Op.AT_LEAST] is (value >= limit) is not held[Op.BELOW]
    assert held[Op.AT_MOST] is (value <= limit) is not held[Op.ABOVE]
    assert {figures.meets(FigureTarget(op=op, value=limit), None) for op in Op} == {None}


def test_the_example_of_the_docs_is_read() -> None:
    page = Path(__file__).parents[3].joinpath("docs", "dashboard.md").read_text()
    shown = yaml.safe_load(re.findall(r"```yaml\n(dashboard:\n.*?)```", page, re.DOTALL)[0])["dashboard"]
    assert set(shown) == set(DashboardSettings.model_fields)
    settings = DashboardSettings.model_validate(shown)
    query = figures.business_query(settings.business[0], Ref("dispatch", "eta"), "eta", settings.window)
    promql_parser.parse(query)
    assert "$" not in query


def test_two_figures_of_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match="stands there twice"):
        DashboardSettings(business=(BUSINESS, BUSINESS))


# --- sessions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", ["", "y", "x ", "ä", b"\xff".decode(errors="surrogateescape")])
def test_what_another_page_sends_is_refused_whatever_bytes_it_shows(shown: str) -> None:
    session = SessionAnswer(
        user="kim", groups=(), mode="cluster", context=None, csrf="x", expires_at=None, namespaces=None
    )

    async def may(_verb: str, _ref: Ref) -> bool:
        return True

    def request(csrf: str) -> Any:
        return SimpleNamespace(headers={"X-CSRF-Token": csrf})

    person = Person("kim", may, session, "kim")
    with pytest.raises(HttpProblem) as refused:
        check_csrf(request(shown), person)
    assert refused.value.status == 403
    check_csrf(request("x"), person)


def test_a_token_comes_out_as_it_went_in_where_the_secret_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    one, same, other = Seal(b"x" * 32), Seal(b"x" * 32), Seal(b"y" * 32)
    value = one.close("token")
    assert (same.open(value), other.open(value), one.open("x"), one.open("ä")) == ("token", None, None, None)
    assert same.csrf(value) == one.csrf(value) != other.csrf(value)
    assert one.csrf("\udcff") != one.csrf("")
    assert one.ends(value) == pytest.approx(time.time() + seal.LASTS, abs=5)
    monkeypatch.setattr(seal, "LASTS", -1)
    assert one.open(value) is None


def test_what_was_ended_is_forgotten_once_nobody_could_open_it_or_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seal, "MOST_ENDED", 2)
    made = Seal(b"x" * 32)
    values = [made.close(str(number)) for number in range(3)]
    for value in (*values, "x", ""):
        made.end(value)
    assert [made.open(value) for value in values] == ["0", None, None]
    monkeypatch.setattr(seal, "MOST_ENDED", 10)
    later = time.time() + seal.LASTS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    made.end(made.close("last"))
    assert len(made._ended) == 1


def test_a_token_that_fits_in_no_cookie_is_told() -> None:
    made = Seal(b"x" * 32)
    assert len(made.close("t" * 2700)) <= seal.LONGEST
    with pytest.raises(TooLongError):
        made.close("t" * 3000)


def test_what_another_key_has_sealed_is_not_opened() -> None:
    assert Seal(b"x" * 32).open(Fernet(Fernet.generate_key()).encrypt(b"t").decode()) is None
