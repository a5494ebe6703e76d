"""The only I/O: Redis, Prometheus and the Kubernetes API behind the ports."""
