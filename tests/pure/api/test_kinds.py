"""Several kinds of guardrails are one in the schema, and each has a model of its own."""

from typing import Annotated, Any, ClassVar

import pytest
from mlrollout.api.crd import schema
from mlrollout.api.guardrail import Guardrail, PromQL
from mlrollout.api.kinds import KINDS, OneOf
from mlrollout.api.model import Model
from mlrollout.api.schema import structural
from mlrollout.api.threshold import ThresholdGuardrail
from pydantic import ValidationError


class Toy(Guardrail):
    """A kind that is only here."""

    MARK: ClassVar[str] = "toySeries"

    toy_series: PromQL
    """What it is about."""
    toy_size: int | None = None
    """A field that only this kind has."""


class Box(Model):
    """Guardrails of both kinds."""

    both: Annotated[Guardrail, OneOf((ThresholdGuardrail, Toy))]
    """A guardrail of either kind."""


THRESHOLD: dict[str, Any] = {"name": "errors", "query": "up", "max": 1}
TOY: dict[str, Any] = {"name": "toy", "toySeries": "up", "toySize": 3}


def read(raw: object) -> Guardrail:
    return Box.model_validate({"both": raw}).both


def test_a_guardrail_is_read_into_the_model_of_its_kind() -> None:
    assert type(read(THRESHOLD)) is ThresholdGuardrail
    assert type(read(TOY)) is Toy
    assert read(read(TOY)) == read(TOY)


def test_it_is_written_with_the_fields_of_its_kind() -> None:
    assert Box(both=read(TOY)).model_dump(mode="json", by_alias=True)["both"]["toySize"] == 3


@pytest.mark.parametrize(
    ("raw", "place", "message"),
    [
        ({"name": "none"}, ("both",), "a guardrail is of one kind: query or toySeries"),
        (TOY | {"toySize": "x"}, ("both", "toySize"), "valid integer"),
        (TOY | {"interval": "soon"}, ("both", "interval"), "not a duration"),
        (TOY | THRESHOLD, ("both",), "a guardrail is of one kind: query or toySeries"),
        (TOY | {"max": 1}, ("both",), "max means nothing beside toySeries"),
        (THRESHOLD | {"toySize": 1}, ("both",), "toySize means nothing beside query"),
        ("nonsense", ("both",), "valid dictionary"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_in_the_object(raw: object, place: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        read(raw)

    (error,) = refusal.value.errors()
    assert error["loc"] == place
    assert message in error["msg"]


def test_the_schema_has_the_fields_of_every_kind_and_rules_for_what_goes_together() -> None:
    both = structural(Box)["properties"]["both"]

    assert list(both["properties"])[:6] == ["name", "query", "max", "min", "minSamples", "toySeries"]
    assert both["required"] == ["name"]
    rules = {rule["rule"]: rule["message"] for rule in both["x-kubernetes-validations"]}
    assert rules["[has(self.query), has(self.toySeries)].exists_one(marked, marked)"] == (
        "a guardrail is of one kind: query or toySeries"
    )
    assert rules["!has(self.toySeries) || !has(self.max)"] == "max means nothing beside toySeries"
    assert rules["!has(self.query) || !has(self.toySize)"] == "toySize means nothing beside query"
    assert (
        rules["!has(self.query) || (has(self.min) || has(self.max))"] == "a guardrail needs a limit: min, max or both"
    )
    assert any("maxAge" in rule and "query" not in rule for rule in rules)


def test_the_field_that_marks_a_kind_is_its_own_required_and_without_a_default() -> None:
    """A field with a default is always there for the API server, which then takes every guardrail for that kind."""
    for kind in KINDS:
        (mark,) = (field for field in kind.model_fields.values() if field.alias == kind.MARK)
        assert mark.is_required()
        optional = [field for name, field in kind.model_fields.items() if name not in Guardrail.model_fields]
        assert all(field.is_required() or field.default is None for field in optional)


def test_kubectl_explains_of_min_samples_that_too_few_bear_neither_verdict() -> None:
    """Of a field that several kinds have, one kind's text is shown for all of them."""
    shown = schema()["properties"]["spec"]["properties"]["guardrails"]["items"]["properties"]["minSamples"]
    assert "Beside `query`: on fewer samples a look is neither a pass nor a breach" in shown["description"]
    texts = {" ".join((kind.model_fields["min_samples"].description or "").split()) for kind in KINDS}
    assert texts == {shown["description"]}
