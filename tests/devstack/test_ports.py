import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from devstack.ports import Ports

MANY = 16


def test_two_owners_never_get_the_same_port(tmp_path: Path) -> None:
    owners = [Ports(tmp_path / f"{number}.json") for number in range(50)]

    assert len({owner.get("client") for owner in owners}) == len(owners)

    for owner in owners:
        owner.release()


def test_a_port_is_the_same_after_a_restart(tmp_path: Path) -> None:
    before = Ports(tmp_path / "ports.json")
    port = before.get("client")
    before.release()

    assert Ports(tmp_path / "ports.json").get("client") == port


def test_a_port_that_a_stranger_took_is_replaced(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    port = ports.get("client")
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", port))

        ports.renew()

        assert ports.get("client") != port
    ports.release()


def test_threads_that_ask_at_once_are_told_the_same_port(tmp_path: Path) -> None:
    ports, together = Ports(tmp_path / "ports.json"), Barrier(MANY)

    def ask(_: int) -> int:
        together.wait()
        return ports.get("operator")

    with ThreadPoolExecutor(MANY) as threads:
        told = set(threads.map(ask, range(MANY)))
    ports.release()

    assert len(told) == 1
