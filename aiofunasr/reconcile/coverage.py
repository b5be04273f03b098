"""Whether the list of tasks has shown enough to believe that a task is not there.

A list may lag behind the truth by an unknown time, show tasks of other keys only, or take a time it is asked about for
one of another zone. So its silence is believed only where our own tasks vouch for it: the *witnesses*, which are known
to exist because their submits were answered. A submit is covered once two complete passes through the list each

- began when the service could no longer act on the submit, and twice the longest lag ever seen had passed since;
- showed a witness, and every one that was made until then;
- and either showed a witness that was made later still, so that the list has come past that moment, or began after a
  lag that is longer than what a list may reasonably have, and four times what was seen.

Without any witness nothing is ever covered: who has no other task on the account learns nothing from an empty list.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from attrs import frozen

from aiofunasr.reconcile.matching import LATE, Intent

LAG = 60.0
"""Seconds after which a list that has shown no lag to speak of is taken to be complete."""

_PASSES = 2
_KEPT = 8
"""Passes that are remembered; a later one shows what an earlier one did."""

_REMEMBERED = 600.0
"""Seconds for which witnesses are kept while no submit is lost."""

_BEFORE = 60.0
"""Seconds before the first lost submit in which witnesses are sought."""


@frozen
class _Witness:
    """A task of ours: when its submit left and when it was answered."""

    sent_at: float
    answered_at: float


@frozen
class _Pass:
    """What one complete pass through the list was worth.

    Attributes:
        since: From when on it shows what was made.
        begun_at: When its first page was asked for.
        newest_shown: When the newest witness it showed was submitted; None without any.
        oldest_missing: When the oldest witness that it should have shown and did not was submitted; None without any.
    """

    since: float
    begun_at: float
    newest_shown: float | None
    oldest_missing: float | None


class Coverage:
    """What the passes through the list have shown; all times are our clock's, in seconds since the epoch."""

    def __init__(self, *, lag: float = LAG) -> None:
        self._lag = lag
        self._witnesses: dict[str, _Witness] = {}
        self._passes: deque[_Pass] = deque(maxlen=_KEPT)
        self.longest_lag = 0.0

    def __contains__(self, task_id: str) -> bool:
        """Return whether a task is one of ours, as far back as it matters."""
        return task_id in self._witnesses

    def accepted(self, task_id: str, sent_at: float, answered_at: float) -> None:
        """Note a task of ours; the newest come last."""
        self._witnesses[task_id] = _Witness(sent_at, answered_at)

    def span_of(self, task_id: str) -> tuple[float, float] | None:
        """Return when a task of ours was submitted, and answered."""
        witness = self._witnesses.get(task_id)
        return None if witness is None else (witness.sent_at, witness.answered_at)

    def since(self, first_lost: float) -> float:
        """Return from when on a pass must show what was made, so that it holds a witness if there is any."""
        since = first_lost - _BEFORE
        earlier = [witness.sent_at for witness in self._witnesses.values() if witness.sent_at < first_lost]
        return min(since, max(earlier)) if earlier else since

    def passed(self, task_ids: Collection[str], since: float, begun_at: float) -> bool:
        """Take in a complete pass; False when it shows none of the witnesses it should have shown."""
        expected = {
            task_id: witness
            for task_id, witness in self._witnesses.items()
            if witness.sent_at >= since and witness.answered_at <= begun_at
        }
        shown = [witness.sent_at for task_id, witness in expected.items() if task_id in task_ids]
        missing = [witness for task_id, witness in expected.items() if task_id not in task_ids]
        if missing:
            longest = max(begun_at - witness.answered_at for witness in missing)
            self.longest_lag = max(self.longest_lag, longest)
        self._passes.append(
            _Pass(
                since,
                begun_at,
                max(shown, default=None),
                min((witness.sent_at for witness in missing), default=None),
            )
        )
        return bool(shown) or not expected

    def forget_passes(self) -> None:
        """Begin anew, because the list is asked in another way from now on."""
        self._passes.clear()
        self.longest_lag = 0.0

    def covers(self, intent: Intent, *, late: float = LATE) -> bool:
        """Say whether the list has shown every task that may have come of a submit that was given up."""
        if intent.ended_at is None:
            return False
        end = intent.ended_at + late
        return sum(self._is_enough(each, intent.sent_at, end) for each in self._passes) >= _PASSES

    def _is_enough(self, each: _Pass, begin: float, end: float) -> bool:
        if each.since > begin or each.newest_shown is None or each.begun_at < end + 2 * self.longest_lag:
            return False
        if each.oldest_missing is not None and each.oldest_missing <= end:
            return False
        return each.newest_shown > end or each.begun_at >= end + max(self._lag, 4 * self.longest_lag)

    def forget(self, now: float, first_lost: float | None) -> None:
        """Drop what no lost submit needs any more; `first_lost` is when the oldest of them left."""
        if first_lost is None:
            self._passes.clear()
        until = self.since(now - _REMEMBERED if first_lost is None else first_lost)
        for task_id in [task_id for task_id, witness in self._witnesses.items() if witness.sent_at < until]:
            del self._witnesses[task_id]
