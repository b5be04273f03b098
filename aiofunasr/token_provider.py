"""Temporary tokens that renew themselves."""

from __future__ import annotations

import logging

from aiofunasr.errors import FunASRError, InvalidArgumentError
from aiofunasr.pipeline.clock import loop_time
from aiofunasr.pipeline.single_flight import SingleFlight
from aiofunasr.session import Session
from aiofunasr.temporary_token import LONGEST_LIFE, TemporaryToken, check_life

logger = logging.getLogger("aiofunasr")

_AHEAD = 0.25
"""The share of its life that a token still has when the next one is asked for."""

_LAST_MOMENTS = 0.05
"""The share of its life that is left to requests on their way: a token is handed out no more."""

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
"""Seconds between tries to renew a token that still lives."""


class TokenProvider:
    """Gives temporary tokens that live, and renews them ahead of their end.

    It is an async callable, so it can be the `api_key` of another session; and a service can hand its tokens to others
    who must not have the key:

        provider = aiofunasr.TokenProvider(session, expires_in=600)
        token = await provider.token(at_least=120)

    However many ask, one token is made at a time. While the old one lives nobody waits for the new one, and a service
    that cannot make one is no harm. Time is counted from before a token was asked for and on this machine's monotonic
    clock, so that no wrong clock matters.

    Args:
        session: An open session, with a key of its own; the provider serves the event loop of that session.
        expires_in: Whole seconds that each token lives, 1 to 1800.

    Raises:
        InvalidArgumentError: An argument cannot be used.
    """

    def __init__(self, session: Session, *, expires_in: int = LONGEST_LIFE) -> None:
        if not isinstance(session, Session):
            raise InvalidArgumentError("session", session, "an aiofunasr.Session is needed")
        self._session = session
        self._background = session._engine.background  # noqa: SLF001  (its work lives there)
        self._expires_in = check_life("expires_in", expires_in)
        self._flight: SingleFlight[TemporaryToken] = SingleFlight(self._background)
        self._token: TemporaryToken | None = None
        self._until = float("-inf")
        self._again_at = float("-inf")
        self._failures = 0

    def __repr__(self) -> str:
        state = "no token yet" if self._token is None else f"until {self._token.expires_at:%H:%M:%S} UTC"
        return f"<TokenProvider {self._expires_in} s, {state}>"

    async def __call__(self) -> str:
        """Return a token that lives, for the next request.

        Raises:
            FunASRError: There is none, and none could be made.
        """
        return (await self.token()).value

    async def token(self, *, at_least: float = 0.0) -> TemporaryToken:
        """Return a token that lives, with at least so many seconds left.

        Raises:
            InvalidArgumentError: No token lives that long.
            FunASRError: There is none, and none could be made.
        """
        if isinstance(at_least, bool) or not isinstance(at_least, int | float) or not 0 <= at_least < self._expires_in:
            raise InvalidArgumentError("at_least", at_least, f"seconds below {self._expires_in} are needed")
        now = loop_time()
        token, left = self._token, self._until - now
        if token is not None and left > max(at_least, self._expires_in * _LAST_MOMENTS):
            if left < self._expires_in * _AHEAD and now >= self._again_at:
                self._flight.begin(self._renew)
            return token
        return await self._background.run(self._flight.do, self._renew)

    def refused(self, value: str) -> None:
        """Forget a token that the service refused; a session whose key it was says so."""
        if self._token is not None and self._token.value == value:
            self._token = None

    async def _renew(self) -> TemporaryToken:
        asked_at = loop_time()
        try:
            token = await self._session.create_token(expires_in=self._expires_in)
        except FunASRError as error:
            pause = min(_FIRST_PAUSE * 2.0 ** min(self._failures, 30), _LONGEST_PAUSE)
            self._again_at, self._failures = loop_time() + pause, self._failures + 1
            logger.warning("a temporary token could not be made: %s", error)
            raise
        self._token, self._until, self._failures = token, asked_at + token.lifetime, 0
        return token
