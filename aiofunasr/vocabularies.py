"""The account's vocabularies: made, listed, changed and deleted (the protocol notes, section 9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from attrs import evolve

from aiofunasr.errors import InvalidArgumentError, VocabularyTimeoutError
from aiofunasr.options import DEFAULT_MODEL, TranscriptionOptions
from aiofunasr.pipeline.engine import Engine
from aiofunasr.pipeline.vocabularies import VocabularyKeeper, making_of
from aiofunasr.vocabulary import GivenWords, Vocabulary, check_prefix, hot_words
from aiofunasr.wire.replies import read_done

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 5.0
"""Seconds between questions whether a vocabulary can be used by now."""

GivenVocabulary = str | Vocabulary


class Vocabularies:
    """The vocabularies of a session's account; all programs that use the account see the same ones.

    An account has at most 10, for all models together.
    """

    def __init__(self, engine: Engine) -> None:
        self._background = engine.background
        self._keeper = VocabularyKeeper(engine.gateway, engine.background, engine.account)

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
        making = making_of(words, model, prefix)
        self._background.check()
        return await self._background.run(self._keeper.make, making)

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
        self._background.check()
        seen: set[str] = set()
        page_index = 0
        while True:
            page = await self._background.run(self._keeper.page, prefix, page_index, page_size)
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
        self._background.check()
        return await self._background.run(self._keeper.query, vocabulary_id)

    async def wait(self, vocabulary: GivenVocabulary, *, timeout: float = 60.0) -> Vocabulary:  # noqa: ASYNC109
        """Wait until tasks can use a vocabulary, for at most so many seconds, and return what it is then.

        Raises:
            VocabularyTimeoutError: It took longer.
            FunASRError: The request was refused or failed.
        """
        vocabulary_id = _id_of(vocabulary)
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
            raise InvalidArgumentError("timeout", timeout, "seconds above 0 are needed")
        self._background.check()
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
        self._background.check()
        await self._background.run(
            self._keeper.ask, read_done, "update_vocabulary", {"vocabulary_id": vocabulary_id, "vocabulary": items}
        )

    async def delete(self, vocabulary: GivenVocabulary) -> None:
        """Delete a vocabulary.

        Raises:
            BadRequestError: There is no such vocabulary; `NotFoundError`, should the service call it so.
            FunASRError: The request was refused or failed.
        """
        vocabulary_id = _id_of(vocabulary)
        self._background.check()
        await self._background.run(self._keeper.delete, vocabulary_id)

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
        making = making_of(words, model, prefix)
        self._background.check()
        done = False
        try:
            made = await self._background.run(self._keeper.make, making)
            yield evolve(await self.wait(made, timeout=timeout), words=making.words)
            done = True
        finally:
            await self._keeper.clean_up(making, must_tell=done)

    def check(self, options: TranscriptionOptions) -> None:
        """Refuse a vocabulary that is known to have been made for another model: it would have no effect.

        Raises:
            InvalidArgumentError: It was.
        """
        vocabulary_id = options.vocabulary_id
        target = self._keeper.model_of(str(vocabulary_id))
        if target is not None and target != options.model:
            raise InvalidArgumentError(
                "vocabulary_id", str(vocabulary_id), f"it was made for {target} and has no effect on {options.model}"
            )


def _id_of(vocabulary: object) -> str:
    found = vocabulary.vocabulary_id if isinstance(vocabulary, Vocabulary) else vocabulary
    if not isinstance(found, str) or not found.strip() or not found.isascii() or not found.isprintable():
        raise InvalidArgumentError("vocabulary", vocabulary, "a Vocabulary or the id of one is needed")
    return found
