"""JSON: the service's own document for one file, or a line for each result.

Both are data for programs, so URLs stand in them as they were given, signatures included: a record that cannot be
matched with its input is of no use. Treat them as you treat the input. (The command line takes the signatures out.)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from typing import Any

from attrs import evolve

from aiofunasr.errors import FunASRError
from aiofunasr.jsontext import json_pieces
from aiofunasr.results import SubtaskResult, Transcript
from aiofunasr.results.sources import afresh


def json_document(transcript: Transcript) -> Iterator[str]:
    """Write the document of one file (the protocol notes, section 5.1), indented."""
    return chain(transcript.iter_json(indent=2), ["\n"])


def json_line(subject: Transcript | SubtaskResult) -> Iterator[str]:
    """Write one line about a file, whether it failed or not."""
    result = subject if isinstance(subject, SubtaskResult) else _result_of(subject)
    record = _head(result) | {"sentences": _sentences(result.transcript or Transcript())}
    return chain(json_pieces(record, ensure_ascii=False), ["\n"])


def result_record(result: SubtaskResult) -> dict[str, Any]:
    """Return what became of one file as a flat object; its keys are always the same.

    `error` is null, or an object with `type`, `code` and `message`; times and `duration` are milliseconds. Sentences
    are those of all channels in time order, each with the channel it is from, and hold what was read rather than what
    was written: a number is one even if the service sent a string.
    """
    return _head(result) | {"sentences": list(_sentences(result.transcript or Transcript()))}


def _head(result: SubtaskResult) -> dict[str, Any]:
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
    }


def _result_of(transcript: Transcript) -> SubtaskResult:
    return SubtaskResult(
        source=transcript.file_url,
        file_url=transcript.file_url,
        index=0,
        transcript=transcript,
        no_speech=not transcript.text,
    )


def _error(error: FunASRError) -> dict[str, str]:
    # Neither a code nor a message is common to all of the error tree.
    code = getattr(error, "code", "")
    return {"type": type(error).__name__, "code": code, "message": str(error)}


def _sentences(transcript: Transcript) -> Iterator[dict[str, Any]]:
    found = [(channel.channel_id, sentence) for channel in transcript.channels for sentence in channel.sentences]
    for channel_id, sentence in sorted(found, key=lambda one: (one[1].begin_time, one[0])):
        # A changed sentence is one that nobody read, which writes its own fields.
        yield {"channel_id": channel_id} | evolve(afresh(sentence)).to_dict()
