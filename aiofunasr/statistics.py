"""What a session is doing, as a value."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from aiofunasr.pipeline.engine import Engine
from aiofunasr.pipeline.gateway import LaneStatistics


@frozen(kw_only=True)
class SessionStatistics:
    """The state of a session at one moment.

    Attributes:
        tasks_in_flight: Tasks submitted or attached, and not known to be done.
        tasks_submitted: Tasks the service accepted from this session.
        tasks_completed: Tasks seen to be done.
        files_submitted: Files in the accepted tasks.
        files_collected: Files whose result was downloaded, or known without.
        files_uploaded: Local files uploaded.
        downloads_in_flight: Downloads under way.
        downloads_retried: Downloads that were tried again.
        requests: For each kind of request, what it did and may do: `requests["query"].throttled`.
    """

    tasks_in_flight: int
    tasks_submitted: int
    tasks_completed: int
    files_submitted: int
    files_collected: int
    files_uploaded: int
    downloads_in_flight: int
    downloads_retried: int
    requests: Mapping[str, LaneStatistics]


def measure(engine: Engine) -> SessionStatistics:
    """Take the statistics of this moment; needs the loop the session runs on."""
    return SessionStatistics(
        tasks_in_flight=len(engine.poller),
        tasks_submitted=engine.submitter.tasks,
        tasks_completed=engine.poller.completed,
        files_submitted=engine.submitter.files,
        files_collected=engine.collector.collected,
        files_uploaded=engine.uploader.uploaded,
        downloads_in_flight=engine.collector.in_flight,
        downloads_retried=engine.collector.retried,
        requests={str(kind): lane.statistics() for kind, lane in engine.gateway.lanes.items()},
    )
