"""`python -m devstack.learning`, behind `make demo-learning`: 0 when everything happened as promised, else 1."""

import sys
import time

from devstack import foreground
from devstack.console import say
from devstack.errors import DevstackError

from .place import running
from .story import Story


def main() -> int:
    """Run the demo; the exit code."""
    foreground.prepare()
    began = time.monotonic()
    try:
        with foreground.folder("mlrollout-learning-") as folder, running(folder) as place:
            if place.house.dashboard:
                say(place.house.dashboard)
            Story(place).play()
    except DevstackError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        say("Interrupted: everything is stopped.")
        return 130
    say(f"The demo took {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
