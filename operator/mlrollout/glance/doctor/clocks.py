"""Whether clocks agree: windows, ages and deadlines of several machines are read together."""

from collections.abc import Mapping

from mlrollout.api.duration import brief

from .diagnosis import Diagnosis, DiagnosisLevel, ok, unseen

ABOUT = "clocks"
APART = 5.0
"""Seconds from which a clock is wrong. A second comes of what the API server tells, which is whole seconds."""


def clocks(ahead: Mapping[str, float | None]) -> Diagnosis:
    """What is told of clocks.

    Args:
        ahead: By how many seconds each is ahead of the API server's; `None` where that can't be seen.
    """
    known = {whose: by for whose, by in ahead.items() if by is not None}
    if not known:
        return unseen(ABOUT, "the API server does not tell its time")
    missing = [whose for whose, by in ahead.items() if by is None]
    but = f"; {' and '.join(missing)} could not be seen" if missing else ""
    wrong = {whose: by for whose, by in known.items() if abs(by) > APART}
    if not wrong:
        verb = "is" if len(known) == 1 else "are"
        return ok(ABOUT, f"{' and '.join(known)} {verb} within {APART:.0f} s of the API server's{but}")
    told = ", ".join(f"{whose} is {brief(abs(by))} {'ahead' if by > 0 else 'behind'}" for whose, by in wrong.items())
    todo = "have that machine keep time: ages are wrong otherwise, and samples look missing or stale"
    return Diagnosis(ABOUT, DiagnosisLevel.WARNING, f"of the API server's, {told}{but}", todo)
