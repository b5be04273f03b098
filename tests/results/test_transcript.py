"""The transcript as a value: who said what and when, and back to the service's document."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr import Channel, InvalidArgumentError, InvalidReplyError, Sentence, Transcript, Word
from aiofunasr.wire.decoder import TranscriptDecoder


def sentence(begin: int, text: str, *, speaker: int | None = 0, each: int = 100) -> dict[str, Any]:
    """Return a sentence whose words take so many milliseconds each."""
    parts = text.split(" ")
    words = [
        {
            "begin_time": begin + place * each,
            "end_time": begin + (place + 1) * each,
            "text": part.rstrip(".,!?") + ("" if place == len(parts) - 1 or part[-1] in ".,!?" else " "),
            "punctuation": part[len(part.rstrip(".,!?")) :] + (" " if part[-1] in ".,!?" and part != parts[-1] else ""),
        }
        for place, part in enumerate(parts)
    ]
    found: dict[str, Any] = {"begin_time": begin, "end_time": begin + len(parts) * each, "text": text, "words": words}
    return found if speaker is None else found | {"speaker_id": speaker}


def document(*tracks: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "file_url": "https://h/a.wav?Signature=secret",
        "properties": {"original_duration_in_milliseconds": 60_000, "channels": list(range(len(tracks)))},
        "transcripts": [
            {
                "channel_id": number,
                "content_duration_in_milliseconds": 5000,
                "text": " ".join(one["text"] for one in track),
                "sentences": track,
            }
            for number, track in enumerate(tracks)
        ],
        **more,
    }


ALICE_AND_BOB = document(
    [
        sentence(0, "Hello there, Bob.", speaker=0),
        sentence(1000, "How are you?", speaker=0),
        sentence(2000, "Fine, thanks.", speaker=1),
        sentence(3000, "Good to hear."),
        sentence(4000, "Bye.", speaker=None),
    ]
)
TWO_TRACKS = document([sentence(0, "One two three."), sentence(2000, "Four.")], [sentence(150, "Meanwhile five.")])

# As it is read in one go, and as it is read step by step.
LONG_ENOUGH = {"padding": "x" * 70_000}


@pytest.fixture(params=[{}, LONG_ENOUGH], ids=["small", "large"])
def talk(request: pytest.FixtureRequest) -> Transcript:
    return Transcript.from_dict(ALICE_AND_BOB | request.param)


def test_turns_are_the_consecutive_sentences_of_one_speaker(talk: Transcript) -> None:
    turns = talk.turns()
    assert [(turn.channel_id, turn.speaker_id, turn.begin_time, turn.end_time, turn.text) for turn in turns] == [
        (0, 0, 0, 1300, "Hello there, Bob. How are you?"),
        (0, 1, 2000, 2200, "Fine, thanks."),
        (0, 0, 3000, 3300, "Good to hear."),
        (0, None, 4000, 4100, "Bye."),
    ]
    assert repr(turns[1]) == "<Turn 2000-2200 ms, channel 0, speaker 1: 1 sentence>"


def test_tracks_take_turns_too() -> None:
    transcript = Transcript.from_dict(TWO_TRACKS)
    assert [(turn.channel_id, turn.text) for turn in transcript.turns()] == [
        (0, "One two three."),
        (1, "Meanwhile five."),
        (0, "Four."),
    ]
    assert transcript.channel(1).text == "Meanwhile five."
    assert [word.text for word in transcript.channel(1).words] == ["Meanwhile ", "five"]
    with pytest.raises(InvalidArgumentError, match="the channels of this transcript are: 0, 1"):
        transcript.channel(2)


def test_speech_of_several_at_once_counts_once() -> None:
    transcript = Transcript.from_dict(TWO_TRACKS)
    assert transcript.speech_time() == 350 + 100
    assert transcript.speech_times() == {(0, 0): 400, (1, 0): 200}
    assert Transcript().speech_time() == 0


def test_speech_is_told_by_speaker(talk: Transcript) -> None:
    assert talk.speech_times() == {(0, 0): 900, (0, 1): 200, (0, None): 100}


@pytest.mark.parametrize(
    ("ms", "texts"),
    [
        (0, ["One two three."]),
        (200, ["One two three.", "Meanwhile five."]),
        (300, ["Meanwhile five."]),
        (350, []),
        (-1, []),
    ],
)
def test_at_a_moment_everybody_is_heard(ms: int, texts: list[str]) -> None:
    assert [one.text for one in Transcript.from_dict(TWO_TRACKS).at(ms)] == texts


def test_a_slice_keeps_whole_words_and_the_clock_of_the_file(talk: Transcript) -> None:
    part = talk.between(140, 2100)
    assert [(one.begin_time, one.end_time, one.text) for one in part.sentences] == [
        (100, 300, "there, Bob."),
        (1000, 1300, "How are you?"),
        (2000, 2100, "Fine,"),
    ]
    assert part.text == "there, Bob. How are you? Fine,"
    assert part.duration == 60_000
    assert part.channels[0].content_duration_in_milliseconds is None
    assert talk.between().sentences == talk.sentences
    assert talk.between(5000).text == ""
    with pytest.raises(InvalidArgumentError, match="before the begin"):
        talk.between(10, 9)


def test_a_sentence_without_words_goes_where_its_middle_is() -> None:
    transcript = Transcript(channels=(Channel(text="a b", sentences=(Sentence(0, 100, "a"), Sentence(100, 200, "b"))),))
    assert transcript.between(40, 120).text == "a"
    assert transcript.between(60).text == "b"


SPOKEN = st.lists(
    st.builds(
        lambda begin, lengths: (begin, lengths),
        st.integers(0, 2000),
        st.lists(st.integers(0, 400), min_size=1, max_size=4),
    ),
    max_size=5,
)


@given(SPOKEN, st.lists(st.integers(0, 4000), max_size=4).map(sorted))
def test_slices_that_meet_lose_no_word_and_double_none(spoken: list[tuple[int, list[int]]], cuts: list[int]) -> None:
    sentences = []
    for begin, lengths in spoken:
        words, at = [], begin
        for length in lengths:
            words.append(Word(at, at + length, f"w{at} "))
            at += length
        sentences.append(Sentence(begin, at, "".join(word.text for word in words), words=tuple(words)))
    transcript = Transcript(channels=(Channel(sentences=tuple(sentences)),))
    edges = [0, *cuts, None]
    slices = [transcript.between(begin or 0, end) for begin, end in itertools.pairwise(edges)]
    found = [word for part in slices for word in part.words]
    assert sorted(found, key=repr) == sorted(transcript.words, key=repr)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hello", [(0, 100, "Hello", 1)]),
        ("THERE bob", [(100, 300, "there, Bob.", 1)]),
        ("bob how", [(200, 1100, "Bob. How", 2)]),
        ("are  you? -- Fine", [(1100, 2100, "are you? Fine,", 2)]),
        ("o", [(0, 100, "Hello", 1), (200, 300, "Bob.", 1), (1000, 1100, "How", 1), (1200, 1300, "you?", 1)]),
        ("llo the", [(0, 200, "Hello there,", 1)]),
        ("hellothere", []),
        ("Alice", []),
    ],
)
def test_a_text_is_found_with_its_times(talk: Transcript, text: str, found: list[tuple[int, int, str, int]]) -> None:
    passages = talk.between(0, 2500).find(text)
    assert [(one.begin_time, one.end_time, one.text, len(one.sentences)) for one in passages] == found
    with pytest.raises(InvalidArgumentError, match="letters or digits"):
        talk.find(" ?! ")


def test_chinese_is_found_over_borders_and_punctuation() -> None:
    def said(begin: int, *words: str) -> Sentence:
        made = tuple(Word(begin + 10 * n, begin + 10 * n + 10, word[0:2], word[2:]) for n, word in enumerate(words))
        return Sentence(begin, begin + 10 * len(words), "".join(words), words=made)

    sentences = (said(0, "你好\uff0c", "世界。"), said(100, "今天", "很好。"))
    transcript = Transcript(channels=(Channel(sentences=sentences),))
    (passage,) = transcript.find("世界 今天")
    assert (passage.begin_time, passage.end_time, passage.text) == (10, 110, "世界。今天")
    assert [one.begin_time for one in transcript.find("好")] == [0, 110]


def test_without_words_a_passage_has_the_times_of_its_sentence() -> None:
    transcript = Transcript(channels=(Channel(3, sentences=(Sentence(5, 95, "Good morning."),)),))
    (passage,) = transcript.find("morning")
    assert (passage.channel_id, passage.begin_time, passage.end_time, passage.text) == (3, 5, 95, "Good morning.")


def test_what_is_found_does_not_overlap() -> None:
    transcript = Transcript(channels=(Channel(sentences=(Sentence(0, 9, "aaa"), Sentence(9, 19, "aa."))),))
    assert len(transcript.find("aa")) == 2
    assert len(transcript.find("a a")) == 1


def test_a_document_is_given_back_with_all_that_was_in_it() -> None:
    odd = document(
        [sentence(0, "A b.") | {"begin_time": "0", "emotion": "happy"}], audio_info={"format": "wav"}, none=None
    )
    del odd["properties"]["channels"]
    del odd["transcripts"][0]["channel_id"]
    for more in ({}, LONG_ENOUGH):
        transcript = Transcript.from_json(json.dumps(odd | more))
        assert transcript.to_dict() == odd | more
        assert transcript.channels[0].to_dict() == odd["transcripts"][0]
        assert transcript.sentences[0].to_dict() == odd["transcripts"][0]["sentences"][0]
        transcript.to_dict()["transcripts"][0]["sentences"].clear()
        assert transcript.to_dict() == odd | more


def test_what_is_changed_is_written_from_its_fields_and_the_rest_as_it_came(talk: Transcript) -> None:
    first = ALICE_AND_BOB["transcripts"][0]["sentences"][0]
    louder = evolve(talk.sentences[0], text="HELLO")
    channel = evolve(talk.channels[0], sentences=(louder, *talk.sentences[1:]))
    changed = evolve(talk, channels=(channel,)).to_dict()
    assert changed["transcripts"][0]["sentences"][0] == first | {"text": "HELLO"}
    assert changed["transcripts"][0]["sentences"][1:] == ALICE_AND_BOB["transcripts"][0]["sentences"][1:]
    assert Transcript.from_dict(changed) == evolve(talk, channels=(channel,))


def test_a_transcript_one_made_can_be_written_and_read_again() -> None:
    word = Word(1, 2, "a", ".", extra={"confidence": 0.5})
    made = Transcript("https://h/a", channels=(Channel(1, "a.", sentences=(Sentence(1, 2, "a.", words=(word,)),)),))
    assert Transcript.from_dict(made.to_dict()) == made
    assert made.to_dict()["transcripts"][0]["sentences"][0]["words"] == [word.to_dict()]


@pytest.mark.parametrize("made", [False, True], ids=["read", "made"])
def test_json_comes_in_pieces_and_is_the_document(talk: Transcript, made: bool) -> None:
    if made:
        talk = evolve(talk, file_url="https://h/b.wav", channels=tuple(map(evolve, talk.channels)))
    pieces = list(talk.iter_json())
    assert json.loads("".join(pieces)) == talk.to_dict()
    assert len(pieces) > len(talk.sentences)
    assert "".join(talk.iter_json(indent=2)) == json.dumps(talk.to_dict(), indent=2, ensure_ascii=False)


def test_a_long_document_is_neither_read_nor_written_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = 0
    feed, dumps = TranscriptDecoder.feed, json.dumps

    def fed(decoder: TranscriptDecoder, data: bytes) -> None:
        nonlocal longest
        longest = max(longest, len(data))
        feed(decoder, data)

    def dumped(value: Any, **options: Any) -> str:
        nonlocal longest
        text = dumps(value, **options)
        longest = max(longest, len(text))
        return text

    content = document([sentence(number * 1000, "One two three four.") for number in range(2000)])
    text = json.dumps(content)
    monkeypatch.setattr(TranscriptDecoder, "feed", fed)
    monkeypatch.setattr(json, "dumps", dumped)
    for read in (Transcript.from_json(text), Transcript.from_json(text.encode()), Transcript.from_dict(content)):
        assert len(read.sentences) == 2000
        assert "".join(read.iter_json()) == text
    assert 0 < longest <= 64 * 1024 < len(text) / 5


def test_words_can_be_gone_through_without_being_kept(talk: Transcript) -> None:
    words = tuple(talk.iter_words())
    assert all("words" not in sentence.__getstate__() for sentence in talk.sentences)
    assert words == talk.words
    assert next(talk.iter_words()) is talk.words[0]


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="no JSON object"):
        Transcript.from_dict({"transcripts": {1, 2}})
    with pytest.raises(InvalidReplyError, match="whole JSON"):
        Transcript.from_json("{")
    with pytest.raises(InvalidReplyError, match="there is no transcript"):
        Transcript.from_dict({})


@pytest.mark.parametrize("look", [False, True], ids=["unread", "read"])
@pytest.mark.parametrize(
    "duplicate",
    [lambda it: pickle.loads(pickle.dumps(it)), copy.copy, copy.deepcopy],
    ids=["pickled", "copied", "deeply"],
)
def test_a_copy_is_equal_and_knows_its_document(talk: Transcript, duplicate: Any, look: bool) -> None:
    if look:
        assert talk.words
    again = duplicate(talk)
    assert again == talk
    assert hash(again) == hash(talk)
    assert again.words == talk.words
    assert again.to_dict() == talk.to_dict()
    for part in (talk.channels[0], talk.sentences[0], talk.turns()[0]):
        assert duplicate(part) == part


def test_a_pickle_has_the_words_once() -> None:
    talk = Transcript.from_dict(document([sentence(number * 1000, "One two three four.") for number in range(2000)]))
    assert len(pickle.dumps(talk)) < 1.3 * len(json.dumps(talk.to_dict()))


def test_equality_is_by_what_is_said(talk: Transcript) -> None:
    # Written otherwise, the same: the numbers as strings.
    other = json.loads(json.dumps(talk.to_dict()))
    other["transcripts"][0]["sentences"][0]["words"][0]["begin_time"] = "0"
    assert Transcript.from_dict(other) == talk
    other["transcripts"][0]["sentences"][0]["words"][0]["begin_time"] = 1
    assert Transcript.from_dict(other) != talk
    assert talk.sentences[0] != "Hello"
    assert len({talk, Transcript.from_dict(talk.to_dict()), Transcript()}) == 2


def test_a_repr_is_short_and_keeps_secrets(talk: Transcript) -> None:
    long = document([sentence(0, "word " * 500 + "end.")])
    for value in (talk, Transcript.from_dict(long), talk.channels[0], Transcript.from_dict(long).sentences[0]):
        assert len(repr(value)) < 150
        assert "secret" not in repr(value)
    assert repr(talk).startswith("<Transcript of 'https://h/a.wav?***', 60000 ms, 1 channel: 'Hello there, Bob. How")
    assert repr(talk.sentences[2]) == "<Sentence 2000-2200 ms, speaker 1: 'Fine, thanks.'>"


def test_a_name_that_is_none_is_said_to_be_none(talk: Transcript) -> None:
    with pytest.raises(AttributeError, match="'Channel' object has no attribute 'sentence'"):
        _ = talk.channels[0].sentence  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="read-only"):
        talk.sentences[0].extra["x"] = 1  # type: ignore[index]
