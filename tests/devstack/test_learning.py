"""The figures of the demo of models that come by themselves."""

import sqlite3
from contextlib import closing
from pathlib import Path

from devstack.learning.figures import Chosen, by_choice


def test_dispatches_are_counted_by_whose_choice_they_were(tmp_path: Path) -> None:
    file = tmp_path / "dispatch.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE dispatches (id INTEGER PRIMARY KEY, model TEXT)")
        db.execute(
            "CREATE TABLE outcomes (id INTEGER PRIMARY KEY, dispatch_id INTEGER, known_at INTEGER, rating INTEGER)"
        )
        db.executemany("INSERT INTO dispatches (model) VALUES (?)", [(None,), (None,), ("1",), ("1",), ("1",), ("2",)])
        told = [(1, 5), (2, 3), (3, 4), (4, None)]  # the last was cancelled; of two nothing is known yet
        db.executemany("INSERT INTO outcomes (dispatch_id, known_at, rating) VALUES (?, 1, ?)", told)
        db.commit()

    found = by_choice(f"sqlite:///{file}")

    assert found == {"legacy": Chosen(2, 2, 1), "1": Chosen(3, 2, 1), "2": Chosen(1, 0, 0)}
    assert str(found["1"]) == "50% of 2 went well"
    assert found["2"].share == 0
