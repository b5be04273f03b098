"""Lists, uploads, vocabularies and fetching (protocol notes, sections 2.2, 4.2, 7 and 9)."""

from __future__ import annotations

from typing import Any, Final, Literal

from attrs import Attribute, field, frozen, validators

from aiofunasr.emulator.settings.fields import HOURS_FROM_UTC, NOT_NEGATIVE, POSITIVE, POSITIVE_INTEGER, as_names, says

_LIST_FILTERS: Final = frozenset({"task_id", "start_time", "end_time", "model_name", "status", "region", "api_key_id"})


def _check_filters(_: Any, attribute: Attribute[Any], value: frozenset[str]) -> None:
    if strange := sorted(value - _LIST_FILTERS):
        raise ValueError(f"{attribute.name} knows {sorted(_LIST_FILTERS)}, not {strange}")


@frozen(kw_only=True, slots=False)
class ListSettings:
    """The list of tasks (section 4.2)."""

    list_enabled: bool = field(default=True, metadata=says("Let tasks be listed."))
    list_refusal: Literal[400, 403, 404] = field(default=403, metadata=says("How a list that is not is refused."))
    list_lag: float = field(
        default=0.0, validator=NOT_NEGATIVE, metadata=says("The list shows what was so many seconds ago.")
    )
    list_page_size_cap: int = field(default=100, validator=POSITIVE_INTEGER, metadata=says("The most rows of a page."))
    list_page_size_echo: Literal["used", "asked"] = field(
        default="used", metadata=says("The page_size that a reply shows.")
    )
    list_order: Literal["newest", "oldest", "shuffled"] = field(
        default="newest",
        metadata=says("What comes first; shuffled: another order for every page, so that they overlap and miss rows."),
    )
    list_request_id: Literal["submit", "other", "none"] = field(
        default="submit", metadata=says("The request_id of a row: the submit's own, another, or none.")
    )
    list_utc_offset_hours: float | None = field(
        default=None,
        validator=validators.optional(HOURS_FROM_UTC),
        metadata=says("The zone in which start_time and end_time are read; none: that of all zone-less times."),
    )
    list_ignored_filters: frozenset[str] = field(
        default=frozenset(),
        converter=as_names,
        validator=_check_filters,
        metadata=says("Arguments of a list that have no effect."),
    )


@frozen(kw_only=True, slots=False)
class UploadSettings:
    """Uploads (section 7)."""

    upload_bucket: str = field(default="dashscope-file-mgr", metadata=says("Where uploads go."))
    policy_life: float = field(default=300.0, validator=NOT_NEGATIVE, metadata=says("Seconds a policy may be used."))
    policy_max_file_size_mb: int = field(
        default=1024, validator=POSITIVE_INTEGER, metadata=says("The largest upload: 100 is documented, 1024 recorded.")
    )
    object_life: float = field(
        default=48 * 3600.0, validator=NOT_NEGATIVE, metadata=says("Seconds an uploaded file may be used.")
    )
    uploads_bound_to_host: bool = field(
        default=False,
        metadata=says("Let no task of the shared host read what was uploaded at a workspace host, and the reverse."),
    )


@frozen(kw_only=True, slots=False)
class VocabularySettings:
    """Hot-word vocabularies (section 9)."""

    vocabularies_per_account: int = field(
        default=10, validator=POSITIVE_INTEGER, metadata=says("Lists an account may have.")
    )
    vocabulary_items: int = field(default=500, validator=POSITIVE_INTEGER, metadata=says("Hot words a list may have."))
    vocabulary_deploy_seconds: float = field(
        default=0.0,
        validator=NOT_NEGATIVE,
        metadata=says("How long a list is UNDEPLOYED, and not used, after it was made or updated."),
    )
    vocabulary_error_code: str = field(
        default="InvalidParameter",
        metadata=says("What refusals are called that are not about the quota (undocumented)."),
    )
    unknown_vocabulary: Literal["refused", "ignored"] = field(
        default="refused", metadata=says("A submit that names a list the account does not have (undocumented).")
    )


@frozen(kw_only=True, slots=False)
class FetchSettings:
    """Fetching files, where a real recognizer works (section 2.2)."""

    max_input_bytes: int = field(default=2 * 2**30, validator=POSITIVE_INTEGER, metadata=says("The largest file."))
    fetch_timeout: float = field(default=60.0, validator=POSITIVE, metadata=says("How long an origin may keep silent."))
    allow_private_hosts: bool = field(
        default=True, metadata=says("Fetch from loopback and private addresses, which the service cannot reach.")
    )
    require_content_length: bool = field(default=True, metadata=says("Want a Content-Length of the origin."))
