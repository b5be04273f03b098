"""Write the transcription document of one file (protocol notes, section 5.1)."""

from __future__ import annotations

from typing import Any

from aiofunasr.emulator.messages import json_bytes
from aiofunasr.emulator.recognizer import Recognition, RecognitionRequest, RecognizedSentence, RecognizedTrack
from aiofunasr.emulator.word_filter import WordFilter


def transcription_document(request: RecognitionRequest, recognition: Recognition, word_filter: WordFilter) -> bytes:
    """Return the document as UTF-8 JSON; for hours of speech this takes long enough to want a thread.

    Sentences are numbered from 1 in each track. `speaker_id` appears only with diarization, and only where
    the recognizer gave one.
    """
    return json_bytes(
        {
            "file_url": request.file_url,
            "properties": {
                "audio_format": recognition.audio_format,
                "channels": list(recognition.channels),
                "original_sampling_rate": recognition.sampling_rate,
                "original_duration_in_milliseconds": recognition.duration_ms,
            },
            "transcripts": [_transcript(track, request, word_filter) for track in recognition.tracks],
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


def _transcript(track: RecognizedTrack, request: RecognitionRequest, word_filter: WordFilter) -> dict[str, Any]:
    sentences = [word_filter.apply(sentence) for sentence in track.sentences]
    return {
        "channel_id": track.channel_id,
        "content_duration_in_milliseconds": track.speech_ms,
        "text": _joined([sentence.text for sentence in sentences]),
        "sentences": [
            _sentence(number, sentence, request.diarization_enabled)
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
    body["words"] = [
        {
            "begin_time": word.begin_ms,
            "end_time": word.end_ms,
            "text": word.text,
            "punctuation": word.punctuation,
        }
        for word in sentence.words
    ]
    return body


def _joined(texts: list[str]) -> str:
    """Join sentences with a space, but not after one that ends in a script without spaces."""
    joined: list[str] = []
    for text in texts:
        if joined and joined[-1] and ord(joined[-1][-1]) < 0x2E80:
            joined.append(" ")
        joined.append(text)
    return "".join(joined)
