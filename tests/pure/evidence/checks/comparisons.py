"""Comparisons that find something, and what they found."""

from mlrollout.evidence.measurement import Measurement, Verdict

from tests.pure.evidence.checks.counters import Looks


def breach(looks: Looks) -> Measurement:
    return next(one for one in looks.made if one.verdict is Verdict.BREACH)


def verdicts(looks: Looks) -> set[Verdict]:
    return {one.verdict for one in looks.made}
