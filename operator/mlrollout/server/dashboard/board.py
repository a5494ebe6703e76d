"""What the routes of the dashboard stand on."""

from dataclasses import dataclass

from aiohttp import web

from .cluster import DashboardCluster
from .feed import FigureFeed
from .people import People
from .watch import SharedWatch


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard.

    Attributes:
        cluster: Reads objects, and asks for verbs.
        watch: Follows the objects.
        feed: Asks for figures.
        people: Knows who is at the page.
    """

    cluster: DashboardCluster
    watch: SharedWatch
    feed: FigureFeed
    people: People


BOARD = web.AppKey("board", Board)
