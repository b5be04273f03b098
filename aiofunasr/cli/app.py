"""The commands: what can be typed, made into values for the modules that do the work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from attrs import evolve

from aiofunasr.cli import operations, options, reference
from aiofunasr.cli.asked import with_options
from aiofunasr.cli.exporting import ExportJob, export
from aiofunasr.cli.journal import ShowJob, show
from aiofunasr.cli.place import EngineChoice, Place
from aiofunasr.cli.resume import ResumeJob, resume
from aiofunasr.cli.running import CommandError, run_command
from aiofunasr.cli.styling import StyleChoice, with_style
from aiofunasr.cli.transcribe import JournalChoice, ResultOptions, TranscribeJob, attach, transcribe
from aiofunasr.options import TranscriptionOptions
from aiofunasr.session import FilesPerTask
from aiofunasr.version import __version__

_STATUSES = """

Exit status: 0 all is well, 1 something failed, 2 nothing was begun, 130 interrupted.
"""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Transcribe recorded speech with Fun-ASR on Alibaba Cloud Model Studio, or on this machine." + _STATUSES,
)


def run() -> None:
    """Run the command line and exit with its status."""
    try:
        app(prog_name="aiofunasr")
    except KeyboardInterrupt:
        sys.exit(130)


def _do(command: Callable[[], Coroutine[Any, Any, int]]) -> None:
    raise typer.Exit(run_command(command))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aiofunasr {__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    pass


@app.command(name="transcribe")
@with_options
@with_style
@options.with_place
def transcribe_command(
    *,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE_OR_URL", help="Paths, and http, https or oss URLs.")
    ] = None,
    manifest: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Read more of them from FILE, one a line; - for standard input. "
            "A line may go on with a tab and the length of the audio in seconds, which helps to know the time left.",
        ),
    ] = None,
    asked: TranscriptionOptions,
    files_per_task: Annotated[
        str,
        typer.Option(metavar="N|auto", parser=options.files_per_task, help="How many files go into a task, up to 100."),
    ] = "auto",
    format: options.Formats = None,
    output: options.Output = None,
    overwrite: options.Overwrite = True,
    style: StyleChoice,
    journal: options.Journal = None,
    retry_failed: options.RetryFailed = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    local: options.Local = False,
    engine: options.EngineOption = None,
    engine_model: options.EngineModel = None,
    place: Place,
) -> None:
    """Transcribe files, and give each one's result as it completes.

    Transcripts go to stdout, everything else to stderr. With several files each has a header line, ==> name <==;
    jsonl has one line for each file instead, failed ones too, and json one document after the other.

    With --output, names come from the files' own and are made safe and unique, and paths go to stdout.

    Interrupted, it says which tasks go on and how to attach to them.
    """
    if not local and (engine is not None or engine_model is not None):
        raise typer.BadParameter("--engine and --engine-model go with --local")
    if local and place != Place():
        raise typer.BadParameter("--local goes without --api-key, --region, --workspace and --base-url")
    if local and journal is not None:
        raise typer.BadParameter("--journal goes without --local: the tasks of a local run end with it")
    if retry_failed and journal is None:
        raise typer.BadParameter("--retry-failed goes with --journal")
    if not local and not files and manifest is None:
        raise typer.BadParameter("nothing to transcribe: give files, or --manifest FILE, or --local for the sample")
    job = TranscribeJob(
        sources=files or (),
        manifest=manifest,
        options=asked,
        files_per_task=cast("FilesPerTask", files_per_task),
        place=place,
        engine=_engine(engine, engine_model) if local else None,
        results=_results(format, output, overwrite=overwrite, style=style, quiet=quiet, verbose=verbose),
        journal=None if journal is None else JournalChoice(path=journal, retry_failed=retry_failed),
    )
    _do(partial(transcribe, job))


@app.command(name="resume", no_args_is_help=True)
@with_style
@options.with_place
def resume_command(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The journal of the run.")],
    retry_failed: options.RetryFailed = False,
    format: options.Formats = None,
    output: options.Output = None,
    overwrite: Annotated[
        bool | None,
        typer.Option(
            "--overwrite/--no-overwrite", help="Whether files that are there are replaced.", show_default=False
        ),
    ] = None,
    style: StyleChoice,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    place: Place,
) -> None:
    """Go on with a run that was interrupted, or killed, from its journal.

    What is done is printed or written again from the journal, what is in flight is waited for, what was sent and never
    answered is searched for, and the rest is submitted.
    """
    job = ResumeJob(
        path=file,
        place=place,
        retry_failed=retry_failed,
        formats=format,
        output=output,
        overwrite=overwrite,
        style=style,
        quiet=quiet,
        verbose=verbose,
    )
    _do(partial(resume, job))


def _results(format: Sequence[str] | None, output: Path | None, **rest: Any) -> ResultOptions:
    try:
        results = ResultOptions(formats=options.formats_of(format, output), output=output, **rest)
        # What is wrong with the style is said before anything is begun.
        results.writing()
    except CommandError as error:
        raise typer.BadParameter(str(error)) from None
    return results


def _engine(name: options.EngineName | None, model: Path | None) -> EngineChoice:
    return EngineChoice(name=name or options.EngineName.MOONSHINE, model=model)


@app.command(name="attach", no_args_is_help=True)
@with_style
@options.with_place
def attach_command(
    *,
    tokens: Annotated[list[str], typer.Argument(metavar="TOKEN", help="Tokens of tasks, or their ids.")],
    format: options.Formats = None,
    output: options.Output = None,
    overwrite: options.Overwrite = True,
    style: StyleChoice,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    place: Place,
) -> None:
    """Wait for tasks that were submitted before, up to a day ago, and print their results as transcribe does.

    A token says which region its task belongs to, so that needs to be given for a bare task id only.
    """
    results = _results(format, output, overwrite=overwrite, style=style, quiet=quiet, verbose=verbose)
    _do(partial(attach, tokens, place, results))


@app.command(name="export", no_args_is_help=True)
@with_style
def export_command(
    *,
    documents: Annotated[
        list[str],
        typer.Argument(metavar="TRANSCRIPT", help="What --format json writes; - for standard input."),
    ],
    format: options.Formats = None,
    output: options.Output = None,
    overwrite: options.Overwrite = True,
    audio: Annotated[
        str | None,
        typer.Option(metavar="FILE_OR_URL", help="Where the page of html finds the recording.", show_default=False),
    ] = None,
    style: StyleChoice,
    quiet: options.Quiet = False,
) -> None:
    """Write transcripts that are stored already, as the service gave them, in other formats.

    Nothing is sent and nothing is billed. Files are named after the documents.
    """
    if audio is not None and len(documents) > 1:
        raise typer.BadParameter("--audio goes with one transcript")
    if style.embed_audio and audio is None:
        raise typer.BadParameter("--embed-audio needs --audio FILE")
    results = _results(format, output, overwrite=overwrite, style=style, quiet=quiet, verbose=False)
    writing = evolve(results.writing(), audio=audio)
    _do(partial(export, ExportJob(documents=documents, writing=writing, quiet=quiet)))


app.add_typer(operations.app)


app.add_typer(reference.app)

journal_app = typer.Typer(no_args_is_help=True, help="Look into the journal of a run.")
app.add_typer(journal_app, name="journal")


@journal_app.callback()
def _journal() -> None:
    # Keeps `show` a command of its own while it is the only one.
    pass


@journal_app.command(name="show", no_args_is_help=True)
def journal_show_command(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The journal.")],
    as_json: options.AsJson = False,
    files: Annotated[bool, typer.Option("--files", help="List every file, too.")] = False,
) -> None:
    """Show how far a run is: files by state, submits without an outcome, tasks in flight, and what failed.

    It changes nothing, and works while the run goes on.
    """
    _do(partial(show, ShowJob(path=file, as_json=as_json, files=files)))


@app.command(
    name="emulator",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
def emulator_command(context: typer.Context) -> None:
    """Serve Fun-ASR's interface on this machine until interrupted, to try, develop and test against."""
    # Here, and not above: it has an option for everything the emulator can be told, and nothing else needs that.
    from aiofunasr.cli.emulator_options import make_emulator_app  # noqa: PLC0415

    make_emulator_app()(args=context.args, prog_name="aiofunasr emulator")
