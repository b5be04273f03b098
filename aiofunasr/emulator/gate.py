"""Who calls, and whether it is not too often (protocol notes, sections 1.3, 6.4 and 8)."""

from __future__ import annotations

import math
from typing import Final

from aiofunasr.emulator.framing import Call
from aiofunasr.emulator.ledger import Ledger
from aiofunasr.emulator.limits import RateLimit, SlidingWindow
from aiofunasr.emulator.messages import RefusalError
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.tokens import TOKEN_PREFIX, TokenDesk

_THROTTLE_MESSAGES: Final = {
    "Throttling": "Requests throttling triggered.",
    "Throttling.RateQuota": "Requests rate limit exceeded, please try again later.",
    "Throttling.BurstRate": "Request rate increased too quickly. Please scale requests more smoothly.",
    "Throttling.AllocationQuota": "Allocated quota exceeded, please increase your quota limit.",
}


class Gate:
    """Lets a request in, or refuses it, before anything is done for it."""

    def __init__(self, settings: EmulatorSettings, ledger: Ledger, tokens: TokenDesk) -> None:
        self.settings = settings
        self._ledger = ledger
        self._tokens = tokens
        self._budgets: dict[tuple[str, ...], SlidingWindow] = {}

    def authenticate(self, call: Call, *, tokens: bool = True) -> tuple[str, str]:
        """Return the account and the key a request is made with; of a token, those it was made with.

        Raises:
            RefusalError: 401, the key or token is missing, unknown or expired, or a token where it must be a key.
        """
        scheme, _, credential = call.request.header("Authorization").partition(" ")
        api_key = credential.strip()
        if api_key.startswith(TOKEN_PREFIX) and tokens and api_key not in self.settings.api_keys:
            found = self._tokens.key_of(api_key, call.now)
            if found is None:
                raise RefusalError(401, "", "invalid access token or token expired")
            api_key = found
        account = self.settings.account_of(api_key) if scheme.lower() == "bearer" else None
        if account is None:
            raise RefusalError(401, "InvalidApiKey", "Invalid API-key provided.")
        return account, api_key

    def throttle(self, call: Call, limit: RateLimit, account: str, model: str = "") -> None:
        """Count a request against a limit of its kind, account and model.

        Raises:
            RefusalError: 429, it is one too many.
        """
        if not self.settings.limits_enabled:
            return
        kind: str = call.kind
        if self.settings.share_task_limits and kind in {"query", "list", "cancel"}:
            kind, limit = "task", self.settings.query_limit
        key = (kind, account, model)
        budget = self._budgets.get(key)
        if budget is None:
            budget = self._budgets[key] = SlidingWindow(limit)
        elif budget.limit is not limit:
            budget.change(limit)
        wait = budget.admit(call.now)
        if wait:
            raise self.too_often(call, self.settings.throttle_code, wait)

    def too_often(self, call: Call, code: str, wait: float) -> RefusalError:
        """Count a throttled request, and return its refusal; `wait` seconds and it would be let in."""
        self._ledger.throttled[call.kind] += 1
        headers = {"retry-after": str(math.ceil(wait))} if self.settings.retry_after else {}
        return RefusalError(429, code, _THROTTLE_MESSAGES[code], headers)
