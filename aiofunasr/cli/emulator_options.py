"""What can be typed after `aiofunasr emulator`: where to serve and with what, and a switch for everything else."""

from __future__ import annotations

import inspect
import tomllib
from functools import partial
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from aiofunasr.cli import options
from aiofunasr.cli.emulator import EmulatorJob, serve
from aiofunasr.cli.place import EngineChoice
from aiofunasr.cli.running import run_command
from aiofunasr.cli.switches import given_changes, switch_parameters
from aiofunasr.emulator import (
    ConfigurationError,
    EmulatorSettings,
    read_plan,
    read_rule_words,
    read_tables,
    with_changes,
)

_FAULTS: Final = "faults"


def make_emulator_app() -> typer.Typer:
    """Make the program that `aiofunasr emulator` is."""
    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    def command(**values: Any) -> None:
        names = inspect.signature(_emulator).parameters
        own = {name: value for name, value in values.items() if name in names}
        _emulator(**own, switches=values)

    parameters = [
        *(one for one in inspect.signature(_emulator, eval_str=True).parameters.values() if one.name != "switches"),
        *switch_parameters(),
    ]
    keywords = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in parameters]
    command.__signature__ = Signature(keywords)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in keywords}
    command.__doc__ = _emulator.__doc__
    app.command()(command)
    return app


def _emulator(
    *,
    switches: dict[str, Any],
    host: Annotated[str, typer.Option(help="The address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8900,
    scripted: Annotated[
        bool, typer.Option("--scripted", help="Recognize nothing: invent a transcript from the URL, at once.")
    ] = False,
    engine: options.EngineOption = None,
    engine_model: options.EmulatorModel = None,
    files_at_once: Annotated[int, typer.Option(metavar="N", min=1, help="Files recognized at once.")] = 2,
    api_key: Annotated[str | None, typer.Option(help="The key that clients must have.", show_default=False)] = None,
    instant: Annotated[bool, typer.Option("--instant", help="Tasks neither queue nor take scripted time.")] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Read switches from a TOML file: a table for each group below, such as limits. Options go before it.",
            show_default=False,
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="KIND=FAULT, as in submit=drop_after@1,3 or query=error:503@20%; may be repeated, the first one "
            "that hits counts.",
            show_default=False,
        ),
    ] = None,
    admin: Annotated[
        bool,
        typer.Option("--admin", help="Let switches be seen and changed under /emulator/ while it runs, with no key."),
    ] = False,
    quiet: options.Quiet = False,
    verbose: options.VerboseLogs = False,
) -> None:
    """Serve Fun-ASR's interface on this machine until interrupted, to try, develop and test against.

    Prints the environment variables a client needs, as a shell reads them.
    """
    if scripted and (engine is not None or engine_model is not None):
        raise typer.BadParameter("--scripted goes without --engine and --model")
    if api_key is not None and switches.get("api_keys"):
        raise typer.BadParameter("--api-key goes without --api-keys")
    try:
        document = {} if config is None else _read_toml(config)
        plan = read_plan(document.pop(_FAULTS, {}))
        for text in fault or ():
            plan = plan.add(read_rule_words(text))
        base = EmulatorSettings.instant() if instant else EmulatorSettings()
        own = {} if api_key is None else {"api_keys": {api_key: "emulator"}}
        settings = with_changes(base, read_tables(document) | given_changes(switches) | own)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None
    choice = EngineChoice(name=engine or options.EngineName.MOONSHINE, model=engine_model)
    job = EmulatorJob(
        host=host,
        port=port,
        engine=None if scripted else choice,
        settings=settings,
        faults=plan,
        admin=admin,
        files_at_once=files_at_once,
        quiet=quiet,
        verbose=verbose,
    )
    raise typer.Exit(run_command(partial(serve, job)))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{path} is no TOML: {error}") from None
