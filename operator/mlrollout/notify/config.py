"""The administrator's file: the receivers of the operator, what each of them is told, and in which words."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError, model_validator

from mlrollout import yaml_text
from mlrollout.api.guardrail import Name
from mlrollout.api.notification import Topic
from mlrollout.domain.topics import Severity

from .address import ReceiverAddress, address

MAX_FILE = 1024 * 1024
"""Bytes of a Kubernetes Secret."""
_SHOWN_ERRORS = 3
_WRONG: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is no field that there is: correct its name, or take it out",
    "tuple_type": "is no list",
    "too_short": "is an empty list",
    "string_type": "is no text",
    "model_type": "has no fields",
    "dict_type": "has no fields",
}
"""By the type of pydantic's error: what it means for whoever writes the file."""

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=253)]


class _Strict(BaseModel):
    """Frozen; a field that nobody knows is a slip of the pen, and refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class OperatorReceiver(_Strict):
    """A receiver of the operator.

    Attributes:
        name: What routes, metrics and the status call it.
        url: Its address.
        secret: What signs a webhook.
    """

    name: Name
    url: SecretStr
    secret: SecretStr = SecretStr("")

    @cached_property
    def address(self) -> ReceiverAddress:
        """Its address."""
        return address(self.url.get_secret_value(), self.secret.get_secret_value())

    @model_validator(mode="after")
    def _usable(self) -> Self:
        _ = self.address
        return self


class Route(_Strict):
    """Which news goes to which receivers: what is left out stands for all.

    Attributes:
        receivers: Their names.
        topics: What it is about.
        severities: How bad it was for users.
        reasons: The reason or, of a rollback, its cause.
        namespaces: Names of the object's namespace, in which `*` stands for any characters.
        labels: What the object's labels have to be.
    """

    receivers: Annotated[tuple[Name, ...], Field(min_length=1)]
    topics: tuple[Topic, ...] = ()
    severities: tuple[Severity, ...] = ()
    reasons: tuple[str, ...] = ()
    namespaces: tuple[Pattern, ...] = ()
    labels: Mapping[str, str] = Field(default_factory=dict)


class Template(_Strict):
    """Words for one topic, in Jinja2: what is left out is built in.

    Attributes:
        title: The one line.
        text: The rest.
    """

    title: Annotated[str, Field(max_length=4096)] = ""
    text: Annotated[str, Field(max_length=16 * 1024)] = ""


class NotificationConfig(_Strict):
    """The whole file.

    Attributes:
        cluster: What people call the cluster; stands in every title.
        dashboard: A link, with `{namespace}` and `{name}` in it.
        receivers: The receivers of the operator.
        routes: What each of them is told; without routes every one is told everything.
        templates: Words by topic.
    """

    cluster: Annotated[str, StringConstraints(max_length=63)] = ""
    dashboard: Annotated[str, StringConstraints(max_length=2048, pattern=r"^(https?://\S+)?$")] = ""
    receivers: Annotated[tuple[OperatorReceiver, ...], Field(max_length=32)] = ()
    routes: Annotated[tuple[Route, ...], Field(max_length=128)] = ()
    templates: Mapping[Topic, Template] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [one.name for one in self.receivers]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two receivers have the name {twice}")
        unknown = next((name for route in self.routes for name in route.receivers if name not in names), None)
        if unknown is not None:
            raise ValueError(f"a route names the receiver {unknown}, which is not among the receivers")
        return self


class ConfigError(ValueError):
    """The administrator's file can't be used; the text says why, and holds nothing secret."""


def parse(text: str) -> NotificationConfig:
    """What stands in the file.

    Raises:
        ConfigError: It can't be used.
    """
    if len(text) > MAX_FILE:
        raise ConfigError(f"it is longer than {MAX_FILE} characters")
    try:
        # Not the error's own text: it quotes the line, which may hold a password.
        found = yaml_text.load(text)
    except yaml.MarkedYAMLError as error:
        where = f" (line {error.problem_mark.line + 1})" if error.problem_mark is not None else ""
        raise ConfigError(f"it is no YAML{where}") from None
    except yaml.YAMLError:
        raise ConfigError("it is no YAML") from None
    try:
        return NotificationConfig.model_validate({} if found is None else found)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise ConfigError("; ".join(map(_wrong, problems[:_SHOWN_ERRORS]))) from None


def _wrong(problem: Mapping[str, Any]) -> str:
    """What is wrong at which place, without what stands there: it may be a secret."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"] if part != "[key]")
    place = place.removeprefix(".")
    if problem["type"] in _WRONG:
        return f"{place or 'the file'} {_WRONG[problem['type']]}"
    said = (
        problem["msg"]
        .removeprefix("Value error, ")
        .replace("Input should", "it should")
        .replace("String should", "it should")
    )
    return f"{place}: {said}" if place else said
