"""Lua 5.1, the dialect of Argo CD, without the libraries that Argo CD takes away."""

from pathlib import Path
from typing import Any

import yaml
from lupa.lua51 import LuaRuntime, lua_type  # type: ignore[import-untyped]  # one import is not worth another package

SCRIPTS = Path(__file__).parents[3] / "docs" / "argocd"
TAKEN_AWAY = ("os", "io", "package", "require", "debug", "string", "table", "math", "dofile", "loadfile")


def run(script: Path, whole: Any) -> Any:
    """What the script returns of an object."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    for library in TAKEN_AWAY:
        lua.globals()[library] = None
    lua.globals().obj = lua.table_from(whole, recursive=True)
    return _plain(lua.execute(script.read_text()))


def read(file: Path) -> Any:
    """The YAML of a file, with times as the text that they are in JSON."""
    return yaml.load(file.read_text(), yaml.CSafeLoader)


def _plain(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    keys = list(value)
    if keys and keys == list(range(1, len(keys) + 1)):
        return [_plain(value[key]) for key in keys]
    return {key: _plain(value[key]) for key in keys}
