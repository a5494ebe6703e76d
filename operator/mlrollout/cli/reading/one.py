"""`status` and `why`: one rollout."""

from rich.text import Text

from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import program
from mlrollout.cli.output import OutputForm, without_managers
from mlrollout.cli.screens.status import screen, told
from mlrollout.cli.terminal import Terminal
from mlrollout.glance.advice import Advice, advise
from mlrollout.glance.rollout import Glance, glance


def show(context: str | None, namespace: str | None, name: str, output: str) -> None:
    """Where a rollout stands."""
    form, terminal = OutputForm.parse(output), Terminal()
    with ClusterRollouts(context, namespace) as cluster:
        found = cluster.get(name)
    if not form.for_people:
        form.write(terminal, without_managers(found), named=[name])
        return
    terminal.show(lines(glance(found, cluster.now), terminal, context))


def explain(context: str | None, namespace: str | None, name: str, output: str) -> None:
    """Why it stands there, and what to do."""
    form, terminal = OutputForm.parse(output), Terminal()
    with ClusterRollouts(context, namespace) as cluster:
        seen = glance(cluster.get(name), cluster.now)
    advice = advise(seen)
    command = to_type(seen, advice, context)
    if form.for_people:
        head = Text(f"{seen.name} in {seen.namespace} is at {seen.percentage} %.")
        terminal.show([head, *told(seen, advice, command, terminal.room)])
        return
    answer = {
        "namespace": seen.namespace,
        "name": seen.name,
        "percentage": seen.percentage,
        "state": seen.state,
        "waitsFor": advice.waits,
        "why": advice.why,
        "todo": advice.todo,
        "command": command,
    }
    form.write(terminal, answer, named=[name])


def lines(seen: Glance, terminal: Terminal, context: str | None) -> list[Text]:
    """The screen of `status`."""
    advice = advise(seen)
    return screen(seen, advice, to_type(seen, advice, context), terminal.room, terminal.drawn)


def to_type(seen: Glance, advice: Advice, context: str | None) -> str:
    """The command that does what is advised; empty where no verb does."""
    if advice.verb is None:
        return ""
    where = f" --context {context}" if context else ""
    return f"{program()} {advice.verb} {seen.name} -n {seen.namespace}{where}"
