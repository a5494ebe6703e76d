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
from mlrollout.domain.request import one_line
from mlrollout.yaml_text import WRONG_VALUES

from . import lines
from .loader import ManifestLoader, aliased, doubled_keys
from .shape import without_nulls

_SHOWN = 60
_NAMED = 5
"""How many objects are named in a message."""
_MOST = 16 * 1024 * 1024
"""Bytes of a file: more than any API server takes at once."""

_ALIASED = 100_000
"""How many nodes aliases may add to a document."""


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
    except UnreadableInputError:
        raise
    except RecursionError:
        raise UnreadableInputError(f"{file} is nested deeper than any manifest") from None
    except (yaml.YAMLError, *WRONG_VALUES) as error:
        raise UnreadableInputError(f"{file} is no YAML: {one_line(str(error))}") from error


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
            _check_aliases(file, node)
            _check_keys(file, node)
            found += _objects(file, loader.construct_document(node), node)
    finally:
        loader.dispose()
    return found


def _check_aliases(file: str, node: yaml.Node | None) -> None:
    """See to it that a few lines do not become more than any computer can look through.

    Raises:
        UnreadableInputError: They would, by aliases of what holds aliases.
    """
    if aliased(node) > _ALIASED:
        raise UnreadableInputError(
            f"{file} becomes too large where its aliases (*NAME) are written out, so no API server would take it: "
            "leave those of them that stand for others"
        )


def _check_keys(file: str, node: yaml.Node | None) -> None:
    """See to it that no value is lost unseen.

    Raises:
        UnreadableInputError: A key stands twice in one mapping.
    """
    for key, before, again in doubled_keys(node):
        shown = one_line(key)[:_SHOWN]
        lines = f"line {before}" if before == again else f"line {before} and on line {again}"
        twice = f"the key {shown} stands twice in one mapping, on {lines}"
        raise UnreadableInputError(f"{file}: {twice}: kubectl refuses that, and others drop one of the two. Leave one")


def _objects(file: str, document: Any, node: yaml.Node | None) -> Iterator[Manifest]:  # noqa: ANN401 - whatever YAML holds
    """The objects in a document, which may be a list of them; those of other kinds are none of ours."""
    if not isinstance(document, dict):
        return
    items, kind = document.get("items"), str(document.get("kind"))
    if kind.endswith("List") and isinstance(items, list):
        for place, item in enumerate(items):
            each = _typed(item, kind.removesuffix("List"), document.get("apiVersion"))
            yield from _objects(file, each, lines.below(lines.below(node, "items"), place))
    if document.get("kind") == KIND and str(document.get("apiVersion")).partition("/")[0] == GROUP:
        yield Manifest(file, document, node)


def _typed(item: Any, kind: str, version: object) -> Any:  # noqa: ANN401 - likewise
    """An item of a list, which is of the list's kind where it names none, as `kubectl` takes it."""
    if isinstance(item, dict) and not item.get("kind") and not item.get("apiVersion"):
        return {**item, "apiVersion": version, "kind": kind}
    return item


def only_spec(file: str, name: str = "") -> Spec:
    """The spec of the one `MLRollout` in a file, or of the one with that name.

    Raises:
        UnreadableInputError: There is none, or more than one, or an API server would not take it.
    """
    there = manifests(file)
    found = [one for one in there if name in ("", one.name)]
    if len(found) != 1:
        raise UnreadableInputError(_not_one(file, name, there, len(found)))
    understood = understand(found[0].spec)
    if understood.spec is None or understood.problems:
        raise UnreadableInputError(f"{file} can't be applied as it is: {summary(understood.problems)}")
    return understood.spec


def _not_one(file: str, name: str, there: Sequence[Manifest], found: int) -> str:
    """Why it is not known which object is meant."""
    known = list(dict.fromkeys(one.name or "unnamed" for one in there))
    names = ", ".join(map(one_line, known[:_NAMED])) + (", …" if known[_NAMED:] else "")
    if not there:
        return f"{file} holds no {KIND}: its apiVersion begins with {GROUP}/, and its kind is {KIND}"
    if not found:
        return f"{file} holds no {KIND} called {name}; there {'is' if len(known) == 1 else 'are'} {names}"
    if name or len(known) == 1:
        return f"{file} holds {found} objects of the kind {KIND} called {name or names}: leave one of them"
    return f"{file} holds {found} objects of the kind {KIND}: say by --name which of {names}"
