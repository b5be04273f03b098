"""The house rules: which room may import which, and what stays pure."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import aiofunasr

PACKAGE = Path(aiofunasr.__file__).parent

# From the bottom up. A room may import what stands in its own line or below, never what stands above.
FLOORS: list[set[str]] = [
    {"redaction", "time_limit", "version"},
    {"errors"},
    {"catalogue", "temporary_token", "vocabulary"},
    {"jsontext", "results", "options", "snapshots", "settings", "token", "audio"},
    {"wire"},
    {"pacing", "schedule", "reconcile", "transport", "journal", "events"},
    {"pipeline"},
    {"task", "batch", "statistics", "responses", "vocabularies"},
    {"operations"},
    {"session"},
    {"transcription", "token_provider"},
    {"export"},
    {"testing"},
    {"cli"},
]
PURE = {"wire", "pacing", "schedule", "reconcile"}
HOLD_A_TASK = {"background.py", "server.py", "session.py"}
"""Each has one asyncio task that it keeps and awaits: what it runs must not end with a caller's cancel scope."""
NOT_PURE = {"aiohttp", "asyncio", "anyio", "time", "socket", "sqlite3", "threading"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(module: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_imported(module: Path) -> set[str]:
    return {name.split(".")[1] for name in imports_of(module) if name.startswith("aiofunasr.")}


@pytest.mark.parametrize("module", modules(), ids=lambda module: str(module.relative_to(PACKAGE)))
def test_imports_go_one_way_down(module: Path) -> None:
    room = room_of(module)
    if room in {"__init__", "emulator"}:
        return
    floor = {name: height for height, names in enumerate(FLOORS) for name in names}
    assert room in floor, f"{room} has no floor yet: give it one"
    for other in rooms_imported(module) & floor.keys():
        assert floor[other] <= floor[room], f"{room} imports {other}, which stands above it"


def test_the_emulator_and_the_client_are_strangers() -> None:
    for module in modules():
        room = room_of(module)
        if room == "emulator":
            assert rooms_imported(module) <= {"emulator"}, module
        elif room not in {"testing", "cli"}:
            assert "emulator" not in rooms_imported(module), module


@pytest.mark.parametrize("module", modules(), ids=lambda module: str(module.relative_to(PACKAGE)))
def test_only_the_transport_knows_the_http_client(module: Path) -> None:
    allowed = module == PACKAGE / "transport.py" or room_of(module) == "emulator"
    # The front door takes the caller's own client session, so it names its type.
    allowed = allowed or module == PACKAGE / "session.py"
    assert allowed or not {name for name in imports_of(module) if name.split(".")[0] in {"aiohttp", "yarl"}}


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_await_nothing_and_read_no_clock(room: str) -> None:
    for module in sorted((PACKAGE / room).rglob("*.py")):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFunctionDef)], module
        assert not {name.split(".")[0] for name in imports_of(module)} & NOT_PURE, module


def test_public_names_are_sorted_and_there() -> None:
    # Constants first, as the linter has it.
    assert aiofunasr.__all__ == sorted(aiofunasr.__all__, key=lambda name: (not name.isupper(), name))
    for name in aiofunasr.__all__:
        assert getattr(aiofunasr, name) is not None


def test_no_orphan_tasks_and_no_naps_as_fixes() -> None:
    for module in modules():
        text = module.read_text(encoding="utf-8")
        assert "sleep(0)" not in text, module
        assert text.count("create_task(") <= text.count("anyio.create_task_group") + (
            1 if module.name in HOLD_A_TASK else 0
        ), module
