"""The upload form of the object storage, byte for byte (the protocol notes, section 7.2).

The storage reads forms more strictly than the standard: in each part `Content-Disposition` comes first with a quoted
name, the boundary in the header is not quoted, and the file is the last field. General form writers put the content
type first and are refused, so the form is written here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePath

from aiofunasr.wire.messages import FileBody, Kind, Request
from aiofunasr.wire.replies import UploadPolicy
from aiofunasr.wire.requests import USER_AGENT

_UNSAFE_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_STEM = 80


def object_name(path: PurePath, unique: str) -> str:
    """Return an ASCII name for an uploaded file: its own where that can be, and `unique` to tell it from others.

    With spaces or other letters in it the recognition fails later with InvalidFile.DownloadFailed (7.2). The ending
    stays, because a service may look at it.
    """
    ascii_name = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    stem = _UNSAFE_IN_NAME.sub("-", ascii_name).strip("-.")[:_LONGEST_STEM]
    ending = _UNSAFE_IN_NAME.sub("", path.suffix)[:10]
    return f"{stem}-{unique}{ending}" if stem else f"{unique}{ending}"


def upload_form(
    policy: UploadPolicy,
    content: Path | bytes,
    file_size: int,
    name: str,
    *,
    boundary: str,
    on_sent: Callable[[int], None] | None = None,
) -> Request:
    """Build the upload of a file under `{upload_dir}/{name}`; its URL is then `oss://` and that key."""
    fields = {
        "OSSAccessKeyId": policy.oss_access_key_id,
        "Signature": policy.signature,
        "policy": policy.policy,
        "key": object_key(policy, name),
        "x-oss-object-acl": policy.x_oss_object_acl,
        "x-oss-forbid-overwrite": policy.x_oss_forbid_overwrite,
        "success_action_status": "200",
    }
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = FileBody(head.encode(), content, file_size, f"\r\n--{boundary}--\r\n".encode(), on_sent)
    return Request(
        kind=Kind.UPLOAD,
        method="POST",
        url=policy.upload_host,
        headers={
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(body.length),
            "User-Agent": USER_AGENT,
        },
        body=body,
    )


def object_key(policy: UploadPolicy, name: str) -> str:
    """Return the key of an uploaded object; `oss://` and this key is the URL to submit (7.3)."""
    return f"{policy.upload_dir}/{name}"
