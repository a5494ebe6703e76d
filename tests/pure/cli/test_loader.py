"""YAML is read as kubectl reads it: each right side here is what `kubectl label --local -o json` makes of it."""

from pathlib import Path
from typing import Any

import pytest
from mlrollout.cli.authoring.manifests import UnreadableInputError, manifests

HEAD = "apiVersion: mlrollout.dev/v1alpha1\nkind: MLRollout\nmetadata: {name: a}\n"


def loaded(folder: Path, value: str) -> Any:
    file = folder / "rollout.yaml"
    file.write_text(f"{HEAD}x: {value}\n")
    (found,) = manifests(str(file))
    return found.found["x"]


READ: dict[str, Any] = {
    "[y, Y, yes, Yes, on, TRUE, !!bool y]": [True] * 7,
    "[n, N, no, NO, off, False, !!bool n]": [False] * 7,
    "[yEs, tRUE, nULL, ye]": ["yEs", "tRUE", "nULL", "ye"],
    "[~, null, Null, NULL]": [None] * 4,
    "[0o17, 017, 0O1_7, -0o17, 0x1F, -0X1f, 0b11, 0B1_1]": [15, 15, 15, -15, 31, -31, 3, 3],
    "[1_000, 1__0, +12, 1_0.5, 1_0e2]": [1000, 10, 12, 10.5, 1000],
    "[08, 09.5, 1e3, 1.E3, .5e1, 5., .5_0]": [8, 9.5, 1000, 1000, 5, 5, 0.5],
    "[1e400, -1e400, 1e-400, 0x, 0o8, 0xG, 0x1p4]": ["1e400", "-1e400", 0, "0x", "0o8", "0xG", "0x1p4"],
    "[_1, ._5, '1', -, +, ., -., 1.2.3, 0b12]": ["_1", "._5", "1", "-", "+", ".", "-.", "1.2.3", "0b12"],
    "[18446744073709551615, 18446744073709551616]": [2**64 - 1, 2.0**64],
    "[-9223372036854775808, +9223372036854775808]": [-(2**63), 2.0**63],
    "[=, <<, '<<']": ["=", "<<", "<<"],
    "[2026-11-03, 2026-11-03T09:30:00Z, 12:30, !!timestamp 2026-11-03]": [
        "2026-11-03",
        "2026-11-03T09:30:00Z",
        "12:30",
        "2026-11-03",
    ],
    "[!!int '0o17', !!float 5, !!str 5, !foo bar, !!binary aGk=]": [15, 5.0, "5", "bar", "hi"],
    "!foo {a: !bar [!baz b]}": {"a": ["b"]},
    "{5: a, y: b, 0x10: c, 1.5: d, =: e}": {"5": "a", "true": "b", "16": "c", "1.5": "d", "=": "e"},
    "[&m {a: 1, b: 2}, {<<: *m, a: 3}, {a: 3, <<: *m}]": [{"a": 1, "b": 2}, {"a": 3, "b": 2}, {"a": 1, "b": 2}],
    "[&m {a: 1}, &n {a: 2, b: 2}, {<<: [*m, *n]}]": [{"a": 1}, {"a": 2, "b": 2}, {"a": 1, "b": 2}],
}


@pytest.mark.parametrize(("written", "expected"), READ.items(), ids=READ.keys())
def test_a_value_is_what_kubectl_makes_of_it(tmp_path: Path, written: str, expected: Any) -> None:
    found = loaded(tmp_path, written)
    assert found == expected
    if isinstance(found, list):  # 1 is True to Python, and to nobody else
        assert [isinstance(one, bool) for one in found] == [isinstance(one, bool) for one in expected]


@pytest.mark.parametrize("written", ["!!bool maybe", "!!int 5.5", "!!float x", "{<<: 5}", "{<<: [[]]}", "*nothing"])
def test_what_kubectl_refuses_is_no_yaml(tmp_path: Path, written: str) -> None:
    with pytest.raises(UnreadableInputError, match=" is no YAML: "):
        loaded(tmp_path, written)


def test_what_a_file_says_of_itself_is_told_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError) as told:
        loaded(tmp_path, "*nothing\u2028")
    assert str(told.value).isprintable()
