"""Everything about the emulated service that can be chosen, with the documented behaviour as default.

Where the protocol notes have an open question (sections 14 and 15), there is a switch here, so that a client
can be tested against both answers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from attrs import Attribute, evolve, field, frozen, validators

from aiofunasr.emulator.limits import RateLimit, as_rate_limit

DEFAULT_API_KEY: Final = "sk-emulator"
DEFAULT_ACCOUNT: Final = "emulator"

MODELS: Final = frozenset({
    "fun-asr", "fun-asr-2025-11-07", "fun-asr-2025-08-25", "fun-asr-mtl", "fun-asr-mtl-2025-08-25",
    "qwen-audio-3.0-asr-flash-filetrans", "qwen-audio-3.1-asr-flash-filetrans",
    "paraformer-v2", "paraformer-8k-v2", "paraformer-v1", "paraformer-8k-v1", "paraformer-mtl-v1",
    "sensevoice-v1",
})  # fmt: skip
"""The models of the protocol notes, section 2.1, that take `input.file_urls`."""

_LIST_FILTERS: Final = frozenset({"task_id", "start_time", "end_time", "model_name", "status"})

_NOT_NEGATIVE = validators.ge(0.0)
_POSITIVE_INT = [validators.instance_of(int), validators.ge(1)]


def _read_only_keys(keys: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(keys))


def _read_only_limits(limits: Mapping[str, int | RateLimit]) -> Mapping[str, RateLimit]:
    return MappingProxyType({model: as_rate_limit(limit) for model, limit in limits.items()})


def _default_keys() -> dict[str, str]:
    return {DEFAULT_API_KEY: DEFAULT_ACCOUNT}


def _default_submit_limits() -> dict[str, RateLimit]:
    return {"paraformer-v2": RateLimit(20), "paraformer-8k-v2": RateLimit(20)}


def _check_range(_: Any, attribute: Attribute[Any], value: tuple[float, float]) -> None:
    low, high = value
    if not 0.0 <= low <= high < math.inf:
        raise ValueError(f"{attribute.name} must be two finite numbers, 0 <= low <= high, not {value!r}")


def _check_filters(_: Any, attribute: Attribute[Any], value: frozenset[str]) -> None:
    if strange := sorted(value - _LIST_FILTERS):
        raise ValueError(f"{attribute.name} knows {sorted(_LIST_FILTERS)}, not {strange}")


def _check_public_url(_: Any, attribute: Attribute[Any], value: str | None) -> None:
    if value is not None and not (value.startswith(("http://", "https://")) and not value.endswith("/")):
        raise ValueError(f"{attribute.name} must be http(s)://host[:port] without a final slash, not {value!r}")


@frozen(kw_only=True)
class EmulatorSettings:
    """How the emulated service behaves; every field has the documented or recorded behaviour as default.

    Durations are seconds. Limits are requests a second, or a `RateLimit` for another window.
    """

    # Who may call, and where it is.
    api_keys: Mapping[str, str] = field(
        factory=_default_keys, converter=_read_only_keys, validator=validators.min_len(1)
    )
    """API key to account; the keys of one account share its tasks and its limits."""
    accept_any_key: bool = False
    """Take an unknown key for one of the first account."""
    region: str = "cn-beijing"
    public_url: str | None = field(default=None, validator=_check_public_url)
    """What the emulator's own links begin with; None: the front end's address."""
    utc_offset_hours: float = field(default=8.0, validator=[validators.ge(-12), validators.le(14)])
    """The zone of zone-less times (proven for Beijing, unknown elsewhere)."""
    models: frozenset[str] = field(default=MODELS, converter=frozenset)
    seed: int = 0
    clock_offset_seconds: float = 0.0
    """How far the service's clock is ahead of its caller's; its `Date` and every time it gives come from that clock."""

    # Limits (protocol notes, section 6.4).
    limits_enabled: bool = True
    submit_limit: RateLimit = field(default=RateLimit(10), converter=as_rate_limit)
    submit_limits: Mapping[str, RateLimit] = field(factory=_default_submit_limits, converter=_read_only_limits)
    """Models with a limit of their own; `{"fun-asr-mtl": RateLimit(100, 60)}` is Singapore's."""
    query_limit: RateLimit = field(default=RateLimit(20), converter=as_rate_limit)
    cancel_limit: RateLimit = field(default=RateLimit(20), converter=as_rate_limit)
    list_limit: RateLimit = field(default=RateLimit(20), converter=as_rate_limit)
    policy_limit: RateLimit = field(default=RateLimit(100), converter=as_rate_limit)
    share_task_limits: bool = False
    """Let query, list and cancel draw from one budget, the query limit."""
    throttle_code: Literal[
        "Throttling", "Throttling.RateQuota", "Throttling.BurstRate", "Throttling.AllocationQuota"
    ] = "Throttling.RateQuota"
    retry_after: bool = False
    """Send `Retry-After` with a 429 (never recorded, section 1.4)."""
    max_live_tasks: int = field(default=1_000_000, validator=_POSITIVE_INT)
    """Tasks the emulator keeps at all; more are throttled."""

    # Submitting (section 2).
    max_files_per_task: int = field(default=100, validator=_POSITIVE_INT)
    too_many_files_code: str = "InvalidParameter"
    too_many_files_message: str = "The number of file_urls exceeds the limit."
    missing_parameters_fail: bool = True
    """Accept a submit without `parameters`, then fail its task, as workspace hosts do (section 1.2)."""
    lenient_word_filter: bool = False
    """Take `special_word_filter` as an object too."""
    reserved_words: tuple[str, ...] = field(default=("sensitiveword",), converter=tuple)
    """The built-in list of `special_word_filter`, a stand-in for the service's own."""
    oss_without_header: Literal["task", "request"] = "task"
    """An `oss://` file without the resolve header fails in the task, or the submit is refused."""
    max_body_bytes: int = field(default=4 * 2**20, validator=_POSITIVE_INT)

    # The life of a task (section 3).
    queue_seconds: tuple[float, float] = field(default=(0.2, 2.0), validator=_check_range)
    """PENDING lasts something between the two."""
    processing_speed: float = field(default=50.0, validator=validators.gt(0.0))
    """Seconds of audio processed in a second, where a script plans the times."""
    min_processing_seconds: float = field(default=0.5, validator=_NOT_NEGATIVE)
    dead_link_seconds: float = field(default=3.6, validator=_NOT_NEGATIVE)
    """How long a script takes to give a download up."""
    max_running_tasks: int | None = field(default=None, validator=validators.optional(_POSITIVE_INT))
    """Tasks of an account RUNNING at once (undocumented), where a script plans; more stay PENDING."""
    task_timeout: float = field(default=3 * 3600.0, validator=validators.gt(0.0))
    """After this much RUNNING the remaining files fail with `InternalError.Timeout`."""
    retention: float = field(default=24 * 3600.0, validator=_NOT_NEGATIVE)
    """After `end_time` plus this, a task is UNKNOWN and its results are gone."""
    cancel_delay: float = field(default=0.0, validator=_NOT_NEGATIVE)
    """A cancelled task still shows PENDING for so long."""
    results_order: Literal["submitted", "shuffled", "reversed"] = "submitted"
    all_failed_form: Literal["failed", "succeeded", "bare"] = "failed"
    """A task without a succeeded file: FAILED with results, the documentation's SUCCEEDED, FAILED without."""
    scheduled_time: Literal["accepted", "running"] = "accepted"
    """Set `scheduled_time`, and `start_time` in the list, right after the submit, or when the task begins to run."""
    metrics_advance: bool = True
    """Count finished files in `task_metrics` while RUNNING."""
    running_carries_results: bool = False
    specific_download_codes: bool = True
    """`FILE_404_NOT_FOUND` and its like; off: `InvalidFile.DownloadFailed` for every one (section 6.3)."""

    # Results (section 3.6).
    result_link_life: float = field(default=86400.0, validator=_NOT_NEGATIVE)
    resign_links: bool = False
    """Sign a result's link anew at every query, rather than return the same one."""
    strict_result_links: bool = True
    """Compare path and query byte for byte; off: compare what they decode to."""
    authorized_result_status: Literal[400, 403] | None = 400
    """How a result download with an `Authorization` header is refused; None: it is not."""

    # Listing (section 4.2).
    list_enabled: bool = True
    list_refusal: Literal[400, 403, 404] = 403
    """How a list that is not enabled is refused."""
    list_lag: float = field(default=0.0, validator=_NOT_NEGATIVE)
    """The list shows what was so long ago."""
    list_page_size_cap: int = field(default=100, validator=_POSITIVE_INT)
    list_page_size_echo: Literal["used", "asked"] = "used"
    list_order: Literal["newest", "oldest", "shuffled"] = "newest"
    """The third: another order for every page asked for, so that pages overlap and miss rows."""
    list_utc_offset_hours: float | None = field(
        default=None, validator=validators.optional([validators.ge(-12), validators.le(14)])
    )
    """The zone in which `start_time` and `end_time` are read; None: that of all zone-less times."""
    list_ignored_filters: frozenset[str] = field(default=frozenset(), converter=frozenset, validator=_check_filters)

    # Uploading (section 7).
    upload_bucket: str = "dashscope-file-mgr"
    policy_life: float = field(default=300.0, validator=_NOT_NEGATIVE)
    policy_max_file_size_mb: int = field(default=1024, validator=_POSITIVE_INT)
    object_life: float = field(default=48 * 3600.0, validator=_NOT_NEGATIVE)

    # Tokens (section 8).
    tokens_make_tokens: bool = False
    """Let a temporary token make another one."""

    # Hot-word vocabularies (section 9).
    vocabularies_per_account: int = field(default=10, validator=_POSITIVE_INT)
    vocabulary_items: int = field(default=500, validator=_POSITIVE_INT)
    vocabulary_deploy_seconds: float = field(default=0.0, validator=_NOT_NEGATIVE)
    """How long a list is UNDEPLOYED, and not used, after it was made or updated."""
    unknown_vocabulary: Literal["refused", "ignored"] = "refused"
    """A submit that names a list the account does not have (undocumented)."""

    # Fetching, where a real recognizer works (section 2.2).
    max_input_bytes: int = field(default=2 * 2**30, validator=_POSITIVE_INT)
    fetch_timeout: float = field(default=60.0, validator=validators.gt(0.0))
    """How long an origin may keep silent."""
    allow_private_hosts: bool = True
    """Fetch from loopback and private addresses, which the service cannot reach."""
    require_content_length: bool = True

    # HTTP (sections 1.4 and 6.1).
    gzip: bool = True
    date_header: bool = True
    """Off: replies come without a `Date`."""
    error_content_type: bool = True
    """Off: error bodies come without a `Content-Type`, as recorded for a 401."""

    @classmethod
    def instant(cls, **changes: Any) -> EmulatorSettings:
        """Return settings under which tasks neither queue nor take time, for tests not about waiting."""
        at_once: dict[str, Any] = {
            "queue_seconds": (0.0, 0.0),
            "processing_speed": math.inf,
            "min_processing_seconds": 0.0,
            "dead_link_seconds": 0.0,
        }
        return cls(**(at_once | changes))

    def replace(self, **changes: Any) -> EmulatorSettings:
        """Return a copy with some fields changed."""
        return evolve(self, **changes)

    def account_of(self, api_key: str) -> str | None:
        """Return the account an API key belongs to, or None if the key is not known."""
        account = self.api_keys.get(api_key)
        if account is None and self.accept_any_key and api_key:
            return next(iter(self.api_keys.values()))
        return account
