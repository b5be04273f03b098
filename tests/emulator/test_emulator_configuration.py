from __future__ import annotations

import json
import math
import tomllib
from typing import Any

import pytest
from attrs import fields_dict

from aiofunasr.emulator import (
    ConfigurationError,
    EmulatorSettings,
    RateLimit,
    read_tables,
    show_tables,
    switches,
    with_changes,
)

DOCUMENT = """
[service]
region = "ap-southeast-1"
models = ["fun-asr"]
public_url = "none"

[accounts.api_keys]
"sk-a" = "one"

[limits]
query_limit = 5
submit_limit = "100/60"
max_running_tasks = 3
submit_limits = { "fun-asr-mtl" = "1/2" }

[tasks]
queue_seconds = [0, 0.5]
processing_speed = inf

[results]
authorized_result_status = 403
"""


def test_a_document_sets_switches_by_group() -> None:
    settings = with_changes(EmulatorSettings(), read_tables(tomllib.loads(DOCUMENT)))
    expected: dict[str, Any] = {
        "region": "ap-southeast-1",
        "models": {"fun-asr"},
        "api_keys": {"sk-a": "one"},
        "query_limit": RateLimit(5),
        "submit_limit": RateLimit(100, 60),
        "max_running_tasks": 3,
        "submit_limits": {"fun-asr-mtl": RateLimit(1, 2)},
        "queue_seconds": (0.0, 0.5),
        "processing_speed": math.inf,
        "authorized_result_status": 403,
    }
    assert settings == EmulatorSettings(**expected)


def test_every_field_is_a_switch_with_a_word_about_it() -> None:
    assert switches().keys() == fields_dict(EmulatorSettings).keys()
    for switch in switches().values():
        assert switch.help.endswith("."), switch
        assert switch.help[0].isupper(), switch


@pytest.mark.parametrize("settings", [EmulatorSettings(), EmulatorSettings.instant()])
def test_what_is_shown_can_be_read_again(settings: EmulatorSettings) -> None:
    document = json.loads(json.dumps(show_tables(settings)))
    del document["accounts"]["api_keys"]
    assert with_changes(EmulatorSettings(), read_tables(document)) == settings


def test_keys_and_tokens_are_not_shown_nor_taken_back() -> None:
    settings = EmulatorSettings(api_keys={"sk-secret": "one"}, key_regions={"sk-secret": "r"}, event_token="st-secret")
    shown = show_tables(settings)
    assert "secret" not in json.dumps(shown)
    assert list(shown["accounts"]["api_keys"].values()) == ["one"]
    for group, name in (("accounts", "api_keys"), ("accounts", "key_regions"), ("events", "event_token")):
        with pytest.raises(ConfigurationError, match=name):
            read_tables({group: {name: shown[group][name]}})
    with pytest.raises(ConfigurationError) as caught:
        read_tables({"accounts": {"api_keys": {"sk-secret": 5}}})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"limit": {}}, "there is no table [limit]"),
        ({"limits": 5}, "limits is a table"),
        ({"limits": {"query_limits": 5}}, "[limits] has no query_limits; it has limits_enabled"),
        ({"limits": {"list_lag": 5}}, "[limits] has no list_lag; it belongs into [listing]"),
        ({"limits": {"limits_enabled": "yes"}}, "limits.limits_enabled must be true or false, not 'yes'"),
        ({"limits": {"limits_enabled": 1}}, "limits.limits_enabled must be true or false"),
        ({"limits": {"query_limit": True}}, "limits.query_limit must be requests a second, or COUNT/SECONDS"),
        ({"limits": {"query_limit": "many"}}, "limits.query_limit"),
        ({"limits": {"query_limit": 0}}, "limits.query_limit"),
        ({"limits": {"max_live_tasks": 1.5}}, "limits.max_live_tasks must be a whole number"),
        ({"limits": {"max_running_tasks": "all"}}, "limits.max_running_tasks must be a whole number, or none"),
        ({"limits": {"throttle_code": "No"}}, "Throttling or Throttling.RateQuota or"),
        ({"tasks": {"queue_seconds": 5}}, "tasks.queue_seconds must be two numbers"),
        ({"tasks": {"queue_seconds": [1, 2, 3]}}, "tasks.queue_seconds must be two numbers"),
        ({"tasks": {"retention": "long"}}, "tasks.retention must be a number"),
        ({"results": {"authorized_result_status": 401}}, "400 or 403, or none"),
        ({"service": {"models": "fun-asr"}}, "service.models must be a list of texts"),
        ({"service": {"region": 5}}, "service.region must be a text"),
        ({"accounts": {"workspaces": ["ws"]}}, "accounts.workspaces must be a table of texts"),
        ({"limits": {"submit_limits": {"fun-asr": []}}}, "limits.submit_limits must be a table of limits"),
    ],
)
def test_what_cannot_be_is_said_by_name(document: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_tables(document)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"queue_seconds": (2.0, 1.0)}, "queue_seconds"),
        ({"retention": -1.0}, "retention"),
        ({"event_duplicate_share": 1.5}, "event_duplicate_share"),
        ({"events_url": "here"}, "events_url"),
        ({"query_methods": {"PUT"}}, "query_methods"),
        ({"missing_speaker_every": -1}, "missing_speaker_every"),
        ({"api_keys": {}}, "api_keys"),
    ],
)
def test_what_the_settings_refuse_is_said_by_name(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        with_changes(EmulatorSettings(), changes)


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("query_limit", ["5"], RateLimit(5)),
        ("query_limit", ["100/60"], RateLimit(100, 60)),
        ("submit_limit", ["none"], None),
        ("retention", ["inf"], math.inf),
        ("retention", ["60"], 60.0),
        ("seed", ["7"], 7),
        ("region", ["5"], "5"),
        ("list_refusal", ["404"], 404),
        ("list_order", ["oldest"], "oldest"),
        ("authorized_result_status", ["none"], None),
        ("queue_seconds", ["0", "1.5"], (0.0, 1.5)),
        ("reserved_words", ["a", "b"], ("a", "b")),
        ("reserved_words", ["none"], ()),
        ("workspaces", ["ws=one", "wt=a=b"], {"ws": "one", "wt": "a=b"}),
        ("submit_limits", ["fun-asr=1/2"], {"fun-asr": RateLimit(1, 2)}),
    ],
)
def test_words_of_a_command_line_are_read(name: str, words: list[str], expected: Any) -> None:
    value = switches()[name].read_words(words)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("name", "words"),
    [("workspaces", ["ws"]), ("seed", ["1.5"]), ("list_order", ["none"]), ("queue_seconds", ["a", "b"])],
)
def test_words_that_cannot_be_are_said_by_name(name: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError, match=name):
        switches()[name].read_words(words)


def test_a_name_by_itself_is_not_taken_for_its_letters() -> None:
    settings = EmulatorSettings(list_ignored_filters="task_id", reserved_words="secret")
    assert settings.list_ignored_filters == {"task_id"}
    assert settings.reserved_words == ("secret",)
