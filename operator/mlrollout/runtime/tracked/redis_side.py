"""What Redis said."""

from dataclasses import dataclass

from mlrollout.domain.claim import Claim
from mlrollout.domain.traffic import Traffic
from mlrollout.ports import TrafficStore
from mlrollout.runtime.loop_time import NEVER, LoopTime, loop_time

SILENCE = 5.0
"""Seconds without an answer after which applications may have given up and answer control: they do after ten by
default, counted from their own last read, which may be older."""


@dataclass(slots=True, eq=False)
class RedisSide:
    """What Redis said of an object's key, and how it is reached. Written by `TrafficIO`; times are the loop's clock.

    Attributes:
        traffic: What it held when it was last asked; `None` where it can't be asked.
        heard: What it held when it could be asked last; `None` before that.
        asked: When it was asked last of those times that it answered: what it held then, it may not hold any more.
        answers_since: When it answered again after a silence; what it held meanwhile, applications may not have known.
        in_force_since: Since when the percentage in force is known to be that.
        in_force_changed: Whether it was another before, and not only unknown.
        trouble: Why it can't be asked.
        claim: Who else wants the key, as far as was last seen.
        store: The object's Redis, once connected.
        reconnect: Whether the connection may have changed.
        login_refused: Whether it refused the user name or the password.
        connected: When the connection was last looked up.
        minded: When claims were last seen to.
        renewed: When the lease was last renewed.
    """

    traffic: Traffic | None = None
    heard: Traffic | None = None
    asked: LoopTime = NEVER
    answers_since: LoopTime = NEVER
    in_force_since: LoopTime = NEVER
    in_force_changed: bool = False
    trouble: str = "Redis has not been asked yet"
    claim: Claim | None = None
    store: TrafficStore | None = None
    reconnect: bool = False
    login_refused: bool = False
    connected: LoopTime = NEVER
    minded: LoopTime = NEVER
    renewed: LoopTime = NEVER

    def hold(self, traffic: Traffic, asked: LoopTime) -> None:
        """Take in what it holds.

        Args:
            traffic: What it answered.
            asked: When it was asked. Between that and the answer, this process may have stood still for long.
        """
        # The first answer ends a silence, too: what went on before it, this process can't know.
        if asked - self.asked > SILENCE:
            self.answers_since = loop_time()
        if self.heard is None or traffic.in_force != self.heard.in_force:
            self.in_force_changed, self.in_force_since = self.heard is not None, loop_time()
        self.traffic, self.heard, self.asked = traffic, traffic, max(self.asked, asked)

    def lose(self) -> None:
        """Take in that it can't be asked."""
        self.traffic = None
