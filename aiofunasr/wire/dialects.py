"""The other dialect, brought into the form of the usual one (the protocol notes, sections 2.6 and 5.4).

Models that take one file a task answer with one result, and call a few things otherwise. From here on nobody needs to
know. What is in the usual form already passes as it is.
"""

from __future__ import annotations

from typing import Any

from aiofunasr.snapshots import TaskStatus


def with_results(output: dict[str, Any]) -> dict[str, Any]:
    """Return the `output` of a query with a list of results, where it has one alone."""
    alone = output.get("result")
    if output.get("results") is not None or not isinstance(alone, dict):
        return output
    rest = {name: value for name, value in output.items() if name != "result"}
    status = TaskStatus.SUCCEEDED if alone.get("transcription_url") else output.get("task_status")
    return {**rest, "results": [{"subtask_status": status, **alone}]}


def duration_of(usage: Any) -> Any:
    """Return the billed seconds of a task, under either of their names."""
    if not isinstance(usage, dict):
        return None
    return usage.get("duration", usage.get("seconds"))


def with_properties(document: dict[str, Any]) -> dict[str, Any]:
    """Return a transcription document that says what the file is where the usual one does."""
    audio = document.get("audio_info")
    if document.get("properties") is not None or not isinstance(audio, dict):
        return document
    found = {"audio_format": audio.get("format"), "original_sampling_rate": audio.get("sample_rate")}
    return {**document, "properties": {name: value for name, value in found.items() if value is not None}}
