"""What a submit may say, and the life of its task (protocol notes, sections 2 and 3)."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen, validators

from aiofunasr.emulator.settings.fields import (
    NOT_NEGATIVE,
    POSITIVE,
    POSITIVE_INTEGER,
    as_list,
    check_range,
    pair,
    says,
)


@frozen(kw_only=True, slots=False)
class SubmitSettings:
    """What a submit may say (section 2)."""

    max_files_per_task: int = field(
        default=100, validator=POSITIVE_INTEGER, metadata=says("URLs in a submit; more are refused.")
    )
    too_many_files_code: str = field(default="InvalidParameter", metadata=says("The code of that refusal (unknown)."))
    too_many_files_message: str = field(
        default="The number of file_urls exceeds the limit.", metadata=says("Its message.")
    )
    missing_parameters_fail: Literal["workspace", "always", "never"] = field(
        default="workspace",
        metadata=says("Where a submit without parameters is accepted and its task then fails: on workspace hosts."),
    )
    bad_parameter: Literal["refused", "task"] = field(
        default="refused",
        metadata=says("A parameter of an impossible value is refused, or fails the task (unknown)."),
    )
    bad_parameter_code: str = field(default="InvalidParameter", metadata=says("What either is called (unknown)."))
    unknown_parameters: Literal["ignored", "refused"] = field(
        default="ignored", metadata=says("A parameter of an unknown name is ignored, or refused.")
    )
    default_language_hints: tuple[str, ...] = field(
        default=(),
        converter=as_list,
        metadata=says("The languages of a submit that names none; one page says zh and en."),
    )
    noise_threshold: bool = field(
        default=True, metadata=says("Heed speech_noise_threshold, which is gone from the newest page.")
    )
    lenient_word_filter: bool = field(default=False, metadata=says("Take special_word_filter as an object too."))
    reserved_words: tuple[str, ...] = field(
        default=("sensitiveword",),
        converter=as_list,
        metadata=says("The built-in list of special_word_filter, a stand-in for the service's own."),
    )
    oss_without_header: Literal["task", "request"] = field(
        default="task",
        metadata=says("An oss:// file without the resolve header fails in the task, or the submit is refused."),
    )
    max_body_bytes: int = field(
        default=4 * 2**20, validator=POSITIVE_INTEGER, metadata=says("The largest body of a request.")
    )


@frozen(kw_only=True, slots=False)
class TaskSettings:
    """The life of a task (section 3)."""

    queue_seconds: tuple[float, float] = field(
        default=(0.2, 2.0),
        converter=pair,
        validator=check_range,
        metadata=says("How long tasks stay PENDING: something between the two."),
    )
    processing_speed: float = field(
        default=50.0,
        validator=POSITIVE,
        metadata=says("Seconds of audio processed in a second, where a script plans the times."),
    )
    min_processing_seconds: float = field(
        default=0.5, validator=NOT_NEGATIVE, metadata=says("The least that a script plans for a file.")
    )
    dead_link_seconds: float = field(
        default=3.6, validator=NOT_NEGATIVE, metadata=says("How long a script takes to give a download up.")
    )
    task_timeout: float = field(
        default=3 * 3600.0,
        validator=POSITIVE,
        metadata=says("After this much RUNNING the remaining files fail with InternalError.Timeout."),
    )
    retention: float = field(
        default=24 * 3600.0,
        validator=NOT_NEGATIVE,
        metadata=says("After its end plus this, a task is UNKNOWN and its results are gone."),
    )
    cancel_delay: float = field(
        default=0.0, validator=NOT_NEGATIVE, metadata=says("A cancelled task still shows PENDING for so long.")
    )
    results_order: Literal["submitted", "shuffled", "reversed"] = field(
        default="submitted", metadata=says("The order of the files in a task's results.")
    )
    all_failed_form: Literal["failed", "succeeded", "bare"] = field(
        default="failed",
        metadata=says("A task of failed files: FAILED with results, SUCCEEDED as in the documentation, or bare."),
    )
    scheduled_time: Literal["accepted", "running"] = field(
        default="accepted",
        metadata=says("Show scheduled_time, and start_time in the list, after the submit, or from RUNNING on."),
    )
    metrics_advance: bool = field(default=True, metadata=says("Count finished files in task_metrics while RUNNING."))
    running_carries_results: bool = field(default=False, metadata=says("Show finished files while RUNNING."))
    specific_download_codes: bool = field(
        default=True,
        metadata=says("FILE_404_NOT_FOUND and its like; off: InvalidFile.DownloadFailed for every one."),
    )


@frozen(kw_only=True, slots=False)
class ResultSettings:
    """The transcripts, and the links to them (sections 3.6 and 5)."""

    result_link_life: float = field(
        default=86400.0, validator=NOT_NEGATIVE, metadata=says("How long links to results last, from the task's end.")
    )
    resign_links: bool = field(
        default=False, metadata=says("Sign a result's link anew at every query, rather than return the same one.")
    )
    strict_result_links: bool = field(
        default=True, metadata=says("Compare links byte for byte; off: compare what they decode to.")
    )
    authorized_result_status: Literal[400, 403] | None = field(
        default=400,
        metadata=says("How a result download with an Authorization header is refused; none: it is not."),
    )
    missing_speaker_every: int = field(
        default=10,
        validator=[validators.instance_of(int), validators.ge(0)],
        metadata=says("Every so many-th sentence of a diarized track lacks its speaker_id; 0 for none."),
    )
