"""`make demo-learning`: models that come by themselves, on one machine."""
