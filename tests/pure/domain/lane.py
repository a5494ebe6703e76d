"""The runtime's own order of a step, in a world that answers at once.

The order in which a decision is carried out is what keeps traffic safe: down first; up once it is saved, and decided
anew. So it is the reconciler's, and not told here a second time.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mlrollout.domain.decision import Decision
from mlrollout.domain.traffic import Write
from mlrollout.ports import ConflictError
from mlrollout.runtime.reconciler import Reconciler
from mlrollout.runtime.tracked import TrackedObject

if TYPE_CHECKING:
    from tests.pure.domain.world import Operator, World


class Lane(Reconciler):
    """The main lane of an operator; the world stands in for all that it asks, and has nothing that is waited for."""

    def __init__(self, world: "World", operator: "Operator") -> None:
        self._world, self._operator = world, operator
        answers: Any = self
        self._traffic = self._report = answers
        self._still_leads = lambda: True
        self.leads = True
        self._decisions: list[Decision] = []

    def step(self) -> Decision:
        """One step, by the decision that it begins with; where that could not be saved, it is all that comes of it."""
        tracked = self._operator.tracked
        self._learn(tracked)
        step = self._step(tracked)
        with suppress(StopIteration, ConflictError):
            step.send(None)
            raise AssertionError("something was waited for")
        return self._decisions[0]

    def _learn(self, tracked: TrackedObject) -> None:
        tracked.redis.traffic, tracked.resource.saved = self._world.traffic, self._world.saved.state

    def _decision(self, tracked: TrackedObject) -> Decision:  # noqa: ARG002 - there is but one
        self._decisions.append(self._world.decide(self._operator))
        return self._decisions[-1]

    # --- in the place of TrafficIO ---------------------------------------------------------------

    async def write(self, tracked: TrackedObject, write: Write) -> bool:
        before = tracked.redis.traffic
        self._world.send(write)
        self._learn(tracked)
        return tracked.redis.traffic != before

    # --- in the place of Report ------------------------------------------------------------------

    async def decided(self, tracked: TrackedObject) -> None:
        decision = tracked.standing.decision
        assert decision is not None
        if not self._world.save(self._operator, decision):
            raise ConflictError("somebody else has saved, or nobody can")
        self._learn(tracked)

    async def drop_verbs(self, tracked: TrackedObject) -> bool:  # noqa: ARG002 - there is but one
        before = dict(self._world.verbs)
        self._world.drop_verbs(self._operator)
        return self._world.verbs != before
