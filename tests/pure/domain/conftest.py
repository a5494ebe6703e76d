"""How hard to search: `HYPOTHESIS_PROFILE=deep pytest tests/pure/domain --timeout 0` takes minutes, not seconds."""

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=100, deadline=None)
settings.register_profile("deep", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
