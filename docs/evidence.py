"""Draws the picture of docs/evidence.md: `python -m docs.evidence`, which `make generate` does.

Three models under the traffic of the design document, 126 requests an hour in treatment: the e-value of the operator's
own test, block by block, beside the rule "more than 5 % errors in five minutes, at three of five looks". Each course is
the one in the middle of many: of a bad model by when it is found, of the good one by when the rule takes it back.
"""

import math
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from mlrollout.evidence.statistics.bets import MULTIPLES, enough, log_mean
from mlrollout.evidence.statistics.blocks import Block, Counts
from mlrollout.evidence.statistics.rate import RateTest

FILE = Path(__file__).parent / "evidence.svg"
LIMIT, ALPHA = 0.05, 0.01
PACE, BLOCK, HOURS = 0.035, 15, 24
"""Requests a second, seconds of a block, and how long the picture is."""
GOOD, BAD, TURN = 0.01, 0.2, 12.0
"""What share fails of a good and of a bad model, and after how many hours one turns into the other."""
COURSES = 31
_WINDOW, _LOOKS, _OF = 300 // BLOCK, 3, 5

Share = Callable[[float], float]


# --- what is drawn -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Course:
    """What became of one model.

    Attributes:
        counts: Its requests, block by block.
        evidence: The logarithm of the e-value after each block, up to the breach.
        plain: The same with bets that all began with the attempt.
    """

    counts: Sequence[Counts]
    evidence: Sequence[float]
    plain: Sequence[float]

    @property
    def found(self) -> float:
        """After how many hours it is a breach; infinity for never."""
        return _hours(len(self.evidence)) if enough(self.evidence[-1], ALPHA) else math.inf

    @property
    def found_plainly(self) -> float:
        """The same without beginning anew."""
        return _hours(len(self.plain)) if enough(self.plain[-1], ALPHA) else math.inf


def course(seed: int, share: Share) -> Course:
    """One model's course, from a seed."""
    chance = random.Random(f"evidence {seed}")
    counts = [_drawn(chance, share(_hours(at))) for at in range(HOURS * 3600 // BLOCK)]
    return Course(counts, list(_until_breach(_tested(counts))), list(_until_breach(_plain(counts))))


def middle(share: Share, by: Callable[[Course], float]) -> Course:
    """Of many courses the one in the middle, in this order."""
    return sorted((course(seed, share) for seed in range(COURSES)), key=by)[COURSES // 2]


def taken_back(one: Course) -> float:
    """After how many hours the rule takes a model back; infinity for never."""
    return next((hour for hour, _, back in rule(one.counts) if back), math.inf)


def rule(counts: Sequence[Counts]) -> Iterator[tuple[float, float | None, bool]]:
    """At each look: the hour, the share of errors, and whether the rule takes the model back."""
    above: deque[bool] = deque(maxlen=_OF)
    for at in range(_WINDOW, len(counts) + 1):
        window = sum(counts[at - _WINDOW : at], Counts())
        share = window.bad / window.events if window.events else None
        above.append(share is not None and share > LIMIT)
        yield _hours(at), share, sum(above) >= _LOOKS


def _drawn(chance: random.Random, share: float) -> Counts:
    events, left = 0, math.exp(-PACE * BLOCK)
    while (left := left / chance.random()) < 1:
        events += 1
    return Counts(events, sum(chance.random() < share for _ in range(events)))


def _tested(counts: Sequence[Counts]) -> Iterator[float]:
    test = RateTest(LIMIT)
    state = test.begin(0.0)
    for at, found in enumerate(counts):
        state = test.update(state, Block(float(at * BLOCK), float((at + 1) * BLOCK), found))
        yield state.bets.log_worse


def _plain(counts: Sequence[Counts]) -> Iterator[float]:
    for found in accumulate(counts):
        yield log_mean([found.bad * math.log(m) - found.events * math.log1p(LIMIT * (m - 1)) for m in MULTIPLES])


def _until_breach(evidence: Iterator[float]) -> Iterator[float]:
    for one in evidence:
        yield one
        if enough(one, ALPHA):
            return


def _hours(blocks: int) -> float:
    return blocks * BLOCK / 3600


# --- the drawing -------------------------------------------------------------------------------

LEFT, RIGHT = 64.0, 800.0
TOP, BOTTOM = 46.0, 250.0
UPPER, LOWER = 322.0, 408.0
LEAST, MOST = -3.0, 3.0
"""The powers of ten between which e-values are drawn."""
HIGHEST = 0.4
"""The highest share of errors that is drawn."""
GREEN, RED, BLUE, GREY = "#2a8a4a", "#c0392b", "#2c6fbb", "#777777"
_EACH = 8
"""Of so many blocks one point is drawn."""


def output() -> str:
    """The picture."""
    healthy = middle(lambda _: GOOD, taken_back)
    bad = middle(lambda _: BAD, lambda one: one.found)
    late = middle(lambda at: GOOD if at < TURN else BAD, lambda one: one.found)
    looks = list(rule(healthy.counts))
    parts = [
        _text(LEFT, 24, "The test: evidence (e-value) that more than 5 % fail, of 126 requests an hour", weight="bold"),
        *(_tick(_evidence_at(power), label) for power, label in ((-2, "0.01"), (-1, "0.1"), (0, "1"), (1, "10"))),
        _level(_evidence_at(-math.log10(ALPHA)), "100: breach"),
        _curve(late.plain, BLUE, "4 3"),
        _curve(healthy.evidence, GREEN),
        _curve(late.evidence, BLUE),
        _curve(bad.evidence, RED),
        *_found(bad, 0.0, RED, "20 % fail from the start: found", "start"),
        *_found(late, TURN, BLUE, "20 % fail after twelve good hours: found", "end"),
        _text(_x(late.found_plainly) + 4, _evidence_at(1.2), "the same, had the bets", BLUE),
        _text(_x(late.found_plainly) + 4, _evidence_at(1.2) + 15, "not begun anew: found", BLUE),
        _text(_x(late.found_plainly) + 4, _evidence_at(1.2) + 30, f"after {_after(late.found_plainly - TURN)}", BLUE),
        _text(_x(19.2), _evidence_at(-0.75), "1 % fail: no breach", GREEN),
        *_of_rule(looks),
        *(_text(_x(hour), LOWER + 18, f"{hour} h", GREY, anchor="middle") for hour in range(0, HOURS + 1, 3)),
    ]
    body = "\n".join(parts)
    clip = (
        f'<clipPath id="upper"><rect x="{LEFT}" y="{TOP}" width="{RIGHT - LEFT}" height="{BOTTOM - TOP}"/></clipPath>'
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 440" font-family="sans-serif" font-size="12">\n'
        "<!-- Drawn by `make generate` from the operator's own test; edits here are lost. -->\n"
        f'{clip}\n<rect width="880" height="440" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _of_rule(looks: Sequence[tuple[float, float | None, bool]]) -> Iterator[str]:
    """The rule beside it, on the healthy model."""
    taken = [hour for hour, _, back in looks if back]
    times = sum(back and not before for (_, _, before), (_, _, back) in pairwise(looks))
    told = (
        f"the good model is taken back after {_after(taken[0])}, and {times} times in the day"
        if taken
        else "all is well"
    )
    yield _text(LEFT, UPPER - 22, f"The rule: more than 5 % of five minutes: {told}", weight="bold")
    yield from (_tick(_share_at(share), f"{share:.0%}".replace("%", " %")) for share in (0.0, 0.2, 0.4))
    yield _level(_share_at(LIMIT), "5 %")
    points = [(hour, share or 0.0) for hour, share, _ in looks[:: _EACH // 2]]
    yield _path([(_x(hour), _share_at(min(share, HIGHEST))) for hour, share in points], GREEN)
    yield from (_dot(_x(hour), _share_at(HIGHEST) - 5) for hour in taken[:: _EACH // 2])


def _found(one: Course, turned: float, colour: str, label: str, anchor: str) -> Iterator[str]:
    x, y = _x(one.found), _evidence_at(one.evidence[-1] / math.log(10))
    requests = sum(found.events for found in one.counts[round(turned * 3600 / BLOCK) : len(one.evidence)])
    aside, down = (9, 26) if anchor == "start" else (-28, 58)
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    yield _text(x + aside, y + down, label, colour, anchor=anchor)
    told = f"after {_after(one.found - turned)} and {requests:.0f} requests"
    yield _text(x + aside, y + down + 15, told, colour, anchor=anchor)


def _after(hours: float) -> str:
    return f"{hours * 60:.0f} minutes" if hours < 1.5 else f"{hours:.1f} hours"


def _curve(evidence: Sequence[float], colour: str, dashes: str = "") -> str:
    chosen = [*range(0, len(evidence), _EACH), len(evidence) - 1]
    points = [(_x(_hours(at + 1)), _evidence_at(evidence[at] / math.log(10))) for at in chosen]
    return _path([(x, min(y, BOTTOM + 9)) for x, y in points], colour, dashes)


def _path(points: Sequence[tuple[float, float]], colour: str, dashes: str = "") -> str:
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.3"{dashed} {_clip(points)}/>'


def _clip(points: Sequence[tuple[float, float]]) -> str:
    return 'clip-path="url(#upper)"' if points[0][1] < UPPER - 30 else ""


def _tick(y: float, label: str) -> str:
    line = f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
    return line + _text(LEFT - 6, y + 4, label, GREY, anchor="end")


def _level(y: float, label: str) -> str:
    line = f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#333333" stroke-dasharray="6 3"/>'
    return line + _text(RIGHT + 6, y + 4, label, "#333333")


def _dot(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.5" fill="{RED}"/>'


def _text(
    x: float, y: float, text: str, colour: str = "#333333", *, anchor: str = "start", weight: str = "normal"
) -> str:
    style = f'fill="{colour}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{text}</text>'


def _x(hours: float) -> float:
    return LEFT + (RIGHT - LEFT) * hours / HOURS


def _evidence_at(power: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * (power - LEAST) / (MOST - LEAST)


def _share_at(share: float) -> float:
    return LOWER - (LOWER - UPPER) * share / HIGHEST


if __name__ == "__main__":
    FILE.write_text(output(), encoding="utf-8")
