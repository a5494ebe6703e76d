"""What a test has found so far: its bets on "worse than allowed", begun anew all the time, and on "safe".

A bet that runs from the beginning alone forgets nothing: after twelve good hours it has lost nearly all of its stake,
and a failure must win that back first. So only half of the stake is on "bad from the start"; the other half is spread
over all later moments at which the model may have gone bad. Each part is a fair bet from its moment on, and their sum
therefore too.

The bets on "safe" begin with each stage and are not begun anew, for they claim something of all of it.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Prices: TypeAlias = tuple[tuple[float, float], ...]
"""For each bet what it gains by an event of the kind that it is on, and what it pays for any event; logarithms."""

MULTIPLES = (1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""How many times worse than allowed (as odds) the model may be: one bet for each, with equal stakes."""
SHARES = tuple(1 / multiple for multiple in MULTIPLES)
"""The same for "safe": what share of the allowed it may be."""
FROM_THE_START = 0.5
"""The share of the stake that is on a model which is bad from the start."""
LATER = 3600.0
"""Seconds: half of the other share is on what happens within 1.7 times that, and each later moment gets less."""


@dataclass(frozen=True, slots=True)
class Bets:
    """The bets of one test, kept as logarithms, since evidence grows without bounds.

    Attributes:
        begin: When the attempt got its first users, seconds since the epoch.
        end: Up to when blocks have been read.
        worse: What each bet on "worse than allowed" has become, its later beginnings included.
        safe: What each bet on "safe" has become in this stage.
    """

    begin: float
    end: float
    worse: tuple[float, ...]
    safe: tuple[float, ...]

    @classmethod
    def new(cls, begin: float, worse: int, safe: int) -> "Bets":
        """No evidence yet, with so many bets of each kind."""
        return cls(begin, begin, (math.log(FROM_THE_START),) * worse, (0.0,) * safe)

    def read(self, begin: float, end: float, worse: Sequence[float], safe: Sequence[float]) -> "Bets":
        """The bets with one more block, by whose logarithmic factors each bet is multiplied.

        Every moment since the last block is a beginning, so blocks without events may be left out.
        """
        if begin < self.end:
            # Evidence that is counted twice is a wrong rollback (invariant: blocks do not overlap).
            raise ValueError(f"the block from {begin} overlaps what was read up to {self.end}")
        begun = _log(_unspent(self.end - self.begin) - _unspent(end - self.begin))
        return Bets(
            begin=self.begin,
            end=end,
            worse=tuple([_log_add(bet, begun) + factor for bet, factor in zip(self.worse, worse, strict=True)]),
            safe=tuple([bet + factor for bet, factor in zip(self.safe, safe, strict=True)]),
        )

    def next_stage(self) -> "Bets":
        """These bets at the beginning of another stage, which has to prove anew that it is safe."""
        return Bets(self.begin, self.end, self.worse, (0.0,) * len(self.safe))

    def doubted(self, weight: float) -> "Bets":
        """These bets with only a part of what was won, as logarithms. What was lost stays lost, to be fair."""
        worse, safe = (tuple([bet * weight if bet > 0 else bet for bet in of]) for of in (self.worse, self.safe))
        return Bets(self.begin, self.end, worse, safe)

    @property
    def log_worse(self) -> float:
        """The logarithm of the e-value for "worse than allowed", at some moment of the attempt."""
        return _log_add(log_mean(self.worse), math.log(_unspent(self.end - self.begin)))

    @property
    def log_safe(self) -> float:
        """The logarithm of the e-value for "safe", in this stage."""
        return log_mean(self.safe)


@functools.lru_cache(maxsize=128)
def prices(share: float, multiples: tuple[float, ...]) -> Prices:
    """The prices of bets that are fair at a share, each on odds so many times those of the share."""
    return tuple((math.log(multiple), math.log1p(share * (multiple - 1))) for multiple in multiples)


def factors(events: float, hits: float, priced: Prices) -> list[float]:
    """The logarithm of what each bet is multiplied by, where so many of the events were of the kind that it is on."""
    return [hits * gain - events * price for gain, price in priced]


def enough(log_e: float, alpha: float) -> bool:
    """Whether evidence is so strong that chance alone reaches it with probability `alpha` at most, ever."""
    return log_e >= -math.log(alpha)


def log_mean(logs: Sequence[float]) -> float:
    """The logarithm of the mean of numbers that are given as logarithms."""
    highest = max(logs)
    return highest + math.log(math.fsum(math.exp(log - highest) for log in logs) / len(logs))


def _unspent(elapsed: float) -> float:
    """The share of the stake that is on moments later than this many seconds after the attempt's begin."""
    return (1 - FROM_THE_START) / (1 + math.log1p(elapsed / LATER))


def _log_add(one: float, other: float) -> float:
    return max(one, other) + math.log1p(math.exp(-abs(one - other)))


def _log(share: float) -> float:
    return math.log(share) if share > 0 else -math.inf
