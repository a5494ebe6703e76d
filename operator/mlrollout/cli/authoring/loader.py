"""YAML as `kubectl` reads it: what is a number, a date or a time there, and not in YAML 1.1, or the other way round."""

import math
import re
from collections.abc import Iterable, Iterator
from itertools import chain

import yaml

_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0b[01_]+|0[0-7_]+)")
_MERGE = "tag:yaml.org,2002:merge"
_DIFFERENT = {f"tag:yaml.org,2002:{kind}" for kind in ("float", "int", "timestamp")}


class ManifestLoader(yaml.SafeLoader):
    """A loader for which `1e3` is a number, and `2026-11-03` and `12:30` are text.

    PyYAML has it the other way round; a manifest that an API server takes would be called wrong.
    """


ManifestLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _DIFFERENT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind, _pattern in (("int", _INT), ("float", _FLOAT)):
    ManifestLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_pattern.pattern})$"), list("-+0123456789.")
    )


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
