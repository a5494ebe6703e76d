"""The truth about the models that are rolled out: how they behave, whatever anybody measures.

A revision's name says it: `good-1`, `bad-2` (sick from its first user), `bad-at-30-3` (sick from 30 % on),
`late-4` (sick once it has served for a while).
"""

HEALTHY_ERRORS = 0.01
SICK_ERRORS = 0.3
HEALTHY_SECONDS = 0.2
SICK_SECONDS = 3.0
LATE = 25.0
"""Seconds that a `late` model is in service before it sickens."""
BAD_AT = 30
"""Per cent from which on a `bad-at-30` model is sick."""
ARRIVALS = 5.0
"""Requests per second and per cent of treatment."""


def sick(revision: str, percentage: int, served: float) -> bool:
    """Whether a model harms its users.

    Args:
        revision: Which model.
        percentage: The share of users it serves.
        served: Seconds since it first served anybody.
    """
    if revision.startswith("bad-at-30"):
        return percentage >= BAD_AT
    if revision.startswith("late"):
        return served >= LATE
    return revision.startswith("bad")


def harmless(revision: str) -> bool:
    """Whether a model never harms anybody."""
    return revision.startswith("good")
