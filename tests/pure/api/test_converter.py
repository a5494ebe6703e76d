"""What the converter lets through, and that it refuses the rest instead of dropping it."""

from datetime import timedelta
from typing import Annotated, Any, Literal

import pytest
from mlrollout.api.crd import schema
from mlrollout.api.model import Keyed, Model, rules
from mlrollout.api.schema import InexpressibleError, structural
from pydantic import ConfigDict, Field

from tests.support.schemas import nodes

Text = Annotated[str, Field(max_length=8)]


class Child(Model):
    """A child.

    More about it, which is for programmers.
    """

    name: Text
    size: int = 3


class Parent(Model):
    """A parent."""

    child: Child = Child(name="x")
    """Its
    child."""
    perhaps: Child | None = None
    many: Annotated[tuple[Child, ...], Field(max_length=2), Keyed("name")] = ()


CHILD = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 8},
        "size": {"type": "integer", "default": 3},
    },
}


def test_references_are_inlined_and_titles_dropped() -> None:
    assert structural(Parent) == {
        "description": "A parent.",
        "type": "object",
        "properties": {
            "child": CHILD | {"description": "Its child.", "default": {"name": "x", "size": 3}},
            "perhaps": CHILD | {"description": "A child."},
            "many": {
                "type": "array",
                "maxItems": 2,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": CHILD | {"description": "A child."},
            },
        },
    }


def test_defaults_can_be_left_out() -> None:
    assert all("default" not in node for _, node in nodes(structural(Parent, defaults=False)))


class Tree(Model):
    """Contains itself."""

    branches: Annotated[tuple["Tree", ...], Field(max_length=2)] = ()


class TwoLines(Model):
    """A rule with a message that would be refused."""

    model_config = ConfigDict(json_schema_extra=rules(("true", "one\ntwo")))


class KeyedByOptional(Model):
    """Items that may lack what tells them apart."""

    many: Annotated[tuple[Parent, ...], Field(max_length=2), Keyed("child")] = ()


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (str, "a string needs one of enum, format, maxLength"),
        (tuple[Text, ...], "a array needs one of maxItems"),
        (dict[str, Text], "additionalProperties means nothing to the API server"),
        (Any, "type None is not one of"),
        (int | Text, "it is of several types"),
        (timedelta, "format 'duration' means something else to the API server"),
        (Annotated[int, Field(gt=0)], "exclusiveMinimum means nothing to the API server"),
        (Annotated[Text, Field(examples=["x"])], "examples means nothing to the API server"),
        (Annotated[Text, Field(deprecated=True)], "deprecated means nothing to the API server"),
        (Literal["x"], "const means nothing to the API server"),
        (tuple[Text, int], "prefixItems means nothing to the API server"),
        (Annotated[set[Text], Field(max_length=2)], "uniqueItems means nothing to the API server"),
    ],
    ids=str,
)
def test_what_kubernetes_cannot_express_is_refused(annotation: Any, problem: str) -> None:
    model = type("Odd", (Model,), {"__annotations__": {"field": annotation}, "__module__": __name__})

    with pytest.raises(InexpressibleError) as refusal:
        structural(model)

    assert str(refusal.value).startswith("Odd.field: ")
    assert problem in str(refusal.value)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (Tree, "Tree: it contains itself"),
        (TwoLines, "the message of 'true' is not one line"),
        (KeyedByOptional, "its items are told apart by child, which they need not have"),
    ],
)
def test_a_model_that_kubernetes_would_refuse_is_refused(model: type[Model], problem: str) -> None:
    with pytest.raises(InexpressibleError, match=problem):
        structural(model)


def test_every_field_is_explained() -> None:
    silent = [path for path, node in nodes(schema()) if not node.get("description")]

    assert silent == ["metadata"]


def test_no_default_in_the_status_but_that_nobody_has_seen_it() -> None:
    status = schema()["properties"]["status"]

    (default,) = [node["default"] for _, node in nodes(status) if "default" in node]

    assert default["observedGeneration"] == -1
    assert [(one["type"], one["status"]) for one in default["conditions"]] == [("Ready", "Unknown")]
