"""Probes of the emulated service: each returns what a client sees, which a switch decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from emulator_caller import START, Caller, error_of, load

URL = "https://media.example.com/call-40s.wav"
DEAD_URL = "https://media.example.com/404.wav"
SINGAPORE = "dashscope-intl.aliyuncs.com"
WORKSPACE = "ws-1.cn-beijing.maas.aliyuncs.com"
BARE: dict[str, Any] = {"model": "fun-asr", "input": {"file_urls": [URL]}}

Probe = Callable[[Caller], Any]


def ended(caller: Caller, *urls: str, **parameters: Any) -> dict[str, Any]:
    """Return the output of a task that has ended."""
    task = caller.submitted(*(urls or (URL,)), parameters=parameters)
    caller.sleep(1000)
    return caller.output(task)


def document(caller: Caller, **parameters: Any) -> dict[str, Any]:
    return caller.document(ended(caller, **parameters)["results"][0]["transcription_url"])


def download(caller: Caller, after: float = 0.0, change: str = "", **headers: str) -> int:
    url = ended(caller)["results"][0]["transcription_url"]
    caller.sleep(after)
    return caller.download(url.replace("%3A", change) if change else url, **headers).status


def statuses(caller: Caller, *moments: float, url: str = URL) -> list[str]:
    task = caller.submitted(url)
    found: list[str] = []
    for moment in moments:
        caller.now = START + moment
        found.append(caller.output(task)["task_status"])
    return found


def running(caller: Caller) -> dict[str, Any]:
    """Return the output of a task that is RUNNING, with a file that is done already."""
    task = caller.submitted(URL, "https://media.example.com/call-4000s.wav")
    caller.sleep(10)
    output = caller.output(task)
    assert output["task_status"] == "RUNNING"
    return output


def at(caller: Caller, moment: float) -> dict[str, Any]:
    task = caller.submitted(URL)
    caller.sleep(moment)
    return caller.output(task)


def keeps_its_link(caller: Caller) -> bool:
    task = caller.submitted(URL)
    caller.sleep(100)
    first = caller.output(task)["results"]
    caller.sleep(100)
    return bool(caller.output(task)["results"] == first)


def running_of_three(caller: Caller) -> int:
    for _ in range(3):
        caller.submitted(URL)
    caller.sleep(10.5)
    return int(caller.list(status="RUNNING")["total"])


def place_of_the_first(caller: Caller) -> int:
    first, _ = caller.submitted(URL), caller.submitted(URL)
    return [row["task_id"] for row in caller.list()["data"]].index(first)


def throttled(caller: Caller) -> Any:
    caller.submitted(URL)
    response = caller.submit(URL)
    return error_of(response)[1], response.headers.get("retry-after")


def policy(caller: Caller) -> dict[str, Any]:
    data: dict[str, Any] = load(caller.send("GET", "/api/v1/uploads", "action=getPolicy&model=fun-asr"))["data"]
    return data


def cancelled(caller: Caller) -> str:
    task = caller.submitted(URL)
    assert caller.cancel(task).status == 200
    caller.sleep(1)
    return str(caller.output(task)["task_status"])


def of_host(caller: Caller, host: str, body: Any = None) -> Any:
    response = caller.submit_raw(body or {**BARE, "parameters": {}}, Host=host)
    if response.status != 200:
        return response.status
    caller.sleep(1000)
    task = load(response)["output"]["task_id"]
    return load(caller.send("GET", f"/api/v1/tasks/{task}", headers={"Host": host}))["output"]["task_status"]


def vocabulary_refusal(caller: Caller) -> Any:
    body = {"model": "speech-biasing", "input": {"action": "query_vocabulary", "vocabulary_id": "none"}}
    return error_of(caller.send("POST", "/api/v1/services/audio/asr/customization", body=body))


def event(caller: Caller) -> Any:
    caller.submitted(URL)
    caller.sleep(1000)
    delivery = caller.service.take_event(caller.now)
    caller.sleep(1000)
    delivery = delivery or caller.service.take_event(caller.now)
    return None if delivery is None else json.loads(caller.service.event_body(delivery, caller.now))["data"]


def sent(caller: Caller, **parameters: Any) -> Any:
    response = caller.submit(URL, parameters=parameters)
    return response.status if response.status == 200 else error_of(response)


def failing(caller: Caller, **parameters: Any) -> Any:
    response = caller.submit(URL, parameters=parameters)
    if response.status != 200:
        return error_of(response)
    caller.sleep(1000)
    output = caller.output(load(response)["output"]["task_id"])
    return output["task_status"], output["code"]


def missing_speakers(caller: Caller) -> int:
    sentences = document(caller, diarization_enabled=True)["transcripts"][0]["sentences"]
    return sum("speaker_id" not in sentence for sentence in sentences)
