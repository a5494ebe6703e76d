"""The samples leave out no bound and no rule of the schema."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from mlrollout.api.crd import schema

from tests.support.objects import ACCEPTED, REFUSED
from tests.support.sample import ABSENT, steps
from tests.support.schemas import nodes

# By keyword: what the API server complains of, and what of a value the bound is about.
BOUNDS: Mapping[str, tuple[str, Callable[[Any], object]]] = {
    "minLength": ("{path} in body should be at least {bound} chars long", len),
    "maxLength": ("{path}: Too long: may not be more than {bound} bytes", len),
    "minimum": ("{path} in body should be greater than or equal to {bound}", lambda value: value),
    "maximum": ("{path} in body should be less than or equal to {bound}", lambda value: value),
    "minItems": ("{path} in body should have at least {bound} items", len),
    "maxItems": ("{path}: Too many: {beyond}: must have at most {bound} items", len),
}
SPEC = [(path, node) for path, node in nodes(schema()) if path.startswith("spec")]
EACH_BOUND = [(path, keyword, node[keyword]) for path, node in SPEC for keyword in BOUNDS if keyword in node]


def complaints_of_the_schema() -> Iterator[str]:
    for path, node in SPEC:
        yield from (f"{path}.{name}: Required value" for name in node.get("required", ()))
        if "pattern" in node:
            yield f"{path} in body should match '{node['pattern']}'"
        if "enum" in node:
            yield f'{path}: Unsupported value: "{node["enum"][0].lower()}"'
        if "x-kubernetes-list-map-keys" in node:
            yield f"{path}[1]: Duplicate value"
        if node["type"] in {"integer", "number", "boolean"}:
            yield f"{path} in body must be of type {node['type']}"


@cache
def refused_with(complaint: str, path: str = "") -> bool:
    return any(complaint in sample.complaint and sample.path.startswith(path) for sample in REFUSED)


@pytest.mark.parametrize(("path", "keyword", "bound"), EACH_BOUND)
def test_every_bound_is_stepped_over(path: str, keyword: str, bound: int) -> None:
    complaint, _ = BOUNDS[keyword]

    assert refused_with(complaint.format(path=path, bound=bound, beyond=bound + 1))


@pytest.mark.parametrize(("path", "keyword", "bound"), EACH_BOUND)
def test_every_bound_is_reached(path: str, keyword: str, bound: int) -> None:
    _, measure = BOUNDS[keyword]

    assert bound in {measure(value) for value in _values(path)}


def _values(path: str) -> Iterator[Any]:
    for sample in ACCEPTED:
        value: Any = sample.object
        try:
            for step in steps(path):
                value = value[step]
        except (KeyError, IndexError):
            continue
        yield value


@pytest.mark.parametrize("complaint", list(complaints_of_the_schema()))
def test_every_other_demand_of_the_schema_is_disregarded_once(complaint: str) -> None:
    assert refused_with(complaint)


@pytest.mark.parametrize(
    ("path", "message"),
    [(path, rule["message"]) for path, node in SPEC for rule in node.get("x-kubernetes-validations", ())],
)
def test_every_rule_is_broken_once(path: str, message: str) -> None:
    transition = "cannot change" in message

    assert transition or refused_with(message, path.removesuffix("[0]"))


def test_each_sample_leaves_the_minimal_object_as_it_is() -> None:
    assert all(sample.object["metadata"] == {"name": "minimal"} for sample in REFUSED)
    assert all(sample.value is not ABSENT for sample in ACCEPTED)
