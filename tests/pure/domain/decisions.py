"""What the last decision of a world says."""

from mlrollout.domain.decision import Decision
from mlrollout.domain.reason import Reason

from tests.pure.domain.world import World

ERRORS_AT, LATENCY_AT, SCORE_AT, ANGER_AT = range(4)


def decided(world: World) -> Decision:
    decision = world.operators[0].decision
    assert decision is not None
    return decision


def waits_for(world: World) -> tuple[Reason, str]:
    blocker = decided(world).blockers[0]
    return blocker.reason, blocker.message


def alerts(world: World) -> list[tuple[Reason, str]]:
    return [(alert.reason, alert.subject) for alert in decided(world).alerts]


def alert_reasons(world: World) -> list[Reason]:
    return [alert.reason for alert in decided(world).alerts]
