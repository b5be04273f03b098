from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from aiofunasr.wire.forms import object_name, upload_form
from aiofunasr.wire.messages import FileBody
from aiofunasr.wire.replies import UploadPolicy

POLICY = UploadPolicy(
    policy="cG9saWN5",
    signature="c2ln",
    upload_dir="dashscope-instant/x/y",
    upload_host="https://o",
    oss_access_key_id="L",
)


def test_the_form_is_written_as_the_storage_reads_it() -> None:
    request = upload_form(POLICY, Path("a.wav"), 3, "a.wav", boundary="BOUNDARY")
    assert isinstance(request.body, FileBody)
    whole = request.body.head + b"abc" + request.body.tail
    parts = whole.split(b"--BOUNDARY")
    assert parts[-1] == b"--\r\n"
    assert all(part.startswith(b'\r\nContent-Disposition: form-data; name="') for part in parts[1:-1])
    names = [part.split(b'"')[1] for part in parts[1:-1]]
    assert names[-1] == b"file"
    assert set(names) == {
        b"OSSAccessKeyId",
        b"Signature",
        b"policy",
        b"key",
        b"x-oss-object-acl",
        b"x-oss-forbid-overwrite",
        b"success_action_status",
        b"file",
    }
    assert b"dashscope-instant/x/y/a.wav" in whole
    assert request.headers["Content-Type"] == "multipart/form-data; boundary=BOUNDARY"
    assert request.headers["Content-Length"] == str(len(whole))
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("call.wav", "call-u1.wav"),
        ("my call (1).mp3", "my-call-1-u1.mp3"),
        ("Überfahrt.flac", "Uberfahrt-u1.flac"),
        ("会议.wav", "u1.wav"),
        ("..", "u1"),
        ('a"\r\nX: y.wav', "a-X-y-u1.wav"),
        ("x" * 300 + ".wav", "x" * 80 + "-u1.wav"),
    ],
)
def test_names_are_safe(path: str, name: str) -> None:
    assert object_name(PurePosixPath(path), "u1") == name


def test_the_policy_shows_nothing() -> None:
    assert "cG9saWN5" not in repr(POLICY)
    assert "c2ln" not in repr(POLICY)
