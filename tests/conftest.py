"""How hard hypothesis searches: `HYPOTHESIS_PROFILE=deep pytest tests/pure/domain --timeout 0` takes minutes.

In CI it takes the same examples every time, so that a failure there is about the change; elsewhere new ones.
"""

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=100, deadline=None, derandomize=bool(os.environ.get("CI")))
settings.register_profile("deep", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
