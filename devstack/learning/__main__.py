"""`python -m devstack.learning`, behind `make demo-learning`: 0 when everything happened as promised, else 1."""

import sys
import time

from devstack import foreground
from devstack.console import say

from .place import running
from .story import Story


def demo() -> None:
    """Play the story on a place of its own.

    Raises:
        DevstackError: A part could not be started, or a promise was not kept.
    """
    began = time.monotonic()
    with foreground.folder("mlrollout-learning-") as folder, running(folder) as place:
        if place.house.dashboard:
            say(place.house.dashboard)
        Story(place).play()
    say(f"The demo took {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    sys.exit(foreground.play(demo))
