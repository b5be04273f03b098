"""The contenders: a bare aiohttp loop, one that checks what it reads, this library, and the official SDK.

Each takes files in tasks of a given width, all at once, and ends with the length of all texts. The bounds on requests
at once, and the second before the first question, are the same for all.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import aiohttp
import httpx

import aiofunasr
from aiofunasr.time_limit import TimeLimit
from aiofunasr.token import TaskToken, digests
from aiofunasr.transport import HttpTransport, fetch
from aiofunasr.wire import requests as wire
from aiofunasr.wire.documents import check_file, read_transcript
from aiofunasr.wire.replies import read_accepted, read_snapshot
from aiofunasr.wire.verdicts import judge

API_KEY: Final = "sk-0123456789abcdef"
REQUESTS: Final = 32
DOWNLOADS: Final = 16
INTERVAL: Final = 1.0

Tasks = Sequence[Sequence[str]]


async def bare(base_url: str, tasks: Tasks) -> int:
    """Do it as a program without any library would: no limits, no retries, no checks."""
    requests, downloads = asyncio.Semaphore(REQUESTS), asyncio.Semaphore(DOWNLOADS)
    headers = {"Authorization": f"Bearer {API_KEY}"}

    async def transcribe(http: aiohttp.ClientSession, file_urls: Sequence[str]) -> int:
        document = {"model": "fun-asr", "input": {"file_urls": file_urls}, "parameters": {}}
        submit = f"{base_url}/services/audio/asr/transcription"
        async with (
            requests,
            http.post(submit, json=document, headers={**headers, "X-DashScope-Async": "enable"}) as response,
        ):
            task_id = (await response.json())["output"]["task_id"]
        while True:
            await asyncio.sleep(INTERVAL)
            async with requests, http.get(f"{base_url}/tasks/{task_id}", headers=headers) as response:
                output = (await response.json())["output"]
            if output["task_status"] == "SUCCEEDED":
                break
        return sum(await asyncio.gather(*(download(http, one["transcription_url"]) for one in output["results"])))

    async def download(http: aiohttp.ClientSession, url: str) -> int:
        async with downloads, http.get(url) as response:
            return _length(await response.json())

    async with aiohttp.ClientSession() as http:
        return sum(await asyncio.gather(*(transcribe(http, file_urls) for file_urls in tasks)))


async def checked(base_url: str, tasks: Tasks) -> int:
    """Do as `bare` does, with this library's requests, time-outs, checked replies and results, and nothing else of it.

    Nothing is paced, scheduled, tried again or kept from being lost: what it takes more than `bare` is the price of
    having each reply checked and each result typed, and with its task's token.
    """
    requests, downloads = asyncio.Semaphore(REQUESTS), asyncio.Semaphore(DOWNLOADS)
    timeouts, limit, options = aiofunasr.Timeouts(), aiofunasr.Limits().result_bytes, aiofunasr.TranscriptionOptions()
    caller, transport = wire.Caller(base_url, API_KEY), HttpTransport(timeouts)
    submit_time, query_time, download_time = map(TimeLimit, (timeouts.submit, timeouts.request, timeouts.download))

    async def transcribe(file_urls: Sequence[str]) -> int:
        async with requests:
            reply = await fetch(transport, wire.submit(caller, file_urls, options), within=submit_time, limit=limit)
        token = TaskToken(
            task_id=read_accepted(reply).task_id,
            model=options.model,
            file_digests=digests(file_urls),
            indexes=tuple(range(len(file_urls))),
        )
        while True:
            await asyncio.sleep(INTERVAL)
            async with requests:
                reply = await fetch(transport, wire.query(caller, token.task_id), within=query_time, limit=limit)
            snapshot = read_snapshot(reply, token.task_id)
            if snapshot.is_terminal:
                break
        verdicts, name = judge(file_urls, snapshot), token.encode()
        collecting = [
            collect(index, url, verdict.transcription_url or "", token.task_id, name)
            for index, (url, verdict) in enumerate(zip(file_urls, verdicts, strict=True))
        ]
        return sum(len(result.unwrap().text) for result in await asyncio.gather(*collecting))

    async def collect(index: int, file_url: str, link: str, task_id: str, token: str) -> aiofunasr.SubtaskResult:
        async with downloads:
            reply = await fetch(transport, wire.download(link), within=download_time, limit=limit)
        transcript = read_transcript(reply.body)
        check_file(transcript, file_url)
        return aiofunasr.SubtaskResult(
            source=file_url,
            file_url=file_url,
            index=index,
            task_id=task_id,
            token=token,
            transcript=transcript,
            transcription_url=link,
        )

    try:
        return sum(await asyncio.gather(*map(transcribe, tasks)))
    finally:
        await transport.aclose()


async def batch(base_url: str, tasks: Tasks) -> int:
    """Hand all files to `transcribe`."""
    files = [url for file_urls in tasks for url in file_urls]
    async with _session(base_url, len(files)) as session:
        results = session.transcribe(files, files_per_task=len(tasks[0]))
        return sum([len(result.unwrap().text) async for result in results])


async def handles(base_url: str, tasks: Tasks) -> int:
    """Submit each task by itself and await its handle."""
    async with _session(base_url, sum(map(len, tasks))) as session:

        async def transcribe(file_urls: Sequence[str]) -> int:
            task = await session.submit(file_urls)
            return sum(len(result.unwrap().text) for result in await task)

        return sum(await asyncio.gather(*map(transcribe, tasks)))


def _session(base_url: str, files: int) -> aiofunasr.Session:
    no_limit = aiofunasr.Limits(
        submit=1e6, query=1e6, list=1e6, downloads=DOWNLOADS, requests=REQUESTS, in_flight=files
    )
    return aiofunasr.Session(API_KEY, base_url=base_url, limits=no_limit)


async def official(base_url: str, tasks: Tasks) -> int:
    """Submit and wait with dashscope 2.0's asyncio client; the download it leaves to its caller is httpx's, as its own.

    It has nothing to bound how many go at once, so it is given the bounds of the others.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dashscope  # noqa: PLC0415  (it takes a second, which the others need not wait for)

        client = dashscope.AsyncClient(api_key=API_KEY, base_url=base_url)
        jobs: Any = client.audio.asr.jobs
    requests, downloads = asyncio.Semaphore(REQUESTS), asyncio.Semaphore(DOWNLOADS)

    async def transcribe(http: httpx.AsyncClient, file_urls: Sequence[str]) -> int:
        async with requests:
            job = await jobs.create(model="fun-asr", file_urls=list(file_urls))
        job = await jobs.wait(job, poll_interval=INTERVAL)
        return sum(await asyncio.gather(*(download(http, one.transcription_url) for one in job.results)))

    async def download(http: httpx.AsyncClient, url: str) -> int:
        async with downloads:
            return _length((await http.get(url)).json())

    async with client, httpx.AsyncClient() as http:
        return sum(await asyncio.gather(*(transcribe(http, file_urls) for file_urls in tasks)))


def _length(document: Any) -> int:
    return len("\n".join(track["text"] for track in document["transcripts"] if track["text"]))


CONTENDERS: Final[Mapping[str, Callable[[str, Tasks], Awaitable[int]]]] = {
    "a bare aiohttp loop": bare,
    "the same, replies checked": checked,
    "aiofunasr, transcribe": batch,
    "aiofunasr, submit and await": handles,
    "dashscope 2.0.2 and httpx": official,
}
