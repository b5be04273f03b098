"""The emulated service on a socket, inside a running event loop."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio
from aiohttp import web
from anyio import to_thread

from aiofunasr.emulator.app import make_application
from aiofunasr.emulator.faults import FaultPlan
from aiofunasr.emulator.pusher import EventPusher
from aiofunasr.emulator.recognizer import Recognizer
from aiofunasr.emulator.scripted import ScriptedRecognizer
from aiofunasr.emulator.service import Service
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.workers import Workers

_SHUTDOWN_SECONDS: Final = 0.2
_BACKLOG: Final = 1024
_REACHABLE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class EmulatorServer:
    """An emulated service on a socket, for as long as it is entered.

    Without a recognizer, or with a `ScriptedRecognizer`, a script decides every outcome. Any other recognizer
    gets the files themselves: they are fetched, and recognized `files_at_once` at a time; it is closed with
    the server unless `close_recognizer` is False. `port=0` takes a free one. `admin` serves the admin route under
    `/emulator/`, with no key. `clock` returns seconds since the epoch.

    Entering and leaving may happen in different asyncio tasks, as test fixtures and framework lifespans do.
    """

    def __init__(
        self,
        *,
        settings: EmulatorSettings | None = None,
        recognizer: Recognizer | None = None,
        faults: FaultPlan | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        files_at_once: int = 2,
        close_recognizer: bool = True,
        admin: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if files_at_once < 1:
            raise ValueError(f"files_at_once must be at least 1, not {files_at_once}")
        self._recognizer: Recognizer = ScriptedRecognizer() if recognizer is None else recognizer
        script = self._recognizer if isinstance(self._recognizer, ScriptedRecognizer) else None
        self._service = Service(settings, script, faults)
        self._host = host
        self._port = port
        self._files_at_once = files_at_once
        self._close_recognizer = close_recognizer
        self._admin = admin
        self._clock = clock
        self._serving: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def __repr__(self) -> str:
        state = "serving" if self._serving is not None and not self._serving.done() else "stopped"
        return f"<EmulatorServer {state} {self._service!r}>"

    @property
    def service(self) -> Service:
        """The service itself: its ledger, its faults."""
        return self._service

    @property
    def base_url(self) -> str:
        """What a client is given; final once the server is entered."""
        return self._service.base_url

    @property
    def api_key(self) -> str:
        """A key the service knows."""
        return next(iter(self._service.settings.api_keys))

    async def __aenter__(self) -> Self:
        """Listen, and begin to serve.

        Raises:
            OSError: the address cannot be listened on.
            MissingCryptographyError: events are to be signed, and the library for it is not installed.
        """
        if self._serving is not None:
            raise RuntimeError("an EmulatorServer serves once; make another")
        started = asyncio.Event()
        self._serving = asyncio.create_task(self._serve(started), name="aiofunasr emulator")
        # Whichever comes first: the server starts, or ends because it could not.
        self._serving.add_done_callback(lambda _: started.set())
        try:
            await started.wait()
        except asyncio.CancelledError:
            await self._stop()
            raise
        if self._serving.done():
            await self._serving
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening, give up what is in work, and delete every file."""
        await self._stop()

    async def _stop(self) -> None:
        self._stopping.set()
        if self._serving is not None:
            with anyio.CancelScope(shield=True):
                await self._serving

    async def _serve(self, started: asyncio.Event) -> None:
        """Hold everything the server has, in a task of its own."""
        directory = await to_thread.run_sync(_make_directory)
        try:
            pusher = EventPusher(self._service, clock=self._clock)
            await pusher.prepare()
            # Outside the task group, so that a busy port is an OSError and no group of one.
            listener = await _listen(self._host, self._port)
            host, port = listener.getsockname()[:2]
            if self._service.settings.public_url is None:
                self._service.public_url = _url(host, port)
            await self._serve_on(listener, pusher, Path(directory.name), started)
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(directory.cleanup)
                if self._close_recognizer:
                    await self._recognizer.aclose()

    async def _serve_on(
        self, listener: socket.socket, pusher: EventPusher, directory: Path, started: asyncio.Event
    ) -> None:
        workers = Workers(
            self._service,
            self._recognizer,
            directory=directory,
            clock=self._clock,
            files_at_once=self._files_at_once,
            on_finished=pusher.notify,
        )

        def on_request() -> None:
            workers.notify()
            pusher.notify()

        application = make_application(
            self._service, uploads=directory, clock=self._clock, on_request=on_request, admin=self._admin
        )
        runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        async with anyio.create_task_group() as group:
            try:
                await runner.setup()
                await web.SockSite(runner, listener).start()
                group.start_soon(workers.run)
                group.start_soon(pusher.run)
                started.set()
                await self._stopping.wait()
            finally:
                group.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await runner.cleanup()


def _make_directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="aiofunasr-emulator-", ignore_cleanup_errors=True)


async def _listen(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return await to_thread.run_sync(partial(socket.create_server, address[:2], family=family, backlog=_BACKLOG))


def _url(host: str, port: int) -> str:
    host = _REACHABLE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
