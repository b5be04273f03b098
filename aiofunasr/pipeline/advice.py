"""Looks at options before they are used, and tells their user what the service would not."""

from __future__ import annotations

import logging
import sys
import warnings
from collections import OrderedDict

from aiofunasr.errors import InvalidArgumentError
from aiofunasr.misfits import OptionsWarning, find_misfits
from aiofunasr.models import Dialect
from aiofunasr.options import TranscriptionOptions

logger = logging.getLogger("aiofunasr")

_MOST_REMEMBERED = 1000
"""A service may ask with ever other options; whoever comes back after so many others is told once more."""

_PACKAGE = __name__.partition(".")[0]


class Adviser:
    """A session's: it knows the region, and what was said before.

    Attributes:
        target_models: The model each hot-word list was made for, as far as the session has heard of it.
    """

    def __init__(self, region: str | None) -> None:
        self._region = region
        self._told: OrderedDict[int, None] = OrderedDict()
        self._told_of_masking = False
        self.target_models: dict[str, str] = {}

    def look_at(self, options: TranscriptionOptions, files: int = 1) -> None:
        """Check options that are about to be used, and warn of what they ask for in vain, once for each value of them.

        Args:
            options: What is asked for.
            files: How many files are to go into one task.

        Raises:
            InvalidArgumentError: Their hot-word list was made for another model, which the service would ignore; or the
                model takes one file a task, and there are more.
            OptionsWarning: Where warnings are errors.
        """
        if files > 1 and options.dialect is Dialect.FILE_URL:
            raise InvalidArgumentError(
                "files",
                f"<{files} files>",
                f"{options.model} takes one file a task; Session.transcribe takes many files",
            )
        self._check_vocabulary(options)
        key = hash(options)
        if key in self._told:
            self._told.move_to_end(key)
            return
        self._told[key] = None
        if len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)
        for misfit in find_misfits(options, self._region):
            warnings.warn(OptionsWarning(misfit), stacklevel=_levels_to_the_caller())
        if not self._told_of_masking and options.special_word_filter is None:
            # Nearly everybody's options are like this, so it is no warning; but who looks for the reason finds it.
            self._told_of_masking = True
            logger.info(
                "words of the service's own list are masked with *; "
                "special_word_filter=SpecialWordFilter(reserved=False) leaves them as they were spoken"
            )

    def _check_vocabulary(self, options: TranscriptionOptions) -> None:
        listed = options.vocabulary_id
        target = None if listed is None else self.target_models.get(listed)
        if listed is not None and target is not None and target != options.model:
            raise InvalidArgumentError(
                "vocabulary_id",
                listed,
                f"the list was made for {target}, and {options.model} would ignore it: ask for model={target!r}, "
                f"or make a list for {options.model}",
            )


def _levels_to_the_caller() -> int:
    """Return how far up the stack, seen from who calls this, the first frame outside of this package is."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001  (`warn` can leave out files by itself from Python 3.12 on)
    while frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level
