"""The whole system on one machine, for development and tests; never shipped.

A real etcd, kube-apiserver, Redis and Prometheus as plain processes on free loopback
ports: no Docker, no root. `binaries` finds or makes the programs, `processes` runs
them so that none outlives its owner, one module per part wraps it in a small class,
and `stack` puts the parts together. `python -m devstack up` leaves them running.
"""
