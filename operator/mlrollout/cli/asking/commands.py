"""The commands: one for each verb."""

from collections.abc import Callable
from typing import Annotated

import typer

from mlrollout.cli import completing
from mlrollout.cli.options import ContextOption, EverywhereOption, NamespaceOption, SelectorOption
from mlrollout.domain.request import Verb

_HELP = {
    Verb.ROLLBACK: "Take traffic to 0 %, where it stays until a retry or a new revision.",
    Verb.PAUSE: "Stop growing; a breach still rolls back.",
    Verb.RESUME: "End a pause.",
    Verb.APPROVE: "Let a stage be entered, or a revision that --reason names begin, if it waits for a person's word.",
    Verb.PROMOTE: "Leave this stage before its time, once every guardrail passes.",
    Verb.RETRY: "Begin the same revision anew after a rollback.",
}

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", show_default=False, help="The MLRollouts", autocompletion=completing.names),
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="WHY", help="Why: it stands in the history")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Until the operator has answered")]
TimeoutOption = Annotated[str, typer.Option("--timeout", metavar="DURATION", help="How long to wait")]
YesOption = Annotated[bool, typer.Option("-y", "--yes", help="Ask nothing back")]
StageOption = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="STAGE|PERCENT",
        help="To which stage; the one before if left out",
        autocompletion=completing.stages,
    ),
]


def command(verb: Verb) -> Callable[..., None]:
    """The command of a verb that needs nothing but a reason."""

    def run(
        names: NamesArgument = None,
        namespace: NamespaceOption = None,
        context: ContextOption = None,
        selector: SelectorOption = "",
        reason: ReasonOption = "",
        timeout: TimeoutOption = "1m",
        *,
        everywhere: EverywhereOption = False,
        wait: WaitOption = False,
        yes: YesOption = False,
    ) -> None:
        from .ask import ask
        from .meant import ObjectsMeant
        from .plans import VerbWish

        targets = ObjectsMeant(context, namespace, tuple(names or ()), selector, everywhere=everywhere)
        ask(VerbWish(verb, reason), targets, timeout if wait else None, yes=yes)

    run.__doc__ = _HELP[verb]
    return run


def demote(
    names: NamesArgument = None,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    selector: SelectorOption = "",
    to: StageOption = None,
    reason: ReasonOption = "",
    timeout: TimeoutOption = "1m",
    *,
    everywhere: EverywhereOption = False,
    wait: WaitOption = False,
    yes: YesOption = False,
) -> None:
    """Go back to an earlier stage at once, to be earned again from there."""
    from .ask import ask
    from .meant import ObjectsMeant
    from .plans import VerbWish

    targets = ObjectsMeant(context, namespace, tuple(names or ()), selector, everywhere=everywhere)
    ask(VerbWish(Verb.DEMOTE, reason, to), targets, timeout if wait else None, yes=yes)
