"""The looks of one guardrail: what a breach is counted over, and since when it passes or says nothing."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.api.guardrail import BreachAfter
from mlrollout.evidence.measurement import Held, Measurement, MeasurementHistory, Verdict

from tests.pure.domain.specs import ERRORS, MAX_AGE

LETTERS = {
    "P": Verdict.PASS,
    "B": Verdict.BREACH,
    "I": Verdict.INCONCLUSIVE,
    "N": Verdict.NO_DATA,
    "E": Verdict.ERROR,
    "F": Verdict.INCONCLUSIVE,
    "U": Verdict.ERROR,
}
HELD = {"F": Held.FEW, "U": Held.UNCOUNTED}


def _measured(looks: str, failures: int = 1, of: int = 1, reach: float = 0.0) -> MeasurementHistory:
    """One look every ten seconds, from 10 on; a dot is none."""
    measured = MeasurementHistory(ERRORS.model_copy(update={"breach_after": BreachAfter(failures=failures, of=of)}))
    for number, letter in enumerate(looks, start=1):
        if letter != ".":
            measured = measured.add(Measurement(LETTERS[letter], number * 10.0, reach, held=HELD.get(letter)))
    return measured


@pytest.mark.parametrize(
    ("looks", "failures", "of", "at"),
    [
        ("", 1, 1, None),
        ("B", 1, 1, 10),
        ("BP", 1, 1, None),
        ("BNE", 1, 1, 10),  # what says nothing takes nothing back
        ("BI", 1, 1, None),  # an answer, though no good one
        ("BB", 3, 5, None),
        ("BPBPB", 3, 5, 50),
        ("BBPPPB", 3, 5, None),
        ("BNEBNEB", 3, 5, 70),
        ("BBB", 2, 3, 30),
    ],
)
def test_a_breach_is_so_many_bad_looks_of_the_last_that_had_an_answer(
    looks: str, failures: int, of: int, at: float | None
) -> None:
    look = _measured(looks, failures, of).breach(0.0, 0.0)
    assert (look.at if look is not None else None) == at


@pytest.mark.parametrize(
    ("measurements_from", "evidence_from", "breached"), [(20, 15, True), (20.5, 15, False), (20, 15.5, False)]
)
def test_looks_and_evidence_of_an_earlier_attempt_are_no_breach(
    measurements_from: float,
    evidence_from: float,
    breached: bool,  # noqa: FBT001 - a table
) -> None:
    assert (_measured("PB", reach=5.0).breach(measurements_from, evidence_from) is not None) is breached


@pytest.mark.parametrize(
    ("looks", "since"),
    [
        ("", inf),
        ("P", 10),
        ("PPP", 10),
        ("PPB", inf),
        ("BPP", 20),
        ("PNPP", 30),
        ("PIP", 30),
        ("P..P", 10),
        ("P...P", 50),
    ],
)
def test_it_passes_since_the_first_of_the_passes_that_were_never_out_of_date(looks: str, since: float) -> None:
    assert MAX_AGE == 30
    assert _measured(looks).passing_since == since


@pytest.mark.parametrize(
    ("looks", "since"),
    [
        ("P", inf),
        ("PN", 20),
        ("PNNN", 20),
        ("PNNI", inf),
        ("PEE", 20),
        ("PNE", 30),  # no data is an answer of the source: the failing begins after it
        ("PEN", 30),  # and failed looks are no sign that there is no data
        ("PNENEN", 20),  # by turns: there has been no data since the first
        ("PNENPEN", 70),
    ],
)
def test_evidence_is_missing_since_the_first_look_that_missed_it_so(looks: str, since: float) -> None:
    assert _measured(looks).missing_since == since


@pytest.mark.parametrize(
    ("looks", "held", "uncounted"),
    [
        ("", inf, inf),
        ("F", 10, inf),
        ("FFF", 10, inf),
        ("FNEF", 10, inf),  # where nobody comes, nothing is well
        ("FPF", 30, inf),
        ("FIF", 30, inf),
        ("FBF", 10, inf),  # a breach is no good value
        ("BFB", 20, inf),
        ("FU", 10, 20),
        ("UFU", 10, 30),
        ("UNEU", 10, 10),
        ("UP", inf, inf),
    ],
)
def test_bad_values_are_held_back_since_the_first_of_them(looks: str, held: float, uncounted: float) -> None:
    measured = _measured(looks)
    assert (measured.held_since, measured.uncounted_since) == (held, uncounted)


def test_a_clock_set_back_leaves_nothing_ahead() -> None:
    measured = _measured("BNEP", of=5).add(Measurement(Verdict.PASS, 35.0, 0.0))
    assert measured.passing_since == 35.0
    assert [look.at for look in measured.answered] == [10.0, 35.0]
    assert _measured("PN").add(Measurement(Verdict.NO_DATA, 15.0, 0.0)).missing_since == 15.0
    assert _measured("PE").add(Measurement(Verdict.ERROR, 15.0, 0.0)).missing_since == 15.0


@given(st.text("PBINE.", max_size=30), st.integers(1, 4), st.integers(1, 4))
def test_counting_needs_no_more_than_the_trail_keeps(looks: str, failures: int, of: int) -> None:
    failures, of = sorted((failures, of))
    measured = _measured(looks, failures, of)
    answered = [letter for letter in looks if letter in "PBI"][-of:]
    assert (measured.breach(0.0, 0.0) is not None) is (answered.count("B") >= failures)
    assert len(measured.answered) <= of
    assert (measured.passing_since < inf) is (looks.rstrip(".")[-1:] == "P")
    assert (measured.missing_since < inf) is (looks.rstrip(".")[-1:] in ("N", "E"))
