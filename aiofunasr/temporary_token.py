"""A temporary token: what stands in for the API key for some minutes (the protocol notes, section 8)."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from aiofunasr.errors import InvalidArgumentError

SHORTEST_LIFE = 1
LONGEST_LIFE = 1800
"""Seconds for which a token may be asked."""


@frozen(kw_only=True)
class TemporaryToken:
    """A token that is used in place of the API key, has all of its rights, and cannot be revoked.

    Attributes:
        value: The token itself; keep it as secret as a key.
        expires_at: When it ends, by the service's clock, as an aware datetime.
        lifetime: Seconds it had to live when the service made it. Who counts those, from before the token was asked
            for, does not depend on any clock being right.
    """

    value: str = field(repr=False)
    expires_at: datetime
    lifetime: float


def check_life(argument: str, seconds: object) -> int:
    """Make sure that a token can be asked for so many seconds.

    Raises:
        InvalidArgumentError: It cannot.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not SHORTEST_LIFE <= seconds <= LONGEST_LIFE:
        raise InvalidArgumentError(argument, seconds, f"whole seconds from {SHORTEST_LIFE} to {LONGEST_LIFE}")
    return seconds
