r"""JSONPath as kubectl has it: a template of text, paths, and ranges over what a path finds.

`{range .items[*]}{.metadata.name}{"\t"}{.status.percentage}{"\n"}{end}`. What is not there is left out.
What asks of what is there something that it is not, as a fifth of two, is refused: an empty answer would be believed.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .ending import CommandError, ExitCode

PathStep = Callable[[Any], Iterator[Any]]
"""From one value to those that a part of a path leads to."""

_BRACES = re.compile(r"""\{((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*)\}""")
_FIELD = re.compile(r"\.((?:[^.\[\\\s]|\\.)+)")
_RANGE = re.compile(r"(-?\d+)?(?::(-?\d+)?(?::(\d+)?)?)?")
_LONGEST = 18
"""Digits of a place in a list."""
_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_NAMES = re.compile(rf"{_QUOTED}(?:\s*,\s*{_QUOTED})*")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)")
_BOOLS = {"true": True, "false": False}
_KINDS: Mapping[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "text"}
"""What can be compared, each with its own kind; kubectl refuses whole numbers beside others as well."""
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
    return _walked(_steps(path.removeprefix("$").removeprefix("@"), path), [root if path.startswith("$") else here])


def _walked(steps: Iterable[PathStep], found: list[Any]) -> list[Any]:
    """Where these lead to."""
    for step in steps:
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
        return _place(":", path)
    if text.startswith("?"):
        return _filter(text, path)
    if _NAMES.fullmatch(text):
        fields = [_field(one[1:-1]) for one in re.findall(_QUOTED, text)]
        return lambda value: (found for field in fields for found in field(value))
    places = [_place(one.strip(), path) for one in text.split(",")]
    return lambda value: (found for place in places for found in place(value))


def _place(text: str, path: str) -> PathStep:
    """One item of a list, or some of them."""
    match = _RANGE.fullmatch(text)
    if match is None or not text:
        raise _wrong(path, f"[{text}] is no place in a list")
    start, stop, pace = (None if one is None else _whole(one, path) for one in match.groups())
    if pace == 0:
        raise _wrong(path, f"[{text}] has steps of 0, which lead nowhere")

    def step(value: Any) -> Iterator[Any]:  # noqa: ANN401 - likewise
        if value is None:
            return
        length = len(_listed(value, "a place", path))
        first = _counted(start or 0, length)
        last = first + 1 if ":" not in text else length if stop is None else _counted(stop, length)
        if first == last:
            return
        if not 0 <= first < length or not 0 <= last <= length:
            index = last - 1 if 0 <= first < length else first
            raise _wrong(path, f"array index out of bounds: index {index}, length {length}")
        if first > last:
            raise _wrong(path, f"[{text}] begins behind its end")
        yield from value[first:last:pace]

    return step


def _counted(place: int, length: int) -> int:
    """A place from the begin of a list, that may be told from its end."""
    return place + length if place < 0 else place


def _listed(value: Any, what: str, path: str) -> Sequence[Any]:  # noqa: ANN401 - likewise
    if not isinstance(value, list):
        raise _wrong(path, f"{what} is asked of what is no list")
    return value


def _whole(text: str, path: str) -> int:
    if len(text) > _LONGEST:
        raise _wrong(path, f"[{text[:_LONGEST]}…] is no place in a list")
    return int(text)


def _filter(text: str, path: str) -> PathStep:
    if re.search(r"&&|\|\|", re.sub(_QUOTED, "", text)):
        raise _wrong(path, f"[{text}] has && or ||, which kubectl's filters have not")
    match = _FILTER.fullmatch(text)
    if match is None:
        raise _wrong(path, f'[{text}] is no filter that is known: write [?(@.type=="Ready")]')
    left, operator, right = match.groups()
    wanted = _operand(left, path)
    other = None if operator is None else _operand(right, path)

    def passes(each: Any) -> bool:  # noqa: ANN401 - likewise
        found = wanted(each)
        if other is None or not found:
            return bool(found)
        against = other(each)
        if len(found) > 1 or len(against) > 1:
            raise _wrong(path, f"[{text}] compares several values with one")
        return bool(against) and _holds(operator, found[0], against[0], path)

    return lambda value: (each for each in _listed(value, "a filter", path) if passes(each))


def _operand(text: str, path: str) -> Callable[[Any], Sequence[Any]]:
    """What stands on one side of a comparison: from an item to what is compared."""
    if text[:1] in "@$.":
        steps = list(_steps(text.removeprefix("$").removeprefix("@"), path))
        return lambda each: _walked(steps, [each])
    literal: list[Any] = [_BOOLS[text]] if text in _BOOLS else []
    if re.fullmatch(_QUOTED, text):
        literal = [_quoted(text)]
    elif _NUMBER.fullmatch(text):
        literal = [int(text) if len(text) <= _LONGEST and "." not in text else float(text)]
    if not literal:
        raise _wrong(path, f"{text} is nothing to compare with: write text in quotes, a number, true or false")
    return lambda _each: literal


def _holds(operator: str, one: Any, other: Any, path: str) -> bool:  # noqa: ANN401 - likewise
    kinds = [_KINDS.get(type(each), "null, an object or a list") for each in (one, other)]
    ordered = operator not in ("==", "!=")
    if kinds[0] != kinds[1] or type(one) not in _KINDS or (ordered and isinstance(one, bool)):
        raise _wrong(path, f"{kinds[0]} can't be compared by {operator} with {kinds[1]}")
    return _COMPARED[operator](one, other)


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
