"""What `-o` asks for: an object for a program, or a screen for a person."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlrollout.api import GROUP, SINGULAR

from .ending import CommandError, ExitCode
from .terminal import Terminal

_FORMS = ("json", "yaml", "name", "wide", "jsonpath")

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OutputForm:
    """How an answer is written.

    Attributes:
        kind: Empty for a screen, `wide` for one that shows more; else what is written for a program.
        template: Of `jsonpath`.
    """

    kind: str = ""
    template: str = ""

    @classmethod
    def parse(cls, text: str) -> "OutputForm":
        """What `-o` says.

        Raises:
            CommandError: It is no form that there is.
        """
        kind, separator, template = text.partition("=")
        if kind not in ("", *_FORMS) or (kind == "jsonpath") != bool(separator and template):
            forms = "json, yaml, name, wide or jsonpath={.status.percentage}"
            raise CommandError(f"-o {text} is no form that there is: write {forms}", ExitCode.WRONG_USAGE)
        return cls(kind, template)

    @property
    def for_people(self) -> bool:
        """Whether it is a screen."""
        return self.kind in ("", "wide")

    @property
    def wide(self) -> bool:
        """Whether the screen shows more."""
        return self.kind == "wide"

    def write(self, terminal: Terminal, found: Data, *, named: Sequence[str] = ()) -> None:
        """Write an object for a program.

        Args:
            terminal: Where to.
            found: The object.
            named: The names of the objects that it is, or that are in it.
        """
        match self.kind:
            case "json":
                terminal.write(json.dumps(found, indent=4, ensure_ascii=False))
            case "yaml":
                import yaml

                terminal.write(yaml.safe_dump(found, sort_keys=True, allow_unicode=True))
            case "name":
                terminal.write("\n".join(f"{SINGULAR}.{GROUP}/{name}" for name in named))
            case "jsonpath":
                from .jsonpath import render

                terminal.console.file.write(render(self.template, found))


def as_list(items: Sequence[Data]) -> Data:
    """Several objects as kubectl writes them."""
    return {
        "apiVersion": "v1",
        "kind": "List",
        "metadata": {"resourceVersion": ""},
        "items": [dict(one) for one in items],
    }


def without_managers(found: Data) -> Data:
    """An object without its managed fields, which kubectl does not show either."""
    metadata = found.get("metadata")
    if not isinstance(metadata, Mapping):
        return found
    return {**found, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}
