"""`mlrollout notify test`: one notification of each topic is sent to receivers, and what became of it told."""

import asyncio
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mlrollout.adapters.receivers.networks import Networks
from mlrollout.adapters.receivers.receivers import AnyReceivers
from mlrollout.api.notification import Topic
from mlrollout.domain.notices import Notice
from mlrollout.notify.address import ReceiverAddress, from_secret
from mlrollout.notify.config import ConfigError, NotificationConfig, parse
from mlrollout.notify.samples import sample_notices, sample_object
from mlrollout.ports import MessageRefusedError, ReceiverError, Receivers
from mlrollout.runtime.notifying.composing import message, template_problem
from mlrollout.runtime.steady_clock import SteadyClock


class UnusableReceiverError(ValueError):
    """There is nobody to be told; the text says why."""


def addresses(
    file: Path | None, address: str | None, names: Sequence[str], environment: Mapping[str, str] = os.environ
) -> tuple[NotificationConfig, Mapping[str, ReceiverAddress]]:
    """The receivers that are meant, by name, and the file that they are in.

    Args:
        file: The administrator's file; left out, the environment names it.
        address: A file with what an object's Secret holds; `-` for standard input.
        names: Which receivers of the file; none for all.
        environment: Where the file is named.

    Raises:
        UnusableReceiverError: A file can't be used, or there is no such receiver.
    """
    path = file or environment.get("MLROLLOUT_NOTIFICATIONS_FILE")
    if path is None and address is None:
        raise UnusableReceiverError("name the file of notifications with --file, or what a Secret holds with --address")
    try:
        config = parse(_text(str(path))) if path is not None else NotificationConfig()
    except ConfigError as error:
        raise UnusableReceiverError(f"{path} can't be used: {error}") from None
    if address is not None:
        try:
            # Which addresses an object may name is nothing to whoever tries one from a machine of their own.
            return config, {"the address": replace(from_secret(_text(address)), chosen_by_tenant=False)}
        except ValueError as error:
            raise UnusableReceiverError(f"{address} can't be used: {error}") from None
    found = {one.name: one.address for one in config.receivers}
    unknown = [name for name in names if name not in found]
    if not found:
        raise UnusableReceiverError(f"there is no receiver in {path}")
    if unknown:
        known = ", ".join(found)
        raise UnusableReceiverError(f"there is no receiver {', '.join(unknown)} in {path}; there are: {known}")
    return config, {name: one for name, one in found.items() if not names or name in names}


def topics(names: Sequence[str]) -> Collection[Topic]:
    """The topics of these names; without any, all.

    Raises:
        UnusableReceiverError: There is no such topic.
    """
    try:
        return {Topic(name) for name in names} or set(Topic)
    except ValueError:
        known = ", ".join(Topic)
        raise UnusableReceiverError(f"there is no such topic among {', '.join(names)}; there are: {known}") from None


def run(
    config: NotificationConfig,
    receivers: Mapping[str, ReceiverAddress],
    topics: Collection[Topic],
    tell: Callable[[str], None],
) -> bool:
    """Send one of each topic to each receiver, and tell what became of it; answers whether all is well.

    Args:
        config: The administrator's file.
        receivers: Where to send, by name.
        topics: Of what.
        tell: Takes a line for the person at the terminal, as soon as it is known.
    """
    return asyncio.run(_run(config, receivers, topics, tell))


def _text(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UnusableReceiverError(f"{path} can't be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UnusableReceiverError(f"{path} is no text") from None


async def _run(
    config: NotificationConfig,
    receivers: Mapping[str, ReceiverAddress],
    topics: Collection[Topic],
    tell: Callable[[str], None],
) -> bool:
    clock = SteadyClock()
    sender = AnyReceivers(Networks(), clock)
    notices = [notice for notice in sample_notices(clock.now()) if notice.topic in topics]
    try:
        usable = [await _template(sender, config, notice, tell) for notice in notices]
        lanes = (_lane(sender, config, name, address, notices, tell) for name, address in receivers.items())
        return all(usable) & all(await asyncio.gather(*lanes))
    finally:
        await sender.close()


async def _template(sender: Receivers, config: NotificationConfig, notice: Notice, tell: Callable[[str], None]) -> bool:
    problem = await template_problem(sender, config, notice, sample_object(config))
    if problem:
        tell(f"the template for {notice.topic} can't be used: {problem}")
    return not problem


async def _lane(
    sender: Receivers,
    config: NotificationConfig,
    name: str,
    address: ReceiverAddress,
    notices: Sequence[Notice],
    tell: Callable[[str], None],
) -> bool:
    """Send them in their order, and tell what became of them: whoever can't be reached with one is sent no more."""
    became: dict[str, list[str]] = {}
    left = ""
    for number, notice in enumerate(notices, start=1):
        sent = await message(sender, config, notice, sample_object(config), test=True)
        try:
            await sender.send(address, sent)
            became.setdefault("arrived", []).append(notice.topic)
        except ReceiverError as error:
            became.setdefault(f"did not arrive: it {error}", []).append(notice.topic)
            if not isinstance(error, MessageRefusedError):
                left = f" ({len(notices) - number} more not tried)" if number < len(notices) else ""
                break
    for what, of in became.items():
        tell(f"{name}: {', '.join(of)} {what}{left if what != 'arrived' else ''}")
    return became.keys() == {"arrived"}
