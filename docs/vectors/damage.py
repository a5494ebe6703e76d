"""Texts that may stand in Redis though the operator never writes them: what can be read of them, and what can't."""

import json
from collections.abc import Mapping
from typing import Any

KEYS = (
    *("0", "00", "000", "1", "007", "7", "030", "99", "100"),
    *("", "101", "999", "0100", "1000", "-1", "-0", "+5", " 10", "10 ", "10\n", "\n10", "1 0", "10.0", "1e1", "0x10"),
    *("1_0", "ten", "on", "NaN", "null", "true", "%", "10%", "\x0010", "10\0", "\ufeff10"),
    *("\u0661\u0660", "\uff11\uff10", "\u00b2", "\u0967\u0966", "\u2167", "1\u0660"),
)
"""Texts under the key; of a `\u0661\u0660` every library for Unicode says that it is ten."""

_PLAIN: Mapping[str, Any] = {"schema": 1, "attempt": 9, "latched": False, "sequence": 9, "percentage": 30}


def _with(**fields: Any) -> str:  # noqa: ANN401 - that it may be anything is the point
    return json.dumps({**_PLAIN, **fields}, separators=(",", ":"))


def _raw(field: str, text: str) -> str:
    """With a field's value as it is written here, also where no program would write it so."""
    return _with(**{field: "VALUE"}).replace('"VALUE"', text)


def _without(field: str) -> str:
    return json.dumps({name: value for name, value in _PLAIN.items() if name != field}, separators=(",", ":"))


_WRONG: Mapping[str, tuple[Any, ...]] = {
    "schema": (0, 2, -1, 1.5, "1", True, None, [1]),
    "attempt": (-1, 0.5, 2**53, 2**53 + 1, 1e300, "9", True, False, None, [], {}),
    "latched": (0, 1, "true", "false", None, []),
    "sequence": (-1, 0.5, 2**53, 1e300, "9", True, None),
    "percentage": (-1, 101, 30.5, 2**53, "30", "", True, False, None, [30]),
    "revision": (None, 1, True, ["ranker"]),
    "stage": (None, 0),
    "owner": (None, 1, {}),
    "holder": (None, 1),
}

_HOLDBACKS = (
    *("5.0", "5e0", "-0", "0"),
    *("-1", "101", "5.5", "1e400", '"5"', "true", "null", "[5]", "{}"),  # none: as for who does not know the field
)
_NOT_JSON = (
    *("", " ", "garbage", "{", "}", '{"schema":1', "{schema:1}", "{'schema':1}"),
    *(_with() + "x", _with()[:-1] + ",}", _with().replace(":9", ":09", 1), _with().replace("false", "False")),
    *("\ufeff" + _with(), "\0" + _with(), _with() + "\0", _with(stage="a").replace('"a"', '"a\n"')),
)
_OTHER_JSON = ("null", "true", "1", "30", '"text"', "[]", "{}", f"[{_with()}]", json.dumps(_with()))

DAMAGED: Mapping[str, str] = {
    **{f"not JSON, {number}": text for number, text in enumerate(_NOT_JSON)},
    **{f"no object of ours, {number}": text for number, text in enumerate(_OTHER_JSON)},
    **{f"{field} is {json.dumps(value)}": _with(**{field: value}) for field in _WRONG for value in _WRONG[field]},
    **{f"{field} is missing": _without(field) for field in _PLAIN},
    **{f"percentage is {text}": _raw("percentage", text) for text in ("1e400", "-1e400", "030", "+30", ".3e2", "0x1e")},
    "latched at a percentage": _with(latched=True),
    "names in another case": _with().replace("percentage", "Percentage"),
    "the last of two equal names counts": _with()[:-1] + ',"percentage":101}',
}
"""Records that mean control."""

_LONGEST = 16 * 1024


def _long(characters: int) -> str:
    """A record of so many characters."""
    return _with(future="x" * (characters - len(_with(future=""))))


SIZES: Mapping[str, str] = {
    "readable: the longest": _long(_LONGEST),
    "readable: the longest, with one of its characters beyond 16 bits": _long(_LONGEST).replace('x"}', '🚚"}'),
    "unreadable: longer than any": _long(_LONGEST + 1),
    "unreadable: longer than any, by spaces": _with() + " " * _LONGEST,
}
"""Records of 16,384 characters count, longer ones don't."""

READABLE: Mapping[str, str] = {
    "without the strings": _with(),
    "unknown fields": _with(future={"deep": [1, None, {"percentage": 0}]}, note=None, float=1e-7),
    "whole numbers with a point": _raw("percentage", "30.0"),
    "whole numbers with an exponent": _raw("percentage", "3e1"),
    "a schema with a point": _raw("schema", "1.0"),
    "a zero below zero": _raw("percentage", "-0"),
    "a zero below zero, with a point": _raw("percentage", "-0.0"),
    "the largest count with a point": _raw("sequence", "9007199254740991.0"),
    "spaces": " \t\r\n" + json.dumps(_PLAIN, indent=1) + "\n",
    "other scripts": _with(revision="배차", stage="🚚", holder="e\u0301"),
    "escapes": _raw("stage", '"\\ud83d\\ude9a\\u0000\\/"'),
    "half a surrogate pair in a name": _raw("stage", '"\\ud83d"'),
    "names that mean something to a language": _with(__proto__={"percentage": 0}, constructor=1),
    "the last of two equal names counts": '{"percentage":101,' + _with()[1:],
    "latched": _with(latched=True, percentage=0),
    "a holdback": _with(holdback=5),
    "a holdback of all": _with(holdback=100),
    **{f"a holdback of {text}": _raw("holdback", text) for text in _HOLDBACKS},
}
"""Records that count."""
