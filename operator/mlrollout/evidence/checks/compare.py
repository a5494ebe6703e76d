"""The treatment against the control: what a comparison of shares and one of means have in common."""

from collections.abc import Mapping
from typing import Any, Protocol

from mlrollout.api.compare import Compare, CompareGuardrail
from mlrollout.api.spec import Spec
from mlrollout.evidence.measurement import Evidence
from mlrollout.evidence.promql.selector import pinned
from mlrollout.evidence.statistics.blocks import Pair

from .check import UnmeasurableError
from .compare_means import Means
from .compare_shares import Shares
from .memory import BlockSamples, ChangePoint, Test
from .sequential import SequentialCheck

_ALONE = (
    "at 100 % there is no control to compare with: give compare a `max`, by which it goes on, or keep some users in "
    "control (`traffic.holdback`)"
)
_NOTHING = "the control has had no events in this stage, so that there is nothing to compare with"


class Form(Protocol):
    """One way to compare: what it asks, how it counts, what it tests by, and how it tells that."""

    @property
    def test(self) -> Test[Any, Any]:
        """What it tests by."""
        ...

    @property
    def kept(self) -> type[Any]:
        """What the test keeps, as a type."""
        ...

    @property
    def shortest(self) -> float:
        """How many seconds a block lasts at least."""
        ...

    @property
    def selectors(self) -> Mapping[str, str]:
        """The selectors, by the field where each stands."""
        ...

    def count(self, samples: BlockSamples) -> Any:  # noqa: ANN401 - what its own test reads
        """What is counted of both groups in a block; of the treatment alone at a share of 1."""
        ...

    def written(self, content: Any) -> dict[str, Any]:  # noqa: ANN401 - what it counts
        """What was counted, as JSON."""
        ...

    def read(self, plain: Mapping[str, Any]) -> Any:  # noqa: ANN401 - likewise
        """What was counted, of such JSON."""
        ...

    def events(self, state: Any) -> Pair[float]:  # noqa: ANN401 - what its own test keeps
        """How many events of each group there were in this stage, those included that wait for the other group."""
        ...

    def learning(self, state: Any) -> str:  # noqa: ANN401 - likewise
        """What has to be learnt before anything is tested; empty for nothing."""
        ...

    def evidence(self, state: Any, level: float) -> Evidence:  # noqa: ANN401 - likewise
        """What the test stands on in this stage."""
        ...

    def told(self, state: Any, evidence: Evidence, change_point: ChangePoint[Any] | None) -> tuple[float | None, str]:  # noqa: ANN401
        """What was found, as one number and for people."""
        ...


class CompareCheck(SequentialCheck[CompareGuardrail, Any, Any]):
    """A guardrail on the treatment against the control."""

    def __init__(self, guardrail: CompareGuardrail) -> None:
        compare = guardrail.compare
        self._form: Form = Means(compare) if compare.of_means else Shares(compare)
        super().__init__(guardrail, self._form.test, self._form.kept, self._form.selectors, self._form.shortest)
        for where, text in self._form.selectors.items():
            if compare.group in pinned(text):
                one = f"it asks for one group alone: leave `{compare.group}` out, by which the groups are told apart"
                raise UnmeasurableError(where, one)

    def count(self, samples: BlockSamples) -> Any:  # noqa: ANN401 - by form
        """Both groups; the treatment alone where nobody is left in control."""
        return self._form.count(samples)

    def evidence(self, state: Any, level: float) -> Evidence:  # noqa: ANN401 - by form
        """The ratio or the difference in this stage."""
        return self._form.evidence(state, level)

    def told(self, state: Any, evidence: Evidence, change_point: ChangePoint[Any] | None) -> tuple[float | None, str]:  # noqa: ANN401
        """Both groups, how much worse the treatment is, and how sure that is."""
        return self._form.told(state, evidence, change_point)

    def lacking(self, state: Any, share: float | None) -> str:  # noqa: ANN401 - by form
        """That there is no control, or none that was heard of; or what is still to be learnt."""
        if share == 1:
            return _ALONE if self.guardrail.compare.max is None else ""
        events, waiting = self._form.events(state), self.uncompared(state)
        if not events.control:
            return _NOTHING
        if waiting > events.treatment - waiting:
            return f"{waiting:.15g} events of the treatment were compared with nothing: there are none of the control"
        return self._form.learning(state)

    def uncompared(self, state: Any) -> float:  # noqa: ANN401 - by form
        """What came in blocks without an event of the control."""
        return float(sum(state.waiting.treatment[::2]))

    def written(self, content: Any) -> dict[str, Any]:  # noqa: ANN401 - by form
        """What was counted of each group."""
        return self._form.written(content)

    def read(self, plain: Mapping[str, Any]) -> Any:  # noqa: ANN401 - by form
        """What was counted of each group."""
        return self._form.read(plain)

    @staticmethod
    def limit(guardrail: CompareGuardrail, value: float | None) -> float | None:  # noqa: ARG004 - the base's
        """What is tolerated."""
        return tolerated(guardrail.compare)


def without_control(guardrail: CompareGuardrail, spec: Spec) -> str:
    """The warning for whoever applies a spec with stages in which nothing can be compared; empty for none."""
    blind = [stage.name for stage in spec.stages if stage.percentage == 100 and not spec.traffic.holdback]  # noqa: PLR2004
    if not blind or not guardrail.gates or guardrail.compare.max is not None:
        return ""
    return f"stage {blind[0]} can't be left by a pass of guardrail {guardrail.name}: {_ALONE}"


def tolerated(compare: Compare) -> float | None:
    """The ratio, or the difference."""
    return compare.difference if compare.ratio is None else compare.ratio
