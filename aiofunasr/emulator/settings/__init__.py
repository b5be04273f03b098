"""Everything about the emulated service that can be chosen, with the documented behaviour as default.

Where the protocol notes have an open question (sections 14 and 15), there is a switch here, so that a client
can be tested against both answers. The switches come in groups, which are the tables of a TOML file and the parts of
the command line's help; in Python all of them are fields of one value.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any, Final

from attrs import evolve, frozen

from aiofunasr.emulator.settings.access import (
    DEFAULT_ACCOUNT,
    DEFAULT_API_KEY,
    MODELS,
    AccountSettings,
    HttpSettings,
    ServiceSettings,
)
from aiofunasr.emulator.settings.events import EventSettings
from aiofunasr.emulator.settings.limits import LimitSettings
from aiofunasr.emulator.settings.storage import (
    FetchSettings,
    ListSettings,
    UploadSettings,
    VocabularySettings,
)
from aiofunasr.emulator.settings.tasks import ResultSettings, SubmitSettings, TaskSettings

__all__ = ["DEFAULT_ACCOUNT", "DEFAULT_API_KEY", "GROUPS", "MODELS", "EmulatorSettings"]

GROUPS: Final = MappingProxyType(
    {
        "service": ServiceSettings,
        "accounts": AccountSettings,
        "limits": LimitSettings,
        "submits": SubmitSettings,
        "tasks": TaskSettings,
        "results": ResultSettings,
        "listing": ListSettings,
        "uploads": UploadSettings,
        "vocabularies": VocabularySettings,
        "events": EventSettings,
        "fetching": FetchSettings,
        "http": HttpSettings,
    }
)
"""The groups of switches by the names of their TOML tables."""


@frozen(kw_only=True)
class EmulatorSettings(
    ServiceSettings,
    AccountSettings,
    LimitSettings,
    SubmitSettings,
    TaskSettings,
    ResultSettings,
    ListSettings,
    UploadSettings,
    VocabularySettings,
    EventSettings,
    FetchSettings,
    HttpSettings,
):
    """How the emulated service behaves; every field has the documented or recorded behaviour as default.

    Durations are seconds. Limits are requests a second, or a `RateLimit` for another window.
    """

    @classmethod
    def instant(cls, **changes: Any) -> EmulatorSettings:
        """Return settings under which tasks neither queue nor take time, for tests not about waiting."""
        at_once: dict[str, Any] = {
            "queue_seconds": (0.0, 0.0),
            "processing_speed": math.inf,
            "min_processing_seconds": 0.0,
            "dead_link_seconds": 0.0,
            "event_delay_seconds": (0.0, 0.0),
            "event_retry_seconds": (0.0, 0.0),
        }
        return cls(**(at_once | changes))

    def replace(self, **changes: Any) -> EmulatorSettings:
        """Return a copy with some fields changed."""
        return evolve(self, **changes)

    def account_of(self, api_key: str) -> str | None:
        """Return the account an API key belongs to, or None if the key is not known."""
        account = self.api_keys.get(api_key)
        if account is None and self.accept_any_key and api_key:
            return next(iter(self.api_keys.values()))
        return account
