"""Things that are started and stopped, as context managers."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Lifetime(ABC):
    """Started when its `with` block begins; stopped however the block, or the start, ends."""

    @abstractmethod
    def start(self) -> Self:
        """Start, and come back when it is ready for use."""

    @abstractmethod
    def stop(self) -> None:
        """Stop, and remove what was temporary; nothing to stop is fine too."""

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
