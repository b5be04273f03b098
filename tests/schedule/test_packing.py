from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiofunasr.schedule.packing import pack_size


@pytest.mark.parametrize(
    ("files", "size"), [(0, 1), (1, 1), (90, 1), (91, 2), (900, 10), (9000, 100), (1_000_000, 100)]
)
def test_one_file_a_task_until_that_holds_up_submission(files: int, size: int) -> None:
    assert pack_size(files, 9.0) == size


@given(st.integers(0, 10**7), st.floats(0.1, 100), st.integers(1, 100))
def test_a_size_is_always_allowed(files: int, rate: float, most: int) -> None:
    assert 1 <= pack_size(files, rate, most) <= most
