"""An order-dispatch service with a legacy path and an ML path, and users who keep it busy.

What any team would write around its own feature: `service` has the two paths, and leaves to `mlrollout` who gets
which, the fallback to legacy, and the metrics of both groups.
Run it with `python -m app` from this package's parent folder.
"""
