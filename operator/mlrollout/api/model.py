"""The base of every model that is part of the object, and the rules that the API server checks as well."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class Model(BaseModel):
    """Frozen; `camelCase` in the object, `snake_case` in Python; unknown fields are ignored.

    The API server already refuses or prunes unknown fields; an operator one version behind its
    CRD must still be able to read what a newer user wrote.
    """

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore", use_attribute_docstrings=True
    )


Rule = tuple[str, str] | tuple[str, str, str]
"""A CEL expression, the message that a user sees at `kubectl apply`, and maybe CEL for the names at the message's end.

Names alone: how long a number is as text, the API server can't tell, and it refuses a message for what that might cost.
Such values only the operator and the command line tell, behind what the API server says.
"""


def rules(*every: Rule) -> dict[str, Any]:
    """Rules for `json_schema_extra`."""
    return {"x-kubernetes-validations": [_validation(*one) for one in every]}


def _validation(rule: str, message: str, naming: str = "") -> dict[str, str]:
    named = {"messageExpression": f"'{message}: ' + {naming}"} if naming else {}
    return {"rule": rule, "message": message, **named}


def ruled(found: JsonSchemaValue, rule: Rule) -> JsonSchemaValue:
    """A schema with one rule more."""
    return found | {"x-kubernetes-validations": [*found.get("x-kubernetes-validations", ()), _validation(*rule)]}


T = TypeVar("T")


class Constraint(ABC, Generic[T]):
    """What a value must be beyond its type. In `Annotated`, checked here and, by the schema, at `kubectl apply`.

    The hooks are pydantic's; a kind of constraint says what it refuses and how the schema puts it, which have to agree.
    """

    __slots__ = ()

    @abstractmethod
    def _check(self, value: T) -> T:
        """The value; a `ValueError` tells the user what is wrong with it."""

    @abstractmethod
    def _schema(self, found: JsonSchemaValue) -> JsonSchemaValue:
        """The schema of the type, with what makes the API server refuse the same."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return self._schema(handler(core))


@dataclass(frozen=True, slots=True)
class Unique(Constraint[Sequence[Model]]):
    """A list whose items are told apart by one field, and which an applier replaces as a whole.

    For a list with a default: merged by name, a user's items would be added to the default ones.
    """

    field: str

    @property
    def message(self) -> str:
        """What the user is told."""
        return f"each {self.field} must stand once"

    def _schema(self, found: JsonSchemaValue) -> JsonSchemaValue:
        once = f"self.exists_one(other, other.{self.field} == item.{self.field})"
        # `map` with a condition: how long the name of a filtered item may be, the API server can't tell, and it refuses
        # a rule for what it might cost.
        twice = f"self.map(item, !{once}, item.{self.field})[0]"
        found = ruled(found, (f"self.all(item, {once})", self.message, twice))
        return found | {"x-kubernetes-list-type": "atomic"}

    def _check(self, value: Sequence[Model]) -> Sequence[Model]:
        names = [getattr(item, self.field) for item in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{self.message}: {twice}")
        return value


@dataclass(frozen=True, slots=True)
class Ascending(Constraint[Sequence[Model]]):
    """A list whose items have a number each, every one greater than the one before.

    Attributes:
        field: The number.
        name: What an item is named by where it stands in another place than its number gives it.
    """

    field: str
    name: str

    @property
    def message(self) -> str:
        """What the user is told."""
        return f"each {self.field} must be greater than the one before"

    def _schema(self, found: JsonSchemaValue) -> JsonSchemaValue:
        numbers = f"self.map(item, item.{self.field})"
        once = f"self.exists_one(other, other.{self.field} == item.{self.field})"
        lower = f"self.filter(other, other.{self.field} < item.{self.field}).size()"
        misplaced = f"{numbers}.indexOf(item.{self.field}) != {lower} || !{once}"
        naming = f"self.map(item, {misplaced}, item.{self.name})[0]"
        return ruled(found, (f"{numbers}.isSorted() && self.all(item, {once})", self.message, naming))

    def _check(self, value: Sequence[Model]) -> Sequence[Model]:
        numbers = [getattr(item, self.field) for item in value]
        for place, (item, number) in enumerate(zip(value, numbers, strict=True)):
            if numbers.count(number) > 1 or sum(other < number for other in numbers) != place:
                listed = ", ".join(map(str, numbers))
                raise ValueError(f"{self.message}: {getattr(item, self.name)} at {number} in {listed}")
        return value


@dataclass(frozen=True, slots=True)
class Keyed(Constraint[Sequence[Model]]):
    """A list whose items are told apart by one field; the API server merges by it and refuses duplicates."""

    field: str

    def _schema(self, found: JsonSchemaValue) -> JsonSchemaValue:
        return found | {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.field]}

    def _check(self, value: Sequence[Model]) -> Sequence[Model]:
        seen = set()
        for item in value:
            key = getattr(item, self.field)
            if key in seen:
                raise ValueError(f"Duplicate value: {json.dumps({self.field: key}, separators=(',', ':'))}")
            seen.add(key)
        return value
