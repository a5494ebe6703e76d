"""The parts of a simulation, made by as many processes as there are cores.

Each process makes the simulation anew of spec and parameters, and then any of its parts by their seeds. So it comes to
the same with any number of processes.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from typing import ClassVar

from mlrollout.api.spec import Spec

from .forecast import Case, Fitting, Simulation, Tries, Workers
from .outcome import SimulationParameters
from .rollout import End

_FEW = 50
"""Tries that are made sooner than processes begin."""


@contextmanager
def processes(
    spec: Spec, parameters: SimulationParameters, tries: int, count: int | None = None
) -> Iterator[Workers | None]:
    """Processes for the parts of a simulation; `None` where one is enough, or no more would come of it.

    Args:
        spec: What is simulated.
        parameters: How.
        tries: How many rollouts there are to make.
        count: How many processes; left out, as many as there are cores.
    """
    count = _cores() if count is None else count
    if count < 2 or tries < _FEW:  # noqa: PLR2004 - one makes them where it is
        yield None
        return
    # Spawned, not forked: whoever shows how far it is has a thread, of which a fork would inherit the locks alone.
    pool = ProcessPoolExecutor(count, get_context("spawn"), _Child.begin, (spec, parameters))
    try:
        yield _Pool(pool)
    except BaseException:
        # Ctrl-C, most of all: nobody waits for what is under way. The pool lets go of what it has not begun first: of
        # what was given up, and ends with its children, it would tell by a traceback of a thread's.
        pool.shutdown(wait=False, cancel_futures=True)
        for child in active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Pool:
    pool: ProcessPoolExecutor

    def fit(self, cases: Sequence[Case]) -> Iterator[Fitting]:
        return self.pool.map(_Child.fit, cases)

    def make(self, parts: Sequence[Tries]) -> Iterator[list[End]]:
        return self.pool.map(_Child.make, parts)


class _Child:
    """What there is once in each of the processes."""

    simulation: ClassVar[Simulation]

    @classmethod
    def begin(cls, spec: Spec, parameters: SimulationParameters) -> None:
        """Be ready for parts."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that waits for these, and ends them
        cls.simulation = Simulation(spec, parameters)

    @classmethod
    def fit(cls, case: Case) -> Fitting:
        return cls.simulation.fitting(case)

    @classmethod
    def make(cls, part: Tries) -> list[End]:
        return cls.simulation.ends(part)


def _cores() -> int:
    """How many cores this process may use."""
    # macOS does not tell which.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
