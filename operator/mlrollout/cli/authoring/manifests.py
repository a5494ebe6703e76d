"""The `MLRollout` objects in files of YAML, as somebody is about to apply them."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mlrollout.api import GROUP, KIND
from mlrollout.api.spec import Spec
from mlrollout.domain.partial import summary, understand

from . import lines
from .loader import ManifestLoader
from .shape import without_nulls

_MOST = 16 * 1024 * 1024
"""Bytes of a file: more than any API server takes at once."""


class UnreadableInputError(ValueError):
    """A file, or what else is to be read, is not what a command can work with; the text says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """An `MLRollout` in a file.

    Attributes:
        file: Where it stands; `-` for standard input.
        found: The object as it is written.
        node: Where it stands in the file; `None` where that is not known.
    """

    file: str
    found: Mapping[str, Any]
    node: yaml.Node | None = field(default=None, repr=False, compare=False)

    @property
    def spec(self) -> object:
        """Its spec, as an API server would read it: without the fields that are null."""
        return without_nulls(self.found.get("spec"))

    @property
    def namespace(self) -> str:
        """Its namespace; empty where the manifest names none."""
        return self._about("namespace")

    @property
    def name(self) -> str:
        """Its name, likewise."""
        return self._about("name")

    def _about(self, what: str) -> str:
        metadata = self.found.get("metadata")
        return str(metadata.get(what) or "") if isinstance(metadata, dict) else ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.namespace, self.name))) or "unnamed"


def manifests(file: str) -> Sequence[Manifest]:
    """Every `MLRollout` in a file, or on standard input where it is `-`.

    Raises:
        UnreadableInputError: It can't be read, or is no YAML.
    """
    text = _bytes(file)
    try:
        return _read(file, text)
    except RecursionError:
        raise UnreadableInputError(f"{file} is nested deeper than any manifest") from None
    except (ValueError, yaml.YAMLError) as error:  # the one of a date that there is not
        raise UnreadableInputError(f"{file} is no YAML: {' '.join(str(error).split())}") from error


def _bytes(file: str) -> bytes:
    try:
        if file == "-":
            text = sys.stdin.buffer.read(_MOST + 1)
        else:
            with Path(file).open("rb") as opened:
                text = opened.read(_MOST + 1)
    except OSError as error:
        raise UnreadableInputError(f"{file} can't be read ({error.strerror})") from error
    if len(text) > _MOST:
        raise UnreadableInputError(f"{file} is larger than manifests are")
    return text


def _read(file: str, text: bytes) -> Sequence[Manifest]:
    """Every `MLRollout` of every document."""
    found: list[Manifest] = []
    loader = ManifestLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            found += _objects(file, loader.construct_document(node), node)
    finally:
        loader.dispose()
    return found


def _objects(file: str, document: Any, node: yaml.Node | None) -> Iterator[Manifest]:  # noqa: ANN401 - whatever YAML holds
    """The objects in a document, which may be a list of them; those of other kinds are none of ours."""
    if not isinstance(document, dict):
        return
    items = document.get("items")
    if document.get("kind") == "List" and isinstance(items, list):
        for place, item in enumerate(items):
            yield from _objects(file, item, lines.below(lines.below(node, "items"), place))
    if document.get("kind") == KIND and str(document.get("apiVersion")).partition("/")[0] == GROUP:
        yield Manifest(file, document, node)


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
