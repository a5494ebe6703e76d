"""How to come to where an example begins. One good look of everything, and a decision, every ten seconds."""

from tests.pure.domain.world import Happening, World

BEGUN: tuple[Happening, ...] = (("handle", 0), ("looks",), ("handle", 0))

SITUATIONS: dict[str, tuple[Happening, ...]] = {
    "before the first stage": (("stages", "asked"), ("handle", 0), ("go_well", 2)),
    "first stage announced": (("handle", 0), ("go_well", 1)),
    "first stage": (("handle", 0), ("go_well", 6)),
    "second stage announced": (("handle", 0), ("go_well", 9)),
    "second stage": (("handle", 0), ("go_well", 14)),
    "waiting for approval": (("handle", 0), ("go_well", 20)),
    "last stage": (("handle", 0), ("go_well", 18), ("ask", "approve"), ("go_well", 4)),
    "complete": (("handle", 0), ("go_well", 18), ("ask", "approve"), ("go_well", 12)),
    "rolled back": (("handle", 0), ("go_well", 14), ("breach", 0), ("wait", 10.0), ("handle", 0)),
    "paused": (("handle", 0), ("go_well", 14), ("ask", "pause"), ("go_well", 1)),
    "paused by the spec": (("handle", 0), ("go_well", 14), ("pause", True), ("go_well", 1)),
}


def world_at(situation: str, *happenings: Happening) -> World:
    """A world in that situation, and after what happens next."""
    world = World()
    world.play([*SITUATIONS[situation], *happenings])
    return world
