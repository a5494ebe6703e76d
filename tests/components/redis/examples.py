"""Records of one rollout, as its object writes them."""

from mlrollout.domain.record import Record


def record(
    percentage: int, *, attempt: int = 1, sequence: int = 0, latched: bool = False, owner: str = "uid-1"
) -> Record:
    return Record(
        attempt=attempt,
        latched=latched,
        sequence=sequence,
        percentage=percentage,
        revision="ranker-2026-11-03",
        owner=owner,
        holder="dispatch/ml-dispatch",
    )


ZERO = record(0)
TEN = record(10, sequence=1)
THIRTY = record(30, sequence=2)
LATCHED = record(0, sequence=3, latched=True)
