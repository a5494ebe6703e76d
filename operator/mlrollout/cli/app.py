"""Every command of `mlrollout`, in the order of its help.

A command's module holds its options; what it does is imported when it is called. For the rest takes a second, which
`--help` and the commands of somebody on call need not wait.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from mlrollout.domain.request import Verb, one_line

from . import notify, processes, shells
from .asking import commands as asking
from .auditing import commands as auditing
from .authoring import commands as authoring
from .dashboard.commands import dashboard
from .doctor.commands import doctor
from .ending import CommandError, ExitCode, program
from .reading import commands as reading


def show_version() -> None:
    """Print the version."""
    from importlib.metadata import version

    typer.echo(version("mlrollout"))


def show_completion(
    shell: Annotated[
        str,
        typer.Argument(
            metavar="SHELL",
            help="bash, zsh, fish; or kubectl, for the plugin",
            autocompletion=lambda incomplete: [one for one in shells.SCRIPTS if one.startswith(incomplete)],
        ),
    ],
) -> None:
    """Print what a shell needs so that Tab completes commands, objects and stages; its first lines say where to."""
    if shell not in shells.SCRIPTS:
        known = ", ".join(shells.SCRIPTS)
        raise CommandError(f"there is no completion for {one_line(shell)}, but for {known}", ExitCode.WRONG_USAGE)
    typer.echo(shells.SCRIPTS[shell], nl=False)


COMMANDS: Mapping[str, Mapping[str, Callable[..., None] | typer.Typer]] = {
    "How it is doing": {
        "list": reading.list_rollouts,
        "status": reading.status,
        "why": reading.why,
        "history": reading.history,
        "events": reading.events,
        "wait": reading.wait,
        "dashboard": dashboard,
    },
    "What you may ask of it": {
        **{verb: asking.command(verb) for verb in (Verb.ROLLBACK, Verb.PAUSE, Verb.RESUME, Verb.APPROVE, Verb.PROMOTE)},
        Verb.DEMOTE: asking.demote,
        Verb.RETRY: asking.command(Verb.RETRY),
    },
    "Before it is applied": {
        "template": authoring.template,
        "explain": authoring.explain,
        "lint": authoring.lint,
        "simulate": authoring.simulate,
    },
    "Before the night": {"doctor": doctor, "notify": notify.app},
    "After a verdict": {"blocks": auditing.blocks, "replay": auditing.replay},
    "Processes": {"operator": processes.operator, "server": processes.server, "token": processes.token},
    "This program": {"completion": show_completion, "version": show_version},
}
"""What each is for, and how it is called."""


class CommandGroups(TyperGroup):
    """The commands in groups, each with the whole first line of its help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer keeps their types to itself
        """Write the list of commands."""
        width = max(len(name) for name in self.commands)
        for panel, names in COMMANDS.items():
            found = [(name, self.get_command(ctx, name)) for name in names]
            rows = [(name.ljust(width), str(one.help).partition("\n")[0]) for name, one in found if one is not None]
            with formatter.section(panel):
                formatter.write_dl(rows)


def _show_version_and_end(asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked:
        show_version()
        raise typer.Exit


app = typer.Typer(
    cls=CommandGroups,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # half of what its loading costs is for boxes
)


@app.callback()
def _program(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version_and_end),
    ] = False,
) -> None:
    """Roll an ML feature out to users by percentage, and take it back by itself."""


for _panel in COMMANDS.values():
    for _name, _command in _panel.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name)
        else:
            app.command(_name)(_command)


def run() -> int:
    """Run the command that the arguments name; its exit code.

    Raises:
        CommandError: It failed, or there is no such command or option.
    """
    arguments = sys.argv[1:]

    def call() -> Any:  # noqa: ANN401 - what a command returns
        shown = arguments or ["--help"]
        return app(shown, prog_name=program(), complete_var=shells.QUESTION, standalone_mode=False)

    if shells.QUESTION in os.environ:
        shells.answer(call)
        return ExitCode.DONE
    try:
        code = call()
    except typer.Abort:  # Ctrl-C where something is asked back
        return ExitCode.INTERRUPTED
    except TyperException as error:
        # Of `wait`, 2 is a rollback: nothing may be taken for one that is none.
        code = ExitCode.FAILED if arguments[:1] == ["wait"] else error.exit_code
        raise CommandError(error.format_message(), code) from None
    return code or (ExitCode.DONE if arguments else ExitCode.WRONG_USAGE)
