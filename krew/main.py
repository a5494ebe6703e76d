"""What `launcher.sh` runs inside an archive."""

import sys
from pathlib import Path

LIB = Path(__file__).parent
sys.path[:0] = [str(LIB / "cp{}{}".format(*sys.version_info)), str(LIB)]
sys.argv[0] = "kubectl-mlrollout"

from mlrollout.cli import main  # noqa: E402 - found only now

main()
