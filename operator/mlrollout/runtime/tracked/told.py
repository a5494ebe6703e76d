"""What people have been told of one object by this process."""

from dataclasses import dataclass, field

from mlrollout.runtime.loop_time import LoopTime


@dataclass(slots=True)
class Told:
    """Written by the outbox and its sinks, and by nobody else.

    Attributes:
        cursors: For each sink, by its name, the serial of the last transition that was handed to it.
        alerted: When each alert was last handed on, by reason and subject; the loop's clock.
        rollback: The attempt whose rollback was logged at the moment in which Redis took it.
    """

    cursors: dict[str, int] = field(default_factory=dict)
    alerted: dict[tuple[str, str], LoopTime] = field(default_factory=dict)
    rollback: int = 0
