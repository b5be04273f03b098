"""What ours asks about vocabularies is what both interfaces of the official SDK ask, action by action.

Of each action, what is compared is what the emulator received: method, path, query, headers, JSON.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from witness import Stage, client_2, stage

from aiofunasr import HotWord

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from dashscope.audio.asr import VocabularyService

WORDS = [HotWord("Stanislavski", 5, "en"), HotWord("冈察洛夫"), HotWord("Cherry Orchard", 1)]
ITEMS: list[dict[str, Any]] = [
    {"text": "Stanislavski", "weight": 5, "lang": "en"},
    {"text": "冈察洛夫", "weight": 4},
    {"text": "Cherry Orchard", "weight": 1},
]
PATH = "/api/v1/services/audio/asr/customization"

Call = Callable[[Any], Any]


async def asked(here: Stage, ours: Call, theirs_1: Call, theirs_2: Call) -> list[Any]:
    """Have a session, the 1.x interface and the 2.x interface ask, and return the requests of each."""
    from_us, from_1 = await here.both(ours(here.session.vocabularies), lambda: theirs_1(VocabularyService()))
    with client_2(here) as client:
        await here.theirs(lambda: theirs_2(client.audio.vocabularies))
    return [from_us, from_1, here.take()]


def without_parameters(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request as 2.x has it, which leaves the empty `parameters` of 1.x out."""
    body = dict(request["body"])
    assert body.pop("parameters") == {}
    return {**request, "body": body}


async def test_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as here:
        (look, *others), (theirs_1,), (theirs_2,) = await asked(
            here,
            lambda ours: ours.create(WORDS, model="fun-asr", prefix="demo"),
            lambda theirs: theirs.create_vocabulary("fun-asr", "demo", ITEMS),
            lambda theirs: theirs.create(target_model="fun-asr", prefix="demo", vocabulary=ITEMS),
        )
        assert len([row async for row in here.session.vocabularies.list("demo")]) == 3
    # Ours looks first for what there is with that prefix, so that it can tell what was made when a reply is lost.
    assert look["body"]["input"]["action"] == "list_vocabulary"
    (ours,) = others
    assert ours == theirs_1
    assert without_parameters(ours) == theirs_2
    assert (ours["method"], ours["path"], ours["query"], ours["type"]) == ("POST", PATH, {}, "application/json")
    assert ours["body"]["input"]["vocabulary"] == ITEMS


@pytest.mark.parametrize("prefix", ["demo", None])
async def test_they_are_listed(monkeypatch: pytest.MonkeyPatch, prefix: str | None) -> None:
    async def all_of(ours: Any) -> list[Any]:
        return [row async for row in ours.list(prefix, page_size=7)]

    async with stage(monkeypatch) as here:
        (ours,), (theirs_1,), (theirs_2,) = await asked(
            here,
            all_of,
            lambda theirs: theirs.list_vocabularies(prefix, 0, 7),
            lambda theirs: theirs.list(prefix=prefix, page_index=0, page_size=7),
        )
    assert ours == theirs_1
    assert without_parameters(ours) == theirs_2
    named = {} if prefix is None else {"prefix": prefix}
    assert ours["body"]["input"] == {"action": "list_vocabulary", **named, "page_index": 0, "page_size": 7}


async def test_one_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as here:
        name = (await here.session.vocabularies.create(WORDS)).vocabulary_id
        (ours,), (theirs_1,), (theirs_2,) = await asked(
            here,
            lambda ours: ours.query(name),
            lambda theirs: theirs.query_vocabulary(name),
            lambda theirs: theirs.get(name),
        )
    assert ours == theirs_1
    assert without_parameters(ours) == theirs_2
    assert ours["body"]["input"] == {"action": "query_vocabulary", "vocabulary_id": name}


async def test_the_words_of_one_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as here:
        name = (await here.session.vocabularies.create(["Oblomov"])).vocabulary_id
        (ours,), (theirs_1,), (theirs_2,) = await asked(
            here,
            lambda ours: ours.update(name, WORDS),
            lambda theirs: theirs.update_vocabulary(name, ITEMS),
            lambda theirs: theirs.update(name, vocabulary=ITEMS),
        )
    assert ours == theirs_1
    assert without_parameters(ours) == theirs_2
    assert ours["body"]["input"] == {"action": "update_vocabulary", "vocabulary_id": name, "vocabulary": ITEMS}


async def test_one_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as here:
        names = [(await here.session.vocabularies.create(["Oblomov"])).vocabulary_id for _ in range(3)]
        found = await asked(
            here,
            lambda ours: ours.delete(names[0]),
            lambda theirs: theirs.delete_vocabulary(names[1]),
            lambda theirs: theirs.delete(names[2]),
        )
        assert [row async for row in here.session.vocabularies.list()] == []
    (ours,), (theirs_1,), (theirs_2,) = found
    assert [one["body"]["input"].pop("vocabulary_id") for one in (ours, theirs_1, theirs_2)] == names
    assert ours == theirs_1
    assert without_parameters(ours) == theirs_2
    assert ours["body"]["input"] == {"action": "delete_vocabulary"}


async def test_a_workspace_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    place: dict[str, Any] = {"workspace": "ws-0123abcd"}
    async with stage(monkeypatch, **place) as here:
        name = (await here.session.vocabularies.create(WORDS)).vocabulary_id
        ours, theirs = await here.both(
            here.session.vocabularies.query(name), lambda: VocabularyService(**place).query_vocabulary(name)
        )
    assert ours == theirs
    assert ours[0]["headers"]["x-dashscope-workspace"] == "ws-0123abcd"
