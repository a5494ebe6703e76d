"""A notice as it is sent: in the administrator's words where there are such, and in those that are built in."""

from collections.abc import Mapping
from dataclasses import replace

from mlrollout.domain.notices import Notice
from mlrollout.notify.cloud_event import cloud_event
from mlrollout.notify.config import NotificationConfig
from mlrollout.notify.message import About, OutgoingMessage, compose, finished
from mlrollout.notify.wording import wording
from mlrollout.ports import Receivers, WordingError


async def message(
    receivers: Receivers,
    config: NotificationConfig,
    notice: Notice,
    about: About,
    *,
    dropped: int = 0,
    test: bool = False,
) -> OutgoingMessage:
    """What a receiver is sent. A template that can't be used costs its words and not the news."""
    composed = compose(notice, about, wording(notice, about), dropped=dropped, test=test)
    try:
        return finished(await _worded(receivers, config, composed))
    except WordingError as error:
        said = f"(The template for {notice.topic} can't be used: {error}. These are the words that are built in.)"
        return finished(replace(composed, text=f"{composed.text}\n{said}"))


async def template_problem(receivers: Receivers, config: NotificationConfig, notice: Notice, about: About) -> str:
    """Why the template for this notice can't be used; empty where it can."""
    try:
        await _worded(receivers, config, compose(notice, about, wording(notice, about)))
    except WordingError as error:
        return str(error)
    return ""


async def _worded(receivers: Receivers, config: NotificationConfig, composed: OutgoingMessage) -> OutgoingMessage:
    """The message in the administrator's words, where there are such."""
    template = config.templates.get(composed.notice.topic)
    if template is None:
        return composed
    variables = _variables(composed)
    title = await receivers.render(template.title, variables) if template.title else composed.title
    text = await receivers.render(template.text, variables) if template.text else composed.text
    return replace(composed, title=title, text=text)


def _variables(composed: OutgoingMessage) -> Mapping[str, object]:
    """What a template may use: the fields of a webhook's `data`, and the words that are built in."""
    words = composed.wording
    return {
        **cloud_event(composed).data.model_dump(mode="json", by_alias=True),
        "happened": words.happened,
        "means": words.means,
        "advice": words.advice,
    }
