"""The workers of a real recognizer: fetched, recognized, reported, and nothing left behind."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler

import anyio
from emulator_serving import INSTANT, EchoRecognizer, answer, origin, serving


async def test_a_worker_fetches_recognizes_and_cleans_up() -> None:
    recognizer = EchoRecognizer()
    answers = {
        "/a.wav": answer(b"hello"),
        "/moved.wav": answer(status=302, location="/a.wav"),
        "/silence.wav": answer(b""),
        "/broken.wav": answer(b"broken"),
        "/crash.wav": answer(b"crash"),
        "/403.wav": answer(status=403),
        "/404.wav": answer(status=404),
        "/410.wav": answer(status=410),
        "/503.wav": answer(status=503),
        "/short.wav": answer(b"abc", length=10),
        "/lengthless.wav": answer(b"abc", length=None),
        "/large.wav": answer(b"x" * 2001),
    }
    settings = INSTANT.replace(max_input_bytes=2000)
    async with origin(answers) as base, serving(settings=settings, recognizer=recognizer) as caller:
        found = await caller.outcomes(
            *(base + path for path in answers),
            base + "/with space.wav",
            "http://127.0.0.1:1/nobody-listens.wav",
            "http://name.invalid/a.wav",
        )
        assert dict(zip([*answers, "space", "refused", "unresolved"], found, strict=True)) == {
            "/a.wav": "hello.",
            "/moved.wav": "hello.",
            "/silence.wav": "SUCCESS_WITH_NO_VALID_FRAGMENT",
            "/broken.wav": "DECODE_ERROR",
            "/crash.wav": "InternalError",
            "/403.wav": "FILE_403_FORBIDDEN",
            "/404.wav": "FILE_404_NOT_FOUND",
            "/410.wav": "InvalidFile.DownloadFailed",
            "/503.wav": "FILE_SERVER_ERROR",
            "/short.wav": "CONTENT_LENGTH_CHECK_FAILED",
            "/lengthless.wav": "CONTENT_LENGTH_CHECK_FAILED",
            "/large.wav": "FILE_TOO_LARGE",
            "space": "InvalidFile.DownloadFailed",
            "refused": "InvalidFile.DownloadFailed",
            "unresolved": "InvalidFile.DownloadFailed",
        }
        assert not any(media.exists() for media in recognizer.media)
        assert recognizer.media[0].parent.exists()
        assert caller.server.service.ledger.billed_ms == 1800
    assert recognizer.closed
    assert not recognizer.media[0].parent.exists()


async def test_a_url_reaches_the_origin_byte_for_byte() -> None:
    seen: list[str] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.path)
        answer(b"hello")(handler)

    async with origin({"/a%3Ab%20c.wav": note}) as base, serving(recognizer=EchoRecognizer()) as caller:
        assert await caller.outcomes(f"{base}/a%3Ab%20c.wav?Signature=x%2Fy%3D") == ["hello."]
    assert seen == ["/a%3Ab%20c.wav?Signature=x%2Fy%3D"]


async def test_private_hosts_may_be_out_of_reach() -> None:
    settings = INSTANT.replace(allow_private_hosts=False)
    async with (
        origin({"/a.wav": answer(b"hello")}) as base,
        serving(settings=settings, recognizer=EchoRecognizer()) as caller,
    ):
        assert await caller.outcomes(base + "/a.wav") == ["InvalidFile.DownloadFailed"]


async def test_so_many_files_at_once_and_the_parameters_arrive() -> None:
    recognizer = EchoRecognizer()
    recognizer.busy_at = 3
    recognizer.hold = anyio.Event()
    async with (
        origin({"/a.wav": answer(b"hello")}) as base,
        serving(recognizer=recognizer, files_at_once=3, close_recognizer=False) as caller,
    ):
        urls = [f"{base}/a.wav?{number}" for number in range(5)]
        tasks = [await caller.submit(*urls, channel_id=[1], language_hints=["en"], speaker_count=2) for _ in range(2)]
        with anyio.fail_after(30):
            await recognizer.busy.wait()
        assert (await caller.call("GET", f"/tasks/{tasks[0]}"))["output"]["task_status"] == "RUNNING"
        assert (await caller.call("GET", f"/tasks/{tasks[1]}"))["output"]["task_status"] == "PENDING"
        assert (await caller.call("POST", f"/tasks/{tasks[1]}/cancel")).keys() == {"request_id"}
        recognizer.hold.set()
        await caller.finished(tasks[0])
        assert recognizer.most_at_work == 3
        assert len(recognizer.requests) == 5
        assert recognizer.requests[0].channel_ids == (1,)
        assert recognizer.requests[0].language_hints == ("en",)
        assert recognizer.requests[0].speaker_count == 2
    assert not recognizer.closed


async def test_a_file_that_takes_too_long_times_out() -> None:
    recognizer = EchoRecognizer()
    recognizer.hold = anyio.Event()
    settings = INSTANT.replace(task_timeout=0.01)
    async with (
        origin({"/a.wav": answer(b"hello")}) as base,
        serving(settings=settings, recognizer=recognizer) as caller,
    ):
        assert await caller.outcomes(base + "/a.wav") == ["InternalError.Timeout"]


async def test_leaving_ends_what_is_in_work() -> None:
    recognizer = EchoRecognizer()
    recognizer.hold = anyio.Event()
    async with (
        origin({"/a.wav": answer(b"hello")}) as base,
        serving(recognizer=recognizer) as caller,
    ):
        await caller.submit(base + "/a.wav")
        with anyio.fail_after(30):
            await recognizer.busy.wait()
    assert recognizer.at_work == 0
    assert recognizer.closed
    assert not recognizer.media[0].parent.exists()
