"""An order-dispatch service with a legacy path and an ML path, and users who keep it busy.

What any team would write around its own feature: `percentage` asks Redis how many users get
the ML path, `service` splits them and falls back to legacy, `metrics` counts for both groups.
Run it with `python -m app` from this package's parent folder.
"""
