"""Makes and deletes vocabularies, neither of which can simply be repeated (the protocol notes, section 9)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import TypeVar

import anyio
from attrs import define

from aiofunasr.errors import (
    AmbiguousVocabularyError,
    AuthenticationError,
    BadRequestError,
    FunASRError,
    InvalidArgumentError,
    InvalidReplyError,
    KeyProviderError,
    NotFoundError,
    ServiceUnavailableError,
    ThrottledError,
    TransportError,
)
from aiofunasr.pacing.retries import TRIES
from aiofunasr.pipeline.background import Background
from aiofunasr.pipeline.gateway import Gateway
from aiofunasr.settings import Account
from aiofunasr.vocabulary import GivenWords, HotWord, Vocabulary, check_prefix, hot_words
from aiofunasr.wire.messages import Kind, Reply
from aiofunasr.wire.replies import read_done, read_vocabularies, read_vocabulary, read_vocabulary_id
from aiofunasr.wire.requests import customize

T = TypeVar("T")

logger = logging.getLogger("aiofunasr")

_LOOKS = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each look for a vocabulary whose making had no reply."""

_FAREWELL = 10.0
"""Seconds that the deletion of a vocabulary may hold up who is leaving."""

_REMEMBERED = 1000
"""Vocabularies whose model is remembered; an account has ten at a time."""

_PASSING = (TransportError, ServiceUnavailableError, InvalidReplyError, ThrottledError, KeyProviderError)

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@define
class Making:
    """A vocabulary that is to be made.

    Attributes:
        words, model, prefix: What it is to be.
        is_own_prefix: Whether no other vocabulary begins so, because the prefix was drawn for this one.
        known: The ids that began so before.
        vocabulary_id: Its id, once it is made.
        is_unknown: Whether it may have been made without a word about it.
    """

    words: tuple[HotWord, ...]
    model: str
    prefix: str
    is_own_prefix: bool
    known: frozenset[str] = frozenset()
    vocabulary_id: str | None = None
    is_unknown: bool = False


class VocabularyKeeper:
    """Makes, asks about and deletes the vocabularies of a session's account."""

    def __init__(self, gateway: Gateway, background: Background, account: Account) -> None:
        self._gateway = gateway
        self._background = background
        self._account = account
        self._models: dict[str, str] = {}

    def model_of(self, vocabulary_id: str) -> str | None:
        """Return the model that a vocabulary is known to have been made for."""
        return self._models.get(vocabulary_id)

    async def ask(self, read: Callable[[Reply], T], action: str, arguments: dict[str, object]) -> T:
        """Send one of the actions, which can be repeated."""
        return await self._gateway.ask(Kind.VOCABULARY, lambda caller: customize(caller, action, **arguments), read)

    async def page(self, prefix: str | None, page_index: int, page_size: int) -> tuple[Vocabulary, ...]:
        """Return a page of the vocabularies that begin so, without their words."""
        arguments: dict[str, object] = {"prefix": prefix, "page_index": page_index, "page_size": page_size}
        return await self.ask(read_vocabularies, "list_vocabulary", arguments)

    async def query(self, vocabulary_id: str) -> Vocabulary:
        """Return what the service knows of a vocabulary."""
        found = await self.ask(
            lambda reply: read_vocabulary(reply, vocabulary_id), "query_vocabulary", {"vocabulary_id": vocabulary_id}
        )
        if found.target_model is not None:
            self._remember(vocabulary_id, found.target_model)
        return found

    def _remember(self, vocabulary_id: str, model: str) -> None:
        self._models[vocabulary_id] = model
        if len(self._models) > _REMEMBERED:
            del self._models[next(iter(self._models))]

    async def make(self, making: Making) -> Vocabulary:
        """Make a vocabulary; where it has no reply, find out what came of it."""
        if not making.is_own_prefix:
            # So that what is found later, if there is no reply, is known to be new.
            making.known = await self._begun(making.prefix)
        making.vocabulary_id = await self._create(making)
        self._remember(making.vocabulary_id, making.model)
        return Vocabulary(vocabulary_id=making.vocabulary_id, target_model=making.model, words=making.words)

    async def _create(self, making: Making) -> str:
        attempt = 0
        while True:
            attempt += 1
            making.is_unknown = True
            try:
                made = await self._send_create(making)
            except FunASRError as error:
                making.is_unknown = _may_have_been_heard(error)
                if making.is_unknown:
                    found = await self._search(making)
                    if found is not None:
                        return found
                    if not making.is_own_prefix or attempt >= TRIES:
                        raise _ambiguous(making, error) from error
                await self._pause(attempt, error)
            else:
                if attempt > 1 and making.is_own_prefix:
                    # One of those before may have been made late.
                    await self._delete_all(await self._begun(making.prefix) - {made})
                return made

    async def _send_create(self, making: Making) -> str:
        items = [word.as_item() for word in making.words]
        return await self._gateway.send(
            Kind.VOCABULARY,
            lambda caller: customize(
                caller, "create_vocabulary", target_model=making.model, prefix=making.prefix, vocabulary=items
            ),
            read_vocabulary_id,
        )

    async def _pause(self, attempt: int, error: FunASRError) -> None:
        """Wait until a request that failed may be sent again, or raise its error."""
        if isinstance(error, AuthenticationError):
            if attempt > 1 or not self._account.renews_key:
                raise error
        elif isinstance(error, _PASSING):
            await self._gateway.pause_before_retry(attempt, error)
        else:
            raise error

    async def _begun(self, prefix: str | None) -> frozenset[str]:
        """Return the ids of all vocabularies whose name begins so."""
        found: set[str] = set()
        page_index = 0
        while page := {row.vocabulary_id for row in await self.page(prefix, page_index, 10)} - found:
            found |= page
            page_index += 1
        return frozenset(found)

    async def _search(self, making: Making, looks: tuple[float, ...] = _LOOKS) -> str | None:
        """Look for a vocabulary whose making had no reply."""
        for pause in looks:
            await anyio.sleep(pause)
            try:
                new = await self._begun(making.prefix) - making.known
                same = [
                    vocabulary_id
                    for vocabulary_id in sorted(new)
                    if making.is_own_prefix or _is_what_was_made(await self.query(vocabulary_id), making)
                ]
            except FunASRError as error:
                logger.info("the vocabularies could not be listed: %s", error)
                continue
            if len(same) == 1 or (same and making.is_own_prefix):
                logger.info("found %s, whose making had no reply", same[0])
                return same[0]
        return None

    async def delete(self, vocabulary_id: str) -> None:
        """Delete a vocabulary; that it is gone after a try without a reply is no error."""
        attempt, may_be_gone = 0, False
        while True:
            attempt += 1
            try:
                await self._gateway.send(
                    Kind.VOCABULARY,
                    lambda caller: customize(caller, "delete_vocabulary", vocabulary_id=vocabulary_id),
                    read_done,
                )
            except FunASRError as error:
                refused = isinstance(error, BadRequestError | NotFoundError)
                if refused and may_be_gone and vocabulary_id not in await self._begun(_prefix_of(vocabulary_id)):
                    # A try before was heard, and its reply was lost.
                    return
                may_be_gone = may_be_gone or _may_have_been_heard(error)
                await self._pause(attempt, error)
            else:
                return

    async def _delete_all(self, vocabulary_ids: frozenset[str]) -> None:
        for vocabulary_id in vocabulary_ids:
            try:
                await self.delete(vocabulary_id)
            except FunASRError as error:
                logger.warning("%s could not be deleted: %s", vocabulary_id, error)

    async def clean_up(self, making: Making, *, must_tell: bool) -> None:
        """Delete what was made; unless told to, do not raise what goes wrong.

        It is done in the background, so that nothing that happens to who is leaving cuts it short.
        """
        if making.vocabulary_id is None and not making.is_unknown:
            return
        farewell = _Farewell()
        if self._background.is_open:
            self._background.spawn(self._say_farewell, making, farewell)
            with anyio.move_on_after(_FAREWELL, shield=True):
                await farewell.ended.wait()
        if farewell.is_done:
            return
        why = farewell.error or ("it took too long" if self._background.is_open else "the session was closed")
        if must_tell and farewell.error is not None:
            raise farewell.error
        logger.warning("%s could not be deleted: %s", making.vocabulary_id or making.prefix, why)

    async def _say_farewell(self, making: Making, farewell: _Farewell) -> None:
        try:
            with anyio.move_on_after(_FAREWELL):
                if making.vocabulary_id is None:
                    making.vocabulary_id = await self._search(making, _LOOKS[:2])
                if making.vocabulary_id is not None:
                    await self.delete(making.vocabulary_id)
                farewell.is_done = True
        except FunASRError as error:
            farewell.error = error
        finally:
            farewell.ended.set()


class _Farewell:
    """The deletion of a vocabulary, and what came of it."""

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.is_done = False
        self.error: FunASRError | None = None


def _may_have_been_heard(error: FunASRError) -> bool:
    """Tell whether the service may have done what it was asked for although there is no good reply."""
    if isinstance(error, TransportError):
        return error.sent
    return isinstance(error, ServiceUnavailableError | InvalidReplyError)


def making_of(words: GivenWords, model: str, prefix: str | None) -> Making:
    """Check what a vocabulary is to be.

    Raises:
        InvalidArgumentError: There can be no such vocabulary.
    """
    found = hot_words(words)
    if not isinstance(model, str) or not model.strip():
        raise InvalidArgumentError("model", model, "a non-empty string is needed")
    if prefix is not None:
        check_prefix(prefix)
    return Making(found, model, _random_prefix() if prefix is None else prefix, prefix is None)


def _random_prefix() -> str:
    number = uuid.uuid4().int
    return "".join(_DIGITS[number // 36**place % 36] for place in range(9))


def _prefix_of(vocabulary_id: str) -> str | None:
    parts = vocabulary_id.split("-")
    return parts[1] if len(parts) == 3 else None


def _is_what_was_made(found: Vocabulary, making: Making) -> bool:
    return found.target_model == making.model and found.words == making.words


def _ambiguous(making: Making, error: FunASRError) -> AmbiguousVocabularyError:
    return AmbiguousVocabularyError(
        f"whether the vocabulary {making.prefix!r} for {making.model} was made is not known: {error}",
        prefix=making.prefix,
        model=making.model,
    )
