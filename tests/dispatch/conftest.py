"""The dispatch example: its page in a browser, in the product's environment, and what answers it, in its own."""

import importlib.util

# Each environment lacks what the other has: `make test-dispatch-page` and `make test-dispatch`.
collect_ignore = ["page"] if importlib.util.find_spec("sklearn") else ["api", "learner"]
