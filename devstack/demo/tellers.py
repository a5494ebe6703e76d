"""How the demo is told: a live view on a terminal, otherwise one line per change."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from mlrollout.api.spec import Spec
from rich.console import Console
from rich.live import Live

from .changes import changes
from .chronicle import Scene
from .view import picture


class Teller(ABC):
    """Tells what happens, until it is closed."""

    @abstractmethod
    def say(self, line: str) -> None:
        """A sentence of the story."""

    @abstractmethod
    def show(self, scenes: Sequence[Scene]) -> None:
        """What was seen so far; the last scene is new."""

    @abstractmethod
    def close(self) -> None:
        """Leave the terminal as it was."""


class Plain(Teller):
    """Lines with a time, for logs and for people who like them."""

    def say(self, line: str) -> None:
        """Print it at once, also into a pipe."""
        print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)

    def show(self, scenes: Sequence[Scene]) -> None:
        """Print what is new in the last scene."""
        for line in changes(*scenes[-2:]):
            self.say(line)

    def close(self) -> None:
        """Nothing to put away."""


class Vivid(Teller):
    """Sentences that scroll by above a picture of the present."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False)

    def say(self, line: str) -> None:
        """Print it above the picture."""
        self._console.print(f"[bold]▸[/] {line}", highlight=False)

    def show(self, scenes: Sequence[Scene]) -> None:
        """Draw the picture anew."""
        self._live.start()
        self._live.update(picture(self._spec, scenes), refresh=True)

    def close(self) -> None:
        """Leave the last picture standing."""
        self._live.stop()


def teller(spec: Spec) -> Teller:
    """The one that suits where the output goes."""
    plain = not Console().is_terminal or any(os.environ.get(name) for name in ("NO_COLOR", "CI"))
    return Plain() if plain else Vivid(spec)
