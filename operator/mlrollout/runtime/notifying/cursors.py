"""How far each receiver of an object has been told: by the status, and by what has arrived since."""

from functools import reduce

from mlrollout.domain.notices import Cursor, newest
from mlrollout.notify.routing import Subscription
from mlrollout.runtime.tracked import TrackedObject


def cursor(tracked: TrackedObject, one: Subscription) -> Cursor:
    """How far a receiver has been told. One that the object has not had before is told what comes from now on.

    What is known of it is remembered: a second installation, which has no such receiver, leaves it out of the status.
    """
    status, notified = tracked.resource.status, tracked.notified
    kept = [Cursor(told.serial, told.ongoing) for told in status.receivers if told.name == one.key]
    mine = [known[one.key] for known in (notified.delivered, notified.known) if one.key in known]
    found = kept + mine or [newest(tracked.resource.saved, notified.keeps(status))]
    notified.known[one.key] = within(tracked, reduce(Cursor.ahead, found))
    return notified.known[one.key]


def within(tracked: TrackedObject, found: Cursor) -> Cursor:
    """A cursor, where what it counts was not begun anew: a status that was lost for good counts from one again.

    One that was only wiped is written again by whoever has it in memory.
    """
    ongoing = tracked.notified.keeps(tracked.resource.status)
    last = newest(tracked.resource.saved or tracked.state, ongoing)
    return Cursor(
        found.serial if found.serial <= last.serial else 0, found.ongoing if found.ongoing <= last.ongoing else 0
    )
