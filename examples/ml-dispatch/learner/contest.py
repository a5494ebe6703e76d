"""Champion against candidate on outcomes that neither has learned from: is the candidate better by more than chance?

A paired test that may look after every outcome. What is compared is the log loss of both on the same outcome; the
difference, as a share of the largest that there can be, lies between -1 and 1. Each bet multiplies its stake by
1 + bet · difference. If the candidate is not better, that is at most 1 in the mean, whatever the outcomes are and
whatever the candidate has learned meanwhile, so a stake reaches 20 with a probability of 1 in 20 at most, ever
(Ville). Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024, section 4;
for forecasters that go on learning: Choe and Ramdas, "Comparing sequential forecasters", 2024.
"""

from collections.abc import Sequence
from math import exp, fsum, log, log1p

from mlrollout.evidence.statistics.bets import enough, log_mean
from pydantic import BaseModel, ConfigDict

from .online import SURE, log_loss

ALPHA = 0.05
"""How likely a candidate that is not better is ever taken for better."""
STAKES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""The bets, with equal stakes: the larger ones win by large differences, the smaller ones in the long run."""
LARGEST = log((1 - SURE) / SURE)
"""The largest difference of two log losses."""


class Contest(BaseModel):
    """How it stands.

    Attributes:
        bets: What has become of each stake, as logarithms.
        outcomes: How many were held back so far.
        champion: The champion's log losses, summed up.
        candidate: The candidate's.
    """

    model_config = ConfigDict(frozen=True)

    bets: tuple[float, ...] = (0.0,) * len(STAKES)
    outcomes: int = 0
    champion: float = 0.0
    candidate: float = 0.0

    def meet(self, together: Sequence[tuple[float, float, bool]]) -> "Contest":
        """It with these outcomes: what the champion had predicted, what the candidate had, and whether it went well."""
        losses = [(log_loss(one, well=well), log_loss(other, well=well)) for one, other, well in together]
        gains = [(one - other) / LARGEST for one, other in losses]
        return Contest(
            bets=tuple(
                bet + fsum(log1p(by * gain) for gain in gains) for bet, by in zip(self.bets, STAKES, strict=True)
            ),
            outcomes=self.outcomes + len(together),
            champion=self.champion + fsum(one for one, _ in losses),
            candidate=self.candidate + fsum(other for _, other in losses),
        )

    @property
    def e_value(self) -> float:
        """What the stakes have become together; above 1 / `ALPHA` it is no chance."""
        return exp(min(log_mean(self.bets), 700.0))

    @property
    def won(self) -> bool:
        """Whether the candidate is better by more than chance."""
        return enough(log_mean(self.bets), ALPHA)
