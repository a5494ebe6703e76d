"""Which receivers an object has, and what each of them wants to hear."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from mlrollout.api.notification import Notification, Topic
from mlrollout.domain.notices import Notice

from .address import ReceiverAddress
from .config import NotificationConfig, Route
from .message import About

_OPERATOR, _OWN = "operator/", "own/"
OF_OBJECTS = "spec.notifications"
"""What metrics call the receivers that objects have of their own, all of them as one."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One receiver of one object.

    Attributes:
        key: What the object's status calls it.
        receiver: What metrics call it: the operator's by name, all that objects have of their own as one.
        own: The object's own receiver; `None` where it is the operator's.
        address: The operator's receiver's address; `None` for the object's own, whose Secret tells it.
        routes: Which news it wants, each by itself enough; an own receiver's topics are one.
    """

    key: str
    receiver: str
    routes: tuple[Route, ...]
    own: Notification | None = None
    address: ReceiverAddress | None = None

    def wants(self, notice: Notice) -> bool:
        """Whether it wants to hear of this."""
        return not self.routes or any(_fits(route, notice) for route in self.routes)


def subscriptions(config: NotificationConfig, own: Sequence[Notification], about: About) -> Sequence[Subscription]:
    """Every receiver that an object has; those that no route leads to are left out."""
    found = []
    for one in config.receivers:
        routes = tuple(route for route in config.routes if one.name in route.receivers and _concerns(route, about))
        if routes or not config.routes:
            found.append(Subscription(f"{_OPERATOR}{one.name}", one.name, routes, address=one.address))
    for mine in own:
        routes = (Route(receivers=(mine.name,), topics=mine.topics),) if mine.topics else ()
        found.append(Subscription(f"{_OWN}{mine.name}", OF_OBJECTS, routes, own=mine))
    return found


def about(config: NotificationConfig, metadata: Mapping[str, object], key: str) -> About:
    """The object that has this metadata, as receivers are told of it."""
    labels = metadata.get("labels")
    namespace, name = str(metadata.get("namespace", "")), str(metadata.get("name", ""))
    return About(
        namespace=namespace,
        name=name,
        uid=str(metadata.get("uid", "")),
        labels=dict(labels) if isinstance(labels, Mapping) else {},
        key=key,
        cluster=config.cluster,
        dashboard=config.dashboard.replace("{namespace}", quote(namespace)).replace("{name}", quote(name)),
    )


def _concerns(route: Route, about: About) -> bool:
    """Whether a route is about this object."""
    named = not route.namespaces or any(_pattern(one).fullmatch(about.namespace) for one in route.namespaces)
    return named and all(about.labels.get(label) == value for label, value in route.labels.items())


def _fits(route: Route, notice: Notice) -> bool:
    """Whether it is about this news."""
    return (
        (not route.topics or Topic(notice.topic) in route.topics)
        and (not route.severities or notice.severity in route.severities)
        and (not route.reasons or bool({notice.reason, notice.cause} & set(route.reasons)))
    )


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")))
