"""PromQL as it is written: what is asked, where it takes its samples, and how far back it looks. Pure."""
