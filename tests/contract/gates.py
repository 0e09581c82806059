"""A gate that calls wait at, for tests that must know what runs now."""

import asyncio

import gnomon


@gnomon.remote
class Gate:
    """Calls of ``enter`` wait until ``open`` is called."""

    def __init__(self):
        self.opened = asyncio.Event()
        self.waiting = 0
        self.cancelled = 0

    async def enter(self, x=None):
        self.waiting += 1
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return x

    async def open(self):
        self.opened.set()

    async def count(self):
        return self.waiting

    async def cancellations(self):
        return self.cancelled

    async def fail(self):
        raise KeyError("async")

    def plain(self):
        return "plain"
