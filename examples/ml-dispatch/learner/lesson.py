"""One lesson: outcomes are predicted, then learned from, and some are held back for the contest with the champion."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby

from dispatch.model import FEATURES, Model
from pydantic import BaseModel, ConfigDict

from .contest import Contest
from .online import Online, log_loss
from .outcome import Inputs, Outcome
from .refusal import Quota, Reason

HELD_BACK = 3
"""One outcome in so many is held back."""


class Progress(BaseModel):
    """Progressive validation: how wrong the predictions were of outcomes that were learned from right after.

    Attributes:
        outcomes: How many.
        loss: Their log losses, summed up.
        sums: Of each feature the sum of its values.
    """

    model_config = ConfigDict(frozen=True)

    outcomes: int = 0
    loss: float = 0.0
    sums: tuple[float, ...] = (0.0,) * len(FEATURES)


class State(BaseModel):
    """Everything that the learner knows; it goes on from here after a restart.

    Attributes:
        position: The number of the last outcome that it has read.
        online: What it has learned.
        progress: How well it has predicted.
        contest: The candidate against the champion.
        quota: Whose outcomes have counted today.
        champion: The revision that the contest is with; empty before there is one.
        candidate: The version that the registry calls the candidate; empty where it names none.
        since: Since when, seconds since the epoch.
    """

    model_config = ConfigDict(frozen=True)

    position: int = 0
    online: Online = Online()
    progress: Progress = Progress()
    contest: Contest = Contest()
    quota: Quota = Quota()
    champion: str = ""
    candidate: str = ""
    since: float = 0.0

    def facing(self, champion: Model) -> "State":
        """It with this champion: another one is a contest of its own, and who knew nothing learns on from it."""
        if champion.revision == self.champion:
            return self
        online = self.online if self.online.learned else Online.of(champion)
        return self.model_copy(update={"champion": champion.revision, "contest": Contest(), "online": online})


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of outcomes.

    Attributes:
        state: What is known after them.
        predicted: What the candidate had predicted of each that counts, before any of its moment was learned from.
        refused: What was no outcome to learn from, and why.
    """

    state: State
    predicted: Sequence[tuple[Outcome, float]]
    refused: Sequence[tuple[Outcome, Reason]]


def held_back(dispatch: int) -> bool:
    """Whether the outcome of this dispatch is never learned from: the same in every process, for good."""
    return int.from_bytes(sha256(f"held back:{dispatch}".encode()).digest()[:4]) % HELD_BACK == 0


def learn(state: State, outcomes: Sequence[Outcome], champion: Model) -> Lesson:
    """Outcomes in the order in which they became known."""
    predicted: list[tuple[Outcome, float]] = []
    refused: list[tuple[Outcome, Reason]] = []
    for _, moment in groupby(outcomes, key=lambda one: one.known_at):
        together = list(moment)
        quota, good, bad = state.quota.admit(together)
        guesses = [(one, state.online.predict(one.inputs)) for one in good]
        predicted += guesses
        refused += bad
        state = _after(state, guesses, champion).model_copy(
            update={"quota": quota, "position": max(one.number for one in together)}
        )
    return Lesson(state, predicted, refused)


def _after(state: State, guesses: Sequence[tuple[Outcome, float]], champion: Model) -> State:
    kept = [(one, guess) for one, guess in guesses if held_back(one.dispatch)]
    taught = [(one, guess) for one, guess in guesses if not held_back(one.dispatch)]
    met = [(_of(champion, one.inputs), guess, one.well) for one, guess in kept]
    update = {
        "contest": state.contest.meet(met),
        "progress": _progress(state.progress, taught),
        "online": state.online.learn([one for one, _ in taught]),
    }
    return state.model_copy(update=update)


def _of(champion: Model, inputs: Inputs) -> float:
    return Online.of(champion).predict(inputs)


def _progress(before: Progress, taught: Sequence[tuple[Outcome, float]]) -> Progress:
    columns = zip(*(one.inputs for one, _ in taught), strict=True) if taught else [()] * len(FEATURES)
    return Progress(
        outcomes=before.outcomes + len(taught),
        loss=before.loss + sum(log_loss(guess, well=one.well) for one, guess in taught),
        sums=tuple(total + sum(column) for total, column in zip(before.sums, columns, strict=True)),
    )
