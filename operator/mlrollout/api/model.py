"""The base of every model that is part of the object, and the rules that the API server checks as well."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


def rules(*pairs: tuple[str, str], naming: str = "") -> dict[str, Any]:
    """CEL rules as (expression, message a user sees at `kubectl apply`), for `json_schema_extra`.

    Args:
        pairs: The rules.
        naming: CEL for what the messages shall name: the values that break the rule.
    """
    validations = [{"rule": rule, "message": message} for rule, message in pairs]
    for one in validations if naming else ():
        one["messageExpression"] = f"'{one['message']}: ' + {naming}"
    return {"x-kubernetes-validations": validations}


def ruled(found: JsonSchemaValue, rule: str, message: str, naming: str) -> JsonSchemaValue:
    """A schema with one rule more; the values that break it are named by the CEL `naming`."""
    (one,) = rules((rule, message), naming=naming)["x-kubernetes-validations"]
    return found | {"x-kubernetes-validations": [*found.get("x-kubernetes-validations", ()), one]}


@dataclass(frozen=True, slots=True)
class Unique:
    """A list whose items are told apart by one field, and which an applier replaces as a whole.

    For a list with a default: merged by name, a user's items would be added to the default ones.
    """

    field: str

    @property
    def message(self) -> str:
        """What the user is told."""
        return f"each {self.field} must stand once"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        once = f"self.exists_one(other, other.{self.field} == item.{self.field})"
        # `map` with a condition: how long the name of a filtered item may be, the API server can't tell, and it refuses
        # a rule for what it might cost.
        twice = f"self.map(item, !{once}, item.{self.field})[0]"
        found = ruled(handler(core), f"self.all(item, {once})", self.message, twice)
        return found | {"x-kubernetes-list-type": "atomic"}

    def _check(self, items: Sequence[Model]) -> Sequence[Model]:
        names = [getattr(item, self.field) for item in items]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{self.message}: {twice}")
        return items


@dataclass(frozen=True, slots=True)
class Ascending:
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

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        numbers = f"self.map(item, item.{self.field})"
        once = f"self.exists_one(other, other.{self.field} == item.{self.field})"
        lower = f"self.filter(other, other.{self.field} < item.{self.field}).size()"
        misplaced = f"{numbers}.indexOf(item.{self.field}) != {lower} || !{once}"
        naming = f"self.map(item, {misplaced}, item.{self.name})[0]"
        return ruled(handler(core), f"{numbers}.isSorted() && self.all(item, {once})", self.message, naming)

    def _check(self, items: Sequence[Model]) -> Sequence[Model]:
        numbers = [getattr(item, self.field) for item in items]
        for place, (item, number) in enumerate(zip(items, numbers, strict=True)):
            if numbers.count(number) > 1 or sum(other < number for other in numbers) != place:
                raise ValueError(f"{self.message}: {getattr(item, self.name)}")
        return items


@dataclass(frozen=True, slots=True)
class Keyed:
    """A list whose items are told apart by one field; the API server merges by it and refuses duplicates."""

    field: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(core) | {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.field]}

    def _check(self, items: Sequence[Model]) -> Sequence[Model]:
        seen = set()
        for item in items:
            key = getattr(item, self.field)
            if key in seen:
                raise ValueError(f"Duplicate value: {json.dumps({self.field: key}, separators=(',', ':'))}")
            seen.add(key)
        return items
