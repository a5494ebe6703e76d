"""What this process has written to an object."""

from dataclasses import dataclass, field
from math import inf

from mlrollout.runtime.loop_time import NEVER, LoopTime
from mlrollout.runtime.rivals import Rivalry


@dataclass(slots=True, eq=False)
class Writing:
    """How this process' writes to an object went. Written by `Report`.

    Attributes:
        rivalry: Who else writes its status.
        reload: Whether the object must be read again before anything is written to it.
        takes_over: Whether somebody else may have written to it, and told of it, before this process began to lead.
        tried: When this process last tried to write its status, by the loop's clock.
        wrote: What it had found of the object, and told of it, when it last wrote there.
        due_in: In how many seconds it has more to write there; infinity where it has not.
    """

    rivalry: Rivalry = field(default_factory=Rivalry)
    reload: bool = False
    takes_over: bool = False
    tried: LoopTime = NEVER
    wrote: tuple[object, ...] = ()
    due_in: float = inf
