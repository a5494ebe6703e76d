"""What the application's processes answer: zero soon after Redis, and never by a lesser record again."""

from collections.abc import Iterator

from tests.simulation.world.clients import POLL, PUSH_WITHIN, STALE
from tests.simulation.world.history import Acted, Changed, Served
from tests.simulation.world.world import World

from .violation import Violation

_LATE = 0.1


def clients_follow_to_zero(world: World) -> Iterator[Violation]:
    """Where Redis stays at zero, so does every client: by the push, by its poll, or cut off by its staleness bound."""
    key = world.clients[0].key
    cuts = [
        (entry.target, entry.at, entry.at + float(str(entry.value)))
        for entry in world.history.of(Acted)
        if entry.act == "cut"
    ]
    falls = [entry for entry in world.history.of(Changed) if entry.key == key]
    for place, entry in enumerate(falls):
        if entry.after.in_force or not entry.before.in_force:
            continue
        # A hand that raises the key raises it for a client that has seen a greater record than Redis holds now.
        until = next((later.at for later in falls[place:] if later.after.percentage), world.now())
        for client in ("x", "y"):
            cut = any(name == client and begin <= entry.at + POLL and end > entry.at for name, begin, end in cuts)
            pushed = entry.cause is not None and not world.plan.lost_pushes and not _knows_better(world, client, entry)
            deadline = entry.at + _LATE + (STALE + POLL if cut else PUSH_WITHIN if pushed else POLL)
            serves = _serves(world, client, deadline)
            if deadline < until and serves:
                yield Violation(
                    deadline, f"client {client} still serves {serves} % of {key}, zero since {entry.at:.2f} s"
                )


def _knows_better(world: World, client: str, fall: Changed) -> bool:
    """Whether a client holds a greater record than was pushed, which a failover lost: the poll tells it."""
    told = [entry for entry in world.history.of(Served) if entry.client == client and entry.at <= fall.at]
    rank, record = told[-1].rank if told else None, fall.after.record
    return rank is not None and record is not None and rank > record.rank


def _serves(world: World, client: str, at: float) -> int:
    """What a client answers at a moment."""
    told = [entry for entry in world.history.of(Served) if entry.client == client and entry.at <= at]
    return told[-1].percentage if told else 0


def clients_never_go_back(world: World) -> Iterator[Violation]:
    """No client goes from a greater record to a lesser, but to that of an object it has not followed before."""
    known: dict[str, Served] = {}
    followed: dict[str, set[str]] = {}
    for entry in world.history.of(Served):
        if entry.rank is None:
            continue
        before, owners = known.get(entry.client), followed.setdefault(entry.client, set())
        if before is not None and before.rank is not None and entry.rank < before.rank and entry.owner in {"", *owners}:
            yield Violation(entry.at, f"client {entry.client} goes back from {before.rank} to {entry.rank}")
        known[entry.client] = entry
        owners.add(entry.owner)
