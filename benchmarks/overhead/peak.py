"""How large this process ever was."""

from __future__ import annotations

import resource
import sys


def peak_bytes() -> int:
    """Return the largest resident size so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # In kilobytes, but in bytes on macOS.
    return peak if sys.platform == "darwin" else peak * 1024
