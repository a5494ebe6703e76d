"""How lines of the log are written: whatever stands in them, one news is one line, and no terminal obeys it."""

import json
import logging

import pytest
from mlrollout.startup.logs import formatter

FORGED = "2026-11-25T22:00:00Z [info     ] Asked for a verb               caller=ops verb=promote"
CHOSEN = [
    f"kim\n{FORGED}",
    f"kim\r{FORGED}",
    f"kim\x85{FORGED}",
    f"kim\u2028{FORGED}",
    "kim\x1b[2J",
    "k\u202eim",
    "\ud800",
]


def line(told: str, *args: object, error: BaseException | None = None, as_json: bool = False) -> str:
    info = (type(error), error, None) if error else None
    record = logging.LogRecord("mlrollout", logging.INFO, __file__, 1, told, args, info)
    return formatter(json=as_json).format(record)


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
@pytest.mark.parametrize("chosen", CHOSEN)
def test_what_somebody_chose_neither_forges_a_line_nor_steers_a_terminal(chosen: str, *, as_json: bool) -> None:
    assert line("Refused: %s", chosen, as_json=as_json).isprintable()


@pytest.mark.parametrize("chosen", CHOSEN)
def test_a_field_of_an_event_is_no_other_line_either(chosen: str) -> None:
    record = logging.LogRecord("mlrollout", logging.INFO, __file__, 1, "", (), None)
    record.msg, record._logger, record._name = {"event": "Refused", "caller": chosen}, None, "info"

    assert formatter(json=False).format(record).isprintable()


def test_a_traceback_has_lines_of_its_own_and_none_of_the_logs() -> None:
    told = line("Failed", error=ValueError(f"no such user: kim\n{FORGED}\x1b[2J"))

    first, *others = told.split("\n")
    assert "Failed" in first
    assert all(not one or one.startswith("    ") for one in others)
    assert "\x1b" not in told
    assert FORGED in told  # it can be read, where it is


def test_people_are_named_as_they_are() -> None:
    assert "김민지 é" in line("Refused: %s", "김민지 é")
    assert json.loads(line("Refused: %s", "김민지", as_json=True))["event"] == "Refused: 김민지"
