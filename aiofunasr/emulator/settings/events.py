"""Completion events (protocol notes, section 10)."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen, validators

from aiofunasr.emulator.settings.fields import POSITIVE, POSITIVE_INTEGER, SHARE, check_range, check_url, pair, says


@frozen(kw_only=True, slots=False)
class EventSettings:
    """Completion events: where they go, when, how often and how they are signed (section 10)."""

    events_url: str | None = field(
        default=None, validator=check_url, metadata=says("Push an event to this URL when a task has ended.")
    )
    event_delay_seconds: tuple[float, float] = field(
        default=(1.0, 90.0),
        converter=pair,
        validator=check_range,
        metadata=says("How long after the end: something between the two."),
    )
    event_duplicate_share: float = field(
        default=0.0, validator=SHARE, metadata=says("The share of events that are delivered twice.")
    )
    events_contain_result: bool = field(
        default=True, metadata=says("Put the task's results in the event; off: it has to be asked about.")
    )
    event_attempts: int = field(
        default=4, validator=POSITIVE_INTEGER, metadata=says("How often a delivery is tried that is not taken.")
    )
    event_retry_seconds: tuple[float, float] = field(
        default=(10.0, 20.0),
        converter=pair,
        validator=check_range,
        metadata=says("How long until it is tried again: something between the two."),
    )
    event_timeout: float = field(
        default=5.0, validator=POSITIVE, metadata=says("Seconds within which the receiver has to answer.")
    )
    event_signature: Literal["v1", "v2", "both", "none"] = field(
        default="both", metadata=says("How events are signed: HMAC-SHA1 (v1), RSA-SHA256 (v2), both, or not at all.")
    )
    event_token: str | None = field(
        default=None,
        validator=validators.optional(validators.min_len(1)),
        repr=False,
        metadata=says("The token of the event rule, sent and signed along."),
    )
    event_final_newline: bool = field(
        default=True,
        metadata=says("End the signed text with a newline: the official code does, its page does not."),
    )
    event_certificate_url: str | None = field(
        default=None,
        validator=check_url,
        metadata=says("Where the receiver gets the certificate; none: from the emulator itself."),
    )
