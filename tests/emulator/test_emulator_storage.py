from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from emulator_caller import Caller, error_of, load
from hypothesis import given, settings
from hypothesis import strategies as st

from aiofunasr.emulator import EmulatorSettings, ScriptedRecognizer, Service
from aiofunasr.emulator.multipart import FormParser, MalformedFormError, parse_form

BOUNDARY = "0123456789abcdef"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
PATH = "/oss/dashscope-file-mgr"


def make(**changes: Any) -> Caller:
    return Caller(Service(EmulatorSettings.instant(**changes), ScriptedRecognizer()))


def policy(caller: Caller, model: str = "fun-asr") -> dict[str, Any]:
    body = load(caller.send("GET", "/api/v1/uploads", f"action=getPolicy&model={model}"))
    data: dict[str, Any] = body["data"]
    assert data["upload_dir"].endswith(body["request_id"])
    return data


def fields_of(data: dict[str, Any], name: str = "a.wav") -> dict[str, str]:
    return {
        "OSSAccessKeyId": data["oss_access_key_id"],
        "Signature": data["signature"],
        "policy": data["policy"],
        "key": f"{data['upload_dir']}/{name}",
        "x-oss-object-acl": data["x_oss_object_acl"],
        "x-oss-forbid-overwrite": data["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    }


def form(fields: dict[str, str], content: bytes = b"RIFF") -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    file = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    return "".join([*parts, file]).encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def upload(caller: Caller, body: bytes, content_type: str = FORM_TYPE, path: str = PATH) -> Any:
    headers = {"Content-Type": content_type, "Content-Length": str(len(body))}
    return caller.send("POST", path, headers=headers, body=body, authorized=False)


def test_the_policy_is_what_the_notes_say() -> None:
    caller = make()
    data = policy(caller)
    document = json.loads(base64.b64decode(data["policy"]))
    assert document["expiration"] == "2026-10-01T01:05:00.000Z"
    assert ["starts-with", "$key", data["upload_dir"]] in document["conditions"]
    assert data["upload_host"] == "http://localhost/oss/dashscope-file-mgr"
    assert data["expire_in_seconds"] == 300
    assert data["x_oss_forbid_overwrite"] == "true"


def test_the_policy_needs_a_key_a_model_and_an_action() -> None:
    caller = make()
    query = "action=getPolicy&model=fun-asr"
    assert error_of(caller.send("GET", "/api/v1/uploads", query, authorized=False))[0] == 401
    assert error_of(caller.send("GET", "/api/v1/uploads", "action=getPolicy")) == (404, "ModelNotFound")
    assert error_of(caller.send("GET", "/api/v1/uploads", "model=fun-asr"))[0] == 400


@pytest.mark.parametrize(("changes", "life"), [({}, 48 * 3600), ({"object_life": 60.0}, 60)])
def test_an_uploaded_file_is_used_by_its_model_and_account_while_it_lives(changes: dict[str, Any], life: float) -> None:
    caller = make(api_keys={"sk-a": "one", "sk-b": "two"}, **changes)
    caller.api_key = "sk-a"
    fields = fields_of(policy(caller))
    response = upload(caller, form(fields))
    assert (response.status, response.body) == (200, b"")
    url = "oss://" + fields["key"]

    def outcome(model: str = "fun-asr") -> Any:
        result = caller.output(caller.submitted(url, model=model))["results"][0]
        assert result["file_url"] == url
        return result.get("code", "SUCCEEDED")

    assert outcome() == "SUCCEEDED"
    assert outcome("fun-asr-mtl") == "InvalidFile.DownloadFailed"
    caller.api_key = "sk-b"
    assert outcome() == "InvalidFile.DownloadFailed"
    caller.api_key = "sk-a"
    caller.sleep(life - 1)
    assert outcome() == "SUCCEEDED"
    caller.sleep(1)
    assert outcome() == "InvalidFile.DownloadFailed"


def test_one_policy_takes_several_files_but_none_twice() -> None:
    caller = make()
    data = policy(caller)
    assert upload(caller, form(fields_of(data, "a.wav"))).status == 200
    assert upload(caller, form(fields_of(data, "b.wav"))).status == 200
    assert error_of(upload(caller, form(fields_of(data, "a.wav")))) == (409, "FileAlreadyExists")


def test_the_status_of_success_is_204_unless_asked() -> None:
    caller = make()
    fields = fields_of(policy(caller))
    del fields["success_action_status"]
    assert upload(caller, form(fields)).status == 204


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"key": "elsewhere/a.wav"}, 403, "AccessDenied"),
        ({"Signature": "c2lnbmF0dXJl"}, 403, "SignatureDoesNotMatch"),
        ({"policy": "e30="}, 403, "SignatureDoesNotMatch"),
        ({"OSSAccessKeyId": "LTAI"}, 403, "InvalidAccessKeyId"),
        ({"x-oss-object-acl": "public-read"}, 403, "AccessDenied"),
        ({"x-oss-forbid-overwrite": "false"}, 403, "AccessDenied"),
        ({"key": ""}, 400, "InvalidArgument"),
    ],
)
def test_a_form_must_meet_its_policy(change: dict[str, str], status: int, code: str) -> None:
    caller = make()
    response = upload(caller, form({**fields_of(policy(caller)), **change}))
    assert error_of(response) == (status, code)
    assert response.headers["content-type"] == "application/xml"


def test_a_policy_expires() -> None:
    caller = make()
    fields = fields_of(policy(caller))
    caller.sleep(300)
    response = upload(caller, form(fields))
    assert error_of(response) == (403, "AccessDenied")
    assert b"Invalid according to Policy: Policy expired." in response.body


def test_a_file_may_be_too_large() -> None:
    caller = make(policy_max_file_size_mb=1)
    data = policy(caller)
    assert data["max_file_size_mb"] == 1
    assert upload(caller, form(fields_of(data), bytes(2**20))).status == 200
    response = upload(caller, form(fields_of(data, "b.wav"), bytes(2**20 + 1)))
    assert error_of(response) == (400, "EntityTooLarge")


def test_files_go_to_the_bucket_of_the_settings() -> None:
    caller = make(upload_bucket="another")
    data = policy(caller)
    assert data["upload_host"] == "http://localhost/oss/another"
    assert {"bucket": "another"} in json.loads(base64.b64decode(data["policy"]))["conditions"]
    body = form(fields_of(data))
    assert error_of(upload(caller, body)) == (404, "NoSuchBucket")
    assert upload(caller, body, path="/oss/another").status == 200


def test_an_unknown_bucket_and_a_chunked_form_are_refused() -> None:
    caller = make()
    body = form(fields_of(policy(caller)))
    assert error_of(upload(caller, body, path="/oss/other")) == (404, "NoSuchBucket")
    headers = {"Content-Type": FORM_TYPE, "Transfer-Encoding": "chunked"}
    response = caller.send("POST", PATH, headers=headers, body=body, authorized=False)
    assert error_of(response) == (411, "MissingContentLength")


FIELDS = {"key": "a/b", "policy": ""}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (f'multipart/form-data; boundary="{BOUNDARY}"', form(FIELDS)),
        ("multipart/form-data", form(FIELDS)),
        ("application/x-www-form-urlencoded", b"key=a"),
        (FORM_TYPE, b""),
        (FORM_TYPE, form(FIELDS)[:-8]),
        (FORM_TYPE, b"preamble\r\n" + form(FIELDS)),
        (FORM_TYPE, form(FIELDS).replace(b'name="key"', b"name=key")),
        (FORM_TYPE, form(FIELDS).replace(b'name="file"', b'name="File"')),
        (
            FORM_TYPE,
            form(FIELDS).replace(
                b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav',
                b'Content-Type: audio/wav\r\nContent-Disposition: form-data; name="file"; filename="a.wav"',
            ),
        ),
        (
            FORM_TYPE,
            form({}).removesuffix(b"--\r\n")
            + b'\r\nContent-Disposition: form-data; name="key"\r\n\r\na\r\n--0123456789abcdef--\r\n',
        ),
        (FORM_TYPE, form({"key": "x" * 70_000})),
        (FORM_TYPE, form({f"field{number}": "" for number in range(65)})),
    ],
)
def test_refuses_what_the_storage_refuses(content_type: str, body: bytes) -> None:
    assert parse_form(content_type, body).problem
    response = upload(make(), body, content_type)
    assert error_of(response) == (400, "MalformedPOSTRequest")


@settings(deadline=None)
@given(
    st.dictionaries(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), st.text(), max_size=5),
    st.binary(max_size=300) | st.just(f"\r\n--{BOUNDARY[:-1]}\r\n\r\n--".encode()),
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_a_form_is_read_alike_however_it_is_cut(fields: dict[str, str], content: bytes, cuts: list[int]) -> None:
    fields.pop("file", None)
    body = form(fields, content)
    parser = FormParser(FORM_TYPE)
    received = bytearray()
    position = number = 0
    while position < len(body):
        cut = cuts[number % len(cuts)]
        received += parser.feed(body[position : position + cut])
        position += cut
        number += 1
    assert parser.close() == fields
    assert bytes(received) == content
    assert parser.file_size == len(content)
    whole = parse_form(FORM_TYPE, body)
    assert (whole.fields, whole.content, whole.problem) == (fields, content, None)


def test_a_form_that_ends_early_is_malformed() -> None:
    parser = FormParser(FORM_TYPE)
    parser.feed(form(FIELDS)[:50])
    with pytest.raises(MalformedFormError, match="last boundary"):
        parser.close()
