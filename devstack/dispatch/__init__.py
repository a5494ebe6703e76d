"""`make demo-dispatch`: the dispatch example on one machine, with everything that it needs."""
