"""What may happen to the traffic and why. Pure: no clock, no I/O, no await."""
