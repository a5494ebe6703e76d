"""Outcomes from the example's database."""

from collections.abc import Sequence
from math import nan
from typing import Any

from dispatch.breakdown import Breakdown
from dispatch.model import inputs
from dispatch.store import offered_last, outcomes_after
from sqlalchemy import Engine

from .outcome import Inputs, Outcome

MOST = 10_000
"""Outcomes that are read at once."""
RECENT = 500
"""The last so many dispatches say what there is to choose from now."""


class Reader:
    """Reads on from a number.

    Args:
        engine: The database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def after(self, number: int, now: float) -> Sequence[Outcome]:
        """The next outcomes, of seconds that are over: who looks early must not learn in other steps."""
        rows = outcomes_after(self._engine, number, int(now), MOST)
        found = [_outcome(row) for row in rows]
        if len(found) < MOST:
            return found
        # The last second may have more. Where all of it is one second there is no better end than this.
        return [one for one in found if one.known_at != found[-1].known_at] or found

    def choices(self) -> list[Inputs]:
        """What could have been chosen in the last dispatches."""
        rows = (_inputs(row) for row in offered_last(self._engine, RECENT))
        return [one for one in rows if all(0 <= value <= 1 for value in one)]


def _outcome(row: Any) -> Outcome:  # noqa: ANN401 - a row has what its query asks for
    return Outcome(
        number=row.number,
        dispatch=row.id,
        user=row.owner,
        inputs=_inputs(row),
        rating=row.told,
        predicted_at=row.assigned_at,
        known_at=row.known_at,
    )


def _inputs(row: Any) -> Inputs:  # noqa: ANN401 - likewise
    """What the model was given; what is no number (SQLite makes NULL of NaN) is none here either."""
    told = (row.distance, row.rotation, row.time_window, row.preference)
    distance, rotation, time_window, preference = (
        float(value) if isinstance(value, int | float) else nan for value in told
    )
    return inputs(Breakdown(distance, rotation, time_window, preference, voltage=bool(row.voltage)))
