"""A pod of an application that serves two groups and counts what becomes of their requests, for Prometheus to scrape.

Each line of its input is a share of the treatment's requests that fails from then on.
"""

import random
import sys
import threading
import time

from prometheus_client import Counter, start_http_server

CONTROL = 0.01
EACH = {"treatment": 2, "control": 18}
"""Requests, each by a user who comes for the first time, in a twentieth of a second."""


def main(port: int) -> None:
    dispatches = Counter("dispatch", "Requests.", ["group", "status"])
    users = Counter("users", "Users who came for the first time.", ["group"])
    for group in EACH:
        users.labels(group)
        for status in ("success", "failure"):
            dispatches.labels(group, status)
    failing = {"treatment": CONTROL, "control": CONTROL}

    def hear() -> None:
        for line in sys.stdin:
            failing["treatment"] = float(line)

    threading.Thread(target=hear, daemon=True).start()
    start_http_server(port, "127.0.0.1")
    while True:
        for group, requests in EACH.items():
            for _ in range(requests):
                users.labels(group).inc()
                failed = random.random() < failing[group]  # noqa: S311 - no secret
                dispatches.labels(group, "failure" if failed else "success").inc()
        time.sleep(0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]))
