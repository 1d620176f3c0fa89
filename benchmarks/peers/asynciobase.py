"""
The part of L{benchmarks.peers.base.Adapter} that peers on asyncio share.
"""

from __future__ import annotations

import asyncio

from benchmarks.peers.base import Adapter, Call, Listening, Main

__all__ = ["OnAsyncio"]


class OnAsyncio(Adapter):
    """
    An adapter whose calls are awaited.
    """

    async def listen(self) -> int:
        """Begin to serve; the port."""
        raise NotImplementedError

    def serve(self, listening: Listening) -> None:
        """Serve for ever."""

        async def forever() -> None:
            listening(await self.listen())
            await asyncio.Event().wait()

        self.run(forever)

    def run(self, main: Main) -> None:
        """Run a coroutine in the event loop."""
        asyncio.run(main())

    async def keepInFlight(self, call: Call, total: int, window: int) -> None:
        """Let each of several tasks await one call after the other."""
        left = total

        async def oneAfterTheOther() -> None:
            nonlocal left
            while left:
                left -= 1
                await call()

        if window == 1:
            await oneAfterTheOther()
        else:
            await asyncio.gather(*(oneAfterTheOther() for _ in range(min(window, total))))
