"""The base of every model that is part of the object, and the rules that the API server checks as well."""

import json
from collections.abc import Mapping, Sequence
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


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules as (expression, message a user sees at `kubectl apply`), for `json_schema_extra`."""
    validations: list[Mapping[str, str]] = [{"rule": rule, "message": message} for rule, message in pairs]
    return {"x-kubernetes-validations": validations}


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
