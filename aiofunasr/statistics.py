"""What a session is doing, as a value."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from aiofunasr.pipeline.delays import DelayStatistics
from aiofunasr.pipeline.engine import Engine
from aiofunasr.pipeline.gateway import LaneStatistics
from aiofunasr.pipeline.reconciler import ReconciliationStatistics
from aiofunasr.schedule.sweeps import SweepStatistics


@frozen(kw_only=True)
class SessionStatistics:
    """The state of a session at one moment.

    Attributes:
        tasks_in_flight: Tasks submitted or attached, and not known to be done.
        tasks_submitted: Tasks the service accepted from this session.
        tasks_suspected: Tasks in flight that seem to be done and wait for the query that confirms it.
        tasks_completed: Tasks seen to be done.
        detection_delay: How late the last ends were noticed, or None before the first.
        sweeps: What was done with the task list, and learned about it.
        files_submitted: Files in the accepted tasks.
        files_collected: Files whose result was downloaded, or known without.
        files_uploaded: Local files uploaded.
        downloads_waiting: Finished files that wait for their download.
        downloads_in_flight: Downloads under way.
        downloads_retried: Downloads that were tried again.
        lost_submits: The searches for submits that had no usable reply.
        requests: For each kind of request, what it did and may do: `requests["query"].throttled`.
    """

    tasks_in_flight: int
    tasks_submitted: int
    tasks_suspected: int
    tasks_completed: int
    detection_delay: DelayStatistics | None
    sweeps: SweepStatistics
    files_submitted: int
    files_collected: int
    files_uploaded: int
    downloads_waiting: int
    downloads_in_flight: int
    downloads_retried: int
    lost_submits: ReconciliationStatistics
    requests: Mapping[str, LaneStatistics]


def measure(engine: Engine) -> SessionStatistics:
    """Take the statistics of this moment; needs the loop the session runs on."""
    return SessionStatistics(
        tasks_in_flight=len(engine.poller),
        tasks_submitted=engine.submitter.tasks,
        tasks_suspected=engine.poller.suspected,
        tasks_completed=engine.poller.completed,
        detection_delay=engine.poller.delays.statistics(),
        sweeps=engine.poller.sweeps(),
        files_submitted=engine.submitter.files,
        files_collected=engine.collector.collected,
        files_uploaded=engine.uploader.uploaded,
        downloads_waiting=engine.collector.waiting,
        downloads_in_flight=engine.collector.in_flight,
        downloads_retried=engine.collector.retried,
        lost_submits=engine.reconciler.statistics(),
        requests={str(kind): lane.statistics() for kind, lane in engine.gateway.lanes.items()},
    )
