"""The emulator as a command: every switch of it, from options, from a file, and while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from cli.processes import interrupt, run, run_all, started

from aiofunasr.emulator import switches


@contextmanager
def served(*arguments: object) -> Iterator[str]:
    """Serve with these options and the admin route, and enter with the address."""
    with started("emulator", "--scripted", "--port", 0, "--admin", *arguments) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        yield lines[1].partition("=")[2].strip().removesuffix("/api/v1")
        interrupt(process)


def ask(url: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json", **headers}, method=method)  # noqa: S310
    with urlopen(request, timeout=30) as reply:  # noqa: S310
        return json.loads(reply.read())


def test_help_shows_every_switch_in_its_group() -> None:
    done = run("emulator", "--help", env={"COLUMNS": "200"})
    assert done.returncode == 0
    for switch in switches().values():
        assert f"Switches: {switch.group}" in done.stdout
        if switch.name not in {"limits_enabled", "list_enabled", "accept_any_key", "result_link_life"}:
            assert f"--{switch.name.replace('_', '-')}" in done.stdout
    assert all(option in done.stdout for option in ("--no-limits", "--no-list", "--any-key", "--link-life"))


def test_options_go_before_the_file_and_the_file_before_what_is_usual(tmp_path: Path) -> None:
    config = tmp_path / "emulator.toml"
    config.write_text(
        '[limits]\nquery_limit = "100/60"\nlist_limit = 3\n[tasks]\nqueue_seconds = [1, 2]\n'
        '[[faults.rules]]\nkind = "submit"\nfault = "error"\narguments = { status = 503 }\nnumbers = [1]\n'
    )
    options = ["--config", config, "--instant", "--list-limit", 4, "--no-limits", "--reserved-words", "a"]
    options += ["--workspaces", "ws=one", "--query-methods", "GET", "--query-methods", "POST", "--list-refusal", 404]
    with served(*options, "--fault", "query=error:500@1") as url:
        settings = ask(f"{url}/emulator/settings")
        assert settings["limits"]["query_limit"] == "100/60"
        assert settings["limits"]["list_limit"] == "4"
        assert settings["limits"]["limits_enabled"] is False
        assert settings["tasks"]["queue_seconds"] == [1, 2]
        assert settings["tasks"]["min_processing_seconds"] == 0
        assert settings["submits"]["reserved_words"] == ["a"]
        assert settings["accounts"]["workspaces"] == {"ws": "one"}
        assert settings["http"]["query_methods"] == ["GET", "POST"]
        assert settings["listing"]["list_refusal"] == 404
        with pytest.raises(OSError, match="500"):
            ask(f"{url}/api/v1/tasks/x", Authorization="Bearer sk-emulator")
        assert ask(f"{url}/emulator/ledger")["faults"] == {"query": 1}
        changed = ask(f"{url}/emulator/settings", "PATCH", {"listing": {"list_enabled": False}})
        assert changed["listing"]["list_enabled"] is False
        with pytest.raises(OSError, match="404"):
            ask(f"{url}/api/v1/tasks", Authorization="Bearer sk-emulator")
        assert ask(f"{url}/emulator/reset", "POST") == {}
        assert ask(f"{url}/emulator/ledger")["requests"] == {}


def test_what_cannot_be_is_said_before_anything_is_served(tmp_path: Path) -> None:
    broken, strange = tmp_path / "broken.toml", tmp_path / "strange.toml"
    broken.write_text("[limits")
    strange.write_text("[limits]\nquery_limits = 5\n")
    cases: list[tuple[tuple[object, ...], str]] = [
        (("--query-limit", "many"), "limits.query_limit"),
        (("--queue-seconds", "5", "1"), "queue_seconds"),
        (("--list-order", "random"), "newest or oldest or shuffled"),
        (("--fault", "submit=nothing"), "fault must be one of"),
        (("--config", broken), "no TOML"),
        (("--config", strange), "query_limits"),
        (("--config", tmp_path / "none.toml"), "cannot read"),
        (("--api-key", "sk-a", "--api-keys", "sk-b=two"), "--api-keys"),
        (("--no-such-switch",), "No such option"),
    ]
    commands = [("emulator", "--scripted", "--port", 0, *arguments) for arguments, _ in cases]
    for done, (_, said) in zip(run_all(*commands), cases, strict=True):
        assert done.returncode == 2, done.stderr
        assert said in " ".join(done.stderr.replace("│", " ").split()), done.stderr
        assert done.stdout == ""
