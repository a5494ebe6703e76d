"""Many schedules, for hours: goes on where it stopped, and says what was tried and what broke.

    python -m tests.simulation.long --schedules 100000     # so many more
    python -m tests.simulation.long --minutes 60           # or for so long

What was found is kept in a file. Once code that it runs through has changed, it counts from zero, and tries first what
was broken before.
"""

import argparse
import gc
import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path

from .checks.all import violations
from .world import named, plan, tested, untold
from .world.history import Acted, Fault
from .world.plan import Plan
from .world.world import World, simulate

ROOT = Path(__file__).parents[2]
OURS = (ROOT / "operator", ROOT / "tests")
CHUNK = 5
"""How many one process tries before it says what they showed."""
WAVE = 20
"""How many chunks each process gets at once: what was found is kept after all of them."""
FIRST = 1_000_000_000
"""Where it begins, far from every other range."""
IN = 5
"""In one of so many tens of seeds guardrails test at every look, in another a source names the revisions, and so on."""
SAY_EVERY = 60.0
"""Seconds between two lines about how far it is."""


@dataclass(slots=True)
class Found:
    """What a number of schedules has shown.

    Attributes:
        code: Fingerprint of the code that was tried.
        next: The first seed that has not been tried.
        schedules: How many were.
        happened: What befell them, by its kind.
        broken: Which seeds broke an invariant, and how.
    """

    code: str = ""
    next: int = FIRST
    schedules: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    broken: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Found") -> None:
        self.next = max(self.next, other.next)
        self.schedules += other.schedules
        self.happened += other.happened
        self.broken |= other.broken

    def __str__(self) -> str:
        kinds = (f"  {count:>12,}  {kind}" for kind, count in sorted(self.happened.items()))
        seeds = (f"  {made(int(seed)).again}: {how}" for seed, how in self.broken.items())
        head = f"{self.schedules:,} schedules up to seed {self.next - 1}, code {self.code}; what befell them:"
        return "\n".join((head, *kinds, f"{len(self.broken)} broke an invariant", *seeds))


def tried(seeds: range) -> Found:
    """What these seeds show; in a process of its own."""
    found = Found(next=seeds.stop, schedules=len(seeds))
    for seed in seeds:
        try:
            world = simulate(made(seed))
            broken = next(iter(violations(world)), None)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the others
            found.broken[str(seed)] = repr(error)
            continue
        found.happened += _happened(world)
        if broken is not None:
            check, violation = broken
            found.broken[str(seed)] = f"{check.__name__}: {violation.message}"
        del world
        collect()
    return found


def made(seed: int) -> Plan:
    """The schedule of a seed. In every fifth ten, one of each flavour, guardrails test at every look; in the next,
    a source names the revisions; and in the one after it the API server tells a standby nothing."""
    makes = {0: tested.make, 1: named.make, 2: untold.make}
    return makes.get(seed // len(plan.FLAVOURS) % IN, plan.make)(seed)


def _happened(world: World) -> Counter[str]:
    happened = Counter(f"fault: {entry.port} {entry.fate}" for entry in world.history.of(Fault))
    happened.update(f"step: {entry.act}" for entry in world.history.of(Acted) if entry.act != "apply")
    return happened


def begin() -> None:
    """For a process that tries many. A world is one cycle of references: collected after each, and only then."""
    os.nice(10)
    gc.disable()
    gc.freeze()


def collect() -> None:
    """Give a world back. What is left is in caches, and is not walked through again."""
    gc.collect()
    gc.freeze()


def fingerprint() -> str:
    """Tells the code that is tried from any other: of all our code, what a few schedules run through."""
    tried(range(len(plan.FLAVOURS)))  # what is imported late is imported now
    loaded = (Path(module.__file__ or "") for module in tuple(sys.modules.values()) if hasattr(module, "__file__"))
    digest = hashlib.sha256()
    for file in sorted(file for file in loaded if any(file.is_relative_to(place) for place in OURS)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def load(path: Path, code: str) -> tuple[Found, list[int]]:
    """What was found so far by this code, and the seeds that broke another."""
    if not path.exists():
        return Found(code), []
    kept = json.loads(path.read_text())
    found = Found(**kept | {"happened": Counter(kept["happened"])})
    if found.code == code:
        return found, []
    return Found(code, found.next), [int(seed) for seed in found.broken]


def save(path: Path, found: Found) -> None:
    """Keep it, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps({one.name: getattr(found, one.name) for one in fields(found)}, indent=1))
    new.replace(path)


def chunks(again: Iterable[int], begin: int, number: int | None) -> Iterator[range]:
    """What to try: what was broken, then what is new."""
    yield from (range(seed, seed + 1) for seed in again)
    at = begin
    while number is None or at < begin + number:
        stop = at + CHUNK if number is None else min(at + CHUNK, begin + number)
        yield range(at, stop)
        at = stop


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.simulation.long", description=__doc__)
    parser.add_argument("--schedules", type=int, help="how many more")
    parser.add_argument("--minutes", type=float, help="for how long")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="on how many cores")
    parser.add_argument("--kept", type=Path, default=ROOT / ".local" / "simulation.json", help="where it is kept")
    asked = parser.parse_args(arguments)
    found, again = load(asked.kept, fingerprint())
    ends = None if asked.minutes is None else time.monotonic() + 60 * asked.minutes
    said = time.monotonic()
    with multiprocessing.Pool(asked.workers, begin) as pool:
        todo = chunks(again, found.next, asked.schedules)
        while wave := list(islice(todo, WAVE * asked.workers)):
            for part in pool.imap(tried, wave):
                found.add(part)
                for seed, how in part.broken.items():
                    _say(f"seed {seed}: {how}")
            save(asked.kept, found)
            if time.monotonic() >= said + SAY_EVERY:
                said = time.monotonic()
                _say(f"{found.schedules:,} schedules, {len(found.broken)} broken")
            if ends is not None and time.monotonic() >= ends:
                break
    _say(str(found))
    return 1 if found.broken else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
