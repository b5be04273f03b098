"""How many files go into one task.

The service's pages disagree: up to 100 files a task, or one (the protocol notes, section 2.2). One file a task is
understood by every version of the service and lets each result come by itself, but costs a submit each. So one it is
while the submit limit lets the input through in about ten seconds, and more beyond that, so that submission is not
what everything waits for.
"""

from __future__ import annotations

from math import ceil

MOST_FILES = 100
UNNOTICED = 10.0
"""Seconds that submitting may take before files are packed together."""


def pack_size(files: int, submits_per_second: float, most: int = MOST_FILES) -> int:
    """Return how many files to put into a task, where `files` is how many are known of so far."""
    return min(max(ceil(files / (submits_per_second * UNNOTICED)), 1), most)
