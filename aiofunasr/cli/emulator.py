"""`aiofunasr emulator`: the service itself, on this machine."""

from __future__ import annotations

import os
import shlex

import anyio
from attrs import field, frozen

from aiofunasr.cli.delivery import print_text
from aiofunasr.cli.place import EngineChoice, load_engine
from aiofunasr.cli.running import FAILED, CommandError
from aiofunasr.cli.screen import Screen
from aiofunasr.emulator import (
    ADMIN_PREFIX,
    EmulatorServer,
    EmulatorSettings,
    FaultPlan,
    MissingCryptographyError,
    ScriptedRecognizer,
)


@frozen(kw_only=True)
class EmulatorJob:
    """Where to serve, and with what; no engine stands for the script, which hears nothing."""

    host: str
    port: int
    engine: EngineChoice | None
    settings: EmulatorSettings = field(factory=EmulatorSettings)
    faults: FaultPlan = field(factory=FaultPlan)
    admin: bool = False
    files_at_once: int = 2
    quiet: bool = False
    verbose: bool = False


async def serve(job: EmulatorJob) -> int:
    """Serve until interrupted.

    What a client needs goes to stdout, as lines a shell can read.
    """
    screen = Screen(quiet=job.quiet, verbose=job.verbose)
    recognizer = ScriptedRecognizer() if job.engine is None else load_engine(job.engine)
    server = EmulatorServer(
        recognizer=recognizer,
        settings=job.settings,
        faults=job.faults,
        admin=job.admin,
        host=job.host,
        port=job.port,
        files_at_once=job.files_at_once,
    )
    try:
        await server.__aenter__()
    except MissingCryptographyError as error:
        raise CommandError(str(error), FAILED) from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
        raise CommandError(f"cannot serve on {job.host} port {job.port}: {reason}", FAILED) from None
    try:
        variables = {
            "DASHSCOPE_API_KEY": server.api_key,
            "DASHSCOPE_BASE_URL": server.base_url,
            # The same for the service's own SDK.
            "DASHSCOPE_HTTP_BASE_URL": server.base_url,
        }
        await print_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))
        how = "a script (nothing is recognized)" if job.engine is None else f"the {job.engine.name} engine"
        screen.note(f"serving with {how}; Ctrl-C ends it")
        if job.admin:
            screen.note(f"anyone who reaches it may change it, under {server.service.public_url}{ADMIN_PREFIX}/")
        await anyio.sleep_forever()
    finally:
        await server.__aexit__(None, None, None)
    return 0
