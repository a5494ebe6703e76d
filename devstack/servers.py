"""What all servers of the local stack have in common."""

import shutil
import tempfile
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

from .errors import PortTakenError, ProcessFailedError
from .lifetime import Lifetime
from .ports import Ports
from .processes import Child, Launch, supervise, wait_until


class Server(Lifetime):
    """One process on free loopback ports, with its data in one folder.

    The folder is a temporary one, removed by `stop`, where none is given. Ports and
    data stay the same over `kill`, `restart` and a second `start`.
    """

    name: ClassVar[str]
    ready_within: ClassVar[float] = 60

    def __init__(self, directory: Path | None = None, *, name: str | None = None, launch: Launch = supervise) -> None:
        self.title = name or self.name
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix=f"mlrollout-{self.title}-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self.ports = Ports(self.directory / "ports.json")
        self._launch = launch
        self._child: Child | None = None

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return self.ports.get("client")

    @property
    def log(self) -> Path:
        """Where everything that the process prints goes."""
        return self.directory / f"{self.title}.log"

    @property
    def child(self) -> Child:
        """The process; asking before `start` is a mistake in the caller."""
        if self._child is None:
            raise ProcessFailedError(f"{self.title} has not been started.")
        return self._child

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Write the configuration and say how the program is started."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers now; an answer of another program does not count."""

    def environment(self) -> Mapping[str, str]:
        """Variables for the process beside our own."""
        return {}

    def start(self) -> Self:
        """Start the process and come back when it is ready."""
        for _ in range(3):
            try:
                return self._start()
            except PortTakenError:
                self.ports.renew()
        return self._start()

    def stop(self) -> None:
        """End the process and give its ports and its temporary folder back."""
        if self._child:
            self._child.stop()
        self.ports.release()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self) -> None:
        """End the process like a power cut; `start` brings it back."""
        self.child.kill()

    def restart(self) -> None:
        """End the process politely and start it again on its ports and data."""
        self.child.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the process: clients connect and wait."""
        self.child.pause()

    def resume(self) -> None:
        """Let the process go on after `pause`."""
        self.child.resume()

    def _start(self) -> Self:
        self._child = self._launch(self.title, self.command(), log=self.log, env=self.environment())
        try:
            self.wait_ready()
        except BaseException:
            self._child.stop()
            raise
        return self

    def wait_ready(self) -> None:
        """Come back when it answers; fail with the end of its log when it does not."""
        wait_until(
            lambda: self.ready() or None,
            within=self.ready_within,
            what=f"{self.title} to be ready",
            child=self.child,
        )
