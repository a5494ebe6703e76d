"""Who is told of an object, and where they are reached: by the administrator's file, and by objects' Secrets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlrollout.allowed import matches
from mlrollout.notify.address import ReceiverAddress, from_secret
from mlrollout.notify.config import NotificationConfig
from mlrollout.notify.message import About
from mlrollout.notify.routing import Subscription, about, subscriptions
from mlrollout.ports import Object, ObjectsError, ReceiverError, ReceiverNotAllowedError, Secrets
from mlrollout.runtime.loop_time import LoopTime, loop_time
from mlrollout.runtime.tracked import TrackedObject

FRESH = 10.0
"""Seconds for which what a Secret held is taken for what it holds."""
HELD = 3600.0
"""Seconds for which it is, where it can't be read."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """The receivers of an object, as of one version of it and of the file."""

    object: Object
    config: NotificationConfig
    about: About
    subscriptions: Sequence[Subscription]


@dataclass(frozen=True, slots=True)
class _SecretText:
    """What a Secret held."""

    at: LoopTime
    text: str


class AddressBook:
    """The receivers of every object.

    Args:
        config: What the administrator's file says now.
        secrets: Where the addresses of objects' own receivers stand.
        allowed: Patterns of the addresses that an object may name.
    """

    def __init__(self, config: Callable[[], NotificationConfig], secrets: Secrets, allowed: tuple[str, ...]) -> None:
        self.config = config
        self._secrets = secrets
        self._allowed = allowed
        self._known: dict[TrackedObject, _Listed] = {}
        self._held: dict[tuple[str, str, str], _SecretText] = {}

    def subscriptions(self, tracked: TrackedObject) -> Sequence[Subscription]:
        """Who is told of an object."""
        return self._look_up(tracked).subscriptions

    def about(self, tracked: TrackedObject) -> About:
        """The object as they are told of it."""
        return self._look_up(tracked).about

    def _look_up(self, tracked: TrackedObject) -> _Listed:
        known, config, found = self._known.get(tracked), self.config(), tracked.resource.object
        if known is None or known.object is not found or known.config is not config:
            spec = tracked.spec
            key = spec.traffic.key if spec is not None else ""
            about_it = about(config, tracked.resource.metadata, key)
            own = spec.notifications if spec is not None else ()
            known = _Listed(found, config, about_it, subscriptions(config, own, about_it))
            self._known[tracked] = known
        return known

    def forget(self, tracked: TrackedObject) -> None:
        """Let go of an object."""
        self._known.pop(tracked, None)

    async def address(self, tracked: TrackedObject, subscription: Subscription) -> ReceiverAddress:
        """Where a receiver is reached.

        Raises:
            ReceiverNotAllowedError: The administrator does not allow what the object names.
            ReceiverError: It can't be known now.
        """
        if subscription.own is None:
            assert subscription.address is not None  # noqa: S101 - one or the other: see Subscription
            return subscription.address
        text = await self._read(tracked, subscription)
        try:
            found = from_secret(text)
        except ValueError as error:
            raise ReceiverError(f"has a Secret that can't be used: {error}") from None
        if not any(matches(pattern, found.origin) for pattern in self._allowed):
            raise ReceiverNotAllowedError(
                f"is at {found}, which is not allowed: an administrator allows addresses with the chart's "
                "notifications.allowedAddresses"
            )
        return found

    async def _read(self, tracked: TrackedObject, subscription: Subscription) -> str:
        assert subscription.own is not None  # noqa: S101 - asked before
        ref, now = subscription.own.secret_ref, loop_time()
        place = (tracked.ref.namespace, ref.name, ref.key)
        held = self._held.get(place)
        if held is not None and now - held.at < FRESH:
            return held.text
        try:
            text = await self._secrets.read(*place)
        except ObjectsError as error:
            if held is not None and now - held.at < HELD:  # the API server may be away: news is told all the same
                return held.text
            raise ReceiverError(f"has no address: {error}") from None
        self._held = {one: kept for one, kept in self._held.items() if now - kept.at < HELD}
        self._held[place] = _SecretText(now, text)
        return text
