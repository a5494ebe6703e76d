"""The base of every model that is part of the object, and how a CEL rule is attached to one."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


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
