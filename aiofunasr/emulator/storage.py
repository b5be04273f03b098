"""The object storage behind the service: temporary uploads and signed result links.

Upload policies, the checks of the form upload and the 48 hours of an object are in the protocol notes,
section 7; the signed links and what happens when they expire in section 3.6. Nothing is read or written
here: an object's content is bytes, or a path that a front end has written.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote

from attrs import frozen

from aiofunasr.emulator.messages import RESULTS_PREFIX, StorageRefusalError, UploadedForm
from aiofunasr.emulator.settings import EmulatorSettings
from aiofunasr.emulator.sites import Site

ACCESS_KEY_ID: Final = "LTAI0000EMULATOR"
OSS_SCHEME: Final = "oss://"


@frozen
class StoredObject:
    """An uploaded file; only `model` and `account` may use it, for 48 hours after `stored_at`, and where it is."""

    key: str
    account: str
    model: str
    site: Site
    stored_at: float
    size: int
    content: bytes | Path


@frozen
class _Grant:
    """Who a policy was given to."""

    account: str
    model: str
    site: Site
    expires_at: float


class ObjectStorage:
    """Keeps what was uploaded, and signs and checks what was given out."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self.settings = settings
        self._secret = f"emulator-secret-{settings.seed}".encode()
        self._grants: dict[str, _Grant] = {}
        self._objects: dict[str, StoredObject] = {}
        self._orphans: list[Path] = []

    # Uploads

    def grant(
        self, account: str, model: str, site: Site, now: float, *, request_id: str, upload_host: str
    ) -> dict[str, Any]:
        """Return the `data` of an upload policy reply."""
        settings = self.settings
        owner = hmac.digest(self._secret, account.encode(), "md5").hex()
        day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
        upload_dir = f"dashscope-instant/{owner}/{day}/{request_id}"
        expires_at = now + settings.policy_life
        expiration = datetime.fromtimestamp(expires_at, UTC).isoformat(timespec="milliseconds")
        document = {
            "expiration": expiration.replace("+00:00", "Z"),
            "conditions": [
                ["content-length-range", 0, settings.policy_max_file_size_mb * 2**20],
                ["starts-with", "$key", upload_dir],
                {"bucket": settings.upload_bucket},
                {"x-oss-object-acl": "private"},
                {"x-oss-forbid-overwrite": "true"},
            ],
        }
        policy = base64.b64encode(json.dumps(document).encode()).decode()
        self._grants[upload_dir] = _Grant(account, model, site, expires_at)
        # Grants are kept in the order they were given, which is the order they expire.
        while now > (oldest := next(iter(self._grants.items())))[1].expires_at:
            del self._grants[oldest[0]]
        return {
            "policy": policy,
            "signature": self._sign(policy),
            "upload_dir": upload_dir,
            "upload_host": upload_host,
            "expire_in_seconds": int(settings.policy_life),
            "max_file_size_mb": settings.policy_max_file_size_mb,
            "capacity_limit_mb": 999999999,
            "oss_access_key_id": ACCESS_KEY_ID,
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }

    def accept(self, form: UploadedForm, bucket: str, now: float) -> int:
        """Store an uploaded file and return the HTTP status of the (empty) reply.

        Raises:
            StorageRefusalError: the form breaks its policy.
        """
        if form.problem is not None:
            message = "The body of your POST request is not well-formed multipart/form-data."
            raise StorageRefusalError(400, "MalformedPOSTRequest", message)
        grant, key = self._check_policy(form.fields, form.size, bucket, now)
        if key in self._objects:
            if form.fields.get("x-oss-forbid-overwrite") == "true":
                raise StorageRefusalError(409, "FileAlreadyExists", "The object you specified already exists.")
            self._discard(key)
        self._objects[key] = StoredObject(key, grant.account, grant.model, grant.site, now, form.size, form.content)
        status = form.fields.get("success_action_status", "")
        return int(status) if status in {"200", "201"} else 204

    def _check_policy(self, fields: Mapping[str, str], size: int, bucket: str, now: float) -> tuple[_Grant, str]:
        for name in ("OSSAccessKeyId", "Signature", "policy", "key"):
            if not fields.get(name):
                raise StorageRefusalError(400, "InvalidArgument", f"Bucket POST must contain a field named '{name}'.")
        if fields["OSSAccessKeyId"] != ACCESS_KEY_ID:
            raise StorageRefusalError(403, "InvalidAccessKeyId", "The OSS Access Key Id does not exist.")
        if not hmac.compare_digest(fields["Signature"].encode(), self._sign(fields["policy"]).encode()):
            raise _signature_mismatch()
        # The signature proves that the policy is one of ours, so it is well formed.
        policy = json.loads(base64.b64decode(fields["policy"]))
        if now >= datetime.fromisoformat(policy["expiration"]).timestamp():
            raise StorageRefusalError(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        values = {**fields, "bucket": bucket}
        for condition in policy["conditions"]:
            _check_condition(condition, values, size)
        grant = self._grants.get(fields["key"].rpartition("/")[0])
        if grant is None:
            raise StorageRefusalError(
                403,
                "AccessDenied",
                'Invalid according to Policy: Policy Condition failed: ["starts-with", "$key"]',
            )
        return grant, fields["key"]

    def find(self, url: str, account: str, model: str, site: Site, now: float) -> StoredObject | None:
        """Return the object an `oss://` URL names, if this account may use it with this model now."""
        key = url.removeprefix(OSS_SCHEME)
        stored = self._objects.get(key) or self._objects.get(unquote(key))
        if stored is None or (stored.account, stored.model, stored.site.region) != (account, model, site.region):
            return None
        if self.settings.uploads_bound_to_host and stored.site.is_shared != site.is_shared:
            return None
        return stored if now - stored.stored_at < self.settings.object_life else None

    def holds(self, content: Path) -> bool:
        """Tell whether a file is the content of a stored object."""
        return any(stored.content == content for stored in self._objects.values())

    def expire(self, now: float) -> None:
        """Forget objects past their 48 hours."""
        # Objects are kept in the order they came, which is the order they go.
        while self._objects:
            key, stored = next(iter(self._objects.items()))
            if now - stored.stored_at < self.settings.object_life:
                break
            self._discard(key)

    def take_orphans(self) -> list[Path]:
        """Return the files of objects that are gone, for a front end to delete."""
        orphans, self._orphans = self._orphans, []
        return orphans

    def clear(self) -> list[Path]:
        """Forget every object; return the files that are left over."""
        for key in list(self._objects):
            self._discard(key)
        return self.take_orphans()

    def adopt_orphans(self, paths: list[Path]) -> None:
        """Have these files deleted, too."""
        self._orphans += paths

    def _discard(self, key: str) -> None:
        content = self._objects.pop(key).content
        if isinstance(content, Path):
            self._orphans.append(content)

    # Results

    def link(self, path: str, expires: int) -> str:
        """Return the path and signed query of a result file; `path` is raw, `%3A` and all."""
        signature = quote(self._sign_link(path, expires), safe="")
        return f"{path}?Expires={expires}&OSSAccessKeyId={ACCESS_KEY_ID}&Signature={signature}"

    def check_link(self, path: str, query: str, now: float) -> None:
        """Let a result download pass.

        Raises:
            StorageRefusalError: the link has expired or was altered.
        """
        arguments = {name: values[0] for name, values in parse_qs(query).items()}
        if not {"Expires", "OSSAccessKeyId", "Signature"} <= arguments.keys():
            raise StorageRefusalError(403, "AccessDenied", "You have no right to access this object.")
        expires_at = arguments["Expires"]
        if not expires_at.isascii() or not expires_at.isdigit() or len(expires_at) > 12:
            raise StorageRefusalError(403, "AccessDenied", "Invalid date (should be seconds since epoch).")
        expires = int(expires_at)
        if now > expires:
            raise StorageRefusalError(403, "AccessDenied", "Request has expired.")
        if self.settings.strict_result_links:
            unaltered = self.link(path, expires) == f"{path}?{query}"
        else:
            unaltered = self._sign_link(path, expires) == arguments["Signature"]
        if not unaltered:
            raise _signature_mismatch()

    def _sign_link(self, path: str, expires: int) -> str:
        signed = path if self.settings.strict_result_links else unquote(path)
        return self._sign(f"GET\n\n\n{expires}\n{signed}")

    def _sign(self, text: str) -> str:
        return base64.b64encode(hmac.digest(self._secret, text.encode(), "sha1")).decode()


def result_path(model: str, folder: datetime, name: str) -> str:
    """Return where a result file lies: `/results/prod/{model}/{yyyyMMdd}/{HH%3Amm}/{name}-1.json`."""
    return f"{RESULTS_PREFIX}prod/{model}/{folder:%Y%m%d}/{folder:%H}%3A{folder:%M}/{name}-1.json"


def _signature_mismatch() -> StorageRefusalError:
    return StorageRefusalError(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
    )


def _check_condition(condition: Any, values: Mapping[str, str], size: int) -> None:
    if isinstance(condition, dict):
        ((name, wanted),) = condition.items()
        holds = values.get(name) == wanted
    elif condition[0] == "content-length-range":
        if size > condition[2]:
            raise StorageRefusalError(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
        holds = size >= condition[1]
    else:
        holds = values.get(condition[1].removeprefix("$"), "").startswith(condition[2])
    if not holds:
        message = f"Invalid according to Policy: Policy Condition failed: {json.dumps(condition)}"
        raise StorageRefusalError(403, "AccessDenied", message)
