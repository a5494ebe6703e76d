"""Names that hang keep nobody from the others."""

import asyncio
import gc
import socket
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from mlrollout.startup.lookups import MOST, LookupLoop

real = socket.getaddrinfo


class Names:
    """A resolver in which some names hang until they are let go."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.let_go = Event()

    def getaddrinfo(self, host: Any, *rest: Any) -> Any:
        self.asked.append(host)
        if str(host).startswith("hangs"):
            self.let_go.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "gave up")
        return real(host, *rest)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    yield names
    names.let_go.set()


def run(main: Any) -> None:
    with asyncio.Runner(loop_factory=LookupLoop) as runner:
        runner.run(main)


async def hanging(number: int) -> list[asyncio.Task[Any]]:
    loop = asyncio.get_running_loop()
    tasks = [asyncio.ensure_future(loop.getaddrinfo(f"hangs-{one}", 80)) for one in range(number)]
    await asyncio.sleep(0)
    return tasks


def test_a_name_is_found_while_as_many_hang_as_may(names: Names) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        await loop.getaddrinfo("localhost", 6379, type=socket.SOCK_STREAM)
        await hanging(MOST)
        found = await asyncio.wait_for(loop.getaddrinfo("localhost", 6379, type=socket.SOCK_STREAM), 30)
        assert {one[4][1] for one in found} == {6379}

    run(main())


def test_a_connection_is_made_meanwhile(names: Names) -> None:
    async def main() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "localhost", 0)
        await hanging(MOST)
        _, writer = await asyncio.wait_for(asyncio.open_connection("localhost", server.sockets[0].getsockname()[1]), 30)
        writer.close()
        server.close()
        await server.wait_closed()

    run(main())


def test_more_of_which_none_was_ever_found_are_refused(names: Names) -> None:
    async def main() -> None:
        await hanging(MOST)
        with pytest.raises(socket.gaierror, match="too many names"):
            await asyncio.get_running_loop().getaddrinfo("new.example", 80)

    run(main())


def test_who_asks_for_the_same_waits_for_one_answer_and_may_stop_waiting(names: Names) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        tasks = [asyncio.ensure_future(loop.getaddrinfo("hangs", 80)) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        names.let_go.set()
        for task in tasks[1:]:
            with pytest.raises(socket.gaierror, match="gave up"):
                await task
        assert names.asked == ["hangs"]

    run(main())


def test_one_that_fails_when_nobody_waits_is_no_error_of_anybodys(names: Names) -> None:
    told: list[Any] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context))
        (task,) = await hanging(1)
        task.cancel()
        names.let_go.set()
        assert isinstance(loop, LookupLoop)
        await asyncio.wait(loop._under_way.values())
        gc.collect()

    run(main())
    assert told == []


def test_what_hangs_keeps_no_process_from_its_end(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Thread] = []
    start = Thread.start

    def started(thread: Thread) -> None:
        begun.append(thread)
        start(thread)

    monkeypatch.setattr(Thread, "start", started)

    async def main() -> None:
        await hanging(2)

    run(main())
    assert [thread.daemon for thread in begun if thread.name == "name lookup"] == [True, True]
    names.let_go.set()
    for thread in begun:
        thread.join(30)


def test_where_there_is_no_thread_any_more_a_name_has_no_address(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Thread, "start", start)
            with pytest.raises(socket.gaierror, match="no thread"):
                await asyncio.get_running_loop().getaddrinfo("localhost", 80)
        assert await asyncio.get_running_loop().getaddrinfo("localhost", 80)

    run(main())
