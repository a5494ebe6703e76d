"""An operator that does nothing but contend for the lease, and says on its output whether it leads."""

import asyncio
import signal
import sys
from contextlib import suppress

import structlog
from mlrollout.adapters.kubernetes import KubernetesLease, connect
from mlrollout.runtime.leadership import Leadership, Terms

NAMESPACE, NAME = sys.argv[1:]
TERMS = Terms(duration=5, deadline=4, retry=0.2)


class Clock:
    def now(self) -> float:
        return asyncio.get_running_loop().time()  # of no wall: nothing may depend on it


def say(leads: bool) -> None:  # noqa: FBT001 - the callback's form
    print("leads" if leads else "does not lead", flush=True)  # noqa: T201 - its purpose


async def main() -> None:
    async with await connect() as client:
        leadership = Leadership(KubernetesLease(client, NAMESPACE), NAME, Clock(), say, terms=TERMS)
        running = asyncio.create_task(leadership.run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        with suppress(asyncio.CancelledError):
            await running


structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
asyncio.run(main())
