"""What is left where no API server hears of a verb: users keep what they have, and Redis is the way around it."""

from collections.abc import Sequence

from mlrollout.cli.cluster.api import ClusterError
from mlrollout.cli.ending import CommandError, ExitCode
from mlrollout.domain.request import Verb

_KEPT = "users keep what they have"
_UNSURE = "Whether it heard of that is not known"
_AGAIN = "ask again once it answers, a second rollback changes nothing"
_LOOK = "see the status of the rollout once it answers, before you ask again"
_AROUND = (
    "To take everybody out without the cluster, set the rollout's key (spec.traffic.key in its manifest) to 0 in its "
    "Redis by hand"
)


def unheard(verb: Verb, errors: Sequence[CommandError]) -> str:
    """What a person has to know beside the failures themselves; empty where the cluster has answered.

    Args:
        verb: What was to be asked for.
        errors: Why it was not, of each object.
    """
    silent = [error for error in errors if _is_silent(error)]
    if not silent:
        return ""
    several = len(errors) > 1
    if any(isinstance(error, ClusterError) and error.unsure for error in silent):
        told = f"{_UNSURE}: {_AGAIN if verb is Verb.ROLLBACK else _LOOK}"
    else:
        told = f"Nothing was changed{' of these' if several else ''}: {_KEPT}"
    around = f". {_AROUND}" if verb is Verb.ROLLBACK else ""
    return ("\n" if several else ". ") + told + around


def _is_silent(error: CommandError) -> bool:
    """Whether nobody answers: also where a kubeconfig can't be used, or its login does not work."""
    return error.silent if isinstance(error, ClusterError) else error.code == ExitCode.CLUSTER_UNUSABLE
