"""On which line of a manifest a field stands."""

import re

import yaml

_PARTS = re.compile(r"[^.\[\]]+|\[[^\]]*\]")
"""Of a path: names, and items of lists by their names."""
_BESIDE = {"apiVersion", "kind", "metadata"}


def line(node: yaml.Node | None, where: str) -> int:
    """The line of a field of a spec, for example `guardrails[errors].max`; where it is not, of what it would be in.

    What stands beside the spec is named from the object on: `metadata.labels[team]`.

    Args:
        node: The object; `None` where nobody knows.
        where: The field; an item of a list by its name, or by its place where it has none.

    Returns:
        The line, from 1; 0 for unknown.
    """
    parts = _PARTS.findall("" if where == "spec" else where)
    spec = below(node, "spec") or node
    found = node if parts and _is_beside(parts[0], node, spec) else spec
    for part in parts:
        called = part.strip("[]")
        further = _item(found, called) if isinstance(found, yaml.SequenceNode) else below(found, called)
        if further is None:
            break
        found = further
    return 0 if found is None else found.start_mark.line + 1


def _is_beside(part: str, node: yaml.Node | None, spec: yaml.Node | None) -> bool:
    """Whether a field stands beside the spec: one that objects have there, or that is there alone."""
    return part in _BESIDE or (below(spec, part) is None and below(node, part) is not None)


def below(node: yaml.Node | None, key: str | int) -> yaml.Node | None:
    """What stands under a key of a mapping, or at a place of a list; of a key that was merged as well, what counts."""
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in reversed(node.value) if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
        return node.value[key] if key < len(node.value) else None
    return None


def _item(items: yaml.SequenceNode, called: str) -> yaml.Node | None:
    """The item of a list that has this name, or else this place."""
    found: list[yaml.Node] = items.value
    for item in found:
        name = below(item, "name")
        if name is not None and name.value == called:
            return item
    return below(items, int(called)) if called.isdecimal() else None
