"""Every two fates of a story, on all cores: takes an hour and a half for the three of them on two.

python -m tests.simulation.pairs                  # of each story in which pairs are tried
python -m tests.simulation.pairs breach retry     # of these
"""

import multiprocessing
import sys
import time
from collections.abc import Sequence
from itertools import islice

from .fates import IN_PAIRS, broken, pairs
from .long import SAY_EVERY, begin, collect
from .stories import STORIES

SHARES = 64
"""In how many parts a story is tried: one is a minute of CPU or two."""


def tried(share: tuple[str, int]) -> tuple[int, list[str]]:
    """How many pairs a share of a story holds, and what those show that break an invariant; in a process of its own."""
    story, number = share
    count, found = 0, list[str]()
    for plan in islice(pairs(STORIES[story]), number, None, SHARES):
        found += broken(iter((plan,)))
        count += 1
        collect()
    return count, found


def main(stories: Sequence[str]) -> int:
    """Try them; 1 where an invariant is broken."""
    count, bad, said = 0, 0, time.monotonic()
    with multiprocessing.Pool(initializer=begin) as pool:
        for more, found in pool.imap_unordered(tried, [(story, at) for story in stories for at in range(SHARES)]):
            count, bad = count + more, bad + len(found)
            for text in found:
                _say(text)
            if time.monotonic() >= said + SAY_EVERY:
                said = time.monotonic()
                _say(f"{count:,} pairs, {bad} broken")
    _say(f"{count:,} pairs of fates in {', '.join(stories)}: {bad} broke an invariant")
    return int(bad > 0)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or IN_PAIRS))
