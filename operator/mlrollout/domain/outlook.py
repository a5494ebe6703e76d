"""How far a rollout is in its stage and what comes next, in the few words of a column of `kubectl get`."""

from mlrollout.api.approval import Approval
from mlrollout.api.duration import brief
from mlrollout.api.spec import Spec

from .stages import current, following
from .state import Phase, State


def served(spec: Spec, state: State) -> str:
    """The stage's healthy time and how long it must be: `6d2h/14d`; empty where no stage is under way."""
    stage = current(spec, state.record)
    return "" if stage is None else f"{brief(state.healthy)}/{brief(stage.duration)}"


def upcoming(spec: Spec, state: State) -> str:
    """The stage that comes next: `expansion 30%`; empty where none does."""
    over = state.phase in (Phase.ROLLED_BACK, Phase.COMPLETED)
    stage = None if over else following(spec, state.record)
    if stage is None:
        return ""
    waits = stage.approval is Approval.MANUAL and state.approved != stage.name
    return f"{stage.name} {stage.percentage}%{', once approved' if waits else ''}"
