"""One entry of the catalogue."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from attrs import frozen

from aiofunasr.errors import FunASRError

Where = Literal["request", "task", "file"]


class Again(StrEnum):
    """Whether to try once more."""

    YES = "yes"
    NO = "no"
    CHANGED = "after a change"
    """Once what the advice says is done."""
    LATER = "later"
    """Once a period is over, or somebody has seen to the account."""


@frozen
class CodeEntry:
    """What there is to know about one code.

    Attributes:
        code: As the service writes it; empty where there is none and the HTTP status has to do.
        where: What it is said of: a request, a task as a whole, a file.
        statuses: The HTTP statuses it comes with; none where it stands in the answer to a query.
        error: The class it becomes; None where it is no error.
        retry: Whether the same request may be sent again; None where no request was refused.
        resubmit: Whether submitting the file (again) can help.
        meaning: What it says, in a sentence.
        advice: What the user can do, in a sentence.
    """

    code: str
    where: tuple[Where, ...]
    statuses: tuple[int, ...]
    error: type[FunASRError] | None
    retry: Again | None
    resubmit: Again
    meaning: str
    advice: str

    @property
    def name(self) -> str:
        """The code, or the HTTP status where there is none."""
        return self.code or f"HTTP {self.statuses[0]}"
