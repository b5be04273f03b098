"""JSON: the service's own document for one file, or a line for each result.

Both are data for programs, so URLs stand in them as they were given, signatures included: a record that cannot be
matched with its input is of no use. Treat them as you treat the input. (The command line takes the signatures out.)
"""

from __future__ import annotations

import json
import os
from typing import Any

from attrs import fields

from aiofunasr.errors import FunASRError
from aiofunasr.results import AudioProperties, Channel, Sentence, SubtaskResult, Transcript, Word


def render_json(transcript: Transcript) -> str:
    """Write the document of one file, indented."""
    return json.dumps(transcript_document(transcript), ensure_ascii=False, indent=2) + "\n"


def render_json_line(subject: Transcript | SubtaskResult) -> str:
    """Write one line about a file, whether it failed or not."""
    record = result_record(subject) if isinstance(subject, SubtaskResult) else _transcript_record(subject)
    return json.dumps(record, ensure_ascii=False) + "\n"


def transcript_document(transcript: Transcript) -> dict[str, Any]:
    """Return a transcript in the service's shape (the protocol notes, section 5.1).

    What the service left out is left out; keys this library does not know are there again.
    """
    return {
        "file_url": transcript.file_url,
        "properties": _object(transcript.properties),
        "transcripts": [_channel(channel) for channel in transcript.channels],
    } | dict(transcript.extra)


def result_record(result: SubtaskResult) -> dict[str, Any]:
    """Return what became of one file as a flat object; its keys are always the same.

    `error` is null, or an object with `type`, `code` and `message`; times and `duration` are milliseconds.
    """
    transcript = result.transcript or Transcript()
    return {
        "source": os.fspath(result.source),
        "index": result.index,
        "ok": result.ok,
        "text": result.text,
        "no_speech": result.no_speech,
        "error": None if result.error is None else _error(result.error),
        "task_id": result.task_id,
        "token": result.token,
        "file_url": result.file_url,
        "duration": transcript.duration,
        "sentences": _sentences(transcript),
    }


def _transcript_record(transcript: Transcript) -> dict[str, Any]:
    result = SubtaskResult(
        source=transcript.file_url,
        file_url=transcript.file_url,
        index=0,
        transcript=transcript,
        no_speech=not transcript.text,
    )
    return result_record(result)


def _error(error: FunASRError) -> dict[str, str]:
    # Neither a code nor a message is common to all of the error tree.
    code = getattr(error, "code", "")
    return {"type": type(error).__name__, "code": code, "message": str(error)}


def _sentences(transcript: Transcript) -> list[dict[str, Any]]:
    """List the sentences of all channels in time order, each with the channel it is from."""
    found = [
        {"channel_id": channel.channel_id} | _sentence(sentence)
        for channel in transcript.channels
        for sentence in channel.sentences
    ]
    return sorted(found, key=lambda sentence: (sentence["begin_time"], sentence["channel_id"]))


def _channel(channel: Channel) -> dict[str, Any]:
    return _object(channel) | {"sentences": [_sentence(sentence) for sentence in channel.sentences]}


def _sentence(sentence: Sentence) -> dict[str, Any]:
    return _object(sentence) | {"words": [_object(word) for word in sentence.words]}


def _object(value: AudioProperties | Channel | Sentence | Word) -> dict[str, Any]:
    """Return the fields of a value that are set, then the keys nobody knew."""
    known = {
        field.name: list(item) if isinstance(item, tuple) else item
        for field in fields(type(value))
        if field.name != "extra" and (item := getattr(value, field.name)) is not None
    }
    return known | dict(value.extra)
