"""`aiofunasr vocabulary`: the account's lists of hot words."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from anyio import to_thread
from attrs import frozen

from aiofunasr.cli.delivery import print_text
from aiofunasr.cli.place import Place
from aiofunasr.cli.running import FAILED, CommandError
from aiofunasr.cli.wording import count, describe, printable, tell
from aiofunasr.errors import AccessDeniedError, AuthenticationError, FunASRError, InvalidArgumentError
from aiofunasr.session import Session
from aiofunasr.vocabulary import HotWord, Vocabulary, hot_words

_STDIN = "-"


@frozen(kw_only=True)
class WordsJob:
    """Hot words, from the command line and from a file; `weight` is that of those that have none of their own."""

    words: Sequence[str]
    file: str | None
    weight: int

    async def read(self) -> tuple[HotWord, ...]:
        """Return all of them.

        Raises:
            CommandError: There are none, or a line is no hot word.
        """
        found = [HotWord(word, self.weight) for word in self.words]
        if self.file is not None:
            text = await to_thread.run_sync(_read, self.file, abandon_on_cancel=True)
            found += self._of_lines(text)
        if not found:
            raise CommandError("no hot words: give some, or --file FILE")
        return hot_words(found)

    def _of_lines(self, text: str) -> Iterator[HotWord]:
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            word, *more = (part.strip() for part in line.split("\t"))
            try:
                yield _hot_word(word, more, self.weight)
            except InvalidArgumentError as error:
                raise CommandError(f"{self.file}, line {number}: {error}") from None


def _hot_word(word: str, more: Sequence[str], usual_weight: int) -> HotWord:
    if len(more) > 2:
        raise InvalidArgumentError("line", "\t".join([word, *more]), "a word, a weight and a language, tabs between")
    weight, lang = (*more, "", "")[:2]
    if weight and not (weight.isascii() and weight.isdecimal() and len(weight) < 5):
        raise InvalidArgumentError("weight", weight, "a whole number from 1 to 5 is needed; 4 is advised")
    return HotWord(word, int(weight) if weight else usual_weight, lang or None)


def _read(file: str) -> str:
    try:
        if file == _STDIN:
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return Path(file).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(f"{file}: this is no UTF-8 text") from None
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None


async def create(job: WordsJob, place: Place, *, model: str, prefix: str | None, wait: bool) -> int:
    """Make a vocabulary, print its id, and return the status."""
    words = await job.read()
    async with place.session() as session:
        made = await session.vocabularies.create(words, model=model, prefix=prefix)
        # Before it is waited for: whoever is interrupted then knows what there is.
        await print_text(made.vocabulary_id + "\n")
        if wait:
            await session.vocabularies.wait(made)
    tell(f"{count(len(words), 'hot word')} for {printable(model)}")
    return 0


async def update(vocabulary_id: str, job: WordsJob, place: Place, *, wait: bool) -> int:
    """Put other words into a vocabulary and return the status."""
    words = await job.read()
    async with place.session() as session:
        await session.vocabularies.update(vocabulary_id, words)
        if wait:
            await session.vocabularies.wait(vocabulary_id)
    tell(f"{count(len(words), 'hot word')} in {printable(vocabulary_id)}")
    return 0


async def list_vocabularies(prefix: str | None, place: Place, *, as_json: bool) -> int:
    """Print the account's vocabularies and return the status."""
    async with place.session() as session:
        async for found in session.vocabularies.list(prefix):
            record = _record(found)
            if as_json:
                await print_text(json.dumps(record, ensure_ascii=False) + "\n")
            else:
                await print_text("\t".join(printable(str(item or "")) for item in record.values()) + "\n")
    return 0


async def show(ids: Sequence[str], place: Place, *, as_json: bool) -> int:
    """Print the words of vocabularies and return the status."""
    failed = 0
    async with place.session() as session:
        for vocabulary_id in ids:
            found = await _query(session, vocabulary_id)
            if found is None:
                failed += 1
            elif as_json:
                words = [word.as_item() for word in found.words]
                record = {**_record(found), "model": found.target_model, "words": words}
                await print_text(json.dumps(record, ensure_ascii=False) + "\n")
            else:
                about = (found.status, found.target_model, count(len(found.words), "hot word"))
                tell(printable(": ".join([vocabulary_id, ", ".join(part for part in about if part)])))
                await print_text("".join(f"{_line(word)}\n" for word in found.words))
    return FAILED if failed else 0


async def delete(ids: Sequence[str], place: Place) -> int:
    """Delete vocabularies and return the status."""
    failed = 0
    async with place.session() as session:
        for vocabulary_id in ids:
            try:
                await session.vocabularies.delete(vocabulary_id)
            except (AuthenticationError, AccessDeniedError):
                raise
            except FunASRError as error:
                failed += 1
                tell(f"not deleted: {printable(vocabulary_id)}: {describe(error)}")
            else:
                await print_text(f"deleted: {vocabulary_id}\n")
    return FAILED if failed else 0


async def _query(session: Session, vocabulary_id: str) -> Vocabulary | None:
    try:
        return await session.vocabularies.query(vocabulary_id)
    except (AuthenticationError, AccessDeniedError):
        raise
    except FunASRError as error:
        tell(f"not shown: {printable(vocabulary_id)}: {describe(error)}")
        return None


def _record(found: Vocabulary) -> dict[str, Any]:
    """Return a vocabulary as plain values; its keys are the columns of the tab-separated form."""
    return {
        "vocabulary_id": found.vocabulary_id,
        "status": found.status,
        "created": _iso(found.gmt_create),
        "modified": _iso(found.gmt_modified),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


def _line(word: HotWord) -> str:
    return "\t".join(printable(str(part)) for part in (word.text, word.weight, word.lang) if part is not None)
