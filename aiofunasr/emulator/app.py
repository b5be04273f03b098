"""The aiohttp application around the service: bytes in, bytes out, and the faults a reply asks for.

An upload is written to disk as it arrives; every other body is small and read whole.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Final

import anyio
from aiohttp import StreamReader, web
from anyio import to_thread
from attrs import evolve

from aiofunasr.emulator.admin import handle_admin, is_admin
from aiofunasr.emulator.inputs import write_blocks
from aiofunasr.emulator.messages import OSS_PREFIX, HttpRequest, HttpResponse, UploadedForm
from aiofunasr.emulator.multipart import FormParser, MalformedFormError
from aiofunasr.emulator.service import Service
from aiofunasr.emulator.settings import EmulatorSettings

# A client that waits for a reply that never comes is looked after so often.
_SILENCE_SECONDS: Final = 0.25


class _Untyped(web.StreamResponse):
    """A reply without a `Content-Type`, which aiohttp would not send by itself."""


class _UntypedResponse(web.Response, _Untyped):
    """The same, with the whole body at once."""


def make_application(
    service: Service,
    *,
    uploads: Path,
    clock: Callable[[], float],
    on_request: Callable[[], None],
    admin: bool = False,
) -> web.Application:
    """Return an application that serves the service.

    `uploads` is a directory for uploaded files. `clock` returns seconds since the epoch. `on_request` is
    called after each request, when there may be new work. `admin`: serve the admin route as well.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            received = await _receive(request, uploads, service.settings)
        except (ConnectionError, web.RequestPayloadError):
            # The client hung up while it was sending, and nobody reads this; or its body is not what it says.
            return web.Response(status=400)
        try:
            if admin and is_admin(received.path):
                response = handle_admin(service, received, clock())
            else:
                unwritten = service.unwritten(received, clock())
                if unwritten is not None:
                    received = evolve(received, document=await to_thread.run_sync(unwritten))
                response = service.handle(received, clock())
        finally:
            await _delete_unused(service, received.upload)
        on_request()
        return await _send(request, response)

    async def drop_default_headers(_: web.Request, response: web.StreamResponse) -> None:
        if isinstance(response, _Untyped):
            response.headers.popall("Content-Type", None)
        if not service.settings.date_header:
            response.headers.popall("Date", None)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    application.on_response_prepare.append(drop_default_headers)
    return application


async def _receive(request: web.Request, uploads: Path, settings: EmulatorSettings) -> HttpRequest:
    path, _, query = request.raw_path.partition("?")
    headers = dict(request.headers)
    if request.method == "POST" and path.startswith(OSS_PREFIX):
        upload = await _receive_upload(request, uploads, settings.policy_max_file_size_mb * 2**20)
        return HttpRequest(request.method, path, query, headers, upload=upload)
    body = await _read_at_most(request.content, settings.max_body_bytes + 1)
    return HttpRequest(request.method, path, query, headers, body)


async def _read_at_most(content: StreamReader, limit: int) -> bytes:
    """Read a body, or as much as shows that it is too long."""
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) >= limit:
            break
    return bytes(body[:limit])


async def _receive_upload(request: web.Request, directory: Path, largest: int) -> UploadedForm:
    """Stream an upload form's file to disk; what exceeds `largest` is counted and not kept."""
    target = directory / str(uuid.uuid4())
    try:
        parser = FormParser(request.headers.get("Content-Type", ""))

        async def file_bytes() -> AsyncIterator[bytes]:
            async for chunk in request.content.iter_any():
                data = parser.feed(chunk)
                if data and parser.file_size <= largest:
                    yield data

        await write_blocks(target, file_bytes())
        return UploadedForm(parser.close(), target, parser.file_size)
    except (OSError, web.RequestPayloadError, asyncio.CancelledError):
        # The client hung up, or its body is broken, the disk is full, or the server stops.
        with anyio.CancelScope(shield=True):
            await anyio.Path(target).unlink(missing_ok=True)
        raise
    except MalformedFormError as error:
        # The client sends on, and reads the refusal only when it is done.
        async for _ in request.content.iter_any():
            pass
        return UploadedForm(content=target, problem=str(error))


async def _delete_unused(service: Service, upload: UploadedForm | None) -> None:
    unused = service.storage.take_orphans()
    if upload is not None and isinstance(upload.content, Path) and not service.storage.holds(upload.content):
        unused.append(upload.content)
    for path in unused:
        await anyio.Path(path).unlink(missing_ok=True)


async def _send(request: web.Request, response: HttpResponse) -> web.StreamResponse:
    if response.delay:
        await asyncio.sleep(response.delay)
    if response.drop in {"before", "after"}:
        _disconnect(request)
        return web.Response(status=response.status)
    if response.drop == "silence":
        await _keep_silent(request)
        return web.Response(status=response.status)
    if response.stream is not None:
        return await _send_stream(request, response, response.stream)
    if response.drop == "truncate":
        return await _send_half(request, response)
    make = web.Response if "content-type" in response.headers else _UntypedResponse
    return make(status=response.status, headers=response.headers, body=response.body)


async def _send_half(request: web.Request, response: HttpResponse) -> web.StreamResponse:
    reply = _begin(response)
    reply.content_length = len(response.body)
    await reply.prepare(request)
    await reply.write(response.body[: len(response.body) // 2])
    _disconnect(request)
    return reply


async def _send_stream(request: web.Request, response: HttpResponse, pieces: Iterable[bytes]) -> web.StreamResponse:
    reply = _begin(response)
    await reply.prepare(request)
    try:
        for piece in pieces:
            await reply.write(piece)
        await reply.write_eof()
    except ConnectionError:
        # The client has seen enough.
        _disconnect(request)
    return reply


def _begin(response: HttpResponse) -> web.StreamResponse:
    make = web.StreamResponse if "content-type" in response.headers else _Untyped
    return make(status=response.status, headers=response.headers)


async def _keep_silent(request: web.Request) -> None:
    # The server is not told that a client has hung up; it can only be seen.
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(_SILENCE_SECONDS)


def _disconnect(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
