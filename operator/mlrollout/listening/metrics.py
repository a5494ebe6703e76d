"""How many connections a port has, and how many were closed."""

from prometheus_client import CollectorRegistry, Counter, Gauge

OPEN = "Connections that are open."
CLOSED = "Connections that the process closed, and why."


class ConnectionMetrics:
    """The two metrics of one port.

    Args:
        port: What the port is called in their names.
        registry: Where they are shown.

    Attributes:
        open: How many there are.
        closed: How many were closed, by the reason.
        closed_name: What the second is called where it is shown.
    """

    def __init__(self, port: str, registry: CollectorRegistry) -> None:
        self.open = Gauge(f"mlrollout_{port}_connections", OPEN, registry=registry)
        self.closed = Counter(f"mlrollout_{port}_closed", CLOSED, ("why",), registry=registry)
        self.closed_name = f"mlrollout_{port}_closed_total"
