"""What was found is told."""

from dataclasses import asdict

from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.cli.output import OutputForm
from mlrollout.cli.screens.doctor import screen
from mlrollout.cli.terminal import Terminal
from mlrollout.glance.doctor.diagnosis import DiagnosisLevel

from .examine import Places, behind, examine


def run(context: str | None, namespace: str | None, places: Places, output: str, *, everywhere: bool) -> None:
    """Look at everything, and tell it.

    Raises:
        CommandError: Something has failed, or the cluster can't be worked with.
    """
    form, terminal = OutputForm.parse(output), Terminal()
    code = ExitCode.FAILED
    try:
        with ClusterRollouts(context, namespace) as cluster:
            found = list(examine(cluster, places, everywhere=everywhere))
    except CommandError as error:
        if error.code != ExitCode.CLUSTER_UNUSABLE:
            raise
        found, code = list(behind(error, places)), ExitCode.CLUSTER_UNUSABLE
    failed = any(one.level is DiagnosisLevel.FAILED for one in found)
    if form.for_people:
        terminal.show(screen(found, terminal.room, terminal.drawn))
    else:
        answer = {"healthy": not failed, "findings": [asdict(one) for one in found]}
        form.write(terminal, answer, named=[one.about for one in found if one.level is DiagnosisLevel.FAILED])
    if failed:
        raise CommandError("", code)
