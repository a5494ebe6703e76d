"""Who may have children of the helper process at once, so that nobody's receivers hold up another's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

AT_ONCE = 8
"""Children that live at the same time for addresses that objects name, and as many for the administrator's.

Each may take `helper_process.MEMORY`: all of the first together fit in the chart's limit, or one object's receivers
with their long answers would end the operator, and with it the guard of all.
"""
OF_ONE = 2
"""How many of them for the objects of one namespace."""


class Turns:
    """Hands them out, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._administrator = asyncio.Semaphore(AT_ONCE)
        self._tenants = asyncio.Semaphore(AT_ONCE)
        # Of a namespace only for as long as somebody of it waits or is served.
        self._own: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[None]:
        """Wait for one, and have it.

        Args:
            tenant: The namespace whose object names the address; empty where the administrator does.
        """
        if not tenant:
            async with self._administrator:
                yield
            return
        own = self._own.setdefault(tenant, asyncio.Semaphore(OF_ONE))
        # Its own first: who waits for that must not keep one that others could have.
        async with own, self._tenants:
            yield
