"""Local files over a real socket, streamed into the emulated store."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import evolve

import aiofunasr
from aiofunasr import (
    AccessDeniedError,
    InvalidArgumentError,
    InvalidFileError,
    InvalidReplyError,
    Limits,
    NotFoundError,
    Session,
    Timeouts,
)
from aiofunasr.emulator import EmulatorServer, EmulatorSettings, Fault, FaultPlan, Service
from aiofunasr.pipeline import uploads
from aiofunasr.transport import OpenReply
from aiofunasr.wire.messages import FileBody, Request
from support import play


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    names = ["one.wav", "zwei Flügel (1).wav", "会议.mp3", "no ending", "d/one.wav"]
    (tmp_path / "d").mkdir()
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(bytes([number]) * 300_000)
    return [tmp_path / name for name in names]


async def test_paths_are_uploaded_and_come_back_as_they_were_given(
    server: EmulatorServer, session: Session, clips: list[Path]
) -> None:
    sources: list[str | Path] = [clips[0], str(clips[1]), clips[2].as_uri(), clips[3], clips[4]]
    results = await aiofunasr.transcribe(sources, session=session)
    assert [result.source for result in results] == sources
    assert all(result.ok for result in results)
    sent = [url for submission in server.service.ledger.submissions for url in submission.file_urls]
    assert len(set(sent)) == 5
    assert all(url.startswith("oss://") and url.isascii() and " " not in url for url in sent)
    assert session.statistics().files_uploaded == 5


async def test_one_policy_serves_many_files(server: EmulatorServer, session: Session, clips: list[Path]) -> None:
    await session.submit(clips[:1])
    await session.submit(clips)
    await session.submit(clips, model="fun-asr-mtl")
    assert 2 <= server.service.ledger.requests["policy"] <= 1 + 4


async def test_all_are_looked_at_before_anything_is_sent(
    server: EmulatorServer, session: Session, clips: list[Path], tmp_path: Path
) -> None:
    for bad, told in [("missing.wav", "no such file"), ("d", "directory"), ("\0", "cannot be read")]:
        with pytest.raises(InvalidFileError, match=told) as caught:
            await session.submit([clips[0], tmp_path / bad])
        assert isinstance(caught.value, OSError)
        assert isinstance(caught.value, ValueError)
    assert not server.service.ledger.requests


async def test_a_bad_path_in_a_batch_is_its_own_error(session: Session, clips: list[Path], tmp_path: Path) -> None:
    results = await aiofunasr.transcribe([clips[0], tmp_path / "missing.wav", tmp_path], session=session)
    assert [result.ok for result in results] == [True, False, False]
    assert isinstance(results[1].error, InvalidFileError)
    assert results[1].file_url is None


async def test_a_file_over_the_policy_is_refused_before_it_is_uploaded(clips: list[Path]) -> None:
    clips[0].write_bytes(b"x" * (1024 * 1024 + 1))
    async with (
        EmulatorServer(settings=EmulatorSettings.instant(policy_max_file_size_mb=1)) as server,
        Session(server.api_key, base_url=server.base_url) as session,
    ):
        with pytest.raises(InvalidFileError, match="up to 1 MB"):
            await session.submit(clips[:1])
        assert server.service.ledger.requests["upload"] == 0


async def test_a_file_over_two_gigabytes_is_refused_unread(session: Session, tmp_path: Path) -> None:
    with (tmp_path / "huge.wav").open("wb") as file:
        file.truncate(2 * 1024**3 + 1)
    with pytest.raises(InvalidFileError, match="up to 2 GB"):
        await session.submit([tmp_path / "huge.wav"])


@pytest.mark.parametrize("fault", [Fault.error(503), Fault.drop_after(), Fault.error(403, "AccessDenied")])
async def test_a_failed_upload_is_done_again_under_another_name(
    server: EmulatorServer, session: Session, clips: list[Path], fault: Fault
) -> None:
    server.service.faults = FaultPlan().on("upload", fault, [1])
    assert (await (await session.submit(clips[:1])))[0].ok
    assert server.service.ledger.requests["upload"] == 2


async def test_a_file_that_shrinks_while_it_is_uploaded_is_an_error(
    session: Session, clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = iter([500_000])

    async def size(_: Path) -> int:
        return next(sizes, 300_000)

    monkeypatch.setattr(uploads, "file_size", size)
    with pytest.raises(InvalidFileError, match="changed while"):
        await session.submit(clips[:1])


async def test_an_empty_file_is_for_the_service_to_judge(session: Session, tmp_path: Path) -> None:
    (tmp_path / "nothing.wav").touch()
    (result,) = await (await session.submit([tmp_path / "nothing.wav"]))
    assert result.ok  # the scripted recognizer does not look into files


async def test_a_large_file_is_never_held_whole(session: Session, tmp_path: Path) -> None:
    with (tmp_path / "large.wav").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    tracemalloc.start()
    try:
        task = await session.submit([tmp_path / "large.wav"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The client and the emulator together, in one process.
    assert peak < 20 * 1024 * 1024
    assert (await task)[0].ok


# --- one policy ---


async def test_however_many_uploads_wait_for_a_policy_they_share_one_request(
    server: EmulatorServer, session: Session
) -> None:
    server.service.faults = FaultPlan().on("policy", Fault.delayed(0.2), [1])
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(session.upload, b"x" * (1000 + number))
    assert server.service.ledger.requests["policy"] == 1
    assert server.service.ledger.requests["upload"] == 20


def test_whoever_asked_for_a_policy_may_leave_and_the_others_get_it() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async def leaves_early() -> None:
            with anyio.move_on_after(0.01):
                await session.upload(b"first")

        async with anyio.create_task_group() as group:
            group.start_soon(leaves_early)
            await anyio.sleep(0.001)
            for _ in range(3):
                group.start_soon(session.upload, b"other")
        assert service.ledger.requests["policy"] == 1
        assert service.ledger.requests["upload"] == 3

    play(scenario)


def test_a_policy_that_is_refused_is_refused_to_all_who_wait_for_it() -> None:
    async def scenario(session: Session, service: Service) -> None:
        errors: list[Exception] = []

        async def upload() -> None:
            try:
                await session.upload(b"x")
            except NotFoundError as error:
                errors.append(error)

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(upload)
        assert len(errors) == len({id(error) for error in errors}) == 3
        assert service.ledger.requests["policy"] == 1

    play(scenario, faults=FaultPlan().on("policy", Fault.error(404, "ModelNotFound"), range(1, 9)))


def test_a_policy_is_renewed_when_its_life_is_over_and_not_before() -> None:
    async def scenario(session: Session, service: Service) -> None:
        for _ in range(3):
            await session.upload(b"x")
            await anyio.sleep(100)
        assert service.ledger.requests["policy"] == 1
        await session.upload(b"x")
        assert service.ledger.requests["policy"] == 2

    play(scenario)


def test_a_policy_that_expires_while_files_queue_is_replaced() -> None:
    async def scenario(session: Session, service: Service) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(session.upload, b"x")
        assert service.ledger.requests["upload"] == 6
        assert service.ledger.requests["policy"] > 1

    # Each upload takes longer than half a policy's life, one after the other.
    play(
        scenario,
        EmulatorSettings(policy_life=10.0),
        faults=FaultPlan().on("upload", Fault.delayed(6.0), range(1, 9)),
        limits=Limits(uploads=1),
    )


@pytest.mark.parametrize("times", [1, 2])
def test_an_upload_whose_policy_expired_on_the_way_is_tried_once_more_with_a_new_one(times: int) -> None:
    message = "Invalid according to Policy: Policy expired."
    faults = FaultPlan().on("upload", Fault.error(403, "AccessDenied", message), range(1, times + 1))

    async def scenario(session: Session, service: Service) -> None:
        if times == 1:
            assert (await session.upload(b"x")).url.startswith("oss://")
        else:
            with pytest.raises(AccessDeniedError, match="Policy expired"):
                await session.upload(b"x")
        assert service.ledger.requests["policy"] == service.ledger.requests["upload"] == 2

    play(scenario, faults=faults)


# --- what is no success ---


def test_a_page_under_status_200_is_no_upload() -> None:
    async def scenario(session: Session, service: Service) -> None:
        uploaded = await session.upload(b"x")
        assert service.ledger.requests["upload"] == 3
        assert (await (await session.submit(uploaded)))[0].ok
        service.faults = FaultPlan().on("upload", Fault.html_page(), range(1, 9))
        with pytest.raises(InvalidReplyError, match="not what the storage says"):
            await session.upload(b"x")

    play(scenario, faults=FaultPlan().on("upload", Fault.html_page(), [1, 2]))


def test_a_name_that_is_taken_is_changed() -> None:
    async def scenario(session: Session, service: Service) -> None:
        await session.upload(b"x")
        assert service.ledger.requests["upload"] == 2

    play(scenario, faults=FaultPlan().on("upload", Fault.error(409, "FileAlreadyExists"), [1]))


def test_an_upload_that_stands_still_is_given_up_long_before_the_hour() -> None:
    async def scenario(session: Session, service: Service) -> None:
        begun = anyio.current_time()
        await session.upload(b"x")
        assert service.ledger.requests["upload"] == 2
        assert 20 <= anyio.current_time() - begun < 25

    play(scenario, faults=FaultPlan().on("upload", Fault.timed_out(), [1]), timeouts=Timeouts(idle=20.0))


def test_a_slow_upload_that_moves_is_not_given_up() -> None:
    async def scenario(session: Session, service: Service) -> None:
        inner = session._engine.gateway.transport

        class Slow:
            @asynccontextmanager
            async def open(self, request: Request) -> AsyncIterator[OpenReply]:
                if isinstance(request.body, FileBody):
                    for _ in range(10):
                        await anyio.sleep(15)
                        request.body.count(0)
                async with inner.open(request) as reply:
                    yield reply

            async def aclose(self) -> None:
                await inner.aclose()

        session._engine.gateway.transport = Slow()
        await session.upload(b"x")
        assert anyio.current_time() > 150
        assert service.ledger.requests["upload"] == 1

    play(scenario, timeouts=Timeouts(idle=20.0))


# --- by themselves ---


async def test_an_upload_can_be_used_again_and_again(
    server: EmulatorServer, session: Session, clips: list[Path]
) -> None:
    uploaded = await session.upload(clips[2], model="fun-asr-mtl")
    assert str(uploaded) == uploaded.url
    assert uploaded.url.startswith("oss://")
    assert (uploaded.model, uploaded.size) == ("fun-asr-mtl", 300_000)
    assert timedelta(hours=47) < uploaded.expires_at - datetime.now(UTC) <= timedelta(hours=48)
    results = await aiofunasr.transcribe([uploaded, uploaded], session=session, model="fun-asr-mtl")
    assert all(result.ok for result in results)
    assert server.service.ledger.requests["upload"] == 1


async def _pieces() -> AsyncIterator[bytes]:
    yield b"abc"
    yield b"defgh"


@pytest.mark.parametrize(
    ("make", "ending"),
    [
        (lambda _: b"abcdefgh", ""),
        (lambda _: memoryview(b"abcdefgh"), ""),
        (lambda _: BytesIO(b"abcdefgh"), ""),
        (lambda path: path.open("rb"), ".wav"),
        (lambda _: _pieces(), ""),
        (lambda path: path, ".wav"),
        (str, ".wav"),
        (lambda path: path.as_uri(), ".wav"),
    ],
)
async def test_whatever_holds_bytes_can_be_uploaded(
    server: EmulatorServer, session: Session, tmp_path: Path, make: Callable[[Path], Any], ending: str
) -> None:
    (tmp_path / "a.wav").write_bytes(b"abcdefgh")
    server.service.faults = FaultPlan().on("upload", Fault.drop_before(), [1])
    with ExitStack() as stack:
        file = make(tmp_path / "a.wav")
        if hasattr(file, "close"):
            stack.enter_context(file)
        uploaded = await session.upload(file)
    assert uploaded.url.endswith(ending)
    assert uploaded.size == 8
    stored = server.service.storage._objects[uploaded.url.removeprefix("oss://")]
    assert stored.size == 8


async def test_a_name_can_be_given(session: Session) -> None:
    assert "/call-7-" in (await session.upload(b"x", name="call 7.ogg")).url
    assert (await session.upload(b"x", name="call 7.ogg")).url.endswith(".ogg")


async def test_what_cannot_be_uploaded_is_refused_before_anything_is_sent(
    server: EmulatorServer, session: Session, tmp_path: Path
) -> None:
    bad: list[tuple[Any, dict[str, Any], str]] = [
        (7, {}, "open binary file"),
        ("https://media.example/a.wav", {}, "needs no upload"),
        (tmp_path / "missing.wav", {}, "no such file"),
        (StringIO("text"), {}, "must give bytes"),
        (b"x", {"model": ""}, "model"),
        (b"x", {"name": " "}, "name"),
        (b"x", {"on_progress": 1}, "on_progress"),
    ]
    for file, arguments, told in bad:
        with pytest.raises(InvalidArgumentError, match=told):
            await session.upload(file, **arguments)
    assert not server.service.ledger.requests


async def test_an_upload_for_another_model_is_refused_before_it_is_billed(
    server: EmulatorServer, session: Session
) -> None:
    uploaded = await session.upload(b"x")
    with pytest.raises(InvalidArgumentError, match="uploaded for fun-asr and cannot be used with fun-asr-mtl"):
        await session.submit(uploaded, model="fun-asr-mtl")
    (result,) = await aiofunasr.transcribe(uploaded, session=session, model="fun-asr-mtl")
    assert isinstance(result.error, InvalidArgumentError)
    old = evolve(uploaded, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(InvalidArgumentError, match="could be used until"):
        await session.submit(old)
    assert not server.service.ledger.submissions


async def test_an_upload_is_found_in_a_journal_by_its_url(server: EmulatorServer, tmp_path: Path) -> None:
    uploaded = None
    for _ in range(2):
        async with Session(server.api_key, base_url=server.base_url, journal=tmp_path / "a.db") as session:
            uploaded = uploaded or await session.upload(b"x")
            (result,) = await aiofunasr.transcribe(uploaded, session=session)
            assert result.ok
            assert result.source == uploaded.url
    assert len(server.service.ledger.submissions) == 1


# --- how far they are ---


async def test_progress_is_told_and_ends_with_the_whole_file(session: Session, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(bytes(2_000_000))
    seen: list[tuple[int, int]] = []
    await session.upload(tmp_path / "a.wav", on_progress=lambda sent, total: seen.append((sent, total)))
    assert seen[-1] == (2_000_000, 2_000_000)
    assert [sent for sent, _ in seen] == sorted(sent for sent, _ in seen)
    assert len(seen) > 4


async def test_bytes_of_a_try_that_failed_do_not_count(server: EmulatorServer, session: Session) -> None:
    server.service.faults = FaultPlan().on("upload", Fault.error(503), [1])
    seen: list[int] = []
    await session.upload(bytes(1_000_000), on_progress=lambda sent, _: seen.append(sent))
    assert 0 in seen
    assert seen[-1] == max(seen) == 1_000_000


async def test_a_callback_that_fails_does_not_fail_the_upload(session: Session) -> None:
    calls: list[int] = []

    def callback(sent: int, _: int) -> None:
        calls.append(sent)
        raise ZeroDivisionError

    await session.upload(bytes(2_000_000), on_progress=callback)
    assert len(calls) == 1


async def test_a_batch_tells_how_much_was_uploaded(session: Session, clips: list[Path]) -> None:
    async with session.transcribe([*clips, "https://media.example/a.wav"]) as batch:
        seen = [batch.progress async for _ in batch]
    assert seen[-1].bytes_uploaded == seen[-1].bytes_to_upload == 5 * 300_000
    assert seen[-1].uploading == 0
