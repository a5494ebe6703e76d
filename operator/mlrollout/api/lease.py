"""What the Lease is called that operators agree by; the chart and `mlrollout doctor` name it as well."""

OF_ALL = "mlrollout"
"""The name where they watch all namespaces."""


def lease_of(watched: str) -> str:
    """The name of the Lease that the operators of one installation agree by.

    Operators of different objects must not wait for each other, though they share a namespace: so the Lease is called
    after the namespace that they watch; empty for all of them.
    """
    return f"{OF_ALL}-{watched}" if watched else OF_ALL
