"""Notifying receivers: who they are, and a lane for each of them and each object."""

from typing import NamedTuple

from mlrollout.ports import Receivers

from .address_book import AddressBook


class Notifying(NamedTuple):
    """Who is notified, and how.

    Attributes:
        book: Who is told of an object, and where they are reached.
        receivers: Sends.
    """

    book: AddressBook
    receivers: Receivers
