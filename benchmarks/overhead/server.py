"""A scripted service without any limit, in a process of its own, so that only the clients' work is measured."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from urllib.request import urlopen

from aiohttp import web

from benchmarks.overhead import script


class ScriptedServer:
    """Its base URL, and what it was asked for."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.base_url = f"{origin}/api/v1"

    def counts(self) -> Counter[str]:
        """Return the requests since the last look, by kind."""
        with urlopen(f"{self._origin}/counts") as reply:  # noqa: S310  (our own, over http)
            return Counter(json.load(reply))


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """Run the service while the block runs."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(its,), daemon=True)
    process.start()
    try:
        yield ScriptedServer(f"http://127.0.0.1:{ours.recv()}")
    finally:
        process.terminate()
        process.join()


def _serve(connection: Connection) -> None:
    asyncio.run(_main(connection))


async def _main(connection: Connection) -> None:
    runner = web.AppRunner(_application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    connection.send(runner.addresses[0][1])
    await asyncio.Event().wait()


def _application() -> web.Application:
    tasks: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    transcript = script.document("https://media.example/call.wav")

    def answer(kind: str, body: bytes, content_type: str = "application/json") -> web.Response:
        counts[kind] += 1
        return web.Response(body=body, headers={"Content-Type": content_type, "X-Request-Id": f"{kind}-request"})

    async def submit(request: web.Request) -> web.Response:
        task_id = f"{len(tasks):08x}-cafe-4a2b-9c1d-0123456789ab"
        tasks[task_id] = json.loads(await request.read())["input"]["file_urls"]
        return answer("submit", script.accepted(task_id))

    async def query(request: web.Request) -> web.Response:
        task_id = request.match_info["task_id"]
        origin = f"http://{request.host}/results"
        return answer("query", script.succeeded(task_id, tasks[task_id], origin))

    async def list_tasks(_: web.Request) -> web.Response:
        return answer("list", b'{"data": [], "total": 0}')

    async def result(request: web.Request) -> web.Response:
        file_url = tasks[request.match_info["task_id"]][int(request.match_info["number"])]
        return answer("download", script.about(transcript, file_url))

    async def counted(_: web.Request) -> web.Response:
        seen = dict(counts)
        counts.clear()
        return web.json_response(seen)

    application = web.Application(client_max_size=16 * 1024 * 1024)
    application.router.add_post("/api/v1/services/audio/asr/transcription", submit)
    application.router.add_get("/api/v1/tasks/", list_tasks)
    application.router.add_get("/api/v1/tasks/{task_id}", query)
    application.router.add_get("/results/{task_id}/{number}", result)
    application.router.add_get("/counts", counted)
    return application
