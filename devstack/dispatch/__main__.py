"""`python -m devstack.dispatch`, behind `make demo-dispatch`: everything on this machine, until Ctrl-C.

With `--ci` it plays a short story and ends: 0 when everything happened as promised, else 1.
"""

import signal
import sys
import time

from devstack import foreground
from devstack.console import say

from . import short
from .guide import guide
from .house import running


def demo() -> None:
    """Run it.

    Raises:
        DevstackError: A part could not be started, or a promise was not kept.
    """
    began = time.monotonic()
    with foreground.folder("mlrollout-dispatch-") as folder, running(folder) as house:
        if "--ci" in sys.argv[1:]:
            short.play(house)
            say(f"The demo took {time.monotonic() - began:.0f} s.")
            return
        print(*guide(house), sep="\n", flush=True)
        print("Everything runs until Ctrl-C.", flush=True)
        signal.pause()


if __name__ == "__main__":
    sys.exit(foreground.play(demo))
