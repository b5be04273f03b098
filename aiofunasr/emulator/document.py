"""Write the transcription document of one file (protocol notes, sections 5.1 and 5.4)."""

from __future__ import annotations

from typing import Any

from aiofunasr.emulator.messages import json_bytes
from aiofunasr.emulator.models import model_named
from aiofunasr.emulator.recognizer import Recognition, RecognitionRequest, RecognizedSentence, RecognizedTrack
from aiofunasr.emulator.word_filter import WordFilter


def transcription_document(
    request: RecognitionRequest,
    recognition: Recognition,
    word_filter: WordFilter,
    missing_speaker_every: int = 0,
) -> bytes:
    """Return the document as UTF-8 JSON; for hours of speech this takes long enough to want a thread.

    Sentences are numbered from 1 in each track. `speaker_id` appears only with diarization, only where
    the recognizer gave one, and not in every so many-th sentence, as seen in the wild. Models that take a single file
    have a document of another form.
    """
    if model_named(request.model).shape == "one":
        return json_bytes(_single_document(request, recognition))
    return json_bytes(
        {
            "file_url": request.file_url,
            "properties": {
                "audio_format": recognition.audio_format,
                "channels": list(recognition.channels),
                "original_sampling_rate": recognition.sampling_rate,
                "original_duration_in_milliseconds": recognition.duration_ms,
            },
            "transcripts": [
                _transcript(track, request, word_filter, missing_speaker_every) for track in recognition.tracks
            ],
        }
    )


def speech_ms(recognition: Recognition) -> int:
    """Return what a file is billed for: the detected speech of every requested track."""
    return sum(track.speech_ms for track in recognition.tracks)


def no_speech_code(recognition: Recognition) -> str | None:
    """Return the code of a file in which no track has a word, or None (protocol notes, section 6.3)."""
    if any(track.sentences for track in recognition.tracks):
        return None
    return "ASR_RESPONSE_HAVE_NO_WORDS" if speech_ms(recognition) else "SUCCESS_WITH_NO_VALID_FRAGMENT"


def _transcript(
    track: RecognizedTrack, request: RecognitionRequest, word_filter: WordFilter, missing_speaker_every: int
) -> dict[str, Any]:
    sentences = [word_filter.apply(sentence) for sentence in track.sentences]
    return {
        "channel_id": track.channel_id,
        "content_duration_in_milliseconds": track.speech_ms,
        "text": _joined([sentence.text for sentence in sentences]),
        "sentences": [
            _sentence(number, sentence, request.diarization_enabled and not _is_missing(number, missing_speaker_every))
            for number, sentence in enumerate(sentences, start=1)
        ],
    }


def _sentence(number: int, sentence: RecognizedSentence, diarized: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "begin_time": sentence.begin_ms,
        "end_time": sentence.end_ms,
        "text": sentence.text,
        "sentence_id": number,
    }
    if diarized and sentence.speaker_id is not None:
        body["speaker_id"] = sentence.speaker_id
    body["words"] = _words(sentence)
    return body


def _words(sentence: RecognizedSentence) -> list[dict[str, Any]]:
    return [
        {
            "begin_time": word.begin_ms,
            "end_time": word.end_ms,
            "text": word.text,
            "punctuation": word.punctuation,
        }
        for word in sentence.words
    ]


def _is_missing(number: int, every: int) -> bool:
    return every > 0 and number % every == 0


def _single_document(request: RecognitionRequest, recognition: Recognition) -> dict[str, Any]:
    """Build the document of a model that takes one file: sentences from 0, with a language and an emotion."""
    return {
        "file_url": request.file_url,
        "audio_info": {"format": recognition.audio_format, "sample_rate": recognition.sampling_rate},
        "transcripts": [
            {
                "channel_id": track.channel_id,
                "text": _joined([sentence.text for sentence in track.sentences]),
                "sentences": [
                    _felt_sentence(number, sentence, request) for number, sentence in enumerate(track.sentences)
                ],
            }
            for track in recognition.tracks
        ],
    }


def _felt_sentence(number: int, sentence: RecognizedSentence, request: RecognitionRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "sentence_id": number,
        "begin_time": sentence.begin_ms,
        "end_time": sentence.end_ms,
        "language": request.language_hints[0] if request.language_hints else _guessed_language(sentence.text),
        # No recognizer here hears how something is said.
        "emotion": "neutral",
        "text": sentence.text,
    }
    return {**body, "words": _words(sentence)} if request.words_enabled else body


def _guessed_language(text: str) -> str:
    return "en" if text.isascii() else "zh"


def _joined(texts: list[str]) -> str:
    """Join sentences with a space, but not after one that ends in a script without spaces."""
    joined: list[str] = []
    for text in texts:
        if joined and joined[-1] and ord(joined[-1][-1]) < 0x2E80:
            joined.append(" ")
        joined.append(text)
    return "".join(joined)
