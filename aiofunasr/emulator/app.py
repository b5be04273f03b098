"""The aiohttp application around the service: bytes in, bytes out, and the faults a reply asks for.

An upload is written to disk as it arrives; every other body is small and read whole.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
from aiohttp import StreamReader, web

from aiofunasr.emulator.inputs import write_blocks
from aiofunasr.emulator.messages import OSS_PREFIX, HttpRequest, HttpResponse, UploadedForm
from aiofunasr.emulator.multipart import FormParser, MalformedFormError
from aiofunasr.emulator.service import Service
from aiofunasr.emulator.settings import EmulatorSettings


class _UntypedResponse(web.Response):
    """A reply without a `Content-Type`, which aiohttp would not send by itself."""


def make_application(
    service: Service,
    *,
    uploads: Path,
    clock: Callable[[], float],
    on_request: Callable[[], None],
) -> web.Application:
    """Return an application that serves the service.

    `uploads` is a directory for uploaded files. `clock` returns seconds since the epoch. `on_request` is
    called after each request, when there may be new work.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            received = await _receive(request, uploads, service.settings)
        except (ConnectionError, web.RequestPayloadError):
            # The client hung up while it was sending, and nobody reads this; or its body is not what it says.
            return web.Response(status=400)
        try:
            response = service.handle(received, clock())
        finally:
            await _delete_unused(service, received.upload)
        on_request()
        return await _send(request, response)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    application.on_response_prepare.append(_drop_default_content_type)
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
    if response.drop == "truncate":
        return await _send_half(request, response)
    make = web.Response if "content-type" in response.headers else _UntypedResponse
    return make(status=response.status, headers=response.headers, body=response.body)


async def _send_half(request: web.Request, response: HttpResponse) -> web.StreamResponse:
    reply = web.StreamResponse(status=response.status, headers=response.headers)
    reply.content_length = len(response.body)
    await reply.prepare(request)
    await reply.write(response.body[: len(response.body) // 2])
    _disconnect(request)
    return reply


def _disconnect(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()


async def _drop_default_content_type(_: web.Request, response: web.StreamResponse) -> None:
    if isinstance(response, _UntypedResponse):
        response.headers.popall("Content-Type", None)
