"""The dispatch service: orders, vehicles, a legacy path, an ML path, and who gets which by the product's SDK."""
