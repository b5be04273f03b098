"""Documents are read in the loop, and the loop does not notice."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from aiofunasr import InvalidReplyError, Transcript
from aiofunasr.pipeline.reading import ArrivingDocument, Reading
from aiofunasr.wire.decoder import TranscriptDecoder

SENTENCES = [{"begin_time": number, "end_time": number + 1, "text": f"Sentence {number}."} for number in range(8000)]
LARGE = json.dumps({"transcripts": [{"text": "x", "sentences": SENTENCES}]}).encode()
SMALL = json.dumps({"transcripts": [{"text": "x", "sentences": SENTENCES[:9]}]}).encode()


async def test_of_all_documents_one_takes_a_step_between_two_turns_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = 0
    steps: Counter[int] = Counter()

    def count(name: str) -> None:
        method = getattr(TranscriptDecoder, name)

        def counted(decoder: TranscriptDecoder, *piece: bytes) -> Any:
            steps[turn] += 1
            return method(decoder, *piece)

        monkeypatch.setattr(TranscriptDecoder, name, counted)

    for name in ("put", "step", "close"):
        count(name)
    reading = Reading()
    read: list[Transcript] = []

    async def read_one() -> None:
        read.append(await reading.read(LARGE))

    async def tick() -> None:
        nonlocal turn
        while True:
            turn += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(tick)
        async with anyio.create_task_group() as readers:
            for _ in range(3):
                readers.start_soon(read_one)
        group.cancel_scope.cancel()
    assert [len(transcript.sentences) for transcript in read] == [8000] * 3
    assert steps.total() >= 3 * len(LARGE) // (64 * 1024)
    assert max(steps.values()) == 1


@pytest.mark.parametrize("document", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("size", [1000, 70_000, 10_000_000])
async def test_it_may_come_in_any_pieces_and_be_kept(document: bytes, size: int) -> None:
    for keep in (False, True):
        arriving = ArrivingDocument(Reading(), keep=keep)
        for start in range(0, len(document), size):
            await arriving.take(document[start : start + size])
        assert await arriving.whole() == Transcript.from_json(document)
        assert arriving.document() == (document if keep else None)


@pytest.mark.parametrize("document", [SMALL, LARGE], ids=["small", "large"])
async def test_one_that_is_cut_is_an_error(document: bytes) -> None:
    with pytest.raises(InvalidReplyError, match="not whole JSON"):
        await Reading().read(document[:-1])


async def test_whoever_is_cancelled_in_the_middle_leaves_the_turn_to_others() -> None:
    reading = Reading()
    arriving = ArrivingDocument(reading)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await arriving.take(LARGE)
    assert scope.cancelled_caught
    assert len((await reading.read(LARGE)).sentences) == 8000
