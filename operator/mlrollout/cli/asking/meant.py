"""Which objects are meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlrollout.cli.cluster.rollouts import ClusterRollouts
from mlrollout.cli.ending import CommandError, ExitCode


@dataclass(frozen=True, slots=True)
class ObjectMeant:
    """One object.

    Attributes:
        namespace: Where it is.
        name: What it is called.
    """

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ObjectsMeant:
    """What a person says of the objects that he means.

    Attributes:
        context: Of the kubeconfig.
        namespace: Where they are.
        names: What they are called.
        selector: Or else which labels they have.
        everywhere: Whether they may be in any namespace.
    """

    context: str | None
    namespace: str | None
    names: tuple[str, ...]
    selector: str
    everywhere: bool

    def find(self, cluster: ClusterRollouts) -> Sequence[ObjectMeant]:
        """The objects, of which those that are named need not exist.

        Raises:
            CommandError: None is meant, or none found.
        """
        if self.names:
            if self.selector or self.everywhere:
                raise CommandError("say either NAMEs or --selector", ExitCode.WRONG_USAGE)
            return [ObjectMeant(cluster.namespace, name) for name in dict.fromkeys(self.names)]
        if not self.selector:
            raise CommandError("say which: NAME, or --selector LABELS for several", ExitCode.WRONG_USAGE)
        found = cluster.all(everywhere=self.everywhere, selector=self.selector)
        if not found:
            raise CommandError(f"there is no MLRollout with the labels {self.selector}")
        return [ObjectMeant(one["metadata"]["namespace"], one["metadata"]["name"]) for one in found]
