"""A guardrail on the experiment itself: whether the split that was asked for arrives."""

from typing import ClassVar

from pydantic import ConfigDict

from .compare import Label
from .guardrail import Action, PromQL
from .model import Model, rules
from .sequential import SequentialGuardrail, cel_rules


class Balance(Model):
    """What tells how users are divided."""

    users: PromQL
    """Selector of a counter of users of both groups, each counted once by the whole application, when he is first given
    a group: for example `dispatch_users_total`. Requests are no users: a model that is asked more often would look like
    a broken split; and counted once by each of several pods, chance alone would."""
    group: Label = "group"
    """The label by which the groups are told apart; its values are treatment and control."""


class BalanceGuardrail(SequentialGuardrail):
    """A guardrail on how users are divided."""

    model_config = ConfigDict(json_schema_extra=rules(*cel_rules("balance")))

    MARK: ClassVar[str] = "balance"
    proves: ClassVar[bool] = False

    action: Action = Action.HOLD
    """A broken split says nothing against the model: it makes every comparison worthless."""
    balance: Balance
    """Users of both groups, tested with every look against the percentage in force and the holdback. A breach means
    that the experiment is broken, and not the model."""
