"""Whether the list of tasks has shown enough to believe that a task is not there.

A list may lag behind the truth by an unknown time, show tasks of other keys only, or take a time it is asked about for
one of another zone. So its silence is believed only where our own tasks vouch for it: the *witnesses*, which are known
to exist because their submits were answered. A submit is covered once two complete passes through the list each

- began when the service could no longer act on the submit, and twice the longest lag seen of late had passed since;
- showed a witness, and every one that was made until then;
- and either showed a witness that was made later still, so that the list has come past that moment, and left as long
  again for rows that come out of their order; or began after a lag that is longer than what a list may reasonably
  have, and four times what was seen.

Without any witness nothing is ever covered: who has no other task on the account learns nothing from an empty list.
A row that comes later than all that, while every witness came sooner, is the limit of what can be known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from itertools import islice

from attrs import frozen

from aiofunasr.reconcile.intents import LATE, Intent

LAG = 60.0
"""Seconds after which a list that has shown no lag to speak of is taken to be complete."""

_OUT_OF_ORDER = 1 / 4
"""The share of that within which a row may come later than the row of a task that was made after it."""

_PASSES = 2
_KEPT = 8
"""Passes that are remembered; a later one shows what an earlier one did."""

_REMEMBERED = 600.0
"""Seconds for which witnesses are kept while no submit is lost."""

_MOST = 10_000
"""Witnesses that are kept, the newest, while no submit is lost: more than a minute's worth of any account's submits."""

_BEFORE = 60.0
"""Seconds before the first lost submit in which witnesses are sought."""

_LAG_REMEMBERED = 3600.0
"""Seconds, at least, for which a lag is thought of; a long one is for four times its length."""


@frozen(weakref_slot=False)
class Witness:
    """A task of ours: when its submit left and when it was answered, and where known its model and its request."""

    sent_at: float
    answered_at: float
    model: str | None
    request_id: str | None = None


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
        self._witnesses: dict[str, Witness] = {}
        self._passes: deque[_Pass] = deque(maxlen=_KEPT)
        # The lags that count, each shorter and seen later than the one before it, and when each was seen.
        self._lags: deque[tuple[float, float]] = deque()
        self._begun_anew_at = float("-inf")

    def __contains__(self, task_id: str) -> bool:
        """Return whether a task is one of ours, as far back as it matters."""
        return task_id in self._witnesses

    def __len__(self) -> int:
        """Return how many witnesses are kept."""
        return len(self._witnesses)

    @property
    def longest_lag(self) -> float:
        """The longest time in seconds that the list was seen to lag behind, of late."""
        return self._lags[0][0] if self._lags else 0.0

    def accepted(
        self,
        task_id: str,
        sent_at: float,
        answered_at: float,
        model: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Note a task of ours; the newest come last."""
        self._witnesses[task_id] = Witness(sent_at, answered_at, model, request_id)

    def disown(self, task_id: str) -> None:
        """Note that a task is not ours after all."""
        self._witnesses.pop(task_id, None)

    def witness(self, task_id: str) -> Witness | None:
        """Return what is known of a task of ours."""
        return self._witnesses.get(task_id)

    def newest_answered(self, *, besides: str) -> tuple[str, Witness] | None:
        """Return the newest of our tasks but one whose submit's request id is known."""
        newest = reversed(self._witnesses.items())
        return next((each for each in newest if each[0] != besides and each[1].request_id), None)

    def since(self, first_lost: float) -> float:
        """Return from when on a pass must show what was made, so that it holds a witness if there is any."""
        since = first_lost - _BEFORE
        earlier = [witness.sent_at for witness in self._witnesses.values() if witness.sent_at < first_lost]
        return min(since, max(earlier)) if earlier else since

    def vouched(self, task_ids: Collection[str], since: float, begun_at: float, model: str | None = None) -> bool:
        """Say whether a complete pass shows any of the witnesses it should show; True where there are none."""
        expected = self._expected(since, begun_at, model)
        return not expected or any(task_id in task_ids for task_id in expected)

    def passed(self, task_ids: Collection[str], since: float, begun_at: float, model: str | None = None) -> None:
        """Take in a complete pass that shows what was made `since` then, of one model only where that is given."""
        expected = self._expected(since, begun_at, model)
        shown = [witness.sent_at for task_id, witness in expected.items() if task_id in task_ids]
        # A witness of unknown model vouches where it is shown; where it is not, it need not have been.
        missing = [
            witness
            for task_id, witness in expected.items()
            if task_id not in task_ids and (model is None or witness.model == model)
        ]
        while self._lags and begun_at - self._lags[0][1] > max(_LAG_REMEMBERED, 4 * self._lags[0][0]):
            self._lags.popleft()
        if missing:
            lag = max(begun_at - witness.answered_at for witness in missing)
            while self._lags and self._lags[-1][0] <= lag:
                self._lags.pop()
            self._lags.append((lag, begun_at))
        self._passes.append(
            _Pass(
                since,
                begun_at,
                max(shown, default=None),
                min((witness.sent_at for witness in missing), default=None),
            )
        )

    def _expected(self, since: float, begun_at: float, model: str | None) -> dict[str, Witness]:
        return {
            task_id: witness
            for task_id, witness in self._witnesses.items()
            if witness.sent_at >= since
            and witness.answered_at <= begun_at
            and (model is None or witness.model is None or witness.model == model)
        }

    def forget_passes(self) -> None:
        """Begin anew, because the list is asked in another way from now on."""
        self._passes.clear()

    def clock_was_set(self, now: float) -> None:
        """Begin anew, because times from before cannot be compared with times from now on."""
        self._passes.clear()
        self._begun_anew_at = now

    def covers(self, intent: Intent, *, late: float = LATE, sought_since: float = float("-inf")) -> bool:
        """Say whether the list has shown every task that may have come of a submit that was given up.

        Passes from before it was sought do not count: nobody kept what they showed of it.
        """
        if intent.ended_at is None:
            return False
        end = max(intent.ended_at + late, self._begun_anew_at)
        passes = [each for each in self._passes if each.begun_at >= sought_since]
        return sum(self._is_enough(each, intent.sent_at, end) for each in passes) >= _PASSES

    def _is_enough(self, each: _Pass, begin: float, end: float) -> bool:
        if each.since > begin or each.newest_shown is None or each.begun_at < end + 2 * self.longest_lag:
            return False
        if each.oldest_missing is not None and each.oldest_missing <= end:
            return False
        waited = each.begun_at - end
        if each.newest_shown > end and waited >= self._lag * _OUT_OF_ORDER:
            return True
        return waited >= max(self._lag, 4 * self.longest_lag)

    def forget(self, first: float, searched: tuple[float, float] | None = None) -> None:
        """Drop what no submit without an outcome needs any more.

        Args:
            first: When the oldest of those left that are under way, or the time where none is.
            searched: When the first of those left that are searched for, and until when the last may make a task.
        """
        recent = first - _REMEMBERED
        if searched is None:
            self._passes.clear()
            self._forget_oldest(first, recent)
            return
        # Where a search takes hours, what was made in between is no evidence for it.
        until, begin = self.since(min(searched[0], recent)), searched[1] + _REMEMBERED
        for task_id in [
            task_id
            for task_id, witness in self._witnesses.items()
            if witness.sent_at < until or begin < witness.sent_at < recent
        ]:
            del self._witnesses[task_id]

    def _forget_oldest(self, first: float, recent: float) -> None:
        """Drop what is too old, looking at hardly more than that: there may be very many who are not."""
        old: dict[str, float] = {}
        for task_id, witness in self._witnesses.items():
            if witness.sent_at < recent:
                old[task_id] = witness.sent_at
            elif witness.sent_at < first:
                # The rest is newer. What seems to be of the future stands before others only where a clock was set.
                break
        # One witness from before is needed, too.
        until = min(recent - _BEFORE, max(old.values(), default=recent))
        for task_id, sent_at in old.items():
            if sent_at < until:
                del self._witnesses[task_id]
        for task_id in [*islice(self._witnesses, max(len(self._witnesses) - _MOST, 0))]:
            if self._witnesses[task_id].sent_at <= first:
                del self._witnesses[task_id]
