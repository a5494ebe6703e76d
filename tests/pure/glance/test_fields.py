"""Nothing is expected of what stands in an object: whatever it is, it is read or it is nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlrollout.glance.advice import advise
from mlrollout.glance.fields import Fields
from mlrollout.glance.rollout import glance

from tests.support import dispatch

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("method", "value", "read"),
    [
        ("text", "pilot", "pilot"),
        ("text", "two\nlines\x1b[31m", "two lines [31m"),
        ("text", 7, ""),
        ("number", 0.5, 0.5),
        ("number", True, None),
        ("number", float("nan"), None),
        ("number", 10**400, None),
        ("whole", 10.9, 10),
        ("whole", "10", 0),
        ("flag", True, True),
        ("flag", "true", False),
        ("moment", "1970-01-01T00:01:00Z", 60.0),
        ("moment", "yesterday", None),
        ("moment", "0001-01-01T00:00:00+14:00", None),
        ("moment", "9999-12-31T23:59:59-14:00", None),
        ("seconds", "1m30s", 90.0),
        ("seconds", "soon", None),
        ("seconds", 90, None),
    ],
)
def test_a_value_is_read_as_what_it_is_or_not_at_all(method: str, value: Any, read: Any) -> None:
    assert getattr(Fields({"field": value}), method)("field") == read
    assert getattr(Fields({}), method)("field") == getattr(Fields(None), method)("field")


def test_parts_of_what_has_none() -> None:
    assert Fields({"list": [{"a": 1}, 2]}).parts("list")[0].whole("a") == 1
    assert Fields({"list": {}}).parts("list") == ()
    assert Fields({"part": 3}).part("part").text("x") == ""
    assert "part" in Fields({"part": 0})
    assert "part" not in Fields({"part": None})


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


def _with(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = value.copy()
    copy[path[0]] = _with(value[path[0]], path[1:], other)
    return copy


@given(state=st.sampled_from(sorted(dispatch.STATES)), data=st.data())
def test_a_rollout_is_told_whatever_somebody_put_into_its_object(state: str, data: st.DataObject) -> None:
    found = dispatch.rollouts()[state]
    path = data.draw(st.sampled_from(_places(found)))
    broken = _with(found, path, data.draw(JSON))

    assert advise(glance(broken if isinstance(broken, dict) else {}, dispatch.NOW)).why
