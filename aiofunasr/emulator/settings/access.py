"""Who may call, from where, and what the service says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from attrs import field, frozen, validators

from aiofunasr.emulator.models import CATALOGUE
from aiofunasr.emulator.settings.fields import HOURS_FROM_UTC, as_names, check_origin, read_only, says

DEFAULT_API_KEY: Final = "sk-emulator"
DEFAULT_ACCOUNT: Final = "emulator"

MODELS: Final = frozenset(CATALOGUE)
"""The models of the protocol notes, section 2.1."""

_METHODS: Final = frozenset({"GET", "POST"})


def _default_keys() -> dict[str, str]:
    return {DEFAULT_API_KEY: DEFAULT_ACCOUNT}


@frozen(kw_only=True, slots=False)
class AccountSettings:
    """Keys, accounts and workspaces (protocol notes, sections 1.2, 1.3 and 8)."""

    api_keys: Mapping[str, str] = field(
        factory=_default_keys,
        converter=read_only,
        validator=validators.min_len(1),
        metadata=says("API key to account; the keys of one account share its tasks and its limits."),
    )
    accept_any_key: bool = field(default=False, metadata=says("Take an unknown key for one of the first account."))
    key_regions: Mapping[str, str] = field(
        factory=dict,
        converter=read_only,
        metadata=says("API key to the one region it is good in; a key that is not named is good in all."),
    )
    workspaces: Mapping[str, str] = field(
        factory=dict,
        converter=read_only,
        metadata=says("Workspace id to account; while none is named, every workspace is there and everyone's."),
    )
    tokens_make_tokens: bool = field(default=False, metadata=says("Let a temporary token make another one."))


@frozen(kw_only=True, slots=False)
class ServiceSettings:
    """Where the service is, what it offers, and its clock (sections 1, 2.1 and 3.3)."""

    region: str = field(default="cn-beijing", metadata=says("The region of hosts whose name does not say it."))
    public_url: str | None = field(
        default=None,
        validator=check_origin,
        metadata=says("What the emulator's own links begin with; none: the address it serves on."),
    )
    result_url: str | None = field(
        default=None,
        validator=check_origin,
        metadata=says("What links to results begin with, where that is another host; none: as all links."),
    )
    retired_hosts: frozenset[str] = field(
        default=frozenset(),
        converter=as_names,
        metadata=says("Hosts that are served no more, as one wiki plans it for dashscope-intl.aliyuncs.com."),
    )
    models: frozenset[str] = field(
        default=MODELS, converter=as_names, metadata=says("The models there are; all others are not found.")
    )
    models_by_region: bool = field(default=True, metadata=says("Offer a model only in the regions it is offered in."))
    utc_offset_hours: float = field(
        default=8.0,
        validator=HOURS_FROM_UTC,
        metadata=says("The zone of zone-less times (proven for Beijing, unknown elsewhere)."),
    )
    clock_offset_seconds: float = field(
        default=0.0,
        metadata=says("How far the service's clock is ahead of its caller's; all its times come from that clock."),
    )
    seed: int = field(default=0, metadata=says("Of all chance: the same seed, the same service."))


@frozen(kw_only=True, slots=False)
class HttpSettings:
    """What replies look like, and which requests are understood (sections 1.4, 3.1 and 6.1)."""

    gzip: bool = field(default=True, metadata=says("Compress bodies for those who take that."))
    date_header: bool = field(default=True, metadata=says("Send a Date header."))
    error_content_type: bool = field(
        default=True, metadata=says("Off: error bodies come without a Content-Type, as recorded for a 401.")
    )
    error_form: Literal["flat", "nested", "msg", "bare"] = field(
        default="flat",
        metadata=says("Error bodies: code, message and request_id; inside an error; msg for message; no request_id."),
    )
    query_methods: frozenset[str] = field(
        default=_METHODS,
        converter=as_names,
        validator=validators.and_(validators.min_len(1), validators.deep_iterable(validators.in_(sorted(_METHODS)))),
        metadata=says("The methods by which a task is asked about: GET on the newest pages, POST on the older ones."),
    )
