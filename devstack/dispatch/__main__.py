"""`python -m devstack.dispatch`, behind `make demo-dispatch`: everything on this machine, until Ctrl-C.

With `--ci` it plays a short story and ends: 0 when everything happened as promised, else 1.
"""

import signal
import sys
import time

from devstack import foreground
from devstack.console import say
from devstack.errors import DevstackError

from . import short
from .guide import guide
from .house import running


def main() -> int:
    """Run the demo; the exit code."""
    foreground.prepare()
    try:
        _demo(ends="--ci" in sys.argv[1:])
    except DevstackError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        say("Interrupted: everything is stopped.")
        return 130
    return 0


def _demo(*, ends: bool) -> None:
    began = time.monotonic()
    with foreground.folder("mlrollout-dispatch-") as folder, running(folder) as house:
        if ends:
            short.play(house)
            say(f"The demo took {time.monotonic() - began:.0f} s.")
            return
        print(*guide(house), sep="\n", flush=True)
        print("Everything runs until Ctrl-C.", flush=True)
        signal.pause()


if __name__ == "__main__":
    sys.exit(main())
