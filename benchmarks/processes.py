"""The emulated service and its books in a process of its own: no client shares its interpreter or its memory."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from aiofunasr.emulator import EmulatorServer, Service

B = TypeVar("B")


class ServiceProcess(Generic[B]):
    """The running service, as seen from outside."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.base_url: str = pipe.recv()
        self.api_key: str = pipe.recv()

    def books(self) -> B:
        """Ask for the books, which is no request to the service."""
        self._pipe.send(None)
        books: B = self._pipe.recv()
        return books


@contextmanager
def running(
    make: Callable[..., EmulatorServer], books_of: Callable[[Service], B], *arguments: object
) -> Iterator[ServiceProcess[B]]:
    """Run the service that `make` makes of the arguments; all of these must be such that they can be pickled."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, make, books_of, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ServiceProcess(ours)
    finally:
        # The end of the pipe is the end of the service.
        ours.close()
        process.join()


def _serve(
    pipe: Connection,
    make: Callable[..., EmulatorServer],
    books_of: Callable[[Service], object],
    arguments: tuple[object, ...],
) -> None:
    async def until_closed() -> None:
        async with make(*arguments) as server:
            pipe.send(server.base_url)
            pipe.send(server.api_key)
            while True:
                await asyncio.to_thread(pipe.recv)
                pipe.send(books_of(server.service))

    with suppress(EOFError, KeyboardInterrupt):
        asyncio.run(until_closed())
