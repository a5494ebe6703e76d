"""A crowd at the operator's port, which anybody in the cluster may reach."""

import socket
from contextlib import ExitStack, closing, suppress

from devstack import web
from tests.whole.house import LONG, House

CROWD, ADDRESSES = 600, 20


def test_a_crowd_at_its_port_costs_the_operator_no_rollback(vacant_house: House) -> None:
    """Half of it sends no whole head, and half asks for the metrics and takes no answer."""
    house = vacant_house
    operator = house.stack.start_operator("one")
    house.apply(stages=LONG)
    house.until_percentage(10)
    with ExitStack() as stack:
        for number in range(CROWD):
            one = stack.enter_context(closing(socket.socket()))
            one.bind((f"127.0.0.{2 + number % ADDRESSES}", 0))
            one.settimeout(5)
            with suppress(OSError):
                one.connect(("127.0.0.1", operator.port))
                one.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n" + b"\r\n" * (number % 2))
        house.errors(0.2)
        house.until_percentage(0)
        house.until_reason("GuardrailBreached", "Stalled")
        assert web.get(f"{operator.url}/livez") == b"ok"
        shown = web.get(f"{operator.url}/metrics") or b""
    closed = [line for line in shown.splitlines() if line.startswith(b"mlrollout_operator_closed_total")]
    assert sum(float(line.split()[-1]) for line in closed) >= CROWD - 256
