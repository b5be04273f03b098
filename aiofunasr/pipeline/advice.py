"""Looks at options before they are used, and tells their user what the service would not."""

from __future__ import annotations

import logging
import sys
import warnings
from collections import OrderedDict

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.options import TranscriptionOptions
from aiofunasr.options.misfits import OptionsWarning, find_misfits
from aiofunasr.options.models import MODELS, Dialect

logger = logging.getLogger("aiofunasr")

_MOST_REMEMBERED = 1000
"""A service may ask with ever other options; whoever comes back after so many others is told once more."""

_PACKAGE = __name__.partition(".")[0]


class Adviser:
    """A session's: it knows the region and the session's pace, and what was said before.

    Args:
        region: Where the session is, or None with a base URL of the caller's own.
        submits: How many submits a second it may make of any model.
    """

    def __init__(self, region: str | None, submits: float) -> None:
        self._region = region
        self._submits = submits
        self._told_of_pace: set[str] = set()
        self._told: OrderedDict[int, None] = OrderedDict()
        self._told_of_masking = False

    def look_at(self, options: TranscriptionOptions, files: int = 1) -> None:
        """Check options that are about to be used, and warn of what they ask for in vain, once for each value of them.

        Args:
            options: What is asked for.
            files: How many files are to go into one task.

        Raises:
            InvalidArgumentError: The model takes one file a task, and there are more.
            OptionsWarning: Where warnings are errors.
        """
        if files > 1 and options.dialect is Dialect.FILE_URL:
            raise InvalidArgumentError(
                "files",
                f"<{files} files>",
                f"{options.model} takes one file a task; Session.transcribe takes many files",
            )
        key = hash(options)
        if key in self._told:
            self._told.move_to_end(key)
            return
        self._told[key] = None
        if len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)
        for misfit in find_misfits(options, self._region):
            warnings.warn(OptionsWarning(misfit), stacklevel=_levels_to_the_caller())
        self._tell_of_pace(options.model)
        if not self._told_of_masking and options.special_word_filter is None:
            # Nearly everybody's options are like this, so it is no warning; but who looks for the reason finds it.
            self._told_of_masking = True
            logger.info(
                "words of the service's own list are masked with *; "
                "special_word_filter=SpecialWordFilter(reserved=False) leaves them as they were spoken"
            )

    def _tell_of_pace(self, name: str) -> None:
        """Say that the service takes fewer submits of a model than the session would make; it slows down by itself."""
        model = MODELS.get(name)
        limits = None if model is None or self._region is None else model.limits.get(self._region)
        allowed = None if limits is None else limits.submits_per_second
        if allowed is not None and allowed < self._submits and name not in self._told_of_pace:
            self._told_of_pace.add(name)
            logger.info(
                "the service takes %.3g submits a second of %s in %s, and this session makes up to %.3g: "
                "with Limits(submit=...) to match, fewer are refused",
                allowed,
                name,
                self._region,
                self._submits,
            )


def _levels_to_the_caller() -> int:
    """Return how far up the stack, seen from who calls this, the first frame outside of this package is."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001  (`warn` can leave out files by itself from Python 3.12 on)
    while frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level
