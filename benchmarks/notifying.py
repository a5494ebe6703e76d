"""How long from 0 in Redis until receivers have been told, and whether receivers that hang delay the way to 0.

First all objects break at once, and each has three receivers: a webhook, one by Apprise, and one that accepts
connections and never answers. The lag is from the push of the latched record to the message's arrival; what has to
lie between is the write of the status, which is what is told. Beside it the same without the dead one.
Then single breaches, as in `breach_to_zero`, with no receiver and with ten that all hang.

    python -m benchmarks.notifying [--objects 100] [--breaches 40]
"""

import argparse
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.breach_to_zero import Visible, Zeros, breaking, one_by_one, prepared, until
from benchmarks.rollouts import apply
from devstack.stack import Stack
from tests.support.inbox import inbox
from tests.support.target import target

Lags = Mapping[str, Sequence[float]]


@contextmanager
def dead() -> Iterator[int]:
    """The port of somebody who takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for one in held:
            one.close()


def file(folder: str, receivers: Mapping[str, str]) -> dict[str, str]:
    """What names a file with these receivers to an operator."""
    path = Path(folder) / "notifications.yaml"
    named = ", ".join(f"{{name: {name}, url: '{url}'}}" for name, url in receivers.items())
    path.write_text(f"receivers: [{named}]\nroutes: [{{receivers: [{', '.join(receivers)}], topics: [RolledBack]}}]\n")
    return {"MLROLLOUT_NOTIFICATIONS_FILE": str(path)}


def lags(count: int, *, with_dead: bool) -> Lags:
    """Seconds from zero to arrival, by receiver, where all objects break at once."""
    arrived: dict[str, dict[int, float]] = {"webhook": {}, "apprise": {}}

    def take(name: str, number: int) -> int:
        arrived[name].setdefault(number, time.monotonic())
        return 204

    with (
        Stack() as stack,
        target("") as exported,
        tempfile.TemporaryDirectory() as folder,
        dead() as hung,
        inbox(lambda event: take("webhook", _number(event["data"]["name"]))) as box,
        inbox(lambda message: take("apprise", _number(message["title"]))) as other,
    ):
        _, values = prepared(stack, exported, count)
        receivers = {"webhook": box.url(), "apprise": f"json://127.0.0.1:{other.port}/"}
        if with_dead:
            receivers["dead"] = f"http://127.0.0.1:{hung}/"
        stack.start_operator(env=file(folder, receivers))
        zeros = Zeros(stack.redis_url)
        try:
            apply(stack, (breaking(number, hung=False) for number in range(count)))
            until(lambda: all(zeros.percentage.get(n) == 100 for n in range(count)), 240)
            for number in range(count):
                values.bad.add(number)
            values.set(0, bad=True)
            until(lambda: all(len(one) == count for one in arrived.values()), 240)
        finally:
            zeros.close()
        return {name: [at - zeros.at[n] for n, at in found.items()] for name, found in arrived.items()}


def _number(text: str) -> int:
    return int(text.partition("bench-")[2].split()[0])


def to_zero(count: int, wanted: int, hung: int) -> Sequence[float]:
    """Seconds from visible to zero, with so many receivers that all hang."""
    with Stack() as stack, target("") as exported, tempfile.TemporaryDirectory() as folder, dead() as port:
        prometheus, values = prepared(stack, exported, count)
        urls = {f"hung-{n}": f"{'json' if n % 2 else 'http'}://127.0.0.1:{port}/{n}" for n in range(hung)}
        stack.start_operator(env=file(folder, urls) if urls else {})
        zeros, visible = Zeros(stack.redis_url), Visible(prometheus)
        try:
            apply(stack, (breaking(number, hung=False) for number in range(count)))
            return list(one_by_one(stack, values, zeros, visible, wanted))
        finally:
            visible.close()
            zeros.close()


def row(name: str, found: Sequence[float]) -> str:
    """Milliseconds: mean, p50, p95, max."""
    milliseconds = sorted(seconds * 1000 for seconds in found)
    p95 = milliseconds[int(len(milliseconds) * 0.95)]
    return (
        f"{name:>28} {len(found):>5} {statistics.mean(milliseconds):>8.0f} {statistics.median(milliseconds):>8.0f} "
        f"{p95:>8.0f} {milliseconds[-1]:>8.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=100)
    parser.add_argument("--breaches", type=int, default=40)
    arguments = parser.parse_args()
    print(f"{'':>28} {'n':>5} {'mean':>8} {'p50':>8} {'p95':>8} {'max':>8}   (ms)", flush=True)
    for with_dead in (False, True):
        beside = "beside a dead one" if with_dead else ""
        for name, found in lags(arguments.objects, with_dead=with_dead).items():
            print(row(f"{name} {beside}".strip(), found), flush=True)
    for hung in (0, 10):
        found = to_zero(10, arguments.breaches, hung)
        print(row(f"to zero, {hung} that hang", found), flush=True)


if __name__ == "__main__":
    main()
