"""How the chance of a false alarm is divided among the sequential guardrails of an attempt."""

from collections.abc import Mapping


def divide(total: float, asked: Mapping[str, float | None]) -> dict[str, float]:
    """Each guardrail's level, so that the chance that any of them ever alarms falsely is at most `total`.

    The chances of several alarms add up at most, whatever the guardrails have to do with each other.

    Args:
        total: The chance over the whole attempt, between 0 and 1.
        asked: By name the level that a guardrail asks for itself, or `None` for an equal part of what is left.

    Raises:
        ValueError: With the words for the user.
    """
    _level("falseAlarm", total)
    given = {name: _level(f"falseAlarm of {name}", level) for name, level in asked.items() if level is not None}
    left, sharing = total - sum(sorted(given.values())), len(asked) - len(given)
    if left < 0 or (sharing and left <= 0):
        raise ValueError(f"the guardrails ask for {sum(given.values()):.15g} together, of {total:.15g} that there is")
    return {name: given[name] if name in given else left / sharing for name in asked}


def _level(name: str, level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"{name} is a chance between 0 and 1, not {level:.15g}")
    return level
