from __future__ import annotations

import gc
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import FunASRError, InvalidReplyError, Sentence, Word
from aiofunasr.wire import documents
from aiofunasr.wire.documents import read_transcript

DOCUMENT: dict[str, Any] = {
    "file_url": "https://media.example.com/a.wav",
    "properties": {
        "audio_format": "pcm_s16le",
        "channels": [0],
        "original_sampling_rate": 16000,
        "original_duration_in_milliseconds": 4087,
    },
    "transcripts": [
        {
            "channel_id": 0,
            "content_duration_in_milliseconds": 3940,
            "text": "Hello world. Thanks.",
            "sentences": [
                {
                    "begin_time": 80,
                    "end_time": 1010,
                    "text": "Hello world.",
                    "sentence_id": 1,
                    "speaker_id": 0,
                    "words": [
                        {"begin_time": 80, "end_time": 560, "text": "Hello ", "punctuation": ""},
                        {"begin_time": 560, "end_time": 1010, "text": "world", "punctuation": ". "},
                    ],
                },
                {"begin_time": 3100, "end_time": 4020, "text": "Thanks.", "sentence_id": 2, "words": []},
            ],
        }
    ],
}


def test_a_document_becomes_a_transcript() -> None:
    transcript = read_transcript(json.dumps(DOCUMENT))
    assert transcript.text == "Hello world. Thanks."
    assert transcript.duration == 4087
    assert transcript.properties.channels == (0,)
    assert transcript.channels[0].content_duration_in_milliseconds == 3940
    assert [sentence.speaker_id for sentence in transcript.sentences] == [0, None]
    assert transcript.words == (Word(80, 560, "Hello "), Word(560, 1010, "world", ". "))


def test_tracks_are_merged_in_time_order() -> None:
    track = {"text": "x", "sentences": [{"begin_time": 10, "text": "a"}, {"begin_time": 30, "text": "c"}]}
    other = {"channel_id": 1, "text": "y", "sentences": [{"begin_time": 20, "text": "b"}]}
    transcript = read_transcript(json.dumps({"transcripts": [track, other]}))
    assert [sentence.text for sentence in transcript.sentences] == ["a", "b", "c"]
    assert transcript.text == "x\ny"


def test_what_public_parsers_tolerate_is_tolerated() -> None:
    transcript = read_transcript(
        json.dumps(
            {
                "file_url": None,
                "transcripts": [
                    {"text": "t"},
                    {"sentences": [{"begin_time": "80", "end_time": 90.0, "text": "x", "emotion": "happy"}]},
                ],
                "audio_info": {"format": "wav"},
            }
        )
    )
    assert transcript.channels[0].sentences == ()
    assert transcript.sentences == (Sentence(80, 90, "x", extra={"emotion": "happy"}),)
    assert transcript.extra == {"audio_info": {"format": "wav"}}


def test_a_fault_is_named_with_its_path() -> None:
    broken = json.loads(json.dumps(DOCUMENT))
    broken["transcripts"][0]["sentences"][1]["begin_time"] = "later"
    with pytest.raises(InvalidReplyError) as caught:
        read_transcript(json.dumps(broken))
    assert caught.value.path == "$.transcripts[0].sentences[1].begin_time"


WHOLE = json.dumps(DOCUMENT).encode()


@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_document_is_a_clear_error(length: int) -> None:
    with pytest.raises(InvalidReplyError, match="whole JSON"):
        read_transcript(WHOLE[:length])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["transcripts", "sentences", "words", "begin_time", "text", "properties", "channels"]),
                inner,
                max_size=5,
            )
        ),
        max_leaves=30,
    )
)
def test_garbage_is_our_error_or_a_transcript(document: Any) -> None:
    try:
        transcript = read_transcript(json.dumps(document))
    except FunASRError:
        return
    assert isinstance(transcript.text, str)
    assert isinstance(transcript.words, tuple)


ROWS = DOCUMENT["transcripts"][0]["sentences"]
TRACK = DOCUMENT["transcripts"][0]


def test_what_is_not_looked_at_gives_the_garbage_collector_little_to_do() -> None:
    read_transcript(WHOLE)
    gc.collect()
    before = len(gc.get_objects())
    kept = [read_transcript(WHOLE) for _ in range(100)]
    assert len(gc.get_objects()) - before <= 810
    assert kept[50].to_dict() == DOCUMENT
    assert kept[50] == kept[51]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (",\n", " :\t")])
@pytest.mark.parametrize(
    "changed", [{}, {"speaker_id": None}, {"text": 'said "sentences": [] \\'}, {"text": "-Infinity"}]
)
def test_what_the_service_writes_is_not_parsed_until_it_is_asked_for(
    separators: tuple[str, str], changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row | {name: changed.get(name, value) for name, value in row.items()} for row in ROWS]
    document = DOCUMENT | {"transcripts": [TRACK | {"sentences": rows}, TRACK | {"sentences": []}]}
    monkeypatch.delattr(documents, "_read_in_steps")
    transcript = read_transcript(json.dumps(document, separators=separators).encode())
    assert [len(channel.sentences) for channel in transcript.channels] == [2, 0]
    assert transcript.to_dict() == document


@pytest.mark.parametrize(
    "track",
    [
        {"text": "x", "sentences": 0, "more": {"sentences": ROWS}},
        {"text": "x", "more": {"sentences": ROWS}},
        {"text": "x", 'all "sentences': ROWS, "sentences": []},
        {"text": "x", "sentences": ROWS, "more": {"sentences": ROWS}},
        {"text": "x", "notes": float("-inf"), "sentences": ROWS},
        {"text": "x", "notes": "-Infinity", "sentences": ROWS},
    ],
)
def test_only_what_stands_in_a_track_is_taken_for_its_sentences(track: dict[str, Any]) -> None:
    document = {"transcripts": [track]}
    text = json.dumps(document)
    if track.get("sentences") == 0:
        with pytest.raises(InvalidReplyError) as caught:
            read_transcript(text)
        assert caught.value.path == "$.transcripts[0].sentences"
    else:
        assert read_transcript(text).to_dict() == document
