"""`python -m devstack`."""

import sys

from .cli import main

sys.exit(main())
