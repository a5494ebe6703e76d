"""What became of dispatches, by whose choice they were: from the service's own database."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass

_BY_CHOICE = """
    SELECT coalesce(model, 'legacy'), count(*), count(known_at), coalesce(sum(outcomes.rating >= 4), 0)
    FROM dispatches LEFT JOIN outcomes ON outcomes.dispatch_id = dispatches.id GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Dispatches that were of one choice.

    Attributes:
        dispatches: How many.
        known: Of how many it is known how they went.
        well: How many of those went well.
    """

    dispatches: int = 0
    known: int = 0
    well: int = 0

    @property
    def share(self) -> float:
        """The share that went well, of those that are known; 0 where none is."""
        return self.well / self.known if self.known else 0.0

    def __str__(self) -> str:
        return f"{self.share:.0%} of {self.known} went well"


def by_choice(database: str) -> dict[str, Chosen]:
    """The dispatches of the legacy path (`legacy`) and of each version, from a database of SQLite by its URL."""
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"), timeout=5)) as db:
        return {choice: Chosen(*counts) for choice, *counts in db.execute(_BY_CHOICE)}
