"""Who is asking, where, and how much at once.

What a session is given explicitly beats the environment, and the environment beats the default. Nothing is kept in
the module: two sessions in one process may use two regions and two keys.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen

from aiofunasr.errors import ConfigurationError, InvalidArgumentError, KeyProviderError

KeyProvider = Callable[[], Awaitable[str]]

SHARED_HOSTS: Mapping[str, str] = {
    "cn-beijing": "https://dashscope.aliyuncs.com/api/v1",
    "ap-southeast-1": "https://dashscope-intl.aliyuncs.com/api/v1",
    "cn-hongkong": "https://cn-hongkong.dashscope.aliyuncs.com/api/v1",
    "us-east-1": "https://dashscope-us.aliyuncs.com/api/v1",
    "eu-central-1": "https://dashscope-intl.aliyuncs.com/api/v1",
    "ap-northeast-1": "https://dashscope-intl.aliyuncs.com/api/v1",
}
"""Base URL of each region without a workspace (the protocol notes, section 1.2)."""

DEFAULT_REGION = "cn-beijing"

_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_WORKSPACE_HOLE = "{workspace_id}"


def _positive(_: object, attribute: Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise InvalidArgumentError(attribute.name, value, "a number above 0 is needed")


def _positive_whole(_: object, attribute: Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgumentError(attribute.name, value, "a whole number of at least 1 is needed")


def _positive_or_none(instance: object, attribute: Attribute[Any], value: Any) -> None:
    if value is not None:
        _positive(instance, attribute, value)


def _rate(default: float) -> float:
    return field(default=default, validator=_positive)


def _count(default: int) -> int:
    return field(default=default, validator=_positive_whole)


@frozen(kw_only=True)
class Limits:
    """The account's limits as the service states them, and this session's own bounds.

    The first seven are requests a second for the whole account (the protocol notes, sections 4 and 6.4; those of the
    last two are not documented, and modest here); the session stays a tenth below. The query limit can be raised to
    100 on request to the service. `fun-asr-mtl` in Singapore has 100 submits a minute: `Limits(submit=100 / 60)`.

    Attributes:
        submit: Submits a second.
        query: Status queries a second.
        list: Task list pages a second.
        cancel: Cancels a second.
        upload_policy: Upload policies a second.
        token: Temporary tokens a second.
        vocabulary: Operations on vocabularies a second.
        downloads: Results downloaded at once.
        uploads: Local files uploaded at once.
        requests: API requests of one kind in flight at once, so that a slow server is not buried.
        in_flight: Files a `transcribe` may have submitted and not yet handed out; memory follows this number.
        result_bytes: The largest transcription document accepted, in bytes; one of 12 hours has some 13 million.
    """

    submit: float = _rate(10.0)
    query: float = _rate(20.0)
    list: float = _rate(20.0)
    cancel: float = _rate(20.0)
    upload_policy: float = _rate(100.0)
    token: float = _rate(10.0)
    vocabulary: float = _rate(10.0)
    downloads: int = _count(16)
    uploads: int = _count(4)
    requests: int = _count(32)
    in_flight: int = _count(1000)
    result_bytes: int = _count(64 * 1024 * 1024)


@frozen(kw_only=True)
class Timeouts:
    """How long one request may take, in seconds.

    They are about requests, never about tasks: a task may take hours, and waiting for it has time-outs of its own
    (`TranscriptionTask.wait`). A slow status request is given up early, because asking again is free.

    Attributes:
        connect: For a connection, name look-up and TLS included.
        submit: For a submit; when it passes, the outcome of that submit is unknown.
        request: For any other API request.
        download: For one result document.
        upload: For one file; None for as long as it takes.
        idle: Without a byte received, on any request; on an upload, without one sent.
    """

    connect: float = field(default=10.0, validator=_positive)
    submit: float = field(default=60.0, validator=_positive)
    request: float = field(default=15.0, validator=_positive)
    download: float = field(default=300.0, validator=_positive)
    upload: float | None = field(default=3600.0, validator=_positive_or_none)
    idle: float = field(default=60.0, validator=_positive)


@frozen(kw_only=True)
class Reconciliation:
    """How long a lost submit is searched for, in seconds (`Session(on_unknown_submit="reconcile")`).

    A submit whose reply was lost is found again among the account's tasks, or is known not to be there. The longer the
    first two, the surer that is, and the later such a submit is sent again.

    Attributes:
        late: How long the service may still act on a submit after it was given up.
        lag: How late the task list may show a task, where none of our own tasks was seen to be listed later still.
        patience: When a search that makes no progress ends in `AmbiguousSubmissionError`; a task that may be the
            one is followed to its end, however long that takes.
    """

    late: float = field(default=30.0, validator=_positive)
    lag: float = field(default=60.0, validator=_positive)
    patience: float = field(default=900.0, validator=_positive)


@frozen
class Account:
    """Where requests go, and with whose key.

    Attributes:
        base_url: Ends in `/api/v1` or whatever path the caller gave, without a trailing slash.
        region: The region's label, or None with a base URL of the caller's own.
        workspace: The workspace id, or None.
    """

    base_url: str
    region: str | None
    workspace: str | None
    _api_key: str | KeyProvider = field(repr=False)

    async def api_key(self) -> str:
        """Return the key for the next request.

        Raises:
            KeyProviderError: The caller's own callable failed.
            ConfigurationError: It returned no usable key.
        """
        if isinstance(self._api_key, str):
            return self._api_key
        try:
            key = await self._api_key()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Something the callable awaits was cancelled, not we: it must not pass for our own cancellation.
            raise KeyProviderError("the api_key callable was cancelled from elsewhere") from error
        except Exception as error:
            raise KeyProviderError(f"the api_key callable failed: {type(error).__name__}: {error}") from error
        return _checked_key(key, "the api_key callable returned")

    def refused(self, key: str) -> None:
        """Let the caller's own callable know that a key was refused, if it has a method `refused` to hear that."""
        heard = getattr(self._api_key, "refused", None)
        if callable(heard):
            heard(key)

    @property
    def renews_key(self) -> bool:
        """Whether another key may come from where this one came from."""
        return not isinstance(self._api_key, str)


def resolve_account(
    api_key: str | KeyProvider | None = None,
    *,
    base_url: str | None = None,
    region: str | None = None,
    workspace: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Account:
    """Find out who and where: arguments first, then the environment, then the defaults.

    The environment variables are `DASHSCOPE_API_KEY`, `DASHSCOPE_BASE_URL` before `DASHSCOPE_HTTP_BASE_URL`,
    `DASHSCOPE_REGION` and `DASHSCOPE_WORKSPACE`. An explicit region or workspace beats a base URL of the environment.
    With a workspace and no base URL, requests go to the workspace's own host.

    Raises:
        ConfigurationError: There is no key, or region, workspace or base URL cannot be used.
    """
    key = _find_key(api_key, environment)
    elsewhere = region is not None or workspace is not None
    region = region or environment.get("DASHSCOPE_REGION") or None
    workspace = workspace or environment.get("DASHSCOPE_WORKSPACE") or None
    if base_url is None and not elsewhere:
        base_url = environment.get("DASHSCOPE_BASE_URL") or environment.get("DASHSCOPE_HTTP_BASE_URL") or None
    _check_texts(base_url=base_url, region=region, workspace=workspace)
    if workspace is not None and not _WORKSPACE.fullmatch(workspace):
        raise ConfigurationError(
            f"workspace={workspace!r}: a workspace id has up to 64 letters, digits, '_' and '-', such as ws-0123abcd"
        )
    if region is not None and region not in SHARED_HOSTS:
        raise ConfigurationError(
            f"region={region!r}: no such region; there are {', '.join(SHARED_HOSTS)} "
            "(Fun-ASR file recognition is offered in cn-beijing and ap-southeast-1)"
        )
    if base_url is not None:
        return Account(_checked_base_url(base_url, workspace), region, workspace, key)
    region = region or DEFAULT_REGION
    if workspace is not None:
        return Account(f"https://{workspace}.{region}.maas.aliyuncs.com/api/v1", region, workspace, key)
    return Account(SHARED_HOSTS[region], region, None, key)


def _find_key(api_key: str | KeyProvider | None, environment: Mapping[str, str]) -> str | KeyProvider:
    key = api_key if api_key is not None else environment.get("DASHSCOPE_API_KEY") or None
    if key is None:
        raise ConfigurationError(
            "no API key: pass Session(api_key=...) or set DASHSCOPE_API_KEY "
            "(to try the library without one: aiofunasr transcribe --local)"
        )
    if isinstance(key, str):
        return _checked_key(key, "api_key is")
    if not callable(key):
        raise ConfigurationError(f"api_key must be a string or an async callable, not {type(key).__name__}")
    return key


def _check_texts(**given: object) -> None:
    for name, value in given.items():
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(f"{name} must be a string, not {type(value).__name__}")


def _checked_key(key: object, what: str) -> str:
    # A control character or a space would end up in a header; it is nearly always a pasted line end.
    if not isinstance(key, str) or not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(f"{what} not a usable key: a non-empty ASCII string without spaces is needed")
    return key


def _checked_base_url(base_url: str, workspace: str | None) -> str:
    if _WORKSPACE_HOLE in base_url:
        if workspace is None:
            raise ConfigurationError(f"base_url={base_url!r} asks for a workspace: pass workspace=...")
        base_url = base_url.replace(_WORKSPACE_HOLE, workspace)
    example = SHARED_HOSTS[DEFAULT_REGION]
    try:
        parts = urlsplit(base_url)
        plain = not parts.query and not parts.fragment and not parts.username
        usable = plain and parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, usable = urlsplit(""), False
    if not usable:
        raise ConfigurationError(f"base_url={base_url!r}: an http or https URL is needed, such as {example}")
    if "compatible-mode" in parts.path:
        raise ConfigurationError(
            f"base_url={base_url!r} is the chat-compatible interface; recorded speech is at {example}"
        )
    base_url = base_url.rstrip("/")
    return base_url if parts.path.strip("/") else base_url + "/api/v1"
