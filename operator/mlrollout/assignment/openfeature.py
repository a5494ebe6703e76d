"""The provider for OpenFeature: an application that asks in OpenFeature's words is answered from our rollouts.

A decision is local. So the async methods, which OpenFeature's base class has call the others, wait for nothing.
"""
# ruff: noqa: ARG002, FBT001 - the methods and their parameters are OpenFeature's

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from threading import TIMEOUT_MAX
from time import monotonic
from typing import TYPE_CHECKING, Any

try:
    from openfeature.evaluation_context import EvaluationContext
except ImportError as error:
    raise ImportError("The provider needs OpenFeature's SDK: pip install 'mlrollout[openfeature]'") from error
from openfeature.exception import (
    FlagNotFoundError,
    InvalidContextError,
    OpenFeatureError,
    ProviderNotReadyError,
    TargetingKeyMissingError,
    TypeMismatchError,
)
from openfeature.flag_evaluation import FlagResolutionDetails, FlagType, FlagValueType
from openfeature.provider import AbstractProvider, Metadata
from openfeature.track import TrackingEventDetails

from .evaluation import REASONS, metadata
from .flag import Flag
from .ids import trouble_with
from .provider_status import ProviderStatusTracker
from .rollout import Rollout
from .state import Assignment
from .view import Reason

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from .tracking import Tracked

__all__ = ["Flag", "MlrolloutProvider"]


class MlrolloutProvider(AbstractProvider):
    """Answers flags from rollouts.

    The variant is the user's group, and the user is the context's targeting key.

    Args:
        flags: The rollout of each flag key; a `Flag` where its variants have values of their own.
        wait: Seconds that initialising waits for Redis at most. Where that is not enough it fails, and the
            provider becomes ready by itself later.
        close: Close the rollouts when the provider is shut down. Not so by default: who made them may use them
            elsewhere, and OpenFeature also shuts a provider down when another takes its place.
        events: Names of tracking events to count by the user's group, see `tracking.Tracked`. Needs prometheus-client.
        registry: Where they are counted; left out, in Prometheus's own.

    Raises:
        ValueError: `wait` makes no sense, or such counters stand in the registry already.
    """

    def __init__(
        self,
        flags: Mapping[str, Rollout | Flag],
        *,
        wait: float = 2.0,
        close: bool = False,
        events: Collection[str] = (),
        registry: "CollectorRegistry | None" = None,
    ) -> None:
        super().__init__()
        if not 0 <= wait <= TIMEOUT_MAX:
            raise ValueError(f"wait ({wait:g} s) must be a number of seconds from 0 up")
        self._flags = {key: flag if isinstance(flag, Flag) else Flag(flag) for key, flag in flags.items()}
        self._wait = wait
        self._close = close
        self._tracked = _tracked(self._flags, events, registry) if events else None
        self._rollouts = {flag.rollout for flag in self._flags.values()}
        self._status = ProviderStatusTracker(self._flags, self.emit)

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return Metadata("mlrollout")

    # --- its life ----------------------------------------------------------------------------

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Wait until every rollout is known, and tell OpenFeature of changes from then on.

        Raises:
            ProviderNotReadyError: A rollout is not known in time, or what is known of it is too old.
        """
        ends = monotonic() + self._wait
        for rollout in self._rollouts:
            if rollout.state.reason is Reason.NOT_READY:
                rollout.wait_ready(max(0.0, ends - monotonic()))
        # Should Redis be read between this and OpenFeature's hearing of the error, the provider's status stays at
        # ERROR until the next change; evaluations are right all the same.
        if unknown := self._status.begin():
            raise ProviderNotReadyError(
                f"Redis could not be read within {self._wait:g} s for {', '.join(unknown)}. Until it can, the answer "
                "is the caller's default, or control; then the provider becomes ready by itself. The log of "
                "`mlrollout` says what is in the way"
            )

    def shutdown(self) -> None:
        """Tell of changes no more, and close the rollouts where that was asked for."""
        self._status.end()
        if self._close:
            for rollout in self._rollouts:
                rollout.close()

    # --- deciding ----------------------------------------------------------------------------

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """True for treatment, unless the flag has values of its own."""
        return self._resolve(FlagType.BOOLEAN, flag_key, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """The group's name, likewise."""
        return self._resolve(FlagType.STRING, flag_key, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """1 for treatment, likewise."""
        return self._resolve(FlagType.INTEGER, flag_key, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """1.0 for treatment, likewise."""
        return self._resolve(FlagType.FLOAT, flag_key, evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        """`{"group": …}`, likewise; each caller has a copy of their own."""
        details = self._resolve(FlagType.OBJECT, flag_key, evaluation_context)
        details.value = deepcopy(details.value)
        return details

    def _resolve(self, kind: FlagType, flag_key: str, context: EvaluationContext | None) -> FlagResolutionDetails[Any]:
        flag = self._flags.get(flag_key)
        if flag is None:
            raise FlagNotFoundError(f"There is no flag {flag_key!r} here; there are {', '.join(sorted(self._flags))}")
        values = flag.values.get(kind)
        if values is None:
            raise TypeMismatchError(f"Flag {flag_key!r} is not {kind}; it is {' and '.join(sorted(flag.values))}")
        assignment = _assign(flag.rollout, context)
        return FlagResolutionDetails(
            value=values[assignment.group],
            variant=assignment.group.value,
            reason=REASONS[assignment.reason],
            flag_metadata=metadata(assignment),
        )

    # --- tracking ----------------------------------------------------------------------------

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: EvaluationContext | None = None,
        tracking_event_details: TrackingEventDetails | None = None,
    ) -> None:
        """Count an event, for each flag by the group that the user is in now; never an exception.

        What was not named in `events` is not counted, nor what has no user or one whose group an override decides, nor
        for a flag that is not known yet.
        """
        if self._tracked is None or not self._tracked.knows(tracking_event_name):
            return
        value = tracking_event_details.value if tracking_event_details else None
        for key, flag in self._flags.items():
            try:
                assignment = _assign(flag.rollout, evaluation_context)
            except OpenFeatureError as error:
                self._tracked.refuse(tracking_event_name, str(error))
            else:
                if assignment.reason is not Reason.OVERRIDE:  # a tester's events are no evidence
                    self._tracked.count(key, tracking_event_name, assignment.group, value)


def _assign(rollout: Rollout, context: EvaluationContext | None) -> Assignment:
    # OpenFeature's is a str; what an application puts there instead is an id by the rules of ours.
    user_id: Any = context.targeting_key if context else None
    if user_id is None or user_id == "":
        raise TargetingKeyMissingError("The context has no targeting key: a group is a user's, so give the user's id")
    assignment = rollout.assign(user_id)
    if assignment.reason is Reason.NO_USER:
        raise InvalidContextError(f"The targeting key is nobody's id: {trouble_with(user_id)}")
    if assignment.reason is Reason.NOT_READY:
        raise ProviderNotReadyError("Redis has not been read yet, or the rollout is closed: the default is used")
    return assignment


def _tracked(flags: Collection[str], events: Collection[str], registry: "CollectorRegistry | None") -> "Tracked":
    from .tracking import Tracked  # noqa: PLC0415 - who tracks nothing need not have prometheus-client

    return Tracked(flags, events, registry)
