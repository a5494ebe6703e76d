r"""JSONPath as kubectl has it: a template of text, paths, and ranges over what a path finds.

`{range .items[*]}{.metadata.name}{"\t"}{.status.percentage}{"\n"}{end}`. What is not there is left out.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .ending import CommandError, ExitCode

PathStep = Callable[[Any], Iterator[Any]]
"""From one value to those that a part of a path leads to."""

_BRACES = re.compile(r"""\{((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*)\}""")
_FIELD = re.compile(r"\.((?:[^.\[\\\s]|\\.)+)")
_RANGE = re.compile(r"(-?\d+)?:(-?\d+)?(?::(\d+))?")
_LONGEST = 18
"""Digits of a place in a list."""
_FILTER = re.compile(r"\?\(\s*(@[^=!<>]*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?)\s*)?\)")
_BRACKET = re.compile(r"""\[((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\?\((?:[^()"']|"[^"]*"|'[^']*')*\)|[^\]"'])*)\]""")
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda one, other: bool(one == other),
    "!=": lambda one, other: bool(one != other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}


def render(template: str, found: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """What a template makes of an object.

    Raises:
        CommandError: It is none.
    """
    parts = _parts(template)
    text, rest = _block(parts, found, found)
    if rest:
        raise _wrong(template, "an {end} without its {range}")
    return text


def _parts(template: str) -> list[tuple[str, str]]:
    """Text and what stands in braces, in turn, as `("text", …)` and `("path", …)`."""
    parts, at = [], 0
    for match in _BRACES.finditer(template):
        parts += [("text", template[at : match.start()]), ("path", match[1].strip())]
        at = match.end()
    last = template[at:]
    if "{" in last or "}" in last:
        raise _wrong(template, "a brace that is not closed")
    return [part for part in (*parts, ("text", last)) if part[1] or part[0] == "path"]


def _block(parts: Sequence[tuple[str, str]], root: Any, here: Any) -> tuple[str, Sequence[tuple[str, str]]]:  # noqa: ANN401 - likewise
    """What comes of the parts up to an `{end}`, and the parts after and with it."""
    said = ""
    while parts:
        (kind, text), parts = parts[0], parts[1:]
        if kind == "text":
            said += text
        elif text == "end":
            return said, (("path", "end"), *parts)
        elif text.startswith("range "):
            inner = parts
            for each in _find(text.removeprefix("range ").strip(), root, here):
                added, parts = _block(inner, root, each)
                said += added
            parts = _past_end(inner)
        elif text[:1] in "\"'" and text:
            said += _quoted(text)
        else:
            said += " ".join(map(_shown, _find(text, root, here)))
    return said, ()


def _past_end(parts: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    depth = 1
    for place, (kind, text) in enumerate(parts):
        if kind == "path" and text.startswith("range "):
            depth += 1
        if (kind, text) == ("path", "end"):
            depth -= 1
            if not depth:
                return parts[place + 1 :]
    raise _wrong("{range}", "it has no {end}")


def _find(path: str, root: Any, here: Any) -> list[Any]:  # noqa: ANN401 - likewise
    """Every value that a path leads to."""
    found = [root if path.startswith("$") else here]
    for step in _steps(path.removeprefix("$").removeprefix("@"), path):
        found = [after for one in found for after in step(one)]
    return found


def _steps(rest: str, path: str) -> Iterator[PathStep]:
    while rest and rest != ".":
        if rest.startswith(".."):
            yield _everything
            rest = rest[1:] if rest[2:3] != "[" else rest[2:]
        elif match := _FIELD.match(rest):
            yield _every if match[1] == "*" else _field(re.sub(r"\\(.)", r"\1", match[1]))
            rest = rest[match.end() :]
        elif match := _BRACKET.match(rest.removeprefix(".")):
            yield _bracket(match[1].strip(), path)
            rest = rest.removeprefix(".")[match.end() :]
        else:
            raise _wrong(path, f"{rest!r} is no part of a path")


def _field(name: str) -> PathStep:
    def step(value: Any) -> Iterator[Any]:  # noqa: ANN401 - likewise
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _every(value: Any) -> Iterator[Any]:  # noqa: ANN401 - likewise
    yield from value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _everything(value: Any) -> Iterator[Any]:  # noqa: ANN401 - likewise
    yield value
    for each in _every(value):
        yield from _everything(each)


def _bracket(text: str, path: str) -> PathStep:
    if text == "*":
        return _every
    if text.startswith("?"):
        return _filter(text, path)
    names = re.findall(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", text)
    if names:
        fields = [_field(one or other) for one, other in names]
        return lambda value: (found for field in fields for found in field(value))
    places = [_places(one.strip(), path) for one in text.split(",")]
    return lambda value: (found for place in places if isinstance(value, list) for found in value[place])


def _places(text: str, path: str) -> slice:
    if re.fullmatch(r"-?\d+", text):
        at = _whole(text, path)
        return slice(at, at + 1 or None)
    match = _RANGE.fullmatch(text)
    if match is None:
        raise _wrong(path, f"[{text}] is no place in a list")
    start, stop, step = (None if one is None else _whole(one, path) for one in match.groups())
    if step == 0:
        raise _wrong(path, f"[{text}] has steps of 0, which lead nowhere")
    return slice(start, stop, step)


def _whole(text: str, path: str) -> int:
    if len(text) > _LONGEST:
        raise _wrong(path, f"[{text[:_LONGEST]}…] is no place in a list")
    return int(text)


def _filter(text: str, path: str) -> PathStep:
    match = _FILTER.fullmatch(text)
    if match is None:
        raise _wrong(path, f'[{text}] is no filter that is known: write [?(@.type=="Ready")]')
    left, operator, right = match.groups()

    def step(value: Any) -> Iterator[Any]:  # noqa: ANN401 - likewise
        for each in _every(value):
            found = _find(left, each, each)
            if found and (operator is None or _holds(operator, found[0], _literal(right, each))):
                yield each

    return step


def _holds(operator: str, one: Any, other: Any) -> bool:  # noqa: ANN401 - likewise
    try:
        return _COMPARED[operator](one, other)
    except TypeError:  # of two types neither is the greater
        return False


def _literal(text: str, here: Any) -> Any:  # noqa: ANN401 - likewise
    if text.startswith("@"):
        return next(iter(_find(text, here, here)), None)
    if text[:1] in "\"'":
        return _quoted(text)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _quoted(text: str) -> str:
    inner = text[1:-1].replace("\\'", "'") if text.startswith("'") else text[1:-1]
    try:
        return str(json.loads('"' + re.sub(r'(?<!\\)"', '\\"', inner) + '"', strict=False))
    except ValueError:
        return inner


def _shown(value: Any) -> str:  # noqa: ANN401 - likewise
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _wrong(template: str, why: str) -> CommandError:
    return CommandError(f"-o jsonpath: {why}, in {template}", ExitCode.WRONG_USAGE)
