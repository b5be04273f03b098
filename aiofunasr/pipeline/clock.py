"""The clock by which a session waits."""

from __future__ import annotations

from asyncio import get_running_loop


def loop_time() -> float:
    """Return the running loop's time: what `anyio.current_time` says, at a fifth of its cost.

    Each request looks at the clock some ten times.
    """
    return get_running_loop().time()
