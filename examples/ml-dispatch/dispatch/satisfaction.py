"""The survey's metric, as the product's dashboard and monitoring read it."""

from mlrollout import Group
from prometheus_client import CollectorRegistry, Histogram


def satisfaction(prefix: str, registry: CollectorRegistry) -> Histogram:
    """Ratings from 1 to 5 by group; both groups stand at 0 from the start, so that the first rating is an increase."""
    ratings = Histogram(
        f"{prefix}_satisfaction", "Ratings by users, 1 to 5.", ("group",), buckets=(1, 2, 3, 4, 5), registry=registry
    )
    for group in Group:
        ratings.labels(group)
    return ratings
