"""The candidate as a model's file, and when it may be registered."""

from collections.abc import Mapping, Sequence

from dispatch.model import FEATURES, Model, ModelFile

from .lesson import State

PATIENCE = 30 * 86_400.0
"""Seconds that the one registered before has, to be rolled out."""


def may_register(state: State, now: float, patience: float = PATIENCE) -> bool:
    """Whether the candidate has won, and nobody else's rollout would be cut short.

    One at a time: the version that the registry calls its candidate is rolled out until it is the champion. One that
    was taken back never becomes it, and has had its turn after a while.
    """
    settled = state.candidate in {"", state.champion} or now - state.since > patience
    return state.contest.won and settled


def model_of(state: State, champion: Model, reference: Mapping[str, Sequence[float]]) -> ModelFile:
    """What has been learned, as a file; the registry says what it is called."""
    *weights, intercept = (round(weight, 6) for weight in state.online.weights)
    progress, contest = state.progress, state.contest
    averages = [total / progress.outcomes for total in progress.sums] if progress.outcomes else champion.averages
    return ModelFile(
        revision="unnamed",
        features=list(FEATURES),
        weights=weights,
        averages=[round(float(value), 6) for value in averages],
        intercept=intercept,
        quality={
            "learned": float(state.online.learned),
            "held_back": float(contest.outcomes),
            "log_loss": round(contest.candidate / max(contest.outcomes, 1), 4),
            "log_loss_of_champion": round(contest.champion / max(contest.outcomes, 1), 4),
            "e_value": round(min(contest.e_value, 1e9), 2),
        },
        reference={name: list(shares) for name, shares in reference.items()} or None,
    )
