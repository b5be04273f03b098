"""Who calls, from where, and whether it is not too often (protocol notes, sections 1.2, 1.3, 6.4 and 8)."""

from __future__ import annotations

import math
from typing import Final

from attrs import field, frozen

from aiofunasr.emulator.framing import Call
from aiofunasr.emulator.ledger import Ledger
from aiofunasr.emulator.limits import RateLimit, SlidingWindow
from aiofunasr.emulator.messages import RefusalError
from aiofunasr.emulator.models import Model
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.sites import Site, host_name
from aiofunasr.emulator.tokens import TOKEN_PREFIX, TokenDesk

_THROTTLE_MESSAGES: Final = {
    "Throttling": "Requests throttling triggered.",
    "Throttling.RateQuota": "Requests rate limit exceeded, please try again later.",
    "Throttling.BurstRate": "Request rate increased too quickly. Please scale requests more smoothly.",
    "Throttling.AllocationQuota": "Allocated quota exceeded, please increase your quota limit.",
}
_MINUTE: Final = 60.0


@frozen
class Caller:
    """Whose request it is; `api_key` is the key itself, of a token the one it was made with."""

    account: str
    api_key: str = field(repr=False)
    site: Site


class Gate:
    """Lets a request in, or refuses it, before anything is done for it."""

    def __init__(self, settings: EmulatorSettings, ledger: Ledger, tokens: TokenDesk) -> None:
        self.settings = settings
        self._ledger = ledger
        self._tokens = tokens
        self._budgets: dict[tuple[str, ...], SlidingWindow] = {}

    def authenticate(self, call: Call, *, tokens: bool = True) -> Caller:
        """Return whose request it is.

        Raises:
            RefusalError: the host is retired, the key or token is missing, unknown, expired or of another region, it is
                a token where it must be a key, or the workspace is unknown or another account's.
        """
        settings = self.settings
        host = call.request.header("Host")
        if settings.retired_hosts and host_name(host) in settings.retired_hosts:
            raise RefusalError(404, "NotFound", "The requested resource could not be found.")
        site = Site.of_host(host, settings.region)
        scheme, _, credential = call.request.header("Authorization").partition(" ")
        api_key = credential.strip()
        if api_key.startswith(TOKEN_PREFIX) and tokens and api_key not in settings.api_keys:
            found = self._tokens.key_of(api_key, call.now)
            if found is None:
                raise RefusalError(401, "", "invalid access token or token expired")
            api_key = found
        account = settings.account_of(api_key) if scheme.lower() == "bearer" else None
        if account is None or settings.key_regions.get(api_key, site.region) != site.region:
            raise RefusalError(401, "InvalidApiKey", "Invalid API-key provided.")
        self._check_workspaces(call, account, site)
        return Caller(account, api_key, site)

    def _check_workspaces(self, call: Call, account: str, site: Site) -> None:
        named = call.request.header("X-DashScope-WorkSpace")
        owners = self.settings.workspaces
        if not owners:
            return
        for workspace in (site.workspace, named or None):
            if workspace is not None and workspace not in owners:
                raise RefusalError(404, "WorkSpaceNotFound", f"Workspace can not be found. (workspace: {workspace})")
        if site.workspace is not None and owners[site.workspace] != account:
            raise RefusalError(401, "", "NOT AUTHORIZED")
        if named and owners[named] != account:
            raise RefusalError(403, "Workspace.AccessDenied", "Workspace access denied.")

    # Limits

    def throttle_submit(self, call: Call, caller: Caller, model: Model) -> None:
        """Count a submit against the limits of its model, which are another's in another region.

        Raises:
            RefusalError: 429, it is one too many.
        """
        settings = self.settings
        limit = settings.submit_limits.get(model.name) or settings.submit_limit or model.limit_in(caller.site.region)
        self.throttle(call, limit, caller, model.name)

    def throttle(self, call: Call, limit: RateLimit, caller: Caller, model: str = "") -> None:
        """Count a request against a limit of its kind, account, region and model.

        Raises:
            RefusalError: 429, it is one too many.
        """
        if not self.settings.limits_enabled:
            return
        kind: str = call.kind
        if self.settings.share_task_limits and kind in {"query", "list", "cancel"}:
            kind, limit = "task", self.settings.query_limit
        key = (kind, caller.account, caller.site.region, model)
        budgets = [self._budget(key, limit)]
        if limit.seconds == _MINUTE and self.settings.limits_per_second:
            budgets.append(self._budget((*key, "second"), RateLimit(math.ceil(limit.count / _MINUTE))))
        wait = max(budget.wait(call.now) for budget in budgets)
        if wait:
            raise self.too_often(call, self.settings.throttle_code, wait)
        for budget in budgets:
            budget.admit(call.now)

    def too_often(self, call: Call, code: str, wait: float) -> RefusalError:
        """Count a throttled request, and return its refusal; `wait` seconds and it would be let in."""
        self._ledger.throttled[call.kind] += 1
        headers = {"retry-after": str(math.ceil(wait))} if self.settings.retry_after else {}
        return RefusalError(429, code, _THROTTLE_MESSAGES[code], headers)

    def _budget(self, key: tuple[str, ...], limit: RateLimit) -> SlidingWindow:
        budget = self._budgets.get(key)
        if budget is None:
            budget = self._budgets[key] = SlidingWindow(limit)
        elif budget.limit is not limit and budget.limit != limit:
            budget.change(limit)
        return budget
