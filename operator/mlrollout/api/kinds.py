"""The kinds of guardrails as the object writes them: each a model of its own here, all together one in the schema.

A structural schema knows no alternatives. So the fields of every kind stand side by side in it, and rules say which go
together; the operator reads each guardrail into the model of its kind, where nothing is optional that is needed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, core_schema

from .balance import BalanceGuardrail
from .compare import CompareGuardrail
from .guardrail import Guardrail
from .model import rules
from .rate import RateGuardrail
from .threshold import ThresholdGuardrail

KINDS: tuple[type[Guardrail], ...] = (ThresholdGuardrail, RateGuardrail, CompareGuardrail, BalanceGuardrail)
"""Every kind that there is."""

_RULES = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several kinds, told apart by the field that only one of them has. In `Annotated`."""

    kinds: Sequence[type[Guardrail]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        each = {kind.MARK: handler.generate_schema(kind) for kind in self.kinds}
        union = core_schema.tagged_union_schema(each, discriminator=self._mark)
        return core_schema.no_info_wrap_validator_function(self._read, union)

    def _mark(self, raw: object) -> str:
        """The mark of the kind that a guardrail is of."""
        if isinstance(raw, Guardrail):
            return raw.MARK
        fields: Mapping[str, object] = raw if isinstance(raw, Mapping) else {}
        return next((kind.MARK for kind in self.kinds if kind.MARK in fields), self.kinds[0].MARK)

    def _read(self, raw: object, handler: ValidatorFunctionWrapHandler) -> object:
        """A guardrail of its kind; refused where it has the mark of none or several, or a field of another kind."""
        kind = next(kind for kind in self.kinds if self._mark(raw) == kind.MARK)
        if isinstance(raw, Mapping):
            if len(self.kinds) > 1 and sum(one.MARK in raw for one in self.kinds) != 1:
                raise ValueError(self._several())
            for field in self._strays(kind):
                if field in raw:
                    raise ValueError(_stray(field, kind.MARK))
        try:
            return handler(raw)
        except ValidationError as error:
            # pydantic puts the kind's mark into the place of what is wrong, where the object has no such field.
            raise ValidationError.from_exception_data(error.title, [_moved_up(one) for one in error.errors()]) from None

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        every: Sequence[type[Guardrail]] = (Guardrail, *self.kinds)
        common, *schemas = (handler.resolve_ref_schema(handler(kind.__pydantic_core_schema__)) for kind in every)
        (name, named), *rest = common["properties"].items()
        own = {field: found["properties"][field] for found in schemas for field in found["properties"]}
        fields = {name: named} | {field: schema for field, schema in own.items() if field not in common["properties"]}
        required = set.intersection(*(set(found["required"]) for found in schemas))
        return common | {
            "properties": fields | dict(rest),
            "required": [field for field in fields if field in required],
            _RULES: [*rules(*self._rules(common, schemas))[_RULES], *common[_RULES]],
        }

    def _rules(self, common: JsonSchemaValue, schemas: Sequence[JsonSchemaValue]) -> Iterator[tuple[str, str]]:
        """That a guardrail is of one kind, keeps that kind's rules, and has no field of another's; as CEL."""
        if len(self.kinds) > 1:
            marks = ", ".join(f"has(self.{kind.MARK})" for kind in self.kinds)
            yield f"[{marks}].exists_one(marked, marked)", self._several()
        for kind, found in zip(self.kinds, schemas, strict=True):
            # Of the only kind there is, every guardrail is, for it requires the mark.
            only = f"!has(self.{kind.MARK}) || " if len(self.kinds) > 1 else ""
            own = [rule for rule in found[_RULES] if rule not in common[_RULES]]
            yield from ((f"{only}({rule['rule']})" if only else rule["rule"], rule["message"]) for rule in own)
            yield from ((f"{only}!has(self.{field})", _stray(field, kind.MARK)) for field in self._strays(kind))

    def _strays(self, kind: type[Guardrail]) -> Sequence[str]:
        """The fields, marks aside, that only other kinds have."""
        marks = {other.MARK for other in self.kinds}
        others = dict.fromkeys(field for other in self.kinds for field in _fields(other))
        return [field for field in others if field not in marks and field not in _fields(kind)]

    def _several(self) -> str:
        return "a guardrail is of one kind: " + " or ".join(kind.MARK for kind in self.kinds)


def _moved_up(error: ErrorDetails) -> InitErrorDetails:
    """The same error with its place taken as inside the guardrail."""
    return InitErrorDetails(type=error["type"], loc=error["loc"][1:], input=error["input"], ctx=error.get("ctx", {}))


def _fields(kind: type[Guardrail]) -> Sequence[str]:
    """The fields of a kind as the object has them."""
    return [str(field.alias) for field in kind.model_fields.values()]


def _stray(field: str, mark: str) -> str:
    return f"{field} means nothing beside {mark}"


AnyGuardrail = Annotated[Guardrail, OneOf(KINDS)]

guardrail: TypeAdapter[Guardrail] = TypeAdapter(AnyGuardrail)
"""Reads one guardrail."""
