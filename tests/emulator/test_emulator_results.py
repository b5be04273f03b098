from __future__ import annotations

import gzip
import json
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from attrs import evolve
from emulator_caller import START, Caller, error_of

from aiofunasr.emulator import EmulatorSettings, FinishedFile, HttpRequest, ScriptedRecognizer, Service

URL = "https://media.example.com/a-30s.wav"


def make(**changes: Any) -> Caller:
    settings = EmulatorSettings(**{"queue_seconds": (1.0, 1.0), "limits_enabled": False, **changes})
    return Caller(Service(settings, ScriptedRecognizer()))


def finished(caller: Caller, url: str = URL, **parameters: Any) -> str:
    task_id = caller.submitted(url, parameters=parameters)
    caller.sleep(60)
    link: str = caller.output(task_id)["results"][0]["transcription_url"]
    return link


def test_a_link_is_signed_for_a_day_after_the_end() -> None:
    caller = make()
    link = finished(caller)
    path, _, query = link.partition("?")
    assert path.startswith("http://localhost/results/prod/fun-asr-2025-11-07/20261001/09%3A00/")
    assert path.endswith("-1.json")
    assert parse_qs(query)["Expires"] == [str(int(START) + 1 + 86400)]
    response = caller.download(link)
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.body)["file_url"] == URL
    task_id = caller.service.ledger.submissions[0].task_id
    assert caller.output(task_id)["results"][0]["transcription_url"] == link


def test_an_expired_link_is_refused() -> None:
    caller = make(result_link_life=100.0)
    link = finished(caller)
    assert caller.download(link).status == 200
    caller.sleep(60)
    response = caller.download(link)
    assert error_of(response) == (403, "AccessDenied")
    assert b"Request has expired." in response.body


def test_links_may_be_signed_anew() -> None:
    caller = make(result_link_life=100.0, resign_links=True)
    link = finished(caller)
    caller.sleep(60)
    task_id = caller.service.ledger.submissions[0].task_id
    fresh = caller.output(task_id)["results"][0]["transcription_url"]
    assert fresh != link
    assert caller.download(fresh).status == 200


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("Expires=1", "Expires=2", "SignatureDoesNotMatch"),
        ("-1.json", "-2.json", "SignatureDoesNotMatch"),
        ("Signature=", "Signature=A", "SignatureDoesNotMatch"),
        ("Expires=1", "Expires=x", "AccessDenied"),
        ("&Signature", "&Sig", "AccessDenied"),
    ],
)
def test_an_altered_link_is_refused(old: str, new: str, code: str) -> None:
    caller = make(strict_result_links=False)
    assert error_of(caller.download(finished(caller).replace(old, new))) == (403, code)


def test_a_link_is_taken_byte_for_byte_unless_told_otherwise() -> None:
    for strict, status in ((True, 403), (False, 200)):
        caller = make(strict_result_links=strict)
        link = finished(caller)
        rewritten = link.replace("%3A", ":")
        assert unquote(rewritten) == unquote(link)
        assert caller.download(rewritten).status == status


@pytest.mark.parametrize(("setting", "answer"), [(400, (400, "InvalidArgument")), (403, (403, "AccessDenied"))])
def test_a_download_with_a_key_is_refused(setting: int, answer: tuple[int, str]) -> None:
    caller = make(authorized_result_status=setting)
    assert error_of(caller.download(finished(caller), Authorization="Bearer sk-emulator")) == answer


def test_a_download_with_a_key_may_be_let_through() -> None:
    caller = make(authorized_result_status=None)
    assert caller.download(finished(caller), Authorization="Bearer sk-emulator").status == 200


def test_bodies_are_compressed_for_those_who_can_read_them() -> None:
    caller = make()
    link = finished(caller)
    plain = caller.download(link)
    path, _, query = link.removeprefix("http://localhost").partition("?")
    packed = caller.send("GET", path, query, headers={"Accept-Encoding": "gzip, br"}, authorized=False)
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    listed = caller.send("GET", "/api/v1/tasks/", headers={"Accept-Encoding": "gzip"})
    assert json.loads(gzip.decompress(listed.body))["total"] == 1
    caller = make(gzip=False)
    listed = caller.send("GET", "/api/v1/tasks/", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in listed.headers


def test_a_document_can_be_written_elsewhere_beforehand() -> None:
    caller = make()
    link = finished(caller)

    def asked(link: str, **headers: str) -> HttpRequest:
        path, _, query = link.removeprefix("http://localhost").partition("?")
        return HttpRequest("GET", path, query, headers)

    write = caller.service.unwritten(asked(link), caller.now)
    assert write is not None
    assert write() == caller.download(link).body
    # What comes along is taken, and no work is done for those who get nothing.
    brought = caller.service.handle(evolve(asked(link), document=b"{}"), caller.now)
    assert (brought.status, brought.body) == (200, b"{}")
    assert caller.service.unwritten(asked(link + "A"), caller.now) is None
    assert caller.service.unwritten(asked(link, Authorization="Bearer sk-emulator"), caller.now) is None
    assert caller.service.unwritten(HttpRequest("GET", "/api/v1/tasks"), caller.now) is None
    refused = caller.service.handle(evolve(asked(link + "A"), document=b"{}"), caller.now)
    assert error_of(refused) == (403, "SignatureDoesNotMatch")


def test_what_a_worker_wrote_is_not_written_again() -> None:
    caller = Caller(Service(EmulatorSettings.instant()))
    task_id = caller.submitted(URL)
    job = caller.service.take_file(caller.now)
    assert job is not None
    caller.service.finish_file(job, FinishedFile(b'{"by": "a worker"}', 900), caller.now)
    link = caller.output(task_id)["results"][0]["transcription_url"]
    path, _, query = link.removeprefix("http://localhost").partition("?")
    assert caller.service.unwritten(HttpRequest("GET", path, query), caller.now) is None
    assert caller.document(link) == {"by": "a worker"}
