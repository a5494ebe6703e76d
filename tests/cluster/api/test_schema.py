"""What the real API server says to each sample, as `kubectl create` and `kubectl apply` show it."""

import json
import re
from collections.abc import Sequence

import pytest

from devstack.control_plane import ControlPlane
from devstack.errors import DevstackError
from tests.support.objects import ACCEPTED, REFUSED
from tests.support.sample import Sample

_REFUSAL = re.compile(r'^.*MLRollout\.mlrollout\.dev "s(\d+)" is invalid: ', re.MULTILINE)


def complaints(control_plane: ControlPlane, samples: Sequence[Sample]) -> list[str]:
    """What `kubectl create --dry-run=server` says to each sample; empty where it says nothing."""
    objects = [sample.object | {"metadata": {"name": f"s{place}"}} for place, sample in enumerate(samples)]
    try:
        control_plane.kubectl(
            "create", "--dry-run=server", "-f", "-", input="\n---\n".join(json.dumps(item) for item in objects)
        )
    except DevstackError as error:
        _, *parts = _REFUSAL.split(str(error))
        if not parts:
            raise
        by_place = dict(zip(parts[::2], parts[1::2], strict=True))
        return [by_place.get(str(place), "") for place in range(len(objects))]
    return [""] * len(objects)


@pytest.fixture(scope="session")
def to_accepted(control_plane: ControlPlane) -> list[str]:
    return complaints(control_plane, ACCEPTED)


@pytest.fixture(scope="session")
def to_refused(control_plane: ControlPlane) -> list[str]:
    return complaints(control_plane, REFUSED)


@pytest.mark.parametrize("place", range(len(ACCEPTED)), ids=map(str, ACCEPTED))
def test_sense_is_accepted(to_accepted: list[str], place: int) -> None:
    assert to_accepted[place] == ""


@pytest.mark.parametrize("place", range(len(REFUSED)), ids=map(str, REFUSED))
def test_nonsense_is_refused_with_the_reason(to_refused: list[str], place: int) -> None:
    assert REFUSED[place].complaint in to_refused[place]
    assert "evaluating rule" not in to_refused[place], "a rule fails where it should answer"


def test_an_unknown_field_is_named(control_plane: ControlPlane) -> None:
    with pytest.raises(DevstackError, match=r'unknown field "spec\.guardrials"'):
        control_plane.kubectl(
            "create", "--dry-run=server", "-f", "-", input=json.dumps(Sample("spec.guardrials", []).object)
        )
