"""Hot-word vocabularies: five actions on lists that belong to an account (protocol notes, section 9).

Of the refusals only that of the quota is documented; every other is a 400 whose code can be chosen (section 15).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve, frozen

from aiofunasr.emulator.messages import RefusalError
from aiofunasr.emulator.models import CATALOGUE
from aiofunasr.emulator.recognizer import HotWord
from aiofunasr.emulator.replies import second_time
from aiofunasr.emulator.settings import EmulatorSettings

VOCABULARY_MODEL: Final = "speech-biasing"

_LIVE_MODEL: Final = re.compile(r"(fun-asr|paraformer)[0-9a-z.-]*-realtime[0-9a-z.-]*")
_PREFIX: Final = re.compile(r"[0-9a-z]{1,9}")
_MOST_CHARACTERS: Final = 15
_MOST_WORDS: Final = 7
_HEAVIEST: Final = 5
_MOST_OF_A_PAGE: Final = 1000


class _BadInputError(Exception):
    """A field of `input` is missing or makes no sense."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@frozen
class Vocabulary:
    """One list of hot words; `usable_at` is when it stops being UNDEPLOYED. All times: seconds since the epoch."""

    vocabulary_id: str
    account: str
    target_model: str
    hot_words: tuple[HotWord, ...]
    created_at: float
    modified_at: float
    usable_at: float

    def status(self, now: float) -> str:
        """Return `OK` if tasks can use the list, else `UNDEPLOYED`."""
        return "OK" if now >= self.usable_at else "UNDEPLOYED"


class VocabularyShelf:
    """Keeps the lists of every account; `new_id` makes a UUID."""

    def __init__(self, settings: EmulatorSettings, new_id: Callable[[], str]) -> None:
        self.settings = settings
        self._new_id = new_id
        self._lists: dict[str, Vocabulary] = {}
        self._actions: dict[str, Callable[[Mapping[str, Any], str, float], dict[str, Any]]] = {
            "create_vocabulary": self._create,
            "list_vocabulary": self._list,
            "query_vocabulary": self._query,
            "update_vocabulary": self._update,
            "delete_vocabulary": self._delete,
        }

    def __repr__(self) -> str:
        return f"<VocabularyShelf {len(self._lists)} lists>"

    def act(self, body: Mapping[str, Any], account: str, now: float) -> dict[str, Any]:
        """Do what the body of a customization request asks for, and return the reply's `output`.

        Raises:
            RefusalError: the request makes no sense, goes over a limit, or names a list the account does not have.
        """
        model, inputs = body.get("model"), body.get("input")
        if model != VOCABULARY_MODEL:
            raise RefusalError(404, "ModelNotFound", f"Model can not be found. (model: {model})")
        action = inputs.get("action") if isinstance(inputs, dict) else None
        if not isinstance(inputs, dict) or not isinstance(action, str) or action not in self._actions:
            raise self._refusal("action")
        try:
            return self._actions[action](inputs, account, now)
        except _BadInputError as error:
            raise self._refusal(error.name) from None

    def find(self, vocabulary_id: str, account: str) -> Vocabulary | None:
        """Return a list of the account, or None if it is unknown or another's."""
        found = self._lists.get(vocabulary_id)
        return found if found is not None and found.account == account else None

    def hot_words_for(self, vocabulary_id: str, model: str, account: str, now: float) -> tuple[HotWord, ...]:
        """Return what a list adds to a task: nothing if it is for another model or not usable yet.

        Raises:
            RefusalError: the account has no such list, and the settings refuse that.
        """
        found = self.find(vocabulary_id, account)
        if found is None:
            if self.settings.unknown_vocabulary == "refused":
                raise self._refusal("vocabulary_id")
            return ()
        return found.hot_words if found.target_model == model and found.status(now) == "OK" else ()

    # The actions

    def _create(self, inputs: Mapping[str, Any], account: str, now: float) -> dict[str, Any]:
        target_model, prefix = inputs.get("target_model"), inputs.get("prefix")
        if not isinstance(target_model, str) or not _takes_hot_words(target_model):
            raise _BadInputError("target_model")
        if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
            raise _BadInputError("prefix")
        hot_words = self._read_items(inputs)
        if sum(known.account == account for known in self._lists.values()) >= self.settings.vocabularies_per_account:
            raise _over_quota()
        vocabulary_id = f"vocab-{prefix}-{self._new_id().replace('-', '')}"
        self._lists[vocabulary_id] = Vocabulary(
            vocabulary_id=vocabulary_id,
            account=account,
            target_model=target_model,
            hot_words=hot_words,
            created_at=now,
            modified_at=now,
            usable_at=now + self.settings.vocabulary_deploy_seconds,
        )
        return {"vocabulary_id": vocabulary_id}

    def _list(self, inputs: Mapping[str, Any], account: str, now: float) -> dict[str, Any]:
        prefix = inputs.get("prefix") or ""
        if not isinstance(prefix, str):
            raise _BadInputError("prefix")
        page_index = _whole_number(inputs, "page_index", 0, at_least=0)
        page_size = min(_whole_number(inputs, "page_size", 10, at_least=1), _MOST_OF_A_PAGE)
        found = [
            known
            for known in self._lists.values()
            if known.account == account and (not prefix or known.vocabulary_id.split("-")[1].startswith(prefix))
        ]
        page = found[page_index * page_size : (page_index + 1) * page_size]
        return {"vocabulary_list": [{**self._state(one, now), "vocabulary_id": one.vocabulary_id} for one in page]}

    def _query(self, inputs: Mapping[str, Any], account: str, now: float) -> dict[str, Any]:
        found = self._named(inputs, account)
        state = self._state(found, now)
        return {**state, "target_model": found.target_model, "vocabulary": [_item(word) for word in found.hot_words]}

    def _update(self, inputs: Mapping[str, Any], account: str, now: float) -> dict[str, Any]:
        found = self._named(inputs, account)
        self._lists[found.vocabulary_id] = evolve(
            found,
            hot_words=self._read_items(inputs),
            modified_at=now,
            usable_at=now + self.settings.vocabulary_deploy_seconds,
        )
        return {}

    def _delete(self, inputs: Mapping[str, Any], account: str, now: float) -> dict[str, Any]:
        del now
        del self._lists[self._named(inputs, account).vocabulary_id]
        return {}

    # What they share

    def _refusal(self, name: str) -> RefusalError:
        message = f"Required parameter({name}) missing or invalid, please check the request parameters."
        return RefusalError(400, self.settings.vocabulary_error_code, message)

    def _named(self, inputs: Mapping[str, Any], account: str) -> Vocabulary:
        vocabulary_id = inputs.get("vocabulary_id")
        found = self.find(vocabulary_id, account) if isinstance(vocabulary_id, str) else None
        if found is None:
            raise _BadInputError("vocabulary_id")
        return found

    def _read_items(self, inputs: Mapping[str, Any]) -> tuple[HotWord, ...]:
        items = inputs.get("vocabulary")
        if not isinstance(items, list) or not items:
            raise _BadInputError("vocabulary")
        if len(items) > self.settings.vocabulary_items:
            raise _over_quota()
        return tuple(_read_item(item) for item in items)

    def _state(self, found: Vocabulary, now: float) -> dict[str, Any]:
        return {
            "gmt_create": second_time(found.created_at, self.settings),
            "gmt_modified": second_time(found.modified_at, self.settings),
            "status": found.status(now),
        }


def _takes_hot_words(model: str) -> bool:
    known = CATALOGUE.get(model)
    return (known is not None and "vocabulary_id" in known.parameters) or _LIVE_MODEL.fullmatch(model) is not None


def _read_item(item: Any) -> HotWord:
    text = item.get("text") if isinstance(item, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise _BadInputError("vocabulary.text")
    too_long = len(text.split()) > _MOST_WORDS if text.isascii() else len(text) > _MOST_CHARACTERS
    if too_long:
        raise _BadInputError("vocabulary.text")
    weight, lang = item.get("weight"), item.get("lang")
    if not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight <= _HEAVIEST:
        raise _BadInputError("vocabulary.weight")
    if lang is not None and not isinstance(lang, str):
        raise _BadInputError("vocabulary.lang")
    return HotWord(text, weight, lang)


def _item(word: HotWord) -> dict[str, Any]:
    item: dict[str, Any] = {"text": word.text, "weight": word.weight}
    return item if word.lang is None else {**item, "lang": word.lang}


def _whole_number(inputs: Mapping[str, Any], name: str, default: int, *, at_least: int) -> int:
    value = inputs.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise _BadInputError(name)
    return value


def _over_quota() -> RefusalError:
    return RefusalError(400, "Throttling.AllocationQuota", "Free allocated quota exceeded.")
