"""Local files over a real socket, streamed into the emulated store."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

import aiofunasr
from aiofunasr import InvalidFileError, Session
from aiofunasr.emulator import EmulatorServer, EmulatorSettings, Fault, FaultPlan
from aiofunasr.pipeline import uploads


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
