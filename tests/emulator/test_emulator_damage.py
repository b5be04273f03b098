"""Replies that are spoiled, for every kind of request: what the core says of them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from emulator_caller import START, Caller, error_of, load

from aiofunasr.emulator import EmulatorSettings, Fault, FaultPlan, HttpResponse, ScriptedRecognizer, Service

URL = "https://media.example.com/a.wav"
OTHER = "https://media.example.com/b.wav"
POLICY = "action=getPolicy&model=fun-asr"


def make(plan: FaultPlan | None = None, **changes: Any) -> Caller:
    settings = EmulatorSettings.instant(**{"limits_enabled": False, **changes})
    return Caller(Service(settings, ScriptedRecognizer(), plan))


def link_of(caller: Caller, url: str = URL) -> str:
    link: str = caller.output(caller.submitted(url))["results"][0]["transcription_url"]
    return link


def download(caller: Caller) -> HttpResponse:
    return caller.download(link_of(caller))


def cancel(caller: Caller) -> HttpResponse:
    return caller.cancel(caller.service.add_task(URL, now=caller.now))


def upload(caller: Caller) -> HttpResponse:
    grant = load(caller.send("GET", "/api/v1/uploads", POLICY))["data"]
    fields = {
        "OSSAccessKeyId": grant["oss_access_key_id"],
        "Signature": grant["signature"],
        "policy": grant["policy"],
        "x-oss-object-acl": grant["x_oss_object_acl"],
        "x-oss-forbid-overwrite": grant["x_oss_forbid_overwrite"],
        "key": f"{grant['upload_dir']}/a.wav",
        "file": "sound",
    }
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
    path = "/oss/" + grant["upload_host"].rpartition("/")[2]
    body = "".join([*parts, "--x--\r\n"]).encode()
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    return caller.send("POST", path, headers=headers, body=body, authorized=False)


KINDS: dict[str, Callable[[Caller], HttpResponse]] = {
    "submit": lambda caller: caller.submit(URL),
    "query": lambda caller: caller.send("GET", f"/api/v1/tasks/{caller.service.add_task(URL, now=caller.now)}"),
    "list": lambda caller: caller.send("GET", "/api/v1/tasks"),
    "cancel": cancel,
    "policy": lambda caller: caller.send("GET", "/api/v1/uploads", POLICY),
    "upload": upload,
    "result": download,
}
KIND = pytest.mark.parametrize("kind", KINDS)


@KIND
def test_whatever_is_asked_may_be_dropped_or_never_answered(kind: str) -> None:
    for fault in (Fault.drop_before(), Fault.drop_after(), Fault.timed_out(), Fault.timed_out(handled=False)):
        caller = make(FaultPlan().always(kind, fault))
        assert KINDS[kind](caller).drop == fault.drop
        assert caller.service.ledger.faults[kind] == 1


@KIND
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("handled", [False, True])
def test_whatever_is_asked_may_be_refused(kind: str, status: int, handled: bool) -> None:
    caller = make(FaultPlan().always(kind, Fault.error(status, handled=handled)))
    assert KINDS[kind](caller).status == status


@KIND
@pytest.mark.parametrize("fault", [Fault.garbage(), Fault.nested(), Fault.html_page(handled=True)])
def test_whatever_is_asked_may_be_answered_with_no_json_or_too_much(kind: str, fault: Fault) -> None:
    response = KINDS[kind](make(FaultPlan().always(kind, fault)))
    with pytest.raises((ValueError, RecursionError)):
        json.loads(response.body)


@KIND
def test_a_document_may_be_cut_and_still_be_well_framed(kind: str) -> None:
    whole, cut = KINDS[kind](make()), KINDS[kind](make(FaultPlan().always(kind, Fault.cut_document())))
    assert cut.drop is None
    assert cut.body == whole.body[: len(whole.body) // 2]


@KIND
def test_a_content_type_may_be_wrong_or_missing(kind: str) -> None:
    caller = make(FaultPlan().always(kind, Fault.no_content_type()))
    assert "content-type" not in KINDS[kind](caller).headers
    caller.service.faults = FaultPlan().always(kind, Fault.wrong_content_type("image/png"))
    assert KINDS[kind](caller).headers["content-type"] == "image/png"


@KIND
@pytest.mark.parametrize("size", [0, 2**16, 10**6])
def test_a_body_may_be_huge(kind: str, size: int) -> None:
    response = KINDS[kind](make(FaultPlan().always(kind, Fault.huge(size))))
    assert response.stream is not None
    pieces = list(response.stream)
    assert max(map(len, pieces)) <= 2**16
    assert size <= len(json.loads(b"".join(pieces))["padding"]) < size + 2**16
    assert list(response.stream) == pieces


def test_a_gzip_bomb_is_one_whole_gzip_stream() -> None:
    response = make(FaultPlan().always("list", Fault.huge(10**7, compressed=True))).send("GET", "/api/v1/tasks")
    assert response.stream is not None
    sent = b"".join(response.stream)
    assert response.headers["content-encoding"] == "gzip"
    assert len(sent) < 10**5
    inflater = zlib.decompressobj(wbits=31)
    assert len(inflater.decompress(sent)) > 10**7
    assert inflater.eof
    assert not inflater.unused_data


def test_a_submit_that_was_spoiled_after_it_was_handled_is_a_task() -> None:
    faults = [Fault.cut_document(), Fault.garbage(), Fault.huge(9), Fault.timed_out(), Fault.html_page(handled=True)]
    for fault in faults:
        caller = make(FaultPlan().always("submit", fault))
        caller.submit(URL)
        assert len(caller.service.ledger.submissions) == 1, fault
    for fault in (Fault.timed_out(handled=False), Fault.html_page()):
        caller = make(FaultPlan().always("submit", fault))
        caller.submit(URL)
        assert not caller.service.ledger.submissions, fault


@pytest.mark.parametrize("status", [429, 500, 504])
def test_an_error_after_handling_has_the_id_under_which_the_task_is_listed(status: int) -> None:
    caller = make(FaultPlan().always("submit", Fault.error(status, handled=True)))
    refused = load(caller.submit(URL))
    (row,) = caller.list()["data"]
    (submission,) = caller.service.ledger.submissions
    assert refused["request_id"] == row["request_id"] == submission.request_id
    assert row["task_id"] == submission.task_id


def test_a_reply_may_be_another_tasks() -> None:
    caller = make()
    first = caller.submitted(URL)
    caller.service.faults = FaultPlan().always("submit", Fault.answer_for_another_task())
    assert caller.submitted(OTHER) == first
    assert [submission.file_urls for submission in caller.service.ledger.submissions] == [(URL,), (OTHER,)]


def test_the_first_submit_of_all_may_be_answered_for_another_task() -> None:
    caller = make(FaultPlan().always("submit", Fault.answer_for_another_task()))
    assert caller.submitted(URL) != caller.service.ledger.submissions[0].task_id


def test_a_download_may_bring_another_files_document() -> None:
    caller = make()
    link, other = link_of(caller), link_of(caller, OTHER)
    caller.service.faults = FaultPlan().on("result", Fault.answer_for_another_task(), [1, 3])
    assert caller.document(link)["file_url"] not in {URL, OTHER}
    assert caller.document(other)["file_url"] == OTHER
    assert caller.document(link)["file_url"] == OTHER
    assert caller.document(link)["file_url"] == URL


def test_results_may_be_reordered_or_repeated() -> None:
    plan = FaultPlan().on("query", Fault.reordered(), 1).on("query", Fault.repeated(), 2)
    caller = make(plan)
    task_id = caller.submitted(URL, OTHER)
    orders = [[result["file_url"] for result in caller.output(task_id)["results"]] for _ in range(3)]
    assert orders == [[OTHER, URL], [OTHER, URL, OTHER, URL], [URL, OTHER]]


@pytest.mark.parametrize("again", [False, True])
def test_links_may_expire_at_once_and_be_had_again_or_not(again: bool) -> None:
    caller = make(FaultPlan().on("query", Fault.short_links(), 1), resign_links=again)
    task_id = caller.submitted(URL)
    link = caller.output(task_id)["results"][0]["transcription_url"]
    assert error_of(caller.download(link)) == (403, "AccessDenied")
    caller.sleep(1)
    second = caller.output(task_id)["results"][0]["transcription_url"]
    assert (second != link) == again
    assert caller.download(second).status == (200 if again else 403)


def test_links_may_last_a_while() -> None:
    caller = make(FaultPlan().always("query", Fault.short_links(30)))
    link = link_of(caller)
    assert caller.download(link).status == 200
    caller.sleep(31)
    assert caller.download(link).status == 403


def test_bursts_come_again_and_again() -> None:
    plan = FaultPlan().bursts("list", Fault.throttled(), every=10, lasting=2, begin=START + 3)
    caller = make(plan)
    statuses = []
    for _ in range(20):
        statuses.append(caller.send("GET", "/api/v1/tasks").status)
        caller.sleep(1)
    assert [at for at, status in enumerate(statuses) if status == 429] == [3, 4, 13, 14]
    assert caller.service.ledger.throttled == {"list": 4}


def test_some_new_tasks_may_be_unknown_for_a_while() -> None:
    caller = make(FaultPlan(unknown_for=5.0, unknown_share=0.3))
    task_ids = [caller.submitted(URL) for _ in range(200)]
    unknown = [caller.output(task_id)["task_status"] == "UNKNOWN" for task_id in task_ids]
    assert 30 < sum(unknown) < 90
    assert unknown == [caller.output(task_id)["task_status"] == "UNKNOWN" for task_id in task_ids]
    caller.sleep(5)
    assert {caller.output(task_id)["task_status"] for task_id in task_ids} == {"SUCCEEDED"}
