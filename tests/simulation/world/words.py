"""What people write into annotations: any words, the same words again, and verbs that they leave in their manifests.

Drawn apart from the rest of a plan, so that the same seed has the same other steps with other words.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from .step import Step

_DRESSES = (
    "{}",
    "{}",
    "errors > 5 % & <b> {}",
    """"down", 'they' say \\ `so` {}""",
    "🚑👩‍🚒 위험 {}",
    "\x00\x1b[31m {}\r\n\t\x7f\u2028",
    "\ud800 {} \udfff",
    "{} " + "because " * 10_000,
)
_VERBS = ("retry", "promote", "approve", "resume", "pause", "demote", "rollback")
_AGAIN = 0.25
"""How often somebody says the same once more."""
_KEPT = 0.1
"""In how many plans a verb stands in a manifest for a while."""


def core(text: object) -> str:
    """The word that tells what was said in one step from all else; empty where there is none."""
    found = re.search(r"because-\d+\.?", str(text))
    return found[0] if found else ""


def dress(chance: random.Random, steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps, with verbs in other words, and more of them."""
    worded = [one for step in steps for one in _said(chance, step)]
    targets = [step.target for step in steps if step.act in ("verb", "revise", "edit")]
    if targets and chance.random() < _KEPT:
        worded += _kept(chance, chance.choice(targets))
    return tuple(sorted(worded, key=lambda step: step.at))


def _said(chance: random.Random, step: Step) -> Iterator[Step]:
    if step.act != "verb":
        yield step
        return
    value: Any = step.value
    verb, why = value
    word = core(why)
    said = replace(step, value=(verb, why.replace(word, chance.choice(_DRESSES).format(word))))
    yield said
    if chance.random() < _AGAIN:
        yield replace(said, at=round(step.at + chance.choice((0.05, 0.5, 3.0, 9.0)), 2))


def _kept(chance: random.Random, target: str) -> Iterator[Step]:
    began, verb = round(chance.uniform(2.0, 30.0), 2), chance.choice(_VERBS)
    text = "10 applied" if verb == "demote" else "applied"
    yield Step(began, "keep", target, {f"mlrollout.dev/{verb}": text})
    yield Step(round(began + chance.uniform(1.0, 12.0), 2), "keep", target, {})
