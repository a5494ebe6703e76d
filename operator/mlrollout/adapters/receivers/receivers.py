"""Whoever is to be told, by the scheme of their address: webhooks here, everything else by Apprise."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from mlrollout.api.notification import Topic
from mlrollout.notify.address import ReceiverAddress
from mlrollout.notify.message import OutgoingMessage
from mlrollout.ports import Clock, ReceiverError, WordingError

from .helper import Helper
from .networks import Networks
from .webhooks import Webhooks, failure

SEND_WITHIN = 15.0
"""Seconds that Apprise may take to send something."""
RENDER_WITHIN = 2.0
"""Seconds that a template may take."""
_SERVICES = (
    "hooks.slack.com",
    "discord.com",
    "chat.googleapis.com",
    ".webhook.office.com",
    ".logic.azure.com",
    ".api.powerplatform.com",
)
"""Hosts, or ends of hosts, whose https address people copy from the service: it wants no CloudEvent."""


class AnyReceivers:
    """Implements the port `Receivers`; to be made where an event loop runs.

    Args:
        networks: Where an address that an object names may lead to.
        clock: For signatures.
    """

    def __init__(self, networks: Networks, clock: Clock) -> None:
        self._networks = networks
        self._webhooks = Webhooks(networks, clock)
        self._helper = Helper()

    async def send(self, address: ReceiverAddress, message: OutgoingMessage) -> None:
        """Have a message arrive."""
        if address.scheme in ("http", "https") and not _is_service(address):
            await self._webhooks.send(address, message)
        else:
            await self._by_apprise(address, message)

    async def _by_apprise(self, address: ReceiverAddress, message: OutgoingMessage) -> None:
        request = {
            "confined": address.chosen_by_tenant,
            "networks": [str(network) for network in self._networks.allowed],
            "message": _as_text(address, message),
        }
        tenant = message.about.namespace if address.chosen_by_tenant else ""
        answer = await self._helper.ask(request, SEND_WITHIN, tenant)
        if answer["failed"] is None:
            return
        status = answer["status"]
        found = None if answer["failed"] or status is None else failure(status, answer["retry_after"])
        raise found or ReceiverError(answer["failed"] or "did not take it")

    async def render(self, template: str, variables: Mapping[str, object]) -> str:
        """What a template becomes."""
        try:
            answer = await self._helper.ask({"template": template, "variables": variables}, RENDER_WITHIN)
        except ReceiverError as error:
            raise WordingError(f"it {error}") from None
        if "text" in answer:
            return str(answer["text"])
        raise WordingError(answer["failed"])

    async def close(self) -> None:
        """Give up the connections."""
        await self._webhooks.close()
        await self._helper.close()


def _is_service(address: ReceiverAddress) -> bool:
    host = urlsplit(address.url).hostname or ""
    return any(host == one or (one.startswith(".") and host.endswith(one)) for one in _SERVICES)


def _as_text(address: ReceiverAddress, message: OutgoingMessage) -> Mapping[str, str]:
    severity = "success" if message.notice.topic is Topic.COMPLETED else str(message.notice.severity)
    return {
        "url": address.url,
        "severity": severity,
        "title": message.title,
        "text": message.text,
        "id": message.id,
        "line": f"{message.title}: {message.notice.message}",
    }
