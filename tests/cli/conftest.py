"""An emulator for the commands to talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cli.processes import Variables, emulator


@pytest.fixture(scope="session")
def place() -> Iterator[Variables]:
    """An emulator whose tasks take no time."""
    with emulator("--instant", "--no-limits") as variables:
        yield variables
