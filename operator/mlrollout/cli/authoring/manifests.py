"""The `MLRollout` objects in files of YAML, as somebody is about to apply them."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mlrollout.api import GROUP, KIND
from mlrollout.api.spec import Spec
from mlrollout.domain.partial import summary, understand

from . import lines


class UnreadableInputError(ValueError):
    """A file, or what else is to be read, is not what a command can work with; the text says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """An `MLRollout` in a file.

    Attributes:
        file: Where it stands; `-` for standard input.
        namespace: Its namespace; empty where the manifest names none.
        name: Its name, likewise.
        spec: As it is written.
        node: Where it stands in the file; `None` where that is not known.
    """

    file: str
    namespace: str
    name: str
    spec: object
    node: yaml.Node | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return "/".join(filter(None, (self.namespace, self.name))) or "unnamed"


def manifests(file: str) -> Iterator[Manifest]:
    """Every `MLRollout` in a file, or on standard input where it is `-`.

    Raises:
        UnreadableInputError: It can't be read, or is no YAML.
    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        documents = zip(yaml.safe_load_all(text), yaml.compose_all(text, yaml.SafeLoader), strict=True)
        found = [one for document, node in documents for one in _objects(file, document, node)]
    except OSError as error:
        raise UnreadableInputError(f"{file} can't be read ({error.strerror})") from error
    except RecursionError:
        raise UnreadableInputError(f"{file} is nested deeper than any manifest") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UnreadableInputError(f"{file} is no YAML: {' '.join(str(error).split())}") from error
    yield from found


def _objects(file: str, document: Any, node: yaml.Node | None) -> Iterator[Manifest]:  # noqa: ANN401 - whatever YAML holds
    """The objects in a document, which may be a list of them; those of other kinds are none of ours."""
    if not isinstance(document, dict):
        return
    items = document.get("items")
    if document.get("kind") == "List" and isinstance(items, list):
        for place, item in enumerate(items):
            yield from _objects(file, item, lines.below(lines.below(node, "items"), place))
    if document.get("kind") == KIND and str(document.get("apiVersion")).partition("/")[0] == GROUP:
        metadata = document.get("metadata")
        about = metadata if isinstance(metadata, dict) else {}
        namespace, name = (str(about.get(field, "")) for field in ("namespace", "name"))
        yield Manifest(file, namespace, name, document.get("spec"), node)


def only_spec(file: str, name: str = "") -> Spec:
    """The spec of the one `MLRollout` in a file, or of the one with that name.

    Raises:
        UnreadableInputError: There is none, or more than one, or an API server would not take it.
    """
    found = [one for one in manifests(file) if name in ("", one.name)]
    if len(found) != 1:
        wanted = f"{KIND} {name}" if name else KIND
        raise UnreadableInputError(
            f"{file} has {len(found)} objects of the kind {wanted}: it needs one, or --name NAME"
        )
    understood = understand(found[0].spec)
    if understood.spec is None or understood.problems:
        raise UnreadableInputError(f"{file} can't be applied as it is: {summary(understood.problems)}")
    return understood.spec
