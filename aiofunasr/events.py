"""Completion events: read, checked for who sent them, and told from those that came before.

When a task ends, the service can have Alibaba Cloud EventBridge push an event to an HTTP endpoint of the caller's,
which is set up in the console and not in a request (the protocol notes, section 10). Events come 1 to 90 seconds after
the end, at least once each. Nothing here opens a socket or reads a clock; `Session.verify_event` and `Session.notify`
put it to use.

How events are signed is not in those notes. It was taken from EventBridge's own page on its signature algorithm and
from receivers that are in use, and held against no live event; where the two differ, both forms are accepted. What is
sure without any of it: an event is only a hint. What became of a task is asked of the service itself.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections import OrderedDict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen

from aiofunasr.errors import EventSignatureError, InvalidArgumentError, InvalidEventError, InvalidReplyError
from aiofunasr.redaction import excerpt
from aiofunasr.settings import SHARED_HOSTS
from aiofunasr.snapshots import TaskSnapshot
from aiofunasr.wire.certificates import PublicKey, read_public_key
from aiofunasr.wire.structure import structure, time_of

TOLERANCE = 60.0
"""Seconds by which the time in a signature may differ from that of its receiver: what EventBridge's page says."""

_LONGEST_WORD = 200
_PREFIX = "x-eventbridge-signature"
_HASH_METHOD = "x-eventbridge-hash-method"
_CERTIFICATE_HOST = "{region}-eventbridge.oss-accelerate.aliyuncs.com"

_ENVELOPE = frozenset(
    {
        *("id", "source", "specversion", "type", "datacontenttype", "time", "data"),
        *("aliyunpublishtime", "aliyunaccountid", "aliyunoriginalaccountid", "aliyunregionid", "aliyuneventbusname"),
    }
)
_DATA = frozenset(
    {
        *("task_id", "task_status", "request_id", "api_key_id", "region", "user_api_unique_key"),
        *("start_time", "end_time", "contain_result", "output_result"),
    }
)


@frozen(kw_only=True)
class TaskEvent:
    """The news that a task has ended.

    Attributes:
        task_id: Whose end it is.
        task_status: How it ended, as the event says: `SUCCEEDED`, `FAILED`, `CANCELED`.
        id: The id of the event, which is the same each time it is delivered; or None.
        type: The event's type, `dashscope:System:AsyncTaskFinish`; or None.
        time: When it came to be, as an aware datetime; or None.
        published_at: When it was pushed.
        account_id: The account of the task.
        region: The region of the task, such as `cn-beijing`.
        model: The model of the task.
        request_id: That of the submit.
        api_key_id: The id of the key that submitted it, not the key.
        start_time: When the task began.
        end_time: When it ended.
        snapshot: What a query would show, where the event says it; unverified, as the rest. None otherwise.
        extra: The keys nobody knows; those of the event's `data` are under `data`.
    """

    task_id: str
    task_status: str
    id: str | None = None
    type: str | None = None
    time: datetime | None = None
    published_at: datetime | None = None
    account_id: str | None = None
    region: str | None = None
    model: str | None = None
    request_id: str | None = None
    api_key_id: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    snapshot: TaskSnapshot | None = None
    extra: Mapping[str, Any] = field(factory=dict, repr=False, hash=False)


def parse_event(body: bytes | bytearray | str | Mapping[str, Any]) -> TaskEvent:
    """Read an event: the body of a request, or the JSON object in it.

    Where a rule hands on the event's `data` alone, that is read, too. What is missing or cannot be read is None, all
    but the task and its status.

    Raises:
        InvalidEventError: It is no event about a task; `path` says what is wrong with it.
    """
    document = _document(body)
    data = document.get("data", document if "task_id" in document else None)
    if not isinstance(data, Mapping):
        raise _invalid("an object is missing", "$.data", document)
    at = "$" if data is document else "$.data"
    task_id, status = _word(data, "task_id", at), _word(data, "task_status", at)
    envelope: Mapping[str, Any] = {} if data is document else document
    unknown = {name: value for name, value in data.items() if name not in _DATA}
    extra = {name: value for name, value in envelope.items() if name not in _ENVELOPE}
    return TaskEvent(
        task_id=task_id,
        task_status=status,
        id=_text(envelope.get("id")),
        type=_text(envelope.get("type")),
        time=time_of(envelope.get("time")),
        published_at=time_of(envelope.get("aliyunpublishtime")),
        account_id=_text(envelope.get("aliyunaccountid")),
        region=_text(data.get("region")) or _text(envelope.get("aliyunregionid")),
        model=(_text(data.get("user_api_unique_key")) or "").rpartition(":")[2] or None,
        request_id=_text(data.get("request_id")),
        api_key_id=_text(data.get("api_key_id")),
        start_time=time_of(data.get("start_time")),
        end_time=time_of(data.get("end_time")),
        snapshot=_snapshot(data, task_id, status, at),
        extra={**extra, "data": unknown} if unknown else extra,
    )


def _document(body: object) -> Mapping[str, Any]:
    if isinstance(body, Mapping):
        return body
    if not isinstance(body, bytes | bytearray | str):
        raise InvalidArgumentError("body", body, "the body of a request is needed: bytes, a string or a mapping")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise _invalid("the event is not JSON", "$", body) from None
    if not isinstance(document, dict):
        raise _invalid("the event is no JSON object", "$", body)
    return document


def _word(data: Mapping[str, Any], name: str, at: str) -> str:
    found = data.get(name)
    # An id may end up in URLs and logs.
    if (
        not isinstance(found, str)
        or not 0 < len(found) <= _LONGEST_WORD
        or not found.isascii()
        or not found.isprintable()
    ):
        raise _invalid("a string is missing", f"{at}.{name}", data)
    return found


def _snapshot(data: Mapping[str, Any], task_id: str, status: str, at: str) -> TaskSnapshot | None:
    """Read the result in an event, if there is one that can be read."""
    result = data.get("output_result")
    output = result.get("output") if isinstance(result, Mapping) else None
    if data.get("contain_result") is False or not isinstance(result, Mapping) or not isinstance(output, Mapping):
        return None
    if output.get("task_id", task_id) != task_id:
        raise _invalid("the result is of another task", f"{at}.output_result.output.task_id", data)
    usage = result.get("usage")
    seen = {
        "task_status": status,
        **output,
        "task_id": task_id,
        "usage_duration": usage.get("duration") if isinstance(usage, Mapping) else None,
    }
    try:
        return structure(seen, TaskSnapshot, at=f"{at}.output_result.output")
    except InvalidReplyError:
        # The news is what counts; the result is asked for anyway.
        return None


def _text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**20:
        return str(value)
    return value[:_LONGEST_WORD] if isinstance(value, str) and value else None


def _invalid(what: str, path: str, shown: object) -> InvalidEventError:
    text = bytes(shown[:800]).decode("utf-8", "replace") if isinstance(shown, bytes | bytearray) else str(shown)[:800]
    return InvalidEventError(what, path=path, excerpt=excerpt(text))


# --- once each ---


class EventFilter:
    """Tells events from repetitions of the same news; it remembers a bounded number.

    Args:
        remembers: How many events.
    """

    def __init__(self, remembers: int = 100_000) -> None:
        if isinstance(remembers, bool) or not isinstance(remembers, int) or remembers < 1:
            raise InvalidArgumentError("remembers", remembers, "a whole number of at least 1 is needed")
        self._remembers = remembers
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._seen)

    def is_new(self, event: TaskEvent) -> bool:
        """Tell whether neither this event nor another about the same end of a task was seen before, and remember it.

        A task ends once, so its id is what tells.
        """
        key = (event.task_id, event.task_status)
        if key in self._seen:
            self._seen.move_to_end(key)
            return False
        self._seen[key] = None
        if len(self._seen) > self._remembers:
            self._seen.popitem(last=False)
        return True


# --- who sent it ---


def certificate_url(headers: Mapping[str, str], trusted: Collection[str] = ()) -> str:
    """Return where the certificate of a signature is found, if that is a place to believe.

    That is EventBridge's own storage, in one of the service's regions; its name must be just so, because anybody can
    have a place there with a name nearly like it.

    Args:
        headers: Those of the request, by any spelling of their names.
        trusted: Other origins to believe, such as `http://127.0.0.1:8900` for an emulator.

    Raises:
        EventSignatureError: There is no signature, or its certificate is elsewhere.
    """
    url = _header(_lowered(headers), f"{_PREFIX}-url")
    try:
        parts = urlsplit(url)
        origin = (parts.scheme, parts.hostname, parts.port)
        known = {
            *(("https", _CERTIFICATE_HOST.format(region=region), None) for region in SHARED_HOSTS),
            *((other.scheme, other.hostname, other.port) for other in map(urlsplit, trusted)),
        }
    except ValueError:
        raise EventSignatureError("the certificate's URL cannot be used") from None
    if origin not in known or parts.username is not None or not url.isascii() or not url.isprintable() or " " in url:
        raise EventSignatureError(f"the certificate is not of EventBridge: it is at {parts.hostname}")
    return url


def verify_signature(
    headers: Mapping[str, str],
    body: bytes,
    *,
    url: str,
    certificate: bytes | str,
    now: float,
    token: str | None = None,
    tolerance: float = TOLERANCE,
    legacy: bool = False,
) -> None:
    """Make sure that EventBridge sent an event, to this URL and just now.

    What is signed is the target's URL, the headers `X-Eventbridge-Signature-*` and the body. Version 2 is an RSA
    signature. Version 1 is a keyed hash whose key travels along, readable for all who have the certificate: whoever
    received one event can forge others, so it is not accepted unless asked for.

    A signature does not say whose rule pushed the event: any customer of EventBridge can name any URL. For that, set a
    token in the rule and give it here.

    Args:
        headers: Those of the request, by any spelling of their names.
        body: The body as it came, byte for byte.
        url: The target's URL as it is set in the rule, with its query. It is not the one a proxy in front made of it.
        certificate: What is at `certificate_url(headers)`, in PEM, got over https. A public key does as well.
        now: The time of day, in seconds since the epoch.
        token: The token that is set in the rule.
        tolerance: Seconds by which the two clocks may differ; an older request may be a replay.
        legacy: Accept version 1 where there is no version 2.

    Raises:
        EventSignatureError: It did not, or that cannot be told; the event must not be believed.
        InvalidArgumentError: An argument cannot be used.
    """
    if not isinstance(body, bytes | bytearray | memoryview):
        raise InvalidArgumentError("body", body, "the bytes as they came are needed")
    found = _lowered(headers)
    _check_time(_header(found, f"{_PREFIX}-timestamp"), now, tolerance)
    if token is not None and not _same(found.get(f"{_PREFIX}-token", ""), token):
        raise EventSignatureError("the token is another one, or missing")
    try:
        key = read_public_key(certificate)
    except ValueError as error:
        raise EventSignatureError(f"the certificate cannot be used: {error}") from None
    if f"{_PREFIX}-v2" in found:
        is_genuine = _is_signed(found, bytes(body), url, key)
    elif _PREFIX in found and legacy:
        is_genuine = _is_signed_by_hash(found, bytes(body), url, key)
    else:
        raise EventSignatureError(
            "there is only a signature of version 1, which others can forge" if _PREFIX in found else "it is not signed"
        )
    if not is_genuine:
        raise EventSignatureError("the signature is not of this event, or of another target URL")


def _is_signed(headers: Mapping[str, str], body: bytes, url: str, key: PublicKey) -> bool:
    if _header(headers, _HASH_METHOD).upper().replace("-", "") != "SHA256":
        raise EventSignatureError("the signature is of a kind that is not known")
    signature = _unpacked(_header(headers, f"{_PREFIX}-v2"))
    return any(key.has_signed(signature, text) for text in _texts(headers, _HASH_METHOD, body, url))


def _is_signed_by_hash(headers: Mapping[str, str], body: bytes, url: str, key: PublicKey) -> bool:
    method = f"{_PREFIX}-method"
    if _header(headers, method).upper() != "HMAC-SHA1":
        raise EventSignatureError("the signature is of a kind that is not known")
    signature, secret = (
        _unpacked(_header(headers, _PREFIX)),
        key.opened(_unpacked(_header(headers, f"{_PREFIX}-secret"))),
    )
    if not secret:
        return False
    texts = _texts(headers, method, body, url)
    return any(hmac.compare_digest(hmac.digest(secret, text, "sha1"), signature) for text in texts)


def _texts(headers: Mapping[str, str], method: str, body: bytes, url: str) -> tuple[bytes, bytes]:
    """Return the text that is signed, in both forms: official code ends it with a newline, and the page does not."""
    names = [f"{_PREFIX}-timestamp", method, f"{_PREFIX}-version", f"{_PREFIX}-url"]
    if f"{_PREFIX}-token" in headers:
        names.append(f"{_PREFIX}-token")
    lines = [url, *(f"{name}: {_header(headers, name)}" for name in names)]
    text = "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n" + body
    return text, text + b"\n"


def _check_time(timestamp: str, now: float, tolerance: float) -> None:
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 15:
        raise EventSignatureError("the time of the signature cannot be read")
    if abs(now - int(timestamp) / 1000) > tolerance:
        raise EventSignatureError(f"it was signed over {tolerance:g} s ago, or ahead: it may be a replay")


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value.strip() for name, value in headers.items()}


def _header(headers: Mapping[str, str], name: str) -> str:
    if not headers.get(name):
        raise EventSignatureError(f"it is not signed: there is no header {name}")
    return headers[name]


def _unpacked(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EventSignatureError("the signature cannot be read") from None


def _same(found: str, wanted: str) -> bool:
    return hmac.compare_digest(found.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))
