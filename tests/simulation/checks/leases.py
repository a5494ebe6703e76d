"""A lease is renewed as long as somebody looks."""

from collections.abc import Iterator

from mlrollout.api.duration import parse

from tests.simulation.world.history import Changed, Stored
from tests.simulation.world.world import World

from .evidence import key_of
from .violation import Violation
from .zero import Hindrances


def leases_last(world: World) -> Iterator[Violation]:
    """No traffic runs out while an instance lives that can reach Redis, whatever the API server says."""
    hindered = Hindrances(world)
    leases: dict[str, float] = {}
    for entry in world.history:
        if isinstance(entry, Stored):
            leases[key_of(entry.ref)] = parse(entry.object["spec"]["traffic"].get("lease", "0s"))
        if isinstance(entry, Changed) and entry.by == "expiry" and entry.before.in_force:
            began = entry.at - leases[entry.key]
            if not hindered.crashed(began, entry.at) and not hindered.meets(began, entry.at):
                yield Violation(entry.at, f"the lease of {entry.key} ran out at {entry.before.in_force} %")
