"""The account's vocabularies: made, listed, changed and deleted (the protocol notes, section 9)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
from attrs import define, evolve

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
    VocabularyTimeoutError,
)
from aiofunasr.options import DEFAULT_MODEL, TranscriptionOptions
from aiofunasr.pacing.retries import TRIES
from aiofunasr.pipeline.engine import Engine
from aiofunasr.vocabulary import GivenWords, HotWord, Vocabulary, check_prefix, hot_words
from aiofunasr.wire.messages import Kind, Reply
from aiofunasr.wire.replies import read_done, read_vocabularies, read_vocabulary, read_vocabulary_id
from aiofunasr.wire.requests import customize

T = TypeVar("T")

logger = logging.getLogger("aiofunasr")

_LOOKS = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each look for a vocabulary whose making had no reply."""

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 5.0
"""Seconds between questions whether a vocabulary can be used by now."""

_FAREWELL = 10.0
"""Seconds that the deletion of a vocabulary may hold up who is leaving."""

_REMEMBERED = 1000
"""Vocabularies whose model is remembered; an account has ten at a time."""

_PASSING = (TransportError, ServiceUnavailableError, InvalidReplyError, ThrottledError, KeyProviderError)

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

GivenVocabulary = str | Vocabulary


@define
class _Making:
    """A vocabulary that is to be made; `known` are the ids that began so before."""

    words: tuple[HotWord, ...]
    model: str
    prefix: str
    is_own_prefix: bool
    known: frozenset[str] = frozenset()
    vocabulary_id: str | None = None
    is_unknown: bool = False


class Vocabularies:
    """The vocabularies of a session's account; all programs that use the account see the same ones.

    An account has at most 10, for all models together.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._models: dict[str, str] = {}

    async def create(self, words: GivenWords, *, model: str = DEFAULT_MODEL, prefix: str | None = None) -> Vocabulary:
        """Make a vocabulary; `wait` tells when tasks can use it.

        Making one cannot be repeated without harm. When there was no reply, what was made is searched for among the
        vocabularies that begin with the prefix; with a prefix of its own, that is certain, and it is made again if it
        was not.

        Args:
            words: At most 500 hot words: `HotWord`s, strings, or a mapping of texts to weights.
            model: The only model it will have an effect on.
            prefix: What its name begins with: 1 to 9 digits and lower-case letters. By default a random one.

        Raises:
            InvalidArgumentError: An argument cannot be used; nothing was sent.
            QuotaExceededError: The account has as many vocabularies as it may.
            AmbiguousVocabularyError: Whether it was made is not known.
            FunASRError: It was refused, or could not be sent.
        """
        making = _making(words, model, prefix)
        self._engine.background.check()
        return await self._engine.background.run(self._make, making)

    async def list(self, prefix: str | None = None, *, page_size: int = 10) -> AsyncIterator[Vocabulary]:
        """Go through the account's vocabularies, page by page; their words are not among what is told (see `query`).

        Args:
            prefix: Only those whose name begins so.
            page_size: How many to ask for at once.

        Raises:
            InvalidArgumentError: An argument cannot be used.
            FunASRError: Listing was refused or failed.
        """
        if prefix is not None:
            check_prefix(prefix)
        if isinstance(page_size, bool) or not isinstance(page_size, int) or page_size < 1:
            raise InvalidArgumentError("page_size", page_size, "at least 1 is needed")
        self._engine.background.check()
        seen: set[str] = set()
        page_index = 0
        while True:
            page = await self._engine.background.run(self._page, prefix, page_index, page_size)
            new = [row for row in page if row.vocabulary_id not in seen]
            for row in new:
                seen.add(row.vocabulary_id)
                yield row
            # A short page is no end: the service may give fewer than it was asked for.
            if not new:
                return
            page_index += 1

    async def query(self, vocabulary: GivenVocabulary) -> Vocabulary:
        """Ask what a vocabulary holds, which model it is for, and whether tasks can use it.

        Raises:
            BadRequestError: There is no such vocabulary; `NotFoundError`, should the service call it so.
            FunASRError: The request was refused or failed.
        """
        vocabulary_id = _id_of(vocabulary)
        self._engine.background.check()
        return await self._engine.background.run(self._query, vocabulary_id)

    async def wait(self, vocabulary: GivenVocabulary, *, timeout: float = 60.0) -> Vocabulary:  # noqa: ASYNC109
        """Wait until tasks can use a vocabulary, for at most so many seconds, and return what it is then.

        Raises:
            VocabularyTimeoutError: It took longer.
            FunASRError: The request was refused or failed.
        """
        vocabulary_id = _id_of(vocabulary)
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
            raise InvalidArgumentError("timeout", timeout, "seconds above 0 are needed")
        self._engine.background.check()
        pause = _FIRST_WAIT
        with anyio.move_on_after(timeout):
            while not (found := await self.query(vocabulary_id)).is_usable:
                await anyio.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_WAIT)
            return found
        raise VocabularyTimeoutError(f"{vocabulary_id} could not be used within {timeout:g} s")

    async def update(self, vocabulary: GivenVocabulary, words: GivenWords) -> None:
        """Put other words in the place of all those in a vocabulary.

        Raises:
            InvalidArgumentError: An argument cannot be used; nothing was sent.
            BadRequestError: There is no such vocabulary; `NotFoundError`, should the service call it so.
            FunASRError: The request was refused or failed.
        """
        vocabulary_id, items = _id_of(vocabulary), [word.as_item() for word in hot_words(words)]
        self._engine.background.check()
        await self._engine.background.run(
            self._ask, read_done, "update_vocabulary", {"vocabulary_id": vocabulary_id, "vocabulary": items}
        )

    async def delete(self, vocabulary: GivenVocabulary) -> None:
        """Delete a vocabulary.

        Raises:
            BadRequestError: There is no such vocabulary; `NotFoundError`, should the service call it so.
            FunASRError: The request was refused or failed.
        """
        vocabulary_id = _id_of(vocabulary)
        self._engine.background.check()
        await self._engine.background.run(self._delete, vocabulary_id)

    @asynccontextmanager
    async def temporary(
        self,
        words: GivenWords,
        *,
        model: str = DEFAULT_MODEL,
        prefix: str | None = None,
        timeout: float = 60.0,  # noqa: ASYNC109
    ) -> AsyncIterator[Vocabulary]:
        """Make a vocabulary, wait until it can be used, and delete it at the end: see `Session.vocabulary`."""
        making = _making(words, model, prefix)
        self._engine.background.check()
        done = False
        try:
            made = await self._engine.background.run(self._make, making)
            yield evolve(await self.wait(made, timeout=timeout), words=making.words)
            done = True
        finally:
            await self._clean_up(making, must_tell=done)

    def check(self, options: TranscriptionOptions) -> None:
        """Refuse a vocabulary that is known to have been made for another model: it would have no effect.

        Raises:
            InvalidArgumentError: It was.
        """
        vocabulary_id = options.vocabulary_id
        target = self._models.get(str(vocabulary_id))
        if target is not None and target != options.model:
            raise InvalidArgumentError(
                "vocabulary_id", str(vocabulary_id), f"it was made for {target} and has no effect on {options.model}"
            )

    # --- how ---

    async def _ask(self, read: Callable[[Reply], T], action: str, arguments: dict[str, object]) -> T:
        return await self._engine.gateway.ask(
            Kind.VOCABULARY, lambda caller: customize(caller, action, **arguments), read
        )

    async def _page(self, prefix: str | None, page_index: int, page_size: int) -> tuple[Vocabulary, ...]:
        arguments: dict[str, object] = {"prefix": prefix, "page_index": page_index, "page_size": page_size}
        return await self._ask(read_vocabularies, "list_vocabulary", arguments)

    async def _query(self, vocabulary_id: str) -> Vocabulary:
        found = await self._ask(
            lambda reply: read_vocabulary(reply, vocabulary_id), "query_vocabulary", {"vocabulary_id": vocabulary_id}
        )
        if found.target_model is not None:
            self._remember(vocabulary_id, found.target_model)
        return found

    def _remember(self, vocabulary_id: str, model: str) -> None:
        self._models[vocabulary_id] = model
        if len(self._models) > _REMEMBERED:
            del self._models[next(iter(self._models))]

    async def _make(self, making: _Making) -> Vocabulary:
        if not making.is_own_prefix:
            # So that what is found later, if there is no reply, is known to be new.
            making.known = await self._begun(making.prefix)
        making.vocabulary_id = await self._create(making)
        self._remember(making.vocabulary_id, making.model)
        return Vocabulary(vocabulary_id=making.vocabulary_id, target_model=making.model, words=making.words)

    async def _create(self, making: _Making) -> str:
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

    async def _send_create(self, making: _Making) -> str:
        items = [word.as_item() for word in making.words]
        return await self._engine.gateway.send(
            Kind.VOCABULARY,
            lambda caller: customize(
                caller, "create_vocabulary", target_model=making.model, prefix=making.prefix, vocabulary=items
            ),
            read_vocabulary_id,
        )

    async def _pause(self, attempt: int, error: FunASRError) -> None:
        """Wait until a request that failed may be sent again, or raise its error."""
        if isinstance(error, AuthenticationError):
            if attempt > 1 or not self._engine.account.renews_key:
                raise error
        elif isinstance(error, _PASSING):
            await self._engine.gateway.pause_before_retry(attempt, error)
        else:
            raise error

    async def _begun(self, prefix: str | None) -> frozenset[str]:
        """Return the ids of all vocabularies whose name begins so."""
        found: set[str] = set()
        page_index = 0
        while page := {row.vocabulary_id for row in await self._page(prefix, page_index, 10)} - found:
            found |= page
            page_index += 1
        return frozenset(found)

    async def _search(self, making: _Making, looks: tuple[float, ...] = _LOOKS) -> str | None:
        """Look for a vocabulary whose making had no reply."""
        for pause in looks:
            await anyio.sleep(pause)
            try:
                new = await self._begun(making.prefix) - making.known
                same = [
                    vocabulary_id
                    for vocabulary_id in sorted(new)
                    if making.is_own_prefix or _is_what_was_made(await self._query(vocabulary_id), making)
                ]
            except FunASRError as error:
                logger.info("the vocabularies could not be listed: %s", error)
                continue
            if len(same) == 1 or (same and making.is_own_prefix):
                logger.info("found %s, whose making had no reply", same[0])
                return same[0]
        return None

    async def _delete(self, vocabulary_id: str) -> None:
        attempt, may_be_gone = 0, False
        while True:
            attempt += 1
            try:
                await self._engine.gateway.send(
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
                await self._delete(vocabulary_id)
            except FunASRError as error:
                logger.warning("%s could not be deleted: %s", vocabulary_id, error)

    async def _clean_up(self, making: _Making, *, must_tell: bool) -> None:
        """Delete what was made; unless told to, do not raise what goes wrong.

        It is done in the background, so that nothing that happens to who is leaving cuts it short.
        """
        if making.vocabulary_id is None and not making.is_unknown:
            return
        farewell = _Farewell()
        if self._engine.background.is_open:
            self._engine.background.spawn(self._say_farewell, making, farewell)
            with anyio.move_on_after(_FAREWELL, shield=True):
                await farewell.ended.wait()
        if farewell.is_done:
            return
        why = farewell.error or ("it took too long" if self._engine.background.is_open else "the session was closed")
        if must_tell and farewell.error is not None:
            raise farewell.error
        logger.warning("%s could not be deleted: %s", making.vocabulary_id or making.prefix, why)

    async def _say_farewell(self, making: _Making, farewell: _Farewell) -> None:
        try:
            with anyio.move_on_after(_FAREWELL):
                if making.vocabulary_id is None:
                    making.vocabulary_id = await self._search(making, _LOOKS[:2])
                if making.vocabulary_id is not None:
                    await self._delete(making.vocabulary_id)
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


def _making(words: GivenWords, model: str, prefix: str | None) -> _Making:
    found = hot_words(words)
    if not isinstance(model, str) or not model.strip():
        raise InvalidArgumentError("model", model, "a non-empty string is needed")
    if prefix is not None:
        check_prefix(prefix)
    return _Making(found, model, _random_prefix() if prefix is None else prefix, prefix is None)


def _random_prefix() -> str:
    number = uuid.uuid4().int
    return "".join(_DIGITS[number // 36**place % 36] for place in range(9))


def _prefix_of(vocabulary_id: str) -> str | None:
    parts = vocabulary_id.split("-")
    return parts[1] if len(parts) == 3 else None


def _is_what_was_made(found: Vocabulary, making: _Making) -> bool:
    return found.target_model == making.model and found.words == making.words


def _id_of(vocabulary: object) -> str:
    found = vocabulary.vocabulary_id if isinstance(vocabulary, Vocabulary) else vocabulary
    if not isinstance(found, str) or not found.strip() or not found.isascii() or not found.isprintable():
        raise InvalidArgumentError("vocabulary", vocabulary, "a Vocabulary or the id of one is needed")
    return found


def _ambiguous(making: _Making, error: FunASRError) -> AmbiguousVocabularyError:
    return AmbiguousVocabularyError(
        f"whether the vocabulary {making.prefix!r} for {making.model} was made is not known: {error}",
        prefix=making.prefix,
        model=making.model,
    )
