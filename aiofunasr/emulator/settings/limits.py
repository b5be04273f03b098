"""How often each kind of request may be made (protocol notes, section 6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import converters, field, frozen, validators

from aiofunasr.emulator.limits import RateLimit, as_rate_limit
from aiofunasr.emulator.settings.fields import POSITIVE_INTEGER, read_only_limits, says


@frozen(kw_only=True, slots=False)
class LimitSettings:
    """Rate limits, and how a request is refused that goes over one (section 6.4)."""

    limits_enabled: bool = field(default=True, metadata=says("Enforce the service's rate limits."))
    submit_limit: RateLimit | None = field(
        default=None,
        converter=converters.optional(as_rate_limit),
        metadata=says("Submits of any model; none: what is documented for the model and the region."),
    )
    submit_limits: Mapping[str, RateLimit] = field(
        factory=dict,
        converter=read_only_limits,
        metadata=says("Submits of single models, which go before all others."),
    )
    query_limit: RateLimit = field(
        default=RateLimit(20), converter=as_rate_limit, metadata=says("Queries of an account.")
    )
    cancel_limit: RateLimit = field(
        default=RateLimit(20), converter=as_rate_limit, metadata=says("Cancels of an account.")
    )
    list_limit: RateLimit = field(default=RateLimit(20), converter=as_rate_limit, metadata=says("Lists of an account."))
    policy_limit: RateLimit = field(
        default=RateLimit(100), converter=as_rate_limit, metadata=says("Upload policies of an account and model.")
    )
    share_task_limits: bool = field(
        default=False, metadata=says("Let query, list and cancel draw from one budget, the query limit.")
    )
    limits_per_second: bool = field(
        default=True, metadata=says("Enforce a limit a minute also as a sixtieth of it a second.")
    )
    concurrency_limits: bool = field(
        default=True,
        metadata=says("Run no more tasks at once than is documented for some models; more stay PENDING."),
    )
    max_running_tasks: int | None = field(
        default=None,
        validator=validators.optional(POSITIVE_INTEGER),
        metadata=says("Tasks of an account RUNNING at once (undocumented), where a script plans; more stay PENDING."),
    )
    throttle_code: Literal[
        "Throttling", "Throttling.RateQuota", "Throttling.BurstRate", "Throttling.AllocationQuota"
    ] = field(default="Throttling.RateQuota", metadata=says("What a 429 is called."))
    retry_after: bool = field(default=False, metadata=says("Send Retry-After with a 429 (never recorded)."))
    max_live_tasks: int = field(
        default=1_000_000,
        validator=POSITIVE_INTEGER,
        metadata=says("Tasks the emulator keeps at all; more are throttled."),
    )
