from __future__ import annotations

import re
from typing import Any

import pytest
from emulator_caller import Caller, error_of, load

from aiofunasr.emulator import EmulatorSettings, HttpResponse, ScriptedRecognizer, Service

PATH = "/api/v1/services/audio/asr/customization"
ITEM = {"text": "turbine", "weight": 4, "lang": "en"}
URL = "https://media.example.com/a.wav"


def make(**changes: Any) -> Caller:
    return Caller(Service(EmulatorSettings.instant(**changes), ScriptedRecognizer()))


def act(caller: Caller, action: str, **inputs: Any) -> HttpResponse:
    body = {"model": "speech-biasing", "input": {"action": action, **inputs}, "parameters": {}}
    return caller.send("POST", PATH, body=body)


def done(caller: Caller, action: str, **inputs: Any) -> dict[str, Any]:
    response = act(caller, action, **inputs)
    assert response.status == 200, response.body
    output: dict[str, Any] = load(response)["output"]
    return output


def create(caller: Caller, *items: dict[str, Any], model: str = "fun-asr", prefix: str = "demo") -> str:
    output = done(caller, "create_vocabulary", target_model=model, prefix=prefix, vocabulary=list(items) or [ITEM])
    vocabulary_id: str = output["vocabulary_id"]
    return vocabulary_id


def test_a_list_is_made_queried_updated_and_deleted() -> None:
    caller = make()
    response = act(caller, "create_vocabulary", target_model="fun-asr", prefix="demo", vocabulary=[ITEM])
    body = load(response)
    assert body.keys() == {"output", "usage", "request_id"}
    assert body["usage"] == {"count": 1}
    vocabulary_id = body["output"]["vocabulary_id"]
    assert re.fullmatch(r"vocab-demo-[0-9a-f]{32}", vocabulary_id)
    assert done(caller, "query_vocabulary", vocabulary_id=vocabulary_id) == {
        "gmt_create": "2026-10-01 09:00:00",
        "gmt_modified": "2026-10-01 09:00:00",
        "status": "OK",
        "target_model": "fun-asr",
        "vocabulary": [ITEM],
    }
    caller.sleep(61)
    plain = {"text": "rotor", "weight": 1}
    assert done(caller, "update_vocabulary", vocabulary_id=vocabulary_id, vocabulary=[plain]) == {}
    queried = done(caller, "query_vocabulary", vocabulary_id=vocabulary_id)
    assert queried["vocabulary"] == [plain]
    assert (queried["gmt_create"], queried["gmt_modified"]) == ("2026-10-01 09:00:00", "2026-10-01 09:01:01")
    assert done(caller, "delete_vocabulary", vocabulary_id=vocabulary_id) == {}
    assert error_of(act(caller, "query_vocabulary", vocabulary_id=vocabulary_id)) == (400, "InvalidParameter")
    assert done(caller, "list_vocabulary") == {"vocabulary_list": []}


def test_lists_are_listed_by_prefix_and_page() -> None:
    caller = make()
    made = [create(caller, prefix=prefix) for prefix in ("a1", "b", "a2")]

    def ids(**inputs: Any) -> list[str]:
        return [row["vocabulary_id"] for row in done(caller, "list_vocabulary", **inputs)["vocabulary_list"]]

    assert ids() == made
    assert ids(prefix="a") == [made[0], made[2]]
    assert ids(page_index=1, page_size=2) == [made[2]]
    assert ids(page_index=9) == []
    row = done(caller, "list_vocabulary")["vocabulary_list"][0]
    assert row.keys() == {"gmt_create", "gmt_modified", "status", "vocabulary_id"}


def test_lists_belong_to_the_account() -> None:
    caller = make(api_keys={"sk-a": "one", "sk-b": "one", "sk-c": "two"}, vocabularies_per_account=1)
    caller.api_key = "sk-a"
    vocabulary_id = create(caller)
    caller.api_key = "sk-b"
    assert done(caller, "query_vocabulary", vocabulary_id=vocabulary_id)["status"] == "OK"
    assert error_of(act(caller, "create_vocabulary", target_model="fun-asr", prefix="x", vocabulary=[ITEM]))[0] == 400
    caller.api_key = "sk-c"
    assert done(caller, "list_vocabulary") == {"vocabulary_list": []}
    for action in ("query_vocabulary", "delete_vocabulary"):
        assert error_of(act(caller, action, vocabulary_id=vocabulary_id)) == (400, "InvalidParameter")
    create(caller)


@pytest.mark.parametrize(
    ("changes", "lists", "items"), [({}, 10, 500), ({"vocabularies_per_account": 2, "vocabulary_items": 3}, 2, 3)]
)
def test_so_many_lists_and_items_are_the_most(changes: dict[str, Any], lists: int, items: int) -> None:
    caller = make(**changes)
    for _ in range(lists):
        create(caller, model="fun-asr-mtl")
    response = act(caller, "create_vocabulary", target_model="fun-asr", prefix="x", vocabulary=[ITEM])
    assert error_of(response) == (400, "Throttling.AllocationQuota")
    assert load(response)["message"] == "Free allocated quota exceeded."
    caller = make(**changes)
    vocabulary_id = create(caller, *[ITEM] * items)
    for action, inputs in (
        ("create_vocabulary", {"target_model": "fun-asr", "prefix": "x"}),
        ("update_vocabulary", {"vocabulary_id": vocabulary_id}),
    ):
        response = act(caller, action, vocabulary=[ITEM] * (items + 1), **inputs)
        assert error_of(response) == (400, "Throttling.AllocationQuota")


@pytest.mark.parametrize(
    "change",
    [
        {"prefix": "Demo"},
        {"prefix": "0123456789"},
        {"prefix": ""},
        {"prefix": None},
        {"target_model": "paraformer-v1"},
        {"target_model": "sensevoice-v1"},
        {"target_model": None},
        {"vocabulary": []},
        {"vocabulary": "turbine"},
        {"vocabulary": ["turbine"]},
        {"vocabulary": [{"weight": 4}]},
        {"vocabulary": [{"text": " ", "weight": 4}]},
        {"vocabulary": [{"text": "turbine"}]},
        {"vocabulary": [{"text": "turbine", "weight": 0}]},
        {"vocabulary": [{"text": "turbine", "weight": 6}]},
        {"vocabulary": [{"text": "turbine", "weight": True}]},
        {"vocabulary": [{"text": "turbine", "weight": 4.0}]},
        {"vocabulary": [{"text": "turbine", "weight": 4, "lang": 1}]},
        {"vocabulary": [{"text": "one two three four five six seven eight", "weight": 4}]},
        {"vocabulary": [{"text": "\u4e00" * 16, "weight": 4}]},
        {"vocabulary": [{"text": "caf\u00e9 au lait extra", "weight": 4}]},
    ],
)
def test_a_list_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    caller = make()
    inputs = {"target_model": "fun-asr", "prefix": "demo", "vocabulary": [ITEM], **change}
    assert error_of(act(caller, "create_vocabulary", **inputs)) == (400, "InvalidParameter")
    assert done(caller, "list_vocabulary") == {"vocabulary_list": []}


@pytest.mark.parametrize("text", ["one two three four five six seven", "\u4e00" * 15, "a" * 200])
def test_the_longest_hot_words_are_taken(text: str) -> None:
    caller = make()
    item = {"text": text, "weight": 5}
    assert done(caller, "query_vocabulary", vocabulary_id=create(caller, item))["vocabulary"] == [item]


@pytest.mark.parametrize("model", ["paraformer-8k-v2", "fun-asr-realtime", "paraformer-realtime-v2"])
def test_lists_are_for_models_of_live_speech_too(model: str) -> None:
    assert create(make(), model=model, prefix="012345678").startswith("vocab-012345678-")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "InvalidParameter"),
        ({"model": "fun-asr", "input": {"action": "list_vocabulary"}}, 404, "ModelNotFound"),
        ({"model": "speech-biasing"}, 400, "InvalidParameter"),
        ({"model": "speech-biasing", "input": {"action": "drop_vocabulary"}}, 400, "InvalidParameter"),
        ({"model": "speech-biasing", "input": {"action": ["list_vocabulary"]}}, 400, "InvalidParameter"),
        ({"model": "speech-biasing", "input": {"action": "list_vocabulary", "page_size": 0}}, 400, "InvalidParameter"),
        (
            {"model": "speech-biasing", "input": {"action": "list_vocabulary", "page_index": -1}},
            400,
            "InvalidParameter",
        ),
        ({"model": "speech-biasing", "input": {"action": "list_vocabulary", "prefix": 1}}, 400, "InvalidParameter"),
        ({"model": "speech-biasing", "input": {"action": "query_vocabulary"}}, 400, "InvalidParameter"),
    ],
)
def test_requests_that_make_no_sense_are_refused(body: Any, status: int, code: str) -> None:
    assert error_of(make().send("POST", PATH, body=body)) == (status, code)


def test_a_stranger_sees_no_list() -> None:
    caller = make()
    caller.api_key = "sk-stranger"
    assert error_of(act(caller, "list_vocabulary")) == (401, "InvalidApiKey")


def heard(caller: Caller, model: str = "fun-asr", **parameters: Any) -> str:
    """Return what a task makes of a recording in which a near miss of "Rivers" is heard."""
    task = caller.submitted(URL, model=model, parameters=parameters)
    caller.sleep(1)
    document = caller.document(caller.output(task)["results"][0]["transcription_url"])
    text: str = document["transcripts"][0]["text"]
    return text


def near_miss(caller: Caller, model: str = "fun-asr") -> tuple[str, str]:
    """Return a word that is heard without hot words, and a hot word that it nearly is."""
    word = max(re.findall(r"\w+", heard(caller, model).lower()), key=len)
    return word, word + "X"


def test_a_task_prefers_the_words_of_its_list() -> None:
    caller = make()
    word, hot = near_miss(caller)
    vocabulary_id = create(caller, {"text": hot, "weight": 4, "lang": "en"})
    text = heard(caller, vocabulary_id=vocabulary_id)
    assert hot in text
    assert not re.search(rf"\b{word}\b", text, re.IGNORECASE)
    assert hot not in heard(caller)


def test_a_list_for_another_model_is_ignored_without_a_word() -> None:
    caller = make()
    _, hot = near_miss(caller, "fun-asr-mtl")
    vocabulary_id = create(caller, {"text": hot, "weight": 4})
    assert hot not in heard(caller, "fun-asr-mtl", vocabulary_id=vocabulary_id)


def test_a_list_is_used_once_it_is_deployed() -> None:
    caller = make(vocabulary_deploy_seconds=10.0)
    _, hot = near_miss(caller)
    vocabulary_id = create(caller, {"text": hot, "weight": 4})
    assert done(caller, "query_vocabulary", vocabulary_id=vocabulary_id)["status"] == "UNDEPLOYED"
    assert hot not in heard(caller, vocabulary_id=vocabulary_id)
    caller.sleep(10)
    assert done(caller, "list_vocabulary")["vocabulary_list"][0]["status"] == "OK"
    assert hot in heard(caller, vocabulary_id=vocabulary_id)
    done(caller, "update_vocabulary", vocabulary_id=vocabulary_id, vocabulary=[ITEM])
    assert done(caller, "query_vocabulary", vocabulary_id=vocabulary_id)["status"] == "UNDEPLOYED"


@pytest.mark.parametrize("answer", ["refused", "ignored"])
def test_an_unknown_list_is_refused_or_ignored(answer: Any) -> None:
    caller = make(unknown_vocabulary=answer)
    response = caller.submit(URL, parameters={"vocabulary_id": "vocab-none"})
    assert response.status == (400 if answer == "refused" else 200)
    # Models that read no list do not look.
    assert caller.submit(URL, model="paraformer-v1", parameters={"vocabulary_id": "vocab-none"}).status == 200


def test_hot_words_sent_with_a_submit_go_before_a_list() -> None:
    model = "qwen-audio-3.1-asr-flash-filetrans"
    caller = make()
    _, hot = near_miss(caller, model)
    assert hot in heard(caller, model, vocabulary={hot: 50}, vocabulary_id="vocab-none")
    assert hot not in heard(caller, vocabulary={hot: 5})


@pytest.mark.parametrize(
    "vocabulary", [[], {"a": 0}, {"a": 6}, {"a": "4"}, {"": 4}, {f"w{number}": 50 for number in range(51)}]
)
def test_hot_words_of_a_submit_are_checked(vocabulary: Any) -> None:
    model = "qwen-audio-3.0-asr-flash-filetrans"
    response = make().submit(URL, model=model, parameters={"vocabulary": vocabulary})
    assert error_of(response) == (400, "InvalidParameter")
