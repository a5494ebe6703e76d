"""A YAML file as a model. An error names the place of what is wrong, and quotes nothing: it may be a secret."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from mlrollout import yaml_text
from mlrollout.startup.settings import SettingsError

T = TypeVar("T")


def load(file: Path, model: type[T], what: str) -> T:
    """The file's content; `what` names it in errors.

    Raises:
        SettingsError: It can't be read, or does not make sense.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{what} {file} can't be read ({error.strerror}): correct the path, or mount it") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{what} {file} is no text in UTF-8: write it anew") from error
    try:
        return TypeAdapter(model).validate_python(yaml_text.load(text))
    except yaml.YAMLError as error:
        raise SettingsError(f"{what} {file} is no YAML{_line(error)}: correct it there") from error
    except ValidationError as error:
        raise SettingsError("\n".join(f"{what} {file}: {_wrong(one)}" for one in error.errors())) from error


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f" (line {mark.line + 1})"


def _wrong(error: Any) -> str:  # noqa: ANN401 - pydantic's details
    place = _place(error["loc"])
    match error["type"]:
        case "missing":
            return f"{place} is missing: add it"
        case "extra_forbidden":
            return f"{place} is no setting: correct its name, or remove it (docs/server.md lists them)"
        case "value_error":
            return f"{place}: {error['ctx']['error']}"
        case _:
            return f"{place}: {error['msg']}"


def _place(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "the file"
