"""Wall clocks for tests."""

import time
from dataclasses import dataclass


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> float:
        return time.time()


@dataclass
class HandClock:
    """One that stands until it is moved."""

    seconds: float = 1_700_000_000.0

    def now(self) -> float:
        return self.seconds
