"""The other dialect: a model that takes one file (protocol notes, sections 2.6 and 5.4)."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_caller import Caller, error_of, load

from aiofunasr.emulator import EmulatorSettings, HttpResponse, ScriptedRecognizer, Service

MODEL = "qwen3-asr-flash-filetrans"
URL = "https://media.example.com/call-30s.wav"


def make(**changes: Any) -> Caller:
    return Caller(Service(EmulatorSettings(**changes), ScriptedRecognizer()))


def submit(caller: Caller, url: Any = URL, **parameters: Any) -> HttpResponse:
    return caller.submit_raw({"model": MODEL, "input": {"file_url": url}, "parameters": parameters})


def submitted(caller: Caller, url: str = URL, **parameters: Any) -> str:
    response = submit(caller, url, **parameters)
    assert response.status == 200, response.body
    task_id: str = load(response)["output"]["task_id"]
    return task_id


def test_a_task_has_one_result_and_usage_in_seconds() -> None:
    caller = make()
    task = submitted(caller)
    assert caller.output(task).keys() == {"task_id", "task_status", "submit_time"}
    caller.sleep(10)
    body = caller.query(task)
    output = body["output"]
    assert output.keys() == {"task_id", "task_status", "submit_time", "scheduled_time", "end_time", "result"}
    assert output["result"].keys() == {"transcription_url"}
    assert body["usage"].keys() == {"seconds"}
    assert body["usage"]["seconds"] == caller.service.ledger.billed_seconds > 0


@pytest.mark.parametrize("words", [False, True])
def test_the_document_has_a_form_of_its_own(words: bool) -> None:
    caller = make()
    task = submitted(caller, enable_words=words, language="en")
    caller.sleep(10)
    document = caller.document(caller.output(task)["result"]["transcription_url"])
    assert document.keys() == {"file_url", "audio_info", "transcripts"}
    assert document["audio_info"] == {"format": "pcm_s16le", "sample_rate": 16000}
    (transcript,) = document["transcripts"]
    assert transcript.keys() == {"channel_id", "text", "sentences"}
    assert [sentence["sentence_id"] for sentence in transcript["sentences"]] == list(range(7))
    for sentence in transcript["sentences"]:
        assert (sentence["language"], sentence["emotion"]) == ("en", "neutral")
        assert ("words" in sentence) == words
    assert transcript["text"] == " ".join(sentence["text"] for sentence in transcript["sentences"])


def test_the_language_is_guessed_where_it_is_not_said() -> None:
    caller = make()
    task = submitted(caller)
    caller.sleep(10)
    document = caller.document(caller.output(task)["result"]["transcription_url"])
    assert document["transcripts"][0]["sentences"][0]["language"] == "en"


@pytest.mark.parametrize("form", ["failed", "succeeded", "bare"])
def test_a_failed_task_has_a_code_and_no_results_whatever_form_others_have(form: Any) -> None:
    caller = make(all_failed_form=form)
    task = submitted(caller, "https://media.example.com/403.wav")
    caller.sleep(10)
    body = caller.query(task)
    assert body["output"]["task_status"] == "FAILED"
    assert body["output"]["code"] == "FILE_403_FORBIDDEN"
    assert not body["output"].keys() & {"result", "results", "task_metrics"}
    assert "usage" not in body
    assert caller.list(status="FAILED")["data"][0]["task_id"] == task


def test_each_shape_is_refused_by_the_other_kind_of_model() -> None:
    caller = make()
    response = caller.submit(URL, model=MODEL)
    assert error_of(response) == (400, "InvalidParameter")
    assert load(response)["message"] == "input must contain file_url"
    response = caller.submit_raw({"model": "fun-asr", "input": {"file_url": URL}, "parameters": {}})
    assert load(response)["message"] == "input must contain file_urls"


@pytest.mark.parametrize("url", ["", None, 5, [URL], "/home/me/a.wav"])
def test_the_one_file_is_a_url(url: Any) -> None:
    assert error_of(submit(make(), url)) == (400, "InvalidParameter")


def test_the_model_has_a_limit_a_minute() -> None:
    caller = make()
    assert [submit(caller).status for _ in range(3)] == [200, 200, 429]
