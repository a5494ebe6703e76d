"""`mlrollout simulate`: its options read, how far it is shown, the forecast told."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mlrollout.api import duration
from mlrollout.api.spec import Spec

from . import tell
from .forecast import Simulation, Tick
from .load import Load
from .outcome import Forecast, SimulationParameters
from .processes import processes

_LONGEST = 3600.0
_MOST = 1e9
"""Requests a second."""
_SHOWN = 40
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_TRAFFIC = re.compile(r"(\d+(?:\.\d+)?)/([smhd])")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)(%?)")


class UnusableError(ValueError):
    """An option can't be used; the text says why, and what to write."""


def traffic(text: str) -> float:
    """Requests a second in `0.35/s`, `1250/h`.

    Raises:
        UnusableError: It is no such thing.
    """
    match = _TRAFFIC.fullmatch(text.replace(" ", ""))
    found = float(match[1]) / _SECONDS[match[2]] if match else 0.0
    if not found:
        raise UnusableError(f"--traffic {text!r} is no traffic: write requests of all users, as 0.35/s or 1250/h")
    if found > _MOST:
        raise UnusableError(
            f"--traffic {text[:_SHOWN]} is more than any application has: {_MOST:.0e} requests a second"
        )
    return found


def share(text: str) -> float:
    """A share in `1%` or `0.01`.

    Raises:
        UnusableError: It is none between 0 and 1.
    """
    match = _SHARE.fullmatch(text.replace(" ", ""))
    found = float(match[1]) / (100 if match[2] else 1) if match else -1.0
    if not 0 < found < 1:
        raise UnusableError(f"--bad {text!r} is no share of bad requests: write it as 1% or 0.01")
    return found


def seconds(option: str, text: str) -> float:
    """Seconds of a duration.

    Raises:
        UnusableError: It is none, or none.
    """
    try:
        found = duration.parse(text)
    except ValueError as error:
        raise UnusableError(f"{option} {error}") from error
    if not 1 <= found <= _LONGEST:
        raise UnusableError(f"{option} {text} is too short or too long: from 1s to 1h")
    return found


def run(spec: Spec, load: Load, tries: int, scrape: float, seed: int) -> Forecast:
    """The forecast, made on all cores, with a progress bar where somebody watches."""
    parameters = SimulationParameters(load, tries, scrape, seed)
    simulation = Simulation(spec, parameters)
    with processes(spec, parameters, simulation.tries) as workers, _progress(simulation.tries) as tick:
        return simulation.run(tick, workers)


def tell_as(output: str, forecast: Forecast) -> str:
    """The forecast as it is asked for."""
    return json.dumps(tell.as_json(forecast), indent=2) if output == "json" else tell.as_text(forecast)


@contextmanager
def _progress(total: int) -> Iterator[Tick]:
    if not sys.stderr.isatty():
        yield lambda: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("rollouts", total=total)
        yield lambda: bar.advance(task)
