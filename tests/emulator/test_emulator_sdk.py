"""The official SDK, unchanged, against the emulator: both of its generations (protocol notes, section 12)."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import requests
from anyio import to_thread

from aiofunasr.emulator import EmulatorServer, EmulatorSettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import dashscope
    from dashscope.audio.asr import Transcription, VocabularyService
    from dashscope.audio.asr.vocabulary import VocabularyServiceException
    from dashscope.audio.qwen_asr import QwenTranscription
    from dashscope.utils.oss_utils import OssUtils

MEDIA_URL = "https://media.example.com/a.wav"
SILENCE_URL = "https://media.example.com/silence.wav"


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EmulatorServer]:
    async with EmulatorServer(settings=EmulatorSettings.instant()) as server:
        monkeypatch.setattr(dashscope, "base_http_api_url", server.base_url)
        monkeypatch.setattr(dashscope, "api_key", server.api_key)
        yield server


async def test_submit_wait_and_fetch(server: EmulatorServer) -> None:
    def run() -> tuple[Any, Any, Any]:
        submitted = Transcription.async_call(model="fun-asr", file_urls=[MEDIA_URL, SILENCE_URL], language_hints=["en"])
        waited = Transcription.wait(submitted)
        return submitted, waited, Transcription.fetch(task=submitted.output.task_id)

    submitted, waited, fetched = await to_thread.run_sync(run)
    assert submitted.status_code == HTTPStatus.OK
    assert submitted.output.task_status == "PENDING"
    for response in (waited, fetched):
        assert response.status_code == HTTPStatus.OK
        assert response.output.task_status == "SUCCEEDED"
        assert response.output.task_id == submitted.output.task_id
        good, bad = response.output.results
        assert bad["code"] == "SUCCESS_WITH_NO_VALID_FRAGMENT"
        assert response.usage["duration"] > 0
    document = await to_thread.run_sync(lambda: requests.get(good["transcription_url"], timeout=30).json())
    assert document["file_url"] == MEDIA_URL
    assert len(server.service.ledger.submissions) == 1


async def test_call_is_submit_and_wait(server: EmulatorServer) -> None:
    response = await to_thread.run_sync(lambda: Transcription.call(model="paraformer-v2", file_urls=[MEDIA_URL]))
    assert response.output.task_status == "SUCCEEDED"
    assert server.service.ledger.requests["query"] == 1


async def test_errors_are_in_the_response(server: EmulatorServer) -> None:
    response = await to_thread.run_sync(lambda: Transcription.async_call(model="no-such-model", file_urls=[MEDIA_URL]))
    assert (response.status_code, response.code) == (404, "ModelNotFound")
    response = await to_thread.run_sync(
        lambda: Transcription.async_call(model="fun-asr", file_urls=[MEDIA_URL], api_key="sk-stranger")
    )
    assert (response.status_code, response.code) == (401, "InvalidApiKey")
    assert server.service.ledger.submissions == []


async def test_list_and_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = EmulatorSettings(queue_seconds=(3600.0, 3600.0))
    async with EmulatorServer(settings=settings) as server:
        monkeypatch.setattr(dashscope, "base_http_api_url", server.base_url)
        monkeypatch.setattr(dashscope, "api_key", server.api_key)

        def run() -> tuple[Any, ...]:
            submitted = Transcription.async_call(model="fun-asr", file_urls=[MEDIA_URL])
            listed = Transcription.list(model_name="fun-asr", status="PENDING", page_size=5)
            cancelled = Transcription.cancel(submitted)
            return submitted, listed, cancelled, Transcription.cancel(submitted), Transcription.wait(submitted)

        submitted, listed, cancelled, again, waited = await to_thread.run_sync(run)
        assert listed.status_code == HTTPStatus.OK
        assert listed.output["total"] == 1
        assert listed.output["data"][0]["task_id"] == submitted.output.task_id
        assert cancelled.status_code == HTTPStatus.OK
        assert (again.status_code, again.code) == (400, "UnsupportedOperation")
        assert waited.output.task_status == "CANCELED"


async def test_upload_and_submit(server: EmulatorServer, tmp_path: Path) -> None:
    file = tmp_path / "speech.wav"
    file.write_bytes(b"RIFF" * 1000)

    def run() -> Any:
        url, _ = OssUtils.upload(model="fun-asr", file_path=str(file), api_key=server.api_key)
        headers = {"X-DashScope-OssResourceResolve": "enable"}
        return url, Transcription.wait(Transcription.async_call(model="fun-asr", file_urls=[url], headers=headers))

    url, waited = await to_thread.run_sync(run)
    assert url.startswith("oss://dashscope-instant/")
    assert url.endswith("/speech.wav")
    (result,) = waited.output.results
    assert (result["file_url"], result["subtask_status"]) == (url, "SUCCEEDED")


async def test_vocabularies_and_a_task_that_uses_one(server: EmulatorServer) -> None:
    def run() -> list[Any]:
        service: Any = VocabularyService()
        items = [{"text": "Turbine", "weight": 4, "lang": "en"}]
        made = service.create_vocabulary(target_model="fun-asr", prefix="demo", vocabulary=items)
        listed = service.list_vocabularies(prefix="demo")
        first = service.query_vocabulary(made)
        service.update_vocabulary(made, [{"text": "Rotor", "weight": 1}])
        second = service.query_vocabulary(made)
        used = Transcription.call(model="fun-asr", file_urls=[MEDIA_URL], vocabulary_id=made)
        service.delete_vocabulary(made)
        with pytest.raises(VocabularyServiceException, match="InvalidParameter"):
            service.query_vocabulary(made)
        return [made, listed, first, second, used, service.list_vocabularies(), service.get_last_request_id()]

    made, listed, first, second, used, left, request_id = await to_thread.run_sync(run)
    assert made.startswith("vocab-demo-")
    assert [row["vocabulary_id"] for row in listed] == [made]
    assert (first["target_model"], first["status"]) == ("fun-asr", "OK")
    assert first["vocabulary"] == [{"text": "Turbine", "weight": 4, "lang": "en"}]
    assert second["vocabulary"] == [{"text": "Rotor", "weight": 1}]
    assert used.output.task_status == "SUCCEEDED"
    assert left == []
    assert request_id
    assert server.service.ledger.submissions[0].parameters == {"vocabulary_id": made}


async def test_the_eleventh_vocabulary_is_refused(server: EmulatorServer) -> None:
    def run() -> None:
        service = VocabularyService()
        for _ in range(10):
            service.create_vocabulary("fun-asr", "demo", [{"text": "Turbine", "weight": 4}])
        with pytest.raises(VocabularyServiceException, match=r"400, Code: Throttling\.AllocationQuota"):
            service.create_vocabulary("fun-asr", "demo", [{"text": "Turbine", "weight": 4}])

    await to_thread.run_sync(run)
    assert server.service.ledger.requests["vocabulary"] == 11


async def test_a_temporary_token_in_place_of_the_key(server: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # The SDK has no call for it, so it is asked for as the documentation's own example does.
    def run() -> Any:
        headers = {"Authorization": f"Bearer {server.api_key}"}
        made = requests.post(f"{server.base_url}/tokens?expire_in_seconds=1800", headers=headers, timeout=30).json()
        monkeypatch.setattr(dashscope, "api_key", made["token"])
        task = Transcription.call(model="fun-asr", file_urls=[MEDIA_URL])
        return task, VocabularyService().list_vocabularies()

    task, listed = await to_thread.run_sync(run)
    assert task.output.task_status == "SUCCEEDED"
    assert listed == []


async def test_the_other_dialect(server: EmulatorServer) -> None:
    def run() -> tuple[Any, Any]:
        good = QwenTranscription.call(model="qwen3-asr-flash-filetrans", file_url=MEDIA_URL, enable_words=True)
        bad = QwenTranscription.call(model="qwen3-asr-flash-filetrans", file_url=SILENCE_URL)
        return good, bad

    good, bad = await to_thread.run_sync(run)
    assert good.output["task_status"] == "SUCCEEDED"
    assert good.usage["seconds"] > 0
    url = good.output["result"]["transcription_url"]
    document = await to_thread.run_sync(lambda: requests.get(url, timeout=30).json())
    assert document["transcripts"][0]["sentences"][0]["sentence_id"] == 0
    assert document["transcripts"][0]["sentences"][0]["words"]
    assert bad.output["task_status"] == "FAILED"
    assert bad.output["code"] == "SUCCESS_WITH_NO_VALID_FRAGMENT"
    assert [submission.file_urls for submission in server.service.ledger.submissions] == [(MEDIA_URL,), (SILENCE_URL,)]


@pytest.mark.filterwarnings("ignore:dashscope 2.0 audio API is a preview:FutureWarning")
async def test_the_asyncio_client(server: EmulatorServer) -> None:
    client = dashscope.AsyncClient(api_key=server.api_key, base_url=server.base_url)
    async with client:
        job: Any = await client.audio.asr.transcribe([MEDIA_URL], model="fun-asr", poll_interval=0.01)
        assert job.succeeded
        assert job.results[0].file_url == MEDIA_URL
        assert job.usage.duration > 0
        again: Any = await client.audio.asr.jobs.fetch(job.task_id)
        assert again.results[0].transcription_url == job.results[0].transcription_url
    assert len(server.service.ledger.submissions) == 1
