"""What names the revision of one object: it may be away, say nonsense, lag behind, and go back."""

import random

from mlrollout.domain.state import NamedRevision
from mlrollout.ports import RevisionUnknownError


class Registry:
    """A registry of models with several replicas, of which one may lag.

    Attributes:
        names: What it named so far, the newest last; empty text where it named nothing.
        away: Whether it answers nobody.
        lags: Whether every second answer, by chance, is what it named before.
    """

    def __init__(self, named: str, chance: random.Random) -> None:
        self.names = [named]
        self.away = False
        self.lags = False
        self._chance = chance

    def answer(self) -> NamedRevision:
        """What it names to whoever asks now."""
        if self.away:
            raise RevisionUnknownError("the simulated registry is away")
        late = self.lags and len(self.names) > 1 and self._chance.random() < 0.5
        revision = self.names[-2 if late else -1]
        if not revision:
            raise RevisionUnknownError("the simulated registry names nothing")
        return NamedRevision(revision, "somebody")

    def recover(self) -> None:
        """From now on it names one revision, and tells everybody."""
        self.away = self.lags = False
        if not self.names[-1]:
            self.name(self.names[-2])

    def name(self, revision: str) -> None:
        """Name another revision, or none."""
        self.names.append(revision)
