"""Downtime is not healthy time."""

from collections.abc import Iterator

from tests.simulation.world.history import Stored
from tests.simulation.world.world import World

from .evidence import SLACK, Evidence, key_of, skews, status_rank
from .violation import Violation


def downtime_is_not_healthy_time(world: World) -> Iterator[Violation]:
    """The healthy time in a status is no more than anybody had good evidence for."""
    evidence, slack = Evidence(world.history), SLACK + skews(world.history)
    for entry in world.history:
        if isinstance(entry, Stored) and entry.object.get("status", {}).get("record"):
            status = entry.object["status"]
            claimed = status.get("progress", {}).get("healthySeconds", 0.0)
            rank = status_rank(entry)
            since = evidence.held[key_of(entry.ref)].first.get((entry.uid, rank), entry.at)
            seen = evidence.good_seconds(entry.uid, since, entry.at)
            if claimed > seen + slack:
                message = f"{entry.ref} claims {claimed} s of health; in its stage {seen:.2f} s were seen by anybody"
                yield Violation(entry.at, message)
        evidence.take(entry)
