"""YAML as `kubectl` reads it: what is a number, true, a date or a time there, and not to PyYAML, or the reverse."""

import math
import re
from collections.abc import Hashable, Iterable, Iterator
from itertools import chain
from typing import Any

import yaml

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_TRUE, _FALSE = ("y", "yes", "true", "on"), ("n", "no", "false", "off")
_BOOLS = {
    form: word in _TRUE for word in (*_TRUE, *_FALSE) for form in (word, word.capitalize(), word.upper())
}  # not tRUE
_NULLS = {"", "~", "null", "Null", "NULL"}
_ENDLESS = {f"{sign}.{form}": float(f"{sign}inf") for sign in ("", "+", "-") for form in ("inf", "Inf", "INF")}
_NAN = dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan)
_WHOLE = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]{0,19}))")
_BASES = (16, 2, 8, 10)
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONE = re.compile(r"(?<![0-9])_|_(?![0-9])")
"""What may not stand in a number that begins with a point; in others it may stand anywhere."""


def _number(text: str) -> int | float | None:
    """The number that plain text is; `None` for text, as of what is larger than any number."""
    endless = (_ENDLESS | _NAN).get(text)
    if endless is not None or text[:1] not in "-+.0123456789" or (text[:1] == "." and _LONE.search(text)):
        return endless
    plain = text.replace("_", "")
    whole = _whole(plain)
    if whole is not None or not _DECIMAL.fullmatch(plain):
        return whole
    found = float(plain)
    return found if math.isfinite(found) else None


def _whole(plain: str) -> int | None:
    """A whole number of 64 bits; `None` for anything else."""
    match = _WHOLE.fullmatch(plain)
    if match is None:
        return None
    sign, *digits = match.groups()
    size = next(int(one, base) for one, base in zip(digits, _BASES, strict=True) if one)
    found = -size if sign == "-" else size
    return found if -(2**63) <= found < (2**63 if sign else 2**64) else None


def _tag(text: str) -> str:
    """What plain text is."""
    if text in _NULLS or text in _BOOLS:
        return f"{_TAG}{'null' if text in _NULLS else 'bool'}"
    if text == "<<":
        return _MERGE
    number = _number(text)
    return f"{_TAG}{'str' if number is None else 'int' if isinstance(number, int) else 'float'}"


class ManifestLoader(yaml.SafeLoader):
    """A loader for which `1e3` and `0o17` are numbers, `y` is true, and `2026-11-03`, `12:30` and `=` are text.

    PyYAML has it the other way round: a manifest that an API server takes would be called wrong, and another right.
    """

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ANN401 - PyYAML has no types
        """The tag of a node that has none."""
        if kind is yaml.ScalarNode and implicit[0]:
            return _tag(value)
        rest = (False, implicit[1]) if kind is yaml.ScalarNode else implicit
        return str(super().resolve(kind, value, rest))  # type: ignore[no-untyped-call]  # the library's own gap

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put what is merged in its place: whatever comes later in a mapping counts, be it merged or not."""
        pairs = []
        for key, value in node.value:
            if key.tag != _MERGE:
                pairs.append((key, value))
                continue
            for one in reversed(value.value) if isinstance(value, yaml.SequenceNode) else (value,):
                if not isinstance(one, yaml.MappingNode):
                    raise yaml.constructor.ConstructorError(None, None, "<< takes mappings alone", one.start_mark)
                self.flatten_mapping(one)
                pairs += one.value
        node.value = pairs

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:  # noqa: ANN401, FBT001, FBT002 - as PyYAML has it
        """A mapping, with the keys that it has in JSON."""
        return {_key(key): value for key, value in super().construct_mapping(node, deep=deep).items()}


def _key(key: Hashable) -> Hashable:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key) if isinstance(key, int | float) else key


def _text(loader: ManifestLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


def _bool(loader: ManifestLoader, node: yaml.ScalarNode) -> bool:
    text = loader.construct_scalar(node)
    if text not in _BOOLS:
        raise ValueError("what is said to be a !!bool is none")
    return _BOOLS[text]


def _int(loader: ManifestLoader, node: yaml.ScalarNode) -> int:
    found = _number(loader.construct_scalar(node))
    if not isinstance(found, int):
        raise ValueError("what is said to be an !!int is none")  # noqa: TRY004 - of text
    return found


def _float(loader: ManifestLoader, node: yaml.ScalarNode) -> float:
    found = _number(loader.construct_scalar(node))
    if found is None:
        raise ValueError("what is said to be a !!float is none")
    return float(found)


def _binary(loader: ManifestLoader, node: yaml.ScalarNode) -> str:
    return loader.construct_yaml_binary(node).decode(errors="replace")


def _untagged(loader: ManifestLoader, node: yaml.Node) -> Any:  # noqa: ANN401 - whatever YAML holds
    """What stands under a tag that means nothing to `kubectl`, which passes over it."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return str(node.value)


_MADE = {"bool": _bool, "int": _int, "float": _float, "timestamp": _text, "merge": _text, "binary": _binary}
for _kind, _made in _MADE.items():
    ManifestLoader.add_constructor(f"{_TAG}{_kind}", _made)
ManifestLoader.add_constructor(None, _untagged)


def aliased(node: yaml.Node | None) -> float:
    """How many nodes a document has more where each alias is written out; infinite for one within its own anchor."""
    sizes = dict[int, float]()

    def size(one: yaml.Node) -> float:
        if id(one) not in sizes:
            sizes[id(one)] = math.inf  # as long as it is looked into
            sizes[id(one)] = 1.0 + sum(map(size, _below(one)))
        return sizes[id(one)]

    return 0.0 if node is None else size(node) - len(sizes)


def _below(node: yaml.Node) -> Iterable[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return chain.from_iterable(node.value)
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def doubled_keys(node: yaml.Node | None) -> Iterator[tuple[str, int, int]]:
    """Keys that stand twice in one mapping, of which PyYAML drops the first without a word and `kubectl` takes neither.

    Yields:
        The key, and the lines of the one that is there already and of the other.
    """
    seen, waiting = set[int](), [node]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:  # an alias is what its anchor is
            continue
        seen.add(id(one))
        if isinstance(one, yaml.SequenceNode):
            waiting += reversed(one.value)
        elif isinstance(one, yaml.MappingNode):
            lines = dict[str, int]()
            for key, _ in one.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                    continue
                line = key.start_mark.line + 1
                if key.value in lines:
                    yield key.value, lines[key.value], line
                lines.setdefault(key.value, line)
            waiting += reversed([value for _, value in one.value])
