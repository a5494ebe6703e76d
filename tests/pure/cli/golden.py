"""Every screen as text, at several widths, with and without colour: `make generate` writes them, a test holds them.

With colour they are made to be looked at: `cat tests/pure/cli/golden/status-80.ansi`.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mlrollout.cli.reading.one import to_type
from mlrollout.cli.screens import doctor, history, rollouts, status
from mlrollout.cli.screens.look import DRAWN
from mlrollout.glance.advice import advise
from mlrollout.glance.doctor import clocks, crd, lease, services
from mlrollout.glance.doctor.diagnosis import ok, unseen
from mlrollout.glance.doctor.rights import rights, yours
from mlrollout.glance.event import events
from mlrollout.glance.rollout import Glance, glance
from rich.console import Console
from rich.text import Text

from tests.support import dispatch

FOLDER = Path(__file__).parent / "golden"
WIDTHS = (40, 60, 80, 160)

Screen = Callable[[int], Iterator[Text]]


def files() -> Mapping[str, str]:
    """What each file holds."""
    return {
        f"{name}-{width}.{'ansi' if colour else 'txt'}": _written(screen(width), width, colour=colour)
        for name, screen in SCREENS.items()
        for width in WIDTHS
        for colour in (False, True)
    }


def _written(lines: Iterator[Text], width: int, *, colour: bool) -> str:
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    for line in lines:
        assert line.cell_len <= width, line.plain
        console.print(line, soft_wrap=True)
    return file.getvalue()


def _seen() -> Mapping[str, Glance]:
    return {name: glance(found, dispatch.NOW) for name, found in dispatch.rollouts().items()}


def _list(width: int) -> Iterator[Text]:
    named = dispatch.rollouts()
    found = [
        glance({**each, "metadata": each["metadata"] | {"name": name.lower().replace(" ", "-")}}, dispatch.NOW)
        for name, each in named.items()
    ]
    yield from rollouts.screen(found, width, DRAWN, everywhere=False, wide=False)
    yield Text()
    yield from rollouts.screen(found[:2], width, DRAWN, everywhere=True, wide=False)


def _status(width: int) -> Iterator[Text]:
    for name, seen in _seen().items():
        advice = advise(seen)
        yield Text(f"--- {name}")
        yield from status.screen(seen, advice, to_type(seen, advice, None), width, DRAWN)


def _history(width: int) -> Iterator[Text]:
    for name in ("complete", "rolled back by a breach"):
        yield Text(f"--- {name}")
        yield from history.history(_seen()[name].history, width, DRAWN)


def _events(width: int) -> Iterator[Text]:
    found = [
        ("Normal", "AttemptStarted", "revision ranker-2026-11-03 begins", 1, "2026-11-03T09:30:00Z"),
        ("Warning", "EvidenceMissing", "guardrail error-rate: it has no sample", 12, "2026-11-23T09:29:00Z"),
    ]
    objects = [
        {"type": kind, "reason": reason, "message": message, "count": times, "lastTimestamp": at}
        for kind, reason, message, times, at in found
    ]
    yield from history.events(events(objects), dispatch.NOW, width, DRAWN)


def _doctor(width: int) -> Iterator[Text]:
    """One of each level."""
    seen = _seen()
    _, *later = yours("dispatch")
    held = {
        "metadata": {"namespace": "mlrollout-system", "name": "mlrollout"},
        "spec": {"holderIdentity": "mlrollout-7c9d_98e3865d", "renewTime": "2026-11-23T09:17:40Z"},
    }
    yield from doctor.screen(
        [
            ok(
                "API server",
                "v1.34.2 at kubernetes.example.com:6443 answers (context production), and knows you as ann",
            ),
            crd.crd(["v1alpha1"], {"properties": {"spec": {}, "status": {}}}, {"properties": {"spec": {}}}),
            rights("your rights", "ann", later[2:3], "dispatch", "ask whoever runs the cluster for mlrollout-edit"),
            lease.operator([lease.lease(held)], dispatch.NOW, "dispatch"),
            unseen("operator's rights", "it is not known who the operator is"),
            services.redis([dispatch.rollouts()["Redis down"]], dispatch.NOW),
            services.prometheus([seen["advancing"]]),
            clocks.clocks({"this machine's": 0.3, "the operator's": -65.0}),
        ],
        width,
        DRAWN,
    )


SCREENS: Mapping[str, Screen] = {
    "list": _list,
    "status": _status,
    "history": _history,
    "events": _events,
    "doctor": _doctor,
}


def write() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for name, text in files().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    write()
