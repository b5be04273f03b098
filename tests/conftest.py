"""What all tests share: the backend, a real emulator on a socket, and a watch for calls that block the loop."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from aiofunasr import Session
from aiofunasr.emulator import EmulatorServer, EmulatorSettings

# A slow machine is no failure: time is measured in the benchmarks.
hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tests")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Use all processors, with two workers each, because many tests wait for other programs.

    What was named file by file or test by test is run right here.
    """
    named = config.option.file_or_dir
    return 0 if named and all(".py" in each for each in named) else 2 * (os.cpu_count() or 1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_blocking_calls() -> Iterator[BlockBuster]:
    """Fail a test in which the library makes a blocking call on the event loop."""
    with blockbuster_ctx("aiofunasr") as watch:
        yield watch


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own key and region out of the tests."""
    for name in ("API_KEY", "BASE_URL", "HTTP_BASE_URL", "REGION", "WORKSPACE"):
        monkeypatch.delenv(f"DASHSCOPE_{name}", raising=False)


@pytest.fixture
def no_errors_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which something happened that the library did not foresee."""
    yield
    assert not [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]


@pytest.fixture
async def server() -> AsyncIterator[EmulatorServer]:
    """An emulator on a socket, whose tasks take no time."""
    async with EmulatorServer(settings=EmulatorSettings.instant()) as running:
        yield running


@pytest.fixture
async def session(server: EmulatorServer) -> AsyncIterator[Session]:
    """A session to that emulator."""
    async with Session(server.api_key, base_url=server.base_url) as running:
        yield running
