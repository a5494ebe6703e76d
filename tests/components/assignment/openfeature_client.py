"""OpenFeature's own client on a provider of ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from mlrollout.assignment.openfeature import MlrolloutProvider
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.provider.no_op_provider import NoOpProvider

KIM = EvaluationContext("kim")
FLAG = "ml-dispatch"


@contextmanager
def serving(provider: MlrolloutProvider, *, wait: bool = True) -> Iterator[OpenFeatureClient]:
    """A client in a domain of its own."""
    domain = uuid4().hex
    try:
        (api.set_provider_and_wait if wait else api.set_provider)(provider, domain)
        yield api.get_client(domain)
    finally:
        api.set_provider(NoOpProvider(), domain)


def heard(client: OpenFeatureClient) -> list[tuple[ProviderEvent, EventDetails]]:
    """What the client is told from now on, and at once what it would be told now."""
    told: list[tuple[ProviderEvent, EventDetails]] = []
    for event in ProviderEvent:

        def hear(details: EventDetails, event: ProviderEvent = event) -> None:
            told.append((event, details))

        client.add_handler(event, hear)
    return told
