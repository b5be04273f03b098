"""Replies of the service, read into values (the protocol notes, sections 2.8, 3, 4, 6.1 and 7.1)."""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from sys import intern
from typing import Any

from attrs import asdict, field, frozen

from aiofunasr.errors import InvalidReplyError, ServiceError
from aiofunasr.redaction import excerpt
from aiofunasr.snapshots import TaskPage, TaskSnapshot
from aiofunasr.wire.codes import refusal
from aiofunasr.wire.dialects import duration_of, with_results
from aiofunasr.wire.messages import Reply
from aiofunasr.wire.structure import structure

_XML_FIELD = re.compile(rb"<(Code|Message|RequestId)>([^<]{0,500})</")

# A task id has 36 characters.
_LONGEST_WORD = 200

_LONGEST_TEXT = 4000

# Bounded in depth and length.
_values = reprlib.Repr()
_values.maxlevel, _values.maxstring, _values.maxlong = 3, 300, 40

# Longer than anything the service was seen to ask, and short enough not to hang a caller on a mistake.
_LONGEST_RETRY_AFTER = 300.0


@frozen
class Accepted:
    """A submit that was accepted: the task exists from now on, and is billed."""

    task_id: str
    task_status: str = "PENDING"
    request_id: str | None = None


@frozen(kw_only=True)
class UploadPolicy:
    """The permission to upload files for one model, for `expire_in_seconds` (7.1); all of it is secret."""

    policy: str = field(repr=False)
    signature: str = field(repr=False)
    upload_dir: str = field(repr=False)
    upload_host: str
    oss_access_key_id: str = field(repr=False)
    expire_in_seconds: int = 300
    max_file_size_mb: int | None = None
    x_oss_object_acl: str = "private"
    x_oss_forbid_overwrite: str = "true"
    extra: Mapping[str, Any] = field(factory=dict, repr=False, hash=False)


def read_accepted(reply: Reply) -> Accepted:
    """Read the reply to a submit.

    Raises:
        ServiceError: The submit was refused, or the service failed (5xx: then the outcome is not known).
        InvalidReplyError: The reply has no task id, so the outcome is not known.
    """
    document = _read_object(reply)
    output = _object_at(document, "output", reply)
    return Accepted(
        _text_at(output, "task_id", reply),
        intern(_string(output.get("task_status")) or "PENDING"),
        _request_id(document, reply.headers),
    )


def read_snapshot(reply: Reply, task_id: str) -> TaskSnapshot:
    """Read the reply to a query.

    Raises:
        ServiceError: The query was refused or the service failed; that says nothing about the task.
        InvalidReplyError: The reply is no task, or another one than was asked for.
    """
    document = _read_object(reply)
    output = _object_at(document, "output", reply)
    if _text_at(output, "task_id", reply) != task_id:
        raise InvalidReplyError("the reply is about another task", path="$.output.task_id", status=reply.status)
    status = _text_at(output, "task_status", reply)
    seen = {
        **with_results(output),
        # The same two texts are held for each of very many tasks.
        "task_id": task_id,
        "task_status": intern(status),
        "request_id": _request_id(document, reply.headers),
        "usage_duration": duration_of(document.get("usage")),
    }
    return structure(seen, TaskSnapshot)


def read_task_page(reply: Reply) -> TaskPage:
    """Read one page of the task list; it is flat, unlike every other reply (4.2).

    Raises:
        ServiceError: Listing was refused or the service failed.
        InvalidReplyError: The reply is no page.
    """
    document = _read_object(reply)
    if not isinstance(document.get("data"), list):
        raise InvalidReplyError("a task list needs an array", path="$.data", status=reply.status, excerpt=_shown(reply))
    return structure(document, TaskPage)


def read_done(reply: Reply) -> None:
    """Read a reply that only says yes: a cancel's, an upload's.

    Raises:
        ServiceError: It says no.
    """
    if not 200 <= reply.status < 300:
        raise read_refusal(reply)


def read_upload_policy(reply: Reply) -> UploadPolicy:
    """Read the permission to upload; it stands in `data` (7.1).

    Raises:
        ServiceError: It was refused or the service failed.
        InvalidReplyError: A field is missing.
    """
    # Without an excerpt: what stands there is a permission.
    document = _read_object(reply, secret=True)
    data = document.get("data")
    if not isinstance(data, dict):
        raise InvalidReplyError("an object is missing", path="$.data", status=reply.status)
    policy = structure(data, UploadPolicy, at="$.data", secret=True)
    if not policy.upload_host.startswith(("https://", "http://")):
        raise InvalidReplyError("the place to upload to is unusable", path="$.data.upload_host", status=reply.status)
    for field_name, value in asdict(policy, filter=lambda _, value: isinstance(value, str)).items():
        # They become lines of the upload form.
        if not value.isascii() or not value.isprintable():
            raise InvalidReplyError(
                "there are characters that cannot be sent", path=f"$.data.{field_name}", status=reply.status
            )
    return policy


def read_refusal(reply: Reply) -> ServiceError:
    """Make the error of a reply that is not 2xx, whatever form its body has (6.1)."""
    code = message = ""
    request_id = None
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        code, message = _code_and_message(document)
        request_id = _string(document.get("request_id")) or None
    elif b"<Code>" in reply.body[:2000]:
        # Object storage answers in XML (sections 3.6 and 7.2).
        xml = {name: text.decode("utf-8", "replace") for name, text in _XML_FIELD.findall(reply.body[:4000])}
        code, message, request_id = xml.get(b"Code", ""), xml.get(b"Message", ""), xml.get(b"RequestId")
    else:
        message = _shown(reply)
    return refusal(
        reply.status,
        code,
        excerpt(message, 500),
        request_id=request_id or reply.headers.get("x-request-id"),
        retry_after=_retry_after(reply.headers),
    )


def _code_and_message(document: dict[str, Any]) -> tuple[str, str]:
    """Read what a refusal says, in the service's own form or in the OpenAI one (6.1)."""
    code, message = _said(document)
    if isinstance(message, str) and message.lstrip().startswith("{"):
        # The reply of whatever is behind the one that answers.
        try:
            inner = json.loads(message)
        except (ValueError, RecursionError):
            inner = None
        if isinstance(inner, dict):
            inner_code, inner_message = _said(inner)
            code, message = code or inner_code, inner_message or message
    return _string(code), _string(message)


def _said(document: dict[str, Any]) -> tuple[Any, Any]:
    error = document.get("error")
    if isinstance(error, dict):
        return error.get("code") or error.get("type"), error.get("message") or error.get("msg")
    return document.get("code"), document.get("message") or document.get("msg")


def _read_object(reply: Reply, *, secret: bool = False) -> dict[str, Any]:
    """Read a JSON object without regard to the content type, which may be missing or wrong (1.4).

    Of one that is `secret`, nothing is shown.
    """
    if not 200 <= reply.status < 300:
        raise read_refusal(reply)
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        shown = "" if secret else _shown(reply)
        raise InvalidReplyError("the reply is not JSON", status=reply.status, excerpt=shown) from None
    if not isinstance(document, dict):
        shown = "" if secret else _shown(reply)
        raise InvalidReplyError("the reply is no JSON object", status=reply.status, excerpt=shown)
    return document


def _object_at(document: dict[str, Any], name: str, reply: Reply) -> dict[str, Any]:
    found = document.get(name)
    if not isinstance(found, dict):
        raise InvalidReplyError("an object is missing", path=f"$.{name}", status=reply.status, excerpt=_shown(reply))
    return found


def _text_at(output: dict[str, Any], name: str, reply: Reply) -> str:
    found = output.get(name)
    # An id ends up in URLs and tokens, so one that could not be sent back is none.
    if (
        not isinstance(found, str)
        or not 0 < len(found) <= _LONGEST_WORD
        or not found.isascii()
        or not found.isprintable()
    ):
        raise InvalidReplyError(
            "a string is missing", path=f"$.output.{name}", status=reply.status, excerpt=_shown(reply)
        )
    return found


def _request_id(document: dict[str, Any], headers: Mapping[str, str]) -> str | None:
    return _string(document.get("request_id")) or headers.get("x-request-id")


def _string(value: object) -> str:
    """Return a word of the service, whatever came in its place."""
    if isinstance(value, dict | list):
        return _values.repr(value)
    return "" if value is None else str(value)[:_LONGEST_TEXT]


def _shown(reply: Reply) -> str:
    return excerpt(reply.body[:800].decode("utf-8", "replace"))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how long to wait, in seconds, from whichever header says it (1.4)."""
    seconds = None
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        elif (text := headers.get("retry-after", "").strip()) and text[0].isdigit():
            seconds = float(text)
        elif text and "date" in headers:
            # Against the reply's own date, so that a wrong clock here does not matter.
            seconds = (parsedate_to_datetime(text) - parsedate_to_datetime(headers["date"])).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(seconds, _LONGEST_RETRY_AFTER) if seconds is not None and seconds >= 0 else None
