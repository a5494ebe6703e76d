"""Telling the log of what happens again and again, without filling it."""


def seldom(times: int) -> bool:
    """Whether what has happened so many times is worth another line: the first, second, fourth, eighth … time."""
    return times.bit_count() == 1
