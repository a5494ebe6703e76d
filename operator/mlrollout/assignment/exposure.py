"""Who saw what: a hook for OpenFeature that counts evaluations, whoever the provider is."""

from collections.abc import Collection
from itertools import product
from typing import Any

try:
    from openfeature.flag_evaluation import FlagEvaluationDetails, Reason
    from openfeature.hook import Hook, HookContext, HookHints
    from prometheus_client import REGISTRY, CollectorRegistry, Counter
except ImportError as error:
    raise ImportError(f"Exposures need {error.name}: pip install 'mlrollout[openfeature,metrics]'") from error

from .arguments import texts
from .bucket import Group

NONE = "none"
"""The variant of an evaluation that came to none: the caller's default was used."""
OTHER = "other"
"""A flag or variant that was not named beforehand."""
_REASONS = frozenset(Reason)


class ExposureHook(Hook):
    """Counts every evaluation in `mlrollout_exposures_total`, by flag, variant and reason.

    Labels are bounded: what was not named here is counted as `other`. What was named stands at 0 from the start.

    Args:
        flags: The flag keys.
        variants: The variants that they have.
        registry: Where the counter stands; left out, in Prometheus's own.

    Raises:
        TypeError: Flags or variants are one text instead of several.
        ValueError: It stands in the registry already.
    """

    def __init__(
        self,
        flags: Collection[str],
        *,
        variants: Collection[str] = tuple(Group),
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._flags = texts("flags", flags)
        self._variants = texts("variants", variants)
        self._exposures = Counter(
            "mlrollout_exposures",
            "Evaluations of feature flags.",
            ("flag", "variant", "reason"),
            registry=REGISTRY if registry is None else registry,
        )
        for labels in product(self._flags, (*self._variants, NONE), Reason):
            self._exposures.labels(*labels)

    def finally_after(  # not `after`, whose errors cost the caller the answer, and which misses the defaults
        self,
        hook_context: HookContext,  # noqa: ARG002 - the hook's interface
        details: FlagEvaluationDetails[Any],
        hints: HookHints,  # noqa: ARG002 - likewise
    ) -> None:
        """Count one evaluation."""
        flag = details.flag_key if details.flag_key in self._flags else OTHER
        variant = NONE if details.variant is None else details.variant
        known = variant in self._variants or variant == NONE
        reason = details.reason if details.reason in _REASONS else Reason.UNKNOWN
        self._exposures.labels(flag, variant if known else OTHER, reason).inc()
