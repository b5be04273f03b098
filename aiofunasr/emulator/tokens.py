"""Temporary tokens: used in place of a key for a while (protocol notes, section 8)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import field, frozen

from aiofunasr.emulator.messages import RefusalError

TOKEN_PREFIX: Final = "st-"  # noqa: S105 (what tokens begin with)

_DEFAULT_SECONDS: Final = 60
_LONGEST_SECONDS: Final = 1800


@frozen
class _Token:
    api_key: str = field(repr=False)
    expires_at: int


class TokenDesk:
    """Gives tokens out and knows whose they are; `new_id` makes a name for one.

    A token is as good as the key it was made with, account and region included, and cannot be taken back.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._tokens: dict[str, _Token] = {}

    def __repr__(self) -> str:
        return f"<TokenDesk {len(self._tokens)} tokens>"

    def issue(self, api_key: str, arguments: Mapping[str, str], now: float) -> dict[str, Any]:
        """Make a token for as many seconds as the query arguments ask for.

        Raises:
            RefusalError: `expire_in_seconds` is no number from 1 to 1800.
        """
        self._forget_expired(now)
        seconds = _seconds(arguments.get("expire_in_seconds"))
        token = TOKEN_PREFIX + self._new_id().replace("-", "")
        # Rounded up, so that even a token of one second lives for one.
        expires_at = math.ceil(now + seconds)
        self._tokens[token] = _Token(api_key, expires_at)
        return {"token": token, "expires_at": expires_at}

    def key_of(self, token: str, now: float) -> str | None:
        """Return the key a token stands for, or None: it has expired, or never was one."""
        known = self._tokens.get(token)
        return known.api_key if known is not None and now < known.expires_at else None

    def _forget_expired(self, now: float) -> None:
        for token in [token for token, known in self._tokens.items() if known.expires_at <= now]:
            del self._tokens[token]


def _seconds(text: str | None) -> int:
    if text is None:
        return _DEFAULT_SECONDS
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= _LONGEST_SECONDS):
        message = "Required parameter(expire_in_seconds) missing or invalid, please check the request parameters."
        raise RefusalError(400, "InvalidParameter", message)
    return int(text)
