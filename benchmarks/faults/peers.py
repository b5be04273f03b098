"""How the official SDK submits: its retries, as its source has them (protocol notes, section 12).

Each policy is a coroutine that sends one submit until it has an answer or gives up, and returns the last reply.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, Literal

import anyio
from attrs import frozen

from aiofunasr import TranscriptionOptions
from aiofunasr.emulator import DEFAULT_API_KEY, HttpRequest, Service
from aiofunasr.testing.local import EPOCH
from aiofunasr.wire.requests import Caller, submit

LATENCY: Final = 0.02
READ_TIMEOUT: Final = 300.0
SUBMITS: Final = 10.0
"""A second, evenly."""


@frozen
class Answer:
    """What came of one POST."""

    outcome: Literal["reply", "dropped", "broken off", "timed out"]
    status: int = 0
    task_id: str | None = None


Post = Callable[[], Awaitable[Answer]]
Policy = Callable[[Post, Random], Awaitable[Answer]]


async def dashscope_1(post: Post, _: Random) -> Answer:
    """Post again at once when the connection dropped; then, and after a time-out, begin again up to three times.

    Replies are never tried again, whatever their status, and neither is one that broke off in its body.
    """
    for attempt in range(4):
        if attempt:
            await anyio.sleep(2)
        answer = await post()
        if answer.outcome == "dropped":
            answer = await post()
        if answer.outcome in {"reply", "broken off"}:
            break
    return answer


async def dashscope_2(post: Post, chance: Random) -> Answer:
    """Post up to three times, after whatever failed and after 408, 409, 429 and 5xx."""
    for attempt in range(3):
        if attempt:
            await anyio.sleep(min(0.5 * 2 ** (attempt - 1), 8.0) * (1 + 0.25 * chance.random()))
        answer = await post()
        if answer.outcome == "reply" and answer.status not in {408, 409, 429, 500, 502, 503, 504}:
            break
    return answer


PEERS: Final[dict[str, Policy]] = {"dashscope 1.x": dashscope_1, "dashscope 2.0.2": dashscope_2}


class PeerProgram:
    """Submits files one by one as a peer does; `known` are the ids of the tasks it was told."""

    def __init__(self, service: Service, policy: Policy, seed: int, not_connected: float) -> None:
        self._service = service
        self._policy = policy
        self._seed = seed
        self._not_connected = not_connected
        self.known: set[str] = set()
        self.gave_up = 0

    async def submit_all(self, urls: list[str]) -> None:
        """Submit each at its time, and wait until all have an outcome."""
        async with anyio.create_task_group() as group:
            for number, url in enumerate(urls):
                await anyio.sleep_until(number / SUBMITS)
                group.start_soon(self._submit, url)

    async def _submit(self, url: str) -> None:
        chance = Random(f"{self._seed}/{url}")
        request = submit(Caller(self._service.base_url, DEFAULT_API_KEY), [url], TranscriptionOptions())
        assert isinstance(request.body, bytes)
        path = request.url.removeprefix(self._service.public_url)
        sent = HttpRequest(request.method, path, headers=request.headers, body=request.body)

        async def post() -> Answer:
            if chance.random() < self._not_connected:
                return Answer("dropped")
            await anyio.sleep(LATENCY)
            response = self._service.handle(sent, EPOCH + anyio.current_time())
            if response.drop == "silence":
                await anyio.sleep(READ_TIMEOUT)
                return Answer("timed out")
            await anyio.sleep(LATENCY)
            if response.drop is not None:
                return Answer("broken off" if response.drop == "truncate" else "dropped")
            return Answer("reply", response.status, _task_id(response.status, response.body))

        answer = await self._policy(post, chance)
        if answer.task_id is None:
            self.gave_up += 1
        else:
            self.known.add(answer.task_id)


def _task_id(status: int, body: bytes) -> str | None:
    try:
        return str(json.loads(body)["output"]["task_id"]) if status == 200 else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
