"""`aiofunasr models` and `aiofunasr explain`: no service is asked."""

from __future__ import annotations

import json

from cli.processes import run, run_all

from aiofunasr import MODELS
from aiofunasr.catalogue import BY_STATUS, FILE_CODES, REQUEST_CODES


def test_models_are_listed() -> None:
    plain, as_json = run_all(("models",), ("models", "--json"))
    rows = [line.split("\t") for line in plain.stdout.splitlines()]
    assert [row[0] for row in rows] == list(MODELS)
    assert rows[2] == [
        "fun-asr-2025-08-25",
        "cn-beijing,ap-southeast-1",
        "zh,en",
        "a snapshot; Chinese and English only",
    ]
    records = {record["name"]: record for record in map(json.loads, as_json.stdout.splitlines())}
    assert list(records) == list(MODELS)
    assert records["fun-asr-mtl"]["limits"]["ap-southeast-1"]["submits_per_minute"] == 100
    assert records["fun-asr-mtl"]["alias_of"] == "fun-asr-mtl-2025-08-25"
    assert records["sensevoice-v1"]["parameters"] is None


def test_a_model_is_told_of_at_length_and_an_unknown_one_is_not() -> None:
    one, unknown = run_all(("models", "paraformer-8k-v2"), ("models", "fun-asr-mlt"))
    assert one.returncode == 0
    assert "1200 submits a minute, 20 queries a second, 100 tasks at once" in one.stdout
    assert "8000 Hz" in one.stdout
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "fun-asr-mtl" in unknown.stderr


def test_a_code_is_explained_wherever_it_may_stand() -> None:
    done, as_json = run_all(("explain", "InternalError"), ("explain", "InternalError", "--json"))
    assert done.returncode == 0
    assert "InternalError (request, HTTP 500)" in done.stdout
    assert "InternalError (file, task)" in done.stdout
    assert [json.loads(line) for line in as_json.stdout.splitlines()] == [
        {
            "name": "InternalError",
            "where": ["request"],
            "statuses": [500],
            "meaning": "The service failed.",
            "class": "ServiceUnavailableError",
            "retry": "yes",
            "resubmit": "yes",
            "advice": (
                "Nothing: the request is sent again by itself, a submit only where it certainly made no task; "
                "if it goes on for long, report the request id to the service."
            ),
        },
        {
            "name": "InternalError",
            "where": ["file", "task"],
            "statuses": [],
            "meaning": "The service failed on the file.",
            "class": "FileServiceError",
            "retry": None,
            "resubmit": "yes",
            "advice": "Submit the file again; if it fails again, report the task id to the service.",
        },
    ]


def test_a_status_a_class_and_other_spellings_are_explained_too() -> None:
    status, word, kind, lower, newer, silence = run_all(
        ("explain", "404"),
        ("explain", "HTTP 404"),
        ("explain", "TaskExpiredError"),
        ("explain", "invalid_api_key"),
        ("explain", "Throttling.OfTomorrow"),
        ("explain", "SUCCESS_WITH_NO_VALID_FRAGMENT"),
    )
    assert "HTTP 404 (request, HTTP 404)" in status.stdout
    assert "ModelNotFound (request, HTTP 404)" in status.stdout
    assert word.stdout == status.stdout
    assert "caught as:  TaskError, FunASRError, LookupError" in kind.stdout
    assert "InvalidApiKey (request, HTTP 401)" in lower.stdout
    assert "Throttling (request, HTTP 429)" in newer.stdout
    assert "none: it is no error" in silence.stdout
    assert {status.returncode, kind.returncode, lower.returncode, newer.returncode, silence.returncode} == {0}


def test_an_unknown_code_has_the_closest_ones() -> None:
    done = run("explain", "FILE_404")
    assert (done.returncode, done.stdout) == (2, "")
    assert "FILE_404_NOT_FOUND" in done.stderr
    assert run("explain", "599").returncode == 2


def test_without_a_code_all_are_listed() -> None:
    done = run("explain")
    names = [line.split("\t")[0] for line in done.stdout.splitlines()]
    assert {entry.name for entry in (*REQUEST_CODES, *FILE_CODES, *BY_STATUS)} <= {*names}
    assert {"FunASRError", "TaskExpiredError", "JournalLockedError"} <= {*names}
