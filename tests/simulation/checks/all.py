"""Every invariant, each a function of its own."""

from collections.abc import Iterator

from tests.simulation.world.world import World

from .clients import clients_follow_to_zero, clients_never_go_back
from .few import a_breach_stands_on_its_samples
from .guard import who_looks_looks_on
from .leases import leases_last
from .looks import somebody_looks
from .notified import receivers_are_told
from .raises import (
    a_raise_is_won_by_a_status_write,
    a_raise_knows_what_it_raises,
    no_unearned_raise,
)
from .rest import all_agree_in_the_end, nothing_unexpected, writing_stops
from .tested import (
    a_breach_is_beyond_chance,
    a_failing_model_is_found,
    each_event_counts_once,
    no_split_is_blamed,
    replicas_agree,
)
from .time import downtime_is_not_healthy_time
from .told import (
    attempts_are_asked_for,
    attempts_are_named,
    completions_are_announced,
    no_innocent_is_rolled_back,
    rollbacks_are_told_with_their_cause,
    transitions_stand_once,
    verbs_are_answered_once,
    verbs_are_heard,
)
from .violation import Check, Violation
from .zero import breach_reaches_zero, deletion_reaches_zero, zero_comes_back, zero_stays

CHECKS: tuple[Check, ...] = (
    nothing_unexpected,
    no_unearned_raise,
    a_raise_knows_what_it_raises,
    a_raise_is_won_by_a_status_write,
    breach_reaches_zero,
    a_breach_stands_on_its_samples,
    deletion_reaches_zero,
    leases_last,
    who_looks_looks_on,
    somebody_looks,
    zero_stays,
    zero_comes_back,
    clients_follow_to_zero,
    clients_never_go_back,
    downtime_is_not_healthy_time,
    transitions_stand_once,
    rollbacks_are_told_with_their_cause,
    receivers_are_told,
    verbs_are_answered_once,
    verbs_are_heard,
    attempts_are_asked_for,
    attempts_are_named,
    completions_are_announced,
    no_innocent_is_rolled_back,
    each_event_counts_once,
    a_breach_is_beyond_chance,
    replicas_agree,
    a_failing_model_is_found,
    no_split_is_blamed,
    all_agree_in_the_end,
    writing_stops,
)


def violations(world: World) -> Iterator[tuple[Check, Violation]]:
    """Everything that is wrong with what happened."""
    for check in CHECKS:
        for violation in check(world):
            yield check, violation
