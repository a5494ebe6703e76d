"""The example of the administrator's file can be used as it stands."""

import apprise
import pytest
from mlrollout.notify.config import OperatorReceiver, parse
from mlrollout.notify.samples import sample_notices, sample_object
from mlrollout.runtime.notifying.composing import template_problem

from tests.components.receivers.conftest import NOW, Make
from tests.components.receivers.services import ROOT

EXAMPLE = parse((ROOT / "examples" / "notifications.yaml").read_text())


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # of a plugin, all of which are loaded
@pytest.mark.parametrize("receiver", EXAMPLE.receivers, ids=lambda one: one.name)
def test_every_address_of_the_example_is_one(receiver: OperatorReceiver) -> None:
    is_webhook = receiver.address.origin == "https://audit.example.com"
    assert is_webhook or apprise.Apprise.instantiate(receiver.address.url) is not None


async def test_the_templates_of_the_example_can_be_used(make: Make) -> None:
    about = sample_object(EXAMPLE)
    for notice in sample_notices(NOW):
        assert await template_problem(make(), EXAMPLE, notice, about) == ""
