from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from emulator_caller import Caller
from hypothesis import given, settings
from hypothesis import strategies as st

from aiofunasr.emulator import (
    EmulatorSettings,
    FileProblem,
    FileProblemError,
    Recognition,
    RecognitionRequest,
    RecognizedSentence,
    RecognizedTrack,
    RecognizedWord,
    ScriptedRecognizer,
    Service,
)
from aiofunasr.emulator.document import transcription_document
from aiofunasr.emulator.word_filter import WordFilter

URL = "https://media.example.com/a.wav"
WORDS = (
    RecognizedWord(80, 560, "Hello "),
    RecognizedWord(560, 1010, "world", ", "),
    RecognizedWord(1120, 1400, "alphabet ", ""),
    RecognizedWord(1400, 1600, "alpha", "."),
)
SENTENCE = RecognizedSentence(80, 1600, "Hello world, alphabet alpha.", WORDS, speaker_id=1)


def written(
    *sentences: RecognizedSentence, request: RecognitionRequest | None = None, **filters: Any
) -> dict[str, Any]:
    recognition = Recognition("pcm_s16le", (0, 1), 16000, 4087, (RecognizedTrack(1, 3940, tuple(sentences)),))
    word_filter = WordFilter(filters.get("masked", ()), filters.get("deleted", ()))
    document: dict[str, Any] = json.loads(
        transcription_document(request or RecognitionRequest(URL), recognition, word_filter)
    )
    return document


def test_the_document_is_that_of_the_notes() -> None:
    assert written(SENTENCE) == {
        "file_url": URL,
        "properties": {
            "audio_format": "pcm_s16le",
            "channels": [0, 1],
            "original_sampling_rate": 16000,
            "original_duration_in_milliseconds": 4087,
        },
        "transcripts": [
            {
                "channel_id": 1,
                "content_duration_in_milliseconds": 3940,
                "text": "Hello world, alphabet alpha.",
                "sentences": [
                    {
                        "begin_time": 80,
                        "end_time": 1600,
                        "text": "Hello world, alphabet alpha.",
                        "sentence_id": 1,
                        "words": [
                            {"begin_time": 80, "end_time": 560, "text": "Hello ", "punctuation": ""},
                            {"begin_time": 560, "end_time": 1010, "text": "world", "punctuation": ", "},
                            {"begin_time": 1120, "end_time": 1400, "text": "alphabet ", "punctuation": ""},
                            {"begin_time": 1400, "end_time": 1600, "text": "alpha", "punctuation": "."},
                        ],
                    }
                ],
            }
        ],
    }


def test_sentences_are_joined_as_their_script_wants() -> None:
    chinese = RecognizedSentence(0, 1, "你好。")
    english = RecognizedSentence(0, 1, "Hello.")
    assert written(english, english)["transcripts"][0]["text"] == "Hello. Hello."
    assert written(chinese, chinese)["transcripts"][0]["text"] == "你好。你好。"


def test_speakers_appear_only_with_diarization() -> None:
    request = RecognitionRequest(URL, diarization_enabled=True)
    (sentence,) = written(SENTENCE, request=request)["transcripts"][0]["sentences"]
    assert sentence["speaker_id"] == 1
    nobody = RecognizedSentence(0, 1, "Who?")
    (sentence,) = written(nobody, request=request)["transcripts"][0]["sentences"]
    assert "speaker_id" not in sentence


def test_words_are_masked_one_star_per_character() -> None:
    (sentence,) = written(SENTENCE, masked=("ALPHA",))["transcripts"][0]["sentences"]
    assert sentence["text"] == "Hello world, alphabet *****."
    assert [word["text"] for word in sentence["words"]] == ["Hello ", "world", "alphabet ", "*****"]


def test_phrases_are_found_across_words() -> None:
    (sentence,) = written(SENTENCE, masked=("hello world",))["transcripts"][0]["sentences"]
    assert sentence["text"] == "***********, alphabet alpha."
    assert [word["text"] for word in sentence["words"]][:2] == ["******", "*****"]


def test_words_are_deleted() -> None:
    (sentence,) = written(SENTENCE, deleted=("hello", "alpha"))["transcripts"][0]["sentences"]
    assert sentence["text"] == "world, alphabet ."
    assert [word["text"] for word in sentence["words"]] == ["world", "alphabet "]


def test_chinese_words_match_wherever_they_stand() -> None:
    sentence = RecognizedSentence(0, 9, "我们开始。", (RecognizedWord(0, 9, "我们开始", "。"),))
    (found,) = written(sentence, masked=("开始",))["transcripts"][0]["sentences"]
    assert found["text"] == "我们**。"
    assert found["words"][0]["text"] == "我们**"


@settings(deadline=None)
@given(st.lists(st.sampled_from(["alpha", "beta", "gamma"]), min_size=1, max_size=8))
def test_masking_keeps_every_length(texts: list[str]) -> None:
    words = tuple(RecognizedWord(i, i + 1, text + " ") for i, text in enumerate(texts))
    sentence = RecognizedSentence(0, 9, " ".join(texts), words)
    masked = WordFilter(("beta", "alpha beta")).apply(sentence)
    assert len(masked.text) == len(sentence.text)
    assert "beta" not in masked.text
    assert [len(word.text) for word in masked.words] == [len(word.text) for word in words]
    assert "".join(word.text for word in masked.words).strip() == masked.text


def test_the_built_in_list_is_active_unless_switched_off() -> None:
    sentence = RecognizedSentence(0, 9, "A secret word.", (RecognizedWord(0, 9, "A secret word", "."),))
    recognition = Recognition("mp3", (0,), 16000, 9000, (RecognizedTrack(0, 700, (sentence,)),))
    settings = EmulatorSettings.instant(reserved_words=("secret",))
    caller = Caller(Service(settings, ScriptedRecognizer({URL: recognition})))

    def text(**parameters: str) -> str:
        output = caller.output(caller.submitted(URL, parameters=parameters))
        document = caller.document(output["results"][0]["transcription_url"])
        found: str = document["transcripts"][0]["text"]
        return found

    assert text() == "A ****** word."
    assert text(special_word_filter='{"filter_with_empty": {"word_list": ["word"]}}') == "A ****** ."
    assert text(special_word_filter='{"system_reserved_filter": false}') == "A secret word."


@settings(deadline=None)
@given(st.integers(1, 3_600_000), st.lists(st.integers(0, 3), min_size=1, unique=True), st.booleans())
def test_a_scripted_transcript_is_plausible(duration_ms: int, channels: list[int], chinese: bool) -> None:
    if duration_ms > 100_000:
        channels = channels[:1]
    recognizer = ScriptedRecognizer(duration_seconds=lambda _url: duration_ms / 1000)
    request = RecognitionRequest(URL, channel_ids=tuple(channels), language_hints=("zh",) if chinese else ())
    recognition = recognizer.outcome(request)
    assert isinstance(recognition, Recognition)
    assert recognition.duration_ms == duration_ms
    assert [track.channel_id for track in recognition.tracks] == channels
    assert set(channels) <= set(recognition.channels)
    for track in recognition.tracks:
        ends = [sentence.end_ms for sentence in track.sentences]
        assert ends[-1] <= duration_ms
        assert track.speech_ms == sum(s.end_ms - s.begin_ms for s in track.sentences)
        for earlier, later in pairwise(track.sentences):
            assert earlier.end_ms <= later.begin_ms
        for sentence in track.sentences:
            assert sentence.words[0].begin_ms == sentence.begin_ms
            assert sentence.words[-1].end_ms == sentence.end_ms
            assert "".join(word.text + word.punctuation for word in sentence.words) == sentence.text


async def test_the_script_is_a_recognizer_too() -> None:
    recognizer = ScriptedRecognizer({"https://a/b.wav": FileProblem("DECODE_ERROR")})
    recognition = await recognizer.recognize(RecognitionRequest(URL), None)
    assert recognition == recognizer.outcome(RecognitionRequest(URL))
    for url, code in {
        "https://a/b.wav": "DECODE_ERROR",
        "https://a/bad.txt": "UNSUPPORTED_FORMAT",
        "https://a/notes.txt": "UNSUPPORTED_FORMAT",
        "https://a/404.wav?x=y": "FILE_404_NOT_FOUND",
        "https://a/silence.mp3": "SUCCESS_WITH_NO_VALID_FRAGMENT",
        "https://a/InvalidFile.DownloadFailed.wav": "InvalidFile.DownloadFailed",
        "https://a/AUDIO_DURATION_TOO_LONG.wav": "AUDIO_DURATION_TOO_LONG",
    }.items():
        with pytest.raises(FileProblemError) as caught:
            await recognizer.recognize(RecognitionRequest(url), None)
        assert caught.value.code == code
    await recognizer.aclose()


@pytest.mark.parametrize(("every", "expected"), [(0, {0, 1, 2}), (10, {0, 1, 2, None})])
def test_diarized_documents_lack_some_speakers_where_told_to(every: int, expected: set[int | None]) -> None:
    request = RecognitionRequest("https://a/b-90s.wav", diarization_enabled=True, speaker_count=3)
    recognition = ScriptedRecognizer().outcome(request)
    assert isinstance(recognition, Recognition)
    document = json.loads(transcription_document(request, recognition, WordFilter(), every))
    sentences = document["transcripts"][0]["sentences"]
    assert {sentence.get("speaker_id") for sentence in sentences} == expected
    missing = [sentence["sentence_id"] for sentence in sentences if "speaker_id" not in sentence]
    assert missing == ([10, 20] if every else [])


@pytest.mark.parametrize(
    ("wanted", "model", "text"),
    [
        (True, "paraformer-v2", "We begin, well, now."),
        (False, "paraformer-v2", "Um, we begin, uh, well, now."),
        (True, "fun-asr", "Um, we begin, uh, well, now."),
    ],
)
def test_fillers_are_dropped_for_models_that_do_it(wanted: bool, model: str, text: str) -> None:
    marks = {"Um": ", ", "begin": ", ", "uh": ", ", "well": ", ", "now": "."}
    heard = ("Um", "we", "begin", "uh", "well", "now")
    words = tuple(
        RecognizedWord(n * 100, n * 100 + 90, word if word in marks else f"{word} ", marks.get(word, ""))
        for n, word in enumerate(heard)
    )
    sentence = RecognizedSentence(0, 600, "Um, we begin, uh, well, now.", words)
    recognition = Recognition("pcm_s16le", (0,), 16000, 600, (RecognizedTrack(0, 600, (sentence,)),))
    service = Service(EmulatorSettings.instant(), ScriptedRecognizer({"https://a/b.wav": recognition}))
    caller = Caller(service)
    task = caller.submitted("https://a/b.wav", model=model, parameters={"disfluency_removal_enabled": wanted})
    document = caller.document(caller.output(task)["results"][0]["transcription_url"])
    (written,) = document["transcripts"][0]["sentences"]
    assert written["text"] == text
    assert "".join(word["text"] + word["punctuation"] for word in written["words"]) == text
