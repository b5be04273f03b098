"""Where a command's requests go: the service, or an emulated one inside this process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from aiofunasr.cli.running import CommandError
from aiofunasr.journal import SqliteJournal
from aiofunasr.session import Session
from aiofunasr.settings import Limits
from aiofunasr.token import TaskToken

if TYPE_CHECKING:
    from aiofunasr.emulator import Recognizer

_LOCAL_EXTRA = 'pip install "aiofunasr[local]"'
_UNLIMITED = 1_000_000.0


@frozen(kw_only=True)
class EngineChoice:
    """A speech recognition engine of the emulator; `model` is a directory."""

    name: str = "moonshine"
    model: Path | None = None


@frozen(kw_only=True)
class Place:
    """The account and the host as the command line gave them; what is None comes from the environment."""

    api_key: str | None = field(default=None, repr=False)
    region: str | None = None
    workspace: str | None = None
    base_url: str | None = None
    local: bool = False

    def session(self, journal: SqliteJournal | None = None) -> Session:
        """Make a session.

        Raises:
            CommandError: There is no key.
            ConfigurationError: There can be no such place.
        """
        if self.api_key is None and not os.environ.get("DASHSCOPE_API_KEY"):
            raise CommandError(
                "no API key: give --api-key or set DASHSCOPE_API_KEY (without one, try aiofunasr transcribe --local)"
            )
        return Session(
            self.api_key,
            base_url=self.base_url,
            region=self.region,
            workspace=self.workspace,
            journal=journal,
            # The limits are the service's; on one's own machine the engine is the limit.
            limits=Limits(submit=_UNLIMITED, query=100.0) if self.local else None,
        )

    def of_tokens(self, tokens: Collection[TaskToken]) -> Place:
        """Return the place the tasks were submitted to, where nothing else says where to go.

        Raises:
            CommandError: They were submitted to several.
        """
        chosen = self.region or self.workspace or self.base_url
        if chosen or any(
            os.environ.get(f"DASHSCOPE_{name}") for name in ("REGION", "WORKSPACE", "BASE_URL", "HTTP_BASE_URL")
        ):
            return self
        places = {(token.region, token.workspace) for token in tokens if token.region is not None}
        if len(places) > 1:
            raise CommandError(
                "the tasks were submitted in several regions or workspaces: attach to those of each apart"
            )
        region, workspace = next(iter(places), (None, None))
        return evolve(self, region=region, workspace=workspace)

    def options(self) -> str:
        """Return the options that lead here again, each with a space before it; never the key."""
        named = {"--region": self.region, "--workspace": self.workspace, "--base-url": self.base_url}
        return "".join(f" {option} {value}" for option, value in named.items() if value is not None)


@asynccontextmanager
async def local_service(engine: EngineChoice) -> AsyncIterator[Place]:
    """Serve on a free port of this machine for a while.

    Raises:
        CommandError: What the engine needs is not there.
    """
    recognizer = load_engine(engine)
    from aiofunasr.emulator import EmulatorServer, EmulatorSettings  # noqa: PLC0415

    settings = EmulatorSettings.instant(limits_enabled=False, missing_speaker_every=0)
    async with EmulatorServer(recognizer=recognizer, settings=settings) as server:
        yield Place(api_key=server.api_key, base_url=server.base_url, local=True)


def load_engine(engine: EngineChoice) -> Recognizer:
    """Make a recognizer.

    Raises:
        CommandError: What it needs is not there.
    """
    try:
        from aiofunasr.emulator.speech import default_recognizer  # noqa: PLC0415

        return default_recognizer(engine.name, engine.model)
    except ImportError as error:
        if (error.name or "").startswith("aiofunasr"):
            raise
        extra = getattr(error, "extra", "local")
        install = 'pip install "aiofunasr[local,whisper]"' if extra == "whisper" else _LOCAL_EXTRA
        raise CommandError(
            f"recognizing speech on this machine needs {error.name or 'more packages'}: {install}"
        ) from None
    except (ValueError, OSError) as error:
        raise CommandError(f"--engine {engine.name}: {error}") from None


def sample() -> Path:
    """Return the recording that comes with the package."""
    from aiofunasr.emulator.samples import sample_path  # noqa: PLC0415

    return sample_path()
