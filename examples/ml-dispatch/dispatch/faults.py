"""Faults that tests and demonstrations switch on (`--faults`): what the page and the rollout have to bear."""

import asyncio
from dataclasses import dataclass
from typing import Literal

HANGS = 60.0
SLOW = 1.5

MlFault = Literal["ok", "fail", "hang", "slow", "wrong"]
AssignFault = Literal["ok", "fail", "hang"]


class Injected(Exception):  # noqa: N818 - it is no error of ours
    """What was switched on to fail has failed."""


@dataclass(slots=True)
class Faults:
    """What fails now.

    Attributes:
        ml: The ML path.
        assign: The assignment of a vehicle.
    """

    ml: MlFault = "ok"
    assign: AssignFault = "ok"

    async def before_ml(self) -> None:
        """Fail, hang or take a moment, as switched on."""
        await _suffer(self.ml)

    async def before_assign(self) -> None:
        """Likewise."""
        await _suffer(self.assign)


async def _suffer(fault: str) -> None:
    if fault == "fail":
        raise Injected("a fault was switched on: POST /faults")
    await asyncio.sleep({"hang": HANGS, "slow": SLOW}.get(fault, 0))
