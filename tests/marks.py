"""Secrets with a mark in them, and a search for the mark in everything a person may come to read."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import aiofunasr
from aiofunasr.wire.messages import Kind

MARK = "MARKED7f3a"
KEY = f"sk-{MARK}0123456789abcdef"
TEMPORARY = f"st-{MARK}0123456789abcdef"
_OWN = str(Path(aiofunasr.__file__).parent)


def signed(url: str) -> str:
    """Return an input URL as a storage signs it."""
    return f"{url}?Expires=1790000000&OSSAccessKeyId={MARK}&Signature={MARK}%3D&security-token={MARK}"


class Marks:
    """Collects what is shown, and knows the secrets that came up on the way."""

    def __init__(self) -> None:
        self.secrets = {MARK}
        self._texts: list[tuple[str, str]] = []

    def learn(self, kind: Kind, body: bytes) -> bytes:
        """Take note of the signatures and permissions in a reply, and return it as it is: for `Rewriting`."""
        try:
            document = json.loads(body)
        except ValueError:
            return body
        for result in document.get("output", {}).get("results", ()) if isinstance(document, dict) else ():
            self.secrets |= {part for part in result.get("transcription_url", "").partition("Signature=")[2:] if part}
        if kind is Kind.TOKEN and isinstance(document, dict):
            self.secrets |= {document["token"]} if "token" in document else set()
        if kind is Kind.UPLOAD_POLICY and "data" in document:
            self.secrets |= {document["data"]["policy"], document["data"]["signature"]}
        return body

    def see(self, what: str, *values: object) -> None:
        """Collect everything that values of ours, and errors, show of themselves."""
        for value in values:
            self._texts += [(f"repr of {what}", repr(value)), (f"str of {what}", str(value))]
            if isinstance(value, BaseException):
                self.see_error(what, value)
            elif isinstance(value, aiofunasr.SubtaskResult):
                self.see(f"{what}, its transcript", value.transcript)
                if value.error is not None:
                    self.see(f"{what}, its error", value.error)
                if value.token is not None:
                    self.see_token(what, value.token)

    def see_error(self, what: str, error: BaseException, *, local_values: bool = True) -> None:
        """Collect an error's tracebacks, and what it says of itself."""
        self._texts.append((f"traceback of {what}", "".join(traceback.format_exception(error))))
        for name in ("args", "message", "code", "excerpt", "path", "tokens", "request_id"):
            self._texts.append((f"{name} of {what}", repr(getattr(error, name, ""))))
        for token in getattr(error, "tokens", ()):
            self.see_token(what, token)
        for link in (error.__cause__, None if error.__suppress_context__ else error.__context__):
            if link is not None:
                self.see_error(f"what is behind {what}", link, local_values=local_values)
        if local_values:
            self._texts.append((f"local values of {what}", _locals_of(error.__traceback__)))

    def see_token(self, what: str, token: str) -> None:
        """Collect a token, and what it says."""
        self._texts.append((f"token of {what}", token))
        self._texts.append((f"decoded token of {what}", repr(aiofunasr.TaskToken.decode(token))))

    def see_session(self, session: aiofunasr.Session) -> None:
        """Collect what a session shows."""
        self.see("session", session, session.statistics(), session._engine.account, session.unfinished)
        for token in (*session.tokens, *session.unfinished):
            self.see_token("session", token)

    def see_logs(self, records: Iterable[logging.LogRecord]) -> int:
        """Collect log records, and return how many there were."""
        count = 0
        for count, record in enumerate(records, 1):  # noqa: B007
            self._texts.append((f"log of {record.name}", logging.Formatter().format(record) + repr(record.args)))
        return count

    def see_text(self, what: str, text: str) -> None:
        """Collect any text."""
        self._texts.append((what, text))

    def assert_none(self) -> None:
        """Fail with the first place a secret was found in."""
        assert self._texts
        for what, text in self._texts:
            for secret in self.secrets:
                assert secret not in text, f"a secret shows in the {what}: {_around(text, secret)}"


def _locals_of(found: TracebackType | None) -> str:
    """Write the local values of our own frames, as an error tracker does.

    Left out are plain strings, whose owners cannot mask them: the link of a result and the caller's URL stand in some.
    """
    shown: list[str] = []
    while found is not None:
        if found.tb_frame.f_code.co_filename.startswith(_OWN):
            values = {name: value for name, value in found.tb_frame.f_locals.items() if not isinstance(value, str)}
            shown += [f"{name}={_shown(value)}" for name, value in values.items()]
            keys = {name: value for name, value in found.tb_frame.f_locals.items() if isinstance(value, str)}
            shown += [value for value in keys.values() if value in {KEY, TEMPORARY}]
        found = found.tb_next
    return "\n".join(shown)


def _shown(value: object) -> str:
    # A list of the caller's own URLs is as plain as each of them.
    plain = isinstance(value, list | tuple | dict | set | bytes)
    # One that could not be made has nothing to show yet.
    unfinished = isinstance(value, aiofunasr.Session) and not hasattr(value, "_engine")
    return f"<{type(value).__name__}>" if plain or unfinished else repr(value)


def _around(text: str, secret: str) -> str:
    at = text.index(secret)
    return text[max(at - 200, 0) : at + 80]


def assert_no_marks(paths: Iterable[Path], secrets: Iterable[str] = (MARK,)) -> int:
    """Look for secrets in files, such as a journal's and those beside it; return how many files there were."""
    files = [
        file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*"))) if file.is_file()
    ]
    for file in files:
        content = file.read_bytes()
        for secret in secrets:
            for encoding in ("utf-8", "utf-16-le"):
                assert secret.encode(encoding) not in content, f"a secret stands in {file.name}"
    return len(files)
