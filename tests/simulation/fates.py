"""Every fate at every call: each story lived through once for each, and for some of them for each two.

python -m tests.simulation.fates                      # how many there are
python -m tests.simulation.fates breach 17:LOST       # one of them again, told in full
python -m tests.simulation.pairs breach               # every two of them
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, islice

from .checks.all import violations
from .checks.violation import report
from .stories import STORIES
from .world.faults import Call, Fate
from .world.plan import Plan
from .world.world import simulate

IN_PAIRS = ("breach", "retry", "recreate")
"""Stories in which every two fates are tried, too."""

_TO_READ = (Fate.SLOW, Fate.FAIL, Fate.CRASH_BEFORE)
"""What may befall a call that changes nothing: whether it took place makes no difference."""
_TO_WRITE = tuple(fate for fate in Fate if fate not in (Fate.FINE, Fate.NONSENSE))
_READS = frozenset({"list", "probe", "watch", "get", "read", "read_many", "query"})


def calls(plan: Plan) -> Sequence[Call]:
    """The calls of a story when nothing befalls them."""
    return simulate(plan).faults.calls


def singles(plan: Plan) -> Iterator[Plan]:
    """The story with one fate at one call, for each of both."""
    for fate in _fates(calls(plan)):
        yield replace(plan, fates=dict((fate,)))


def pairs(plan: Plan) -> Iterator[Plan]:
    """The story with two fates at two calls."""
    for first, second in combinations(_fates(calls(plan)), 2):
        if first[0] != second[0]:
            yield replace(plan, fates=dict((first, second)))


def _fates(made: Sequence[Call]) -> list[tuple[int, Fate]]:
    return [
        (number, fate) for number, call in enumerate(made) for fate in (_TO_READ if call.name in _READS else _TO_WRITE)
    ]


def broken(plans: Iterator[Plan]) -> Iterator[str]:
    """What breaks an invariant, with everything a person needs to see it."""
    for plan in plans:
        world = simulate(plan)
        for check, violation in islice(violations(world), 1):
            yield report(world, check, violation)


def main(arguments: Sequence[str]) -> int:
    """Do what the module's docstring says; 1 where an invariant is broken."""
    match arguments:
        case []:
            for name, plan in STORIES.items():
                more = f", {sum(1 for _ in pairs(plan))} pairs" if name in IN_PAIRS else ""
                sys.stdout.write(f"{name}: {len(calls(plan))} calls, {sum(1 for _ in singles(plan))} fates{more}\n")
            return 0
        case [name, told]:
            fates = (one.partition(":") for one in told.split(","))
            plan = replace(STORIES[name], fates={int(number): Fate[fate] for number, _, fate in fates})
            found = broken(iter((plan,)))
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    first = True
    for text in found:
        sys.stdout.write(text + "\n\n" if first else text.splitlines()[1] + "\n")
        first = False
    return int(not first)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
