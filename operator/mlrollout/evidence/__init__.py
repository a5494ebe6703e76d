"""From what Prometheus answers to a verdict. Pure: no clock, no I/O, no await."""
