"""`list`, `history` and `events`: a line for each of what is found."""

from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.output import OutputForm, as_list, without_managers
from mlrollout.cli.screens import history as screens
from mlrollout.cli.screens.rollouts import screen
from mlrollout.cli.terminal import Terminal
from mlrollout.glance.event import events as read_events
from mlrollout.glance.rollout import glance


def rollouts(context: str | None, namespace: str | None, selector: str, output: str, *, everywhere: bool) -> None:
    """Every rollout of a namespace, or of all."""
    form, terminal = OutputForm.parse(output), Terminal()
    with ClusterRollouts(context, namespace) as cluster:
        found = cluster.all(everywhere=everywhere, selector=selector)
    if not form.for_people:
        named = [str(one["metadata"]["name"]) for one in found]
        form.write(terminal, as_list([without_managers(one) for one in found]), named=named)
    elif not found:
        those = " with these labels" if selector else ""
        where = "in any namespace" if everywhere else f"in the namespace {cluster.namespace}"
        terminal.note(f"There is no MLRollout{those} {where}.")
    else:
        glances = [glance(one, cluster.now) for one in found]
        room = None if form.wide else terminal.table_room
        terminal.show(screen(glances, room, terminal.drawn, everywhere=everywhere, wide=form.wide))


def history(context: str | None, namespace: str | None, name: str, output: str) -> None:
    """The last steps of a rollout."""
    form, terminal = OutputForm.parse(output), Terminal()
    with ClusterRollouts(context, namespace) as cluster:
        found = cluster.get(name)
    if not form.for_people:
        form.write(terminal, as_list((found.get("status") or {}).get("history") or ()), named=[name])
        return
    steps = glance(found, cluster.now).history
    if not steps:
        terminal.note("Nothing has happened yet.")
    terminal.show(screens.history(steps, None if form.wide else terminal.table_room, terminal.drawn))


def events(context: str | None, namespace: str | None, name: str, output: str) -> None:
    """The Events about a rollout."""
    form, terminal = OutputForm.parse(output), Terminal()
    with ClusterRollouts(context, namespace) as cluster:
        found = cluster.events(name, str(cluster.get(name)["metadata"]["uid"]))
    if not form.for_people:
        form.write(terminal, as_list([without_managers(one) for one in found]), named=[name])
        return
    told = read_events(found)
    if not told:
        terminal.note("The cluster has no Events about it (any more): it keeps them for an hour, most often.")
    terminal.show(screens.events(told, cluster.now, None if form.wide else terminal.table_room, terminal.drawn))
