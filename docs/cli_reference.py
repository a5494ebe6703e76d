"""Writes docs/cli-reference.md from the commands themselves: `python -m docs.cli_reference`, of `make generate`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlrollout.cli.app import COMMANDS, app
from typer.main import get_command

FILE = Path(__file__).parent / "cli-reference.md"
_WIDTH = 100
_HEAD = """<!-- Generated from the commands by `make generate`; edits here are lost. -->

# Every command and option

What `mlrollout COMMAND --help` prints, of every command. [The command line](cli.md) tells what they are for.
"""


def output() -> str:
    """The page."""
    return "\n".join((_HEAD, *_sections()))


def _sections() -> Iterator[str]:
    program: Any = get_command(app)
    for group, names in COMMANDS.items():
        yield f"## {group}\n"
        for name in names:
            yield from _command(program.commands[name], f"mlrollout {name}")


def _command(command: Any, called: str) -> Iterator[str]:  # noqa: ANN401 - typer keeps their types to itself
    with command.make_context(
        called, [], resilient_parsing=True, max_content_width=_WIDTH, terminal_width=_WIDTH
    ) as context:
        told = command.get_help(context)
    yield f"### {called}\n\n```text\n{told.strip()}\n```\n"
    for name, below in getattr(command, "commands", {}).items():
        yield from _command(below, f"{called} {name}")


if __name__ == "__main__":
    FILE.write_text(output(), encoding="utf-8")
