"""A document that is read as it comes says what it says when it is read in one go."""

from __future__ import annotations

import itertools
import json
import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aiofunasr import InvalidReplyError, Sentence, Transcript
from aiofunasr.wire import scanner, sentences, speed
from aiofunasr.wire.assembly import check_form, not_whole
from aiofunasr.wire.decoder import TranscriptDecoder
from aiofunasr.wire.dialects import with_properties
from aiofunasr.wire.documents import read_transcript
from aiofunasr.wire.sentences import read_words
from aiofunasr.wire.structure import structure


def plainly(document: bytes) -> Transcript:
    """Read a document in one go: what everything here is held against."""
    try:
        content = json.loads(document)
    except (ValueError, RecursionError):
        raise not_whole(document[:800]) from None
    return structure(with_properties(check_form(content, document[:800])), Transcript)


def stepwise(document: bytes, cuts: list[int], window: int) -> Transcript:
    decoder = TranscriptDecoder(window=window)
    places = sorted({0, len(document), *(cut % (len(document) + 1) for cut in cuts)})
    for begin, end in itertools.pairwise(places):
        decoder.feed(document[begin:end])
    return decoder.close()


def outcome(read: Any, *args: Any) -> Any:
    """Return what reading comes to, in full: the error, or everything that was read."""
    try:
        transcript = read(*args)
    except InvalidReplyError as error:
        return str(error), error.path, error.excerpt
    return transcript, transcript.words, [(type(word.begin_time), word.extra) for word in transcript.words]


class Members(list[tuple[str, Any]]):
    """The members of an object, of which two may have the same name."""


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=8)
TEXT = st.sampled_from(["Hello ", "你好", "", 'a\\b"c', "\u2028\x7f\t", "😀 ", "]}", '"words":[', "\ud83d"]) | ANY_TEXT
WHOLE = st.integers(0, 10**6)
NUMBER: Any = (
    WHOLE
    | WHOLE
    | st.sampled_from([None, True, "80", "-5", 90.0, 1.5, -3, 10**18, 10**30, "later", [], float("nan"), float("inf")])
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(TEXT, inner), max_size=3).map(Members),
    max_leaves=6,
)
EXTRA = st.tuples(st.sampled_from(["confidence", "emotion", "sentences", "transcripts", "words"]) | TEXT, ANYTHING)


def objects(plain: dict[str, Any], odd: dict[str, Any]) -> Any:
    """Return objects as the service writes them, and now and then others."""
    as_written = st.fixed_dictionaries(plain).map(lambda found: Members(found.items()))
    known = st.sampled_from(sorted(odd)).flatmap(lambda name: st.tuples(st.just(name), odd[name]))
    others = st.lists(known | known | known | EXTRA, max_size=6).map(Members)
    return st.one_of(as_written, as_written, others)


TIMES = {"begin_time": WHOLE, "end_time": WHOLE}
ODD_TIMES = {"begin_time": NUMBER, "end_time": NUMBER}
WORDS = objects(
    TIMES | {"text": TEXT, "punctuation": st.sampled_from(["", ". ", "\uff0c"])},
    ODD_TIMES | {"text": TEXT | ANYTHING, "punctuation": TEXT | st.none()},
)
SENTENCES = objects(
    TIMES | {"text": TEXT, "sentence_id": WHOLE, "speaker_id": WHOLE, "words": st.lists(WORDS, max_size=3)},
    ODD_TIMES
    | {"text": TEXT | ANYTHING, "sentence_id": NUMBER, "speaker_id": NUMBER}
    | {"words": st.lists(WORDS | ANYTHING, max_size=3) | ANYTHING},
)
TRACKS = objects(
    {"channel_id": WHOLE, "text": TEXT, "sentences": st.lists(SENTENCES, max_size=4)},
    {
        "channel_id": NUMBER,
        "content_duration_in_milliseconds": NUMBER,
        "text": TEXT | ANYTHING,
        "sentences": st.lists(SENTENCES | ANYTHING, max_size=3) | ANYTHING,
    },
)
DOCUMENTS = (
    objects(
        {"file_url": TEXT, "transcripts": st.lists(TRACKS, max_size=3)},
        {
            "audio_info": ANYTHING | st.just(Members([("format", "wav"), ("sample_rate", "8000")])),
            "file_url": TEXT | ANYTHING,
            "properties": ANYTHING | st.lists(st.tuples(st.just("channels"), ANYTHING), max_size=2).map(Members),
            "transcripts": st.lists(TRACKS | ANYTHING, max_size=2) | ANYTHING,
        },
    )
    | ANYTHING
)
GAPS = st.sampled_from(["", "", " ", "\n\t", "\r\n      "])
ENCODINGS = st.sampled_from(["utf-8"] * 5 + ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])


def render(value: Any, gap: str, *, ascii_only: bool) -> str:
    def rendered(value: Any) -> str:
        if isinstance(value, Members):
            inside = (f"{gap}{rendered(name)}{gap}:{gap}{rendered(item)}{gap}" for name, item in value)
            return "{" + (",".join(inside) or gap) + "}"
        if isinstance(value, list):
            return "[" + (",".join(f"{gap}{rendered(item)}{gap}" for item in value) or gap) + "]"
        return json.dumps(value, ensure_ascii=ascii_only)

    return rendered(value)


@st.composite
def written(draw: st.DrawFn, documents: Any = DOCUMENTS) -> bytes:
    text = render(draw(documents), draw(GAPS), ascii_only=draw(st.booleans()))

    encoding = draw(ENCODINGS)
    return text.encode(encoding, "surrogatepass")


CUTS = st.lists(st.integers(0, 10**6), max_size=6)
WINDOWS = st.sampled_from([4, 7, 16, 60, 200, 1000, 65536])


@settings(max_examples=200, deadline=None)
@given(written(), CUTS, WINDOWS)
def test_whatever_comes_in_whatever_pieces_is_what_it_is_in_one_go(
    document: bytes, cuts: list[int], window: int
) -> None:
    expected = outcome(plainly, document)
    assert outcome(stepwise, document, cuts, window) == expected
    assert outcome(read_transcript, document) == expected


@settings(max_examples=150, deadline=None)
@given(written(), CUTS, WINDOWS, st.data())
def test_damage_is_the_same_error_too(document: bytes, cuts: list[int], window: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, max(0, len(document) - 1)))
    junk = data.draw(
        st.sampled_from([b"", b"\x00", b"\xff", b"\xed\xa0", b'"', b"\\", b"\\u12", b",", b"}", b"01", b"-"])
    )
    damaged = document[:place] + junk + document[place + data.draw(st.integers(0, 2)) :]
    expected = outcome(plainly, damaged)
    assert outcome(stepwise, damaged, cuts, window) == expected
    assert outcome(read_transcript, damaged) == expected


@settings(max_examples=100, deadline=None)
@given(written(), WINDOWS)
def test_a_document_is_given_back_as_it_came(document: bytes, window: int) -> None:
    try:
        transcripts = [stepwise(document, [], window), read_transcript(document)]
    except InvalidReplyError:
        return
    for transcript in transcripts:
        # As text, because an infinity that is not one is not equal to itself.
        assert json.dumps(transcript.to_dict(), sort_keys=True) == json.dumps(json.loads(document), sort_keys=True)


def long_document(length: int, **changed: Any) -> dict[str, Any]:
    chance = random.Random(length)
    rows: list[dict[str, Any]] = []
    for number in range(length):
        times = [1000 * number + 90 * place for place in range(11)]
        words: list[dict[str, Any]] = [
            {"begin_time": begin, "end_time": end, "text": chance.choice(["hello ", "你好"]), "punctuation": ""}
            for begin, end in itertools.pairwise(times)
        ]
        said = "".join(word["text"] for word in words)
        rows.append(
            {"begin_time": times[0], "end_time": times[-1], "text": said, "sentence_id": number + 1, "words": words}
        )
    track = {"channel_id": 0, "text": " ".join(row["text"] for row in rows), "sentences": rows}
    return {"file_url": "https://h/a.wav", "properties": {"channels": [0]}, "transcripts": [track | changed]}


LONG = long_document(400)


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (",\n", " :\t")])
def test_a_long_document_is_read_whatever_its_spaces(separators: tuple[str, str], ascii_only: bool) -> None:
    document = json.dumps(LONG, separators=separators, ensure_ascii=ascii_only).encode()
    assert len(document) > 4 * scanner.WINDOW
    transcript = read_transcript(document)
    assert outcome(lambda: transcript) == outcome(plainly, document)
    assert transcript.to_dict() == LONG


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (",\n", " :\t")])
@pytest.mark.parametrize("changed", [{}, {"speaker_id": 1}, {"emotion": "happy", "language": "en"}])
def test_what_the_service_writes_is_not_read_by_the_book(
    separators: tuple[str, str], changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That takes three times as long: the words would be made, too."""
    rows = [row | changed for row in LONG["transcripts"][0]["sentences"]]
    document = json.dumps(long_document(1, sentences=rows), separators=separators).encode()
    monkeypatch.delattr(sentences.Sentences, "_odd")
    assert len(read_transcript(document).sentences) == 400


@pytest.mark.parametrize(
    "odd",
    [
        {"text": "x" * 300_000},
        {"text": "你\ud83d\n" * 60_000},
        {"notes": [[1, {"a": [None, "x" * 90]}]] * 6000},
        {"notes": {str(number): number / 7 for number in range(20_000)}},
        {"sentences": [LONG["transcripts"][0]["sentences"][0] | {"text": "y" * 200_000}]},
        {"sentences": [{"text": "one sentence", "words": LONG["transcripts"][0]["sentences"][0]["words"] * 500}]},
        {"sentences": [{"words": [{"begin_time": "1", "text": "x", "why": {}}] * 9000, "more": "z" * 70_000}]},
        {"sentences": [{"words": [{"begin_time": 1}] * 9000 + [{"begin_time": "x"}], "text": "z" * 70_000}]},
        {"sentences": [{"words": "z" * 70_000}]},
        {"sentences": [{"text": "fine, and a little longer"}] * 3000 + [5]},
        {"sentences": [{"text": "fine", "emotion": "happy", "language": "en"}] * 5000},
        {"sentences": [{"text": "fine", "begin_time": "7"}] * 5000 + [{"begin_time": {}}]},
    ],
    ids="-".join,
)
def test_a_long_document_with_something_odd_in_it_is_read_the_same(odd: dict[str, Any]) -> None:
    for document in (long_document(300, **odd), LONG | odd):
        text = json.dumps(document).encode()
        assert outcome(read_transcript, text) == outcome(plainly, text)


@pytest.mark.parametrize("depth", [30, 100, 150, 5000, 100_000])
def test_depth_is_no_danger(depth: int) -> None:
    nested = b"[" * depth + b"1" + b"]" * depth
    document = b'{"transcripts": [], "deep": ' + nested + b', "long": "' + b"x" * 3_000_000 + b'"}'
    assert outcome(read_transcript, document) == outcome(plainly, document)
    wide = b'{"a": "' + b"y" * 70_000 + b'", "b": '
    document = b'{"transcripts": [], "deep": ' + wide * min(depth, 150) + b"1" + b"}" * min(depth, 150) + b"}"
    assert outcome(read_transcript, document) == outcome(plainly, document)


def test_of_several_faults_the_same_one_is_named() -> None:
    first = {"text": ["x"], "sentences": [{"begin_time": "x"}]}
    document = LONG | {"transcripts": [LONG["transcripts"][0], {"sentences": [{}, {"text": {}}]}, first]}
    for changed in (document, document | {"file_url": {}}):
        text = json.dumps(changed).encode()
        assert outcome(read_transcript, text) == outcome(plainly, text)
        assert isinstance(outcome(plainly, text)[0], str)


COMPACT = json.dumps(long_document(3), separators=(",", ":"), ensure_ascii=False).encode()


@settings(deadline=None)
@given(st.integers(0, len(COMPACT) - 1), CUTS, WINDOWS)
@example(length=0, cuts=[], window=4)
def test_a_document_cut_at_any_byte_is_a_clear_error(length: int, cuts: list[int], window: int) -> None:
    with pytest.raises(InvalidReplyError, match="not whole JSON"):
        stepwise(COMPACT[:length], cuts, window)


def test_a_long_document_cut_anywhere_is_a_clear_error() -> None:
    document = json.dumps(LONG).encode()
    for length in (*range(0, len(document), 9973), *range(len(document) - 40, len(document))):
        with pytest.raises(InvalidReplyError, match="not whole JSON"):
            read_transcript(document[:length])


def test_bytes_one_at_a_time_are_read_in_no_more_steps() -> None:
    document = json.dumps(LONG).encode()
    decoder, steps = TranscriptDecoder(), 0
    for place in range(len(document)):
        decoder.put(document[place : place + 1])
        while decoder.is_busy:
            decoder.step()
            steps += 1
    assert decoder.close() == plainly(document)
    assert steps <= len(document) / scanner.WINDOW + 1


def test_no_step_parses_more_than_a_few_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """However odd, large or nested: nothing that takes long is done in one step."""
    longest = 0
    parse = scanner._parse_first

    def measured(text: str) -> Any:
        nonlocal longest
        longest = max(longest, len(text))
        return parse(text)

    monkeypatch.setattr(scanner, "_parse_first", measured)
    words = LONG["transcripts"][0]["sentences"][0]["words"]
    notes = [[{"a": [1, "x"]}] * 5000, ["x" * 500_000], list(range(60_000))]
    document = json.dumps(long_document(2, sentences=[{"words": words * 3000}], notes=notes)).encode()
    decoder = TranscriptDecoder()
    decoder.put(document)
    decoder.end()
    steps = 0
    while decoder.is_busy:
        decoder.step()
        steps += 1
    assert decoder.close().channels[0].sentences[0].words[29_999].begin_time == 810
    assert longest <= 2 * scanner.WINDOW
    assert steps >= len(document) / scanner.WINDOW


def test_a_document_put_in_as_a_whole_is_read_a_window_a_step() -> None:
    document = json.dumps(long_document(3000)).encode()
    decoder, steps = TranscriptDecoder(), 0
    decoder.put(document)
    decoder.end()
    while decoder.is_busy:
        decoder.step()
        steps += 1
    assert decoder.close() == plainly(document)
    assert steps >= len(document) / scanner.WINDOW > 5


@pytest.mark.parametrize("item", ["7", "true", '"x"', '{"a": 7}'])
def test_many_small_values_take_many_steps(item: str) -> None:
    """Each costs far more than its few bytes: a window of them would hold the interpreter for tens of milliseconds."""
    count = 60_000
    decoder = TranscriptDecoder()
    decoder.put(f'{{"transcripts": [], "notes": [{", ".join([item] * count)}], "text": "{"x" * 2_000_000}"}}'.encode())
    decoder.end()
    steps = 0
    while decoder.is_busy:
        decoder.step()
        steps += 1
    assert len(decoder.close().extra["notes"]) == count
    assert count / steps < 500


@pytest.mark.parametrize("filling", [b"{},", b"[],", b'{"a":{}},'])
@pytest.mark.parametrize("opening", [b'{"transcripts":[{"sentences":[', b'{"transcripts":[', b"["])
def test_empty_objects_without_end_take_no_memory(opening: bytes, filling: bytes) -> None:
    document = opening + filling * 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(InvalidReplyError, match="so many objects"):
            read_transcript(document)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(document)


def test_a_document_dense_at_first_and_thin_on_the_whole_is_read() -> None:
    rows: list[dict[str, Any]] = [{}] * 40_000
    document = json.dumps({"transcripts": [{"sentences": rows, "text": "x" * 1_000_000}]}).encode()
    assert len(read_transcript(document).sentences) == 40_000


def test_the_words_are_not_made_before_they_are_asked_for() -> None:
    document = json.dumps(long_document(3000), ensure_ascii=False).encode()
    tracemalloc.start()
    try:
        decoder = TranscriptDecoder()
        for start in range(0, len(document), 50_000):
            decoder.feed(document[start : start + 50_000])
        transcript = decoder.close()
        _, peak = tracemalloc.get_traced_memory()
        assert peak < 1.7 * len(document)
        assert len(transcript.words) == 30_000
        assert tracemalloc.get_traced_memory()[0] > 2 * len(document)
    finally:
        tracemalloc.stop()


@settings(max_examples=200, deadline=None)
@given(written(SENTENCES), st.booleans())
def test_words_are_the_same_with_msgspec_and_without(sentence: bytes, quickly: bool) -> None:
    try:
        content = json.loads(sentence)
        expected = structure(content, Sentence)
    except (ValueError, InvalidReplyError):
        return
    sentence = json.dumps(content).encode() if sentence[:1] != b"{" else sentence
    with pytest.MonkeyPatch.context() as patch:
        if not quickly:
            patch.setattr(speed, "_decode", None)
        found = read_words(sentence)
    assert found == expected.words
    assert [type(word.begin_time) for word in found] == [int] * len(found)


def test_plain_words_are_read_by_msgspec() -> None:
    pytest.importorskip("msgspec")
    plain = json.dumps(LONG["transcripts"][0]["sentences"][0]).encode()
    assert speed.quick_words(plain) == plainly(json.dumps(LONG).encode()).sentences[0].words
    assert speed.quick_words(plain.replace(b'"punctuation"', b'"mark"')) is None
