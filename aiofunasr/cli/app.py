"""The commands: what can be typed, made into values for the modules that do the work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from attrs import evolve

from aiofunasr.cli import options
from aiofunasr.cli.exporting import ExportJob, export
from aiofunasr.cli.journal import ShowJob, show
from aiofunasr.cli.place import EngineChoice, Place
from aiofunasr.cli.resume import ResumeJob, resume
from aiofunasr.cli.running import CommandError, run_command
from aiofunasr.cli.styling import StyleChoice, with_style
from aiofunasr.cli.tasks import TaskQuery, cancel_tasks, list_tasks
from aiofunasr.cli.transcribe import JournalChoice, ResultOptions, TranscribeJob, attach, transcribe
from aiofunasr.errors import InvalidArgumentError
from aiofunasr.options import DEFAULT_MODEL, TranscriptionOptions
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
@with_style
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
    model: Annotated[str, typer.Option(help="One of the service's models for recorded files.")] = DEFAULT_MODEL,
    language: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="A language that is spoken, such as en; may be repeated.")
    ] = None,
    diarize: Annotated[bool, typer.Option("--diarize", help="Tell speakers apart (mono audio).")] = False,
    speakers: Annotated[
        int | None, typer.Option(metavar="N", help="How many speakers there are, 2 to 100; implies --diarize.")
    ] = None,
    channel: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="A track to transcribe, from 0; may be repeated. Each is billed."),
    ] = None,
    vocabulary_id: Annotated[str | None, typer.Option(metavar="ID", help="A hot-word list of that model.")] = None,
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
    api_key: options.ApiKey = None,
    region: options.Region = None,
    workspace: options.Workspace = None,
    base_url: options.BaseUrl = None,
) -> None:
    """Transcribe files, and give each one's result as it completes.

    Transcripts go to stdout, everything else to stderr. With several files each has a header line, ==> name <==;
    jsonl has one line for each file instead, failed ones too, and json one document after the other.

    With --output, names come from the files' own and are made safe and unique, and paths go to stdout.

    Interrupted, it says which tasks go on and how to attach to them.
    """
    place = Place(api_key=api_key, region=region, workspace=workspace, base_url=base_url)
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
        options=_transcription_options(
            model=model,
            language_hints=language or None,
            diarization_enabled=True if diarize or speakers is not None else None,
            speaker_count=speakers,
            channel_id=channel or None,
            vocabulary_id=vocabulary_id,
        ),
        files_per_task=cast("FilesPerTask", files_per_task),
        place=place,
        engine=_engine(engine, engine_model) if local else None,
        results=_results(format, output, overwrite=overwrite, style=style, quiet=quiet, verbose=verbose),
        journal=None if journal is None else JournalChoice(path=journal, retry_failed=retry_failed),
    )
    _do(partial(transcribe, job))


@app.command(name="resume", no_args_is_help=True)
@with_style
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
    api_key: options.ApiKey = None,
    region: options.Region = None,
    workspace: options.Workspace = None,
    base_url: options.BaseUrl = None,
) -> None:
    """Go on with a run that was interrupted, or killed, from its journal.

    What is done is printed or written again from the journal, what is in flight is waited for, what was sent and never
    answered is searched for, and the rest is submitted.
    """
    place = Place(api_key=api_key, region=region, workspace=workspace, base_url=base_url)
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


_OPTION_OF = {
    "language_hints": "--language",
    "speaker_count": "--speakers",
    "channel_id": "--channel",
    "vocabulary_id": "--vocabulary-id",
    "model": "--model",
}


def _transcription_options(**parameters: Any) -> TranscriptionOptions:
    try:
        return TranscriptionOptions(**parameters)
    except InvalidArgumentError as error:
        option = _OPTION_OF.get(error.argument, error.argument)
        raise typer.BadParameter(str(error).replace(error.argument, option, 1)) from None


def _engine(name: options.EngineName | None, model: Path | None) -> EngineChoice:
    return EngineChoice(name=name or options.EngineName.MOONSHINE, model=model)


@app.command(name="attach", no_args_is_help=True)
@with_style
def attach_command(
    *,
    tokens: Annotated[list[str], typer.Argument(metavar="TOKEN", help="Tokens of tasks, or their ids.")],
    format: options.Formats = None,
    output: options.Output = None,
    overwrite: options.Overwrite = True,
    style: StyleChoice,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    api_key: options.ApiKey = None,
    region: options.Region = None,
    workspace: options.Workspace = None,
    base_url: options.BaseUrl = None,
) -> None:
    """Wait for tasks that were submitted before, up to a day ago, and print their results as transcribe does.

    A token says which region its task belongs to, so that needs to be given for a bare task id only.
    """
    place = Place(api_key=api_key, region=region, workspace=workspace, base_url=base_url)
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


@app.command(name="tasks")
def tasks_command(
    *,
    model: Annotated[str | None, typer.Option(help="Only tasks of this model.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only tasks in this state: PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED.")
    ] = None,
    since: Annotated[float, typer.Option(metavar="HOURS", min=0.0, max=24.0, help="How far back, up to 24.")] = 24.0,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    api_key: options.ApiKey = None,
    region: options.Region = None,
    workspace: options.Workspace = None,
    base_url: options.BaseUrl = None,
) -> None:
    """List the account's tasks, other programs' too, newest first.

    On a terminal it is a table; piped, lines of task id, status, model, creation and end (UTC), and region, with tabs
    between.
    """
    query = TaskQuery(model=model, status=status and status.upper(), since=since, limit=limit, as_json=as_json)
    place = Place(api_key=api_key, region=region, workspace=workspace, base_url=base_url)
    _do(partial(list_tasks, query, place))


@app.command(name="cancel", no_args_is_help=True)
def cancel_command(
    *,
    tasks: Annotated[list[str], typer.Argument(metavar="TASK", help="Ids of tasks, or their tokens.")],
    api_key: options.ApiKey = None,
    region: options.Region = None,
    workspace: options.Workspace = None,
    base_url: options.BaseUrl = None,
) -> None:
    """Ask for tasks to be cancelled, which the service does while they are PENDING only."""
    _do(partial(cancel_tasks, tasks, Place(api_key=api_key, region=region, workspace=workspace, base_url=base_url)))


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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    files: Annotated[bool, typer.Option("--files", help="List every file, too.")] = False,
) -> None:
    """Show how far a run is: files by state, submits without an outcome, tasks in flight, and what failed.

    It changes nothing, and works while the run goes on.
    """
    _do(partial(show, ShowJob(path=file, as_json=as_json, files=files)))


@app.command(name="emulator")
def emulator_command(
    *,
    host: Annotated[str, typer.Option(help="The address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8900,
    scripted: Annotated[
        bool, typer.Option("--scripted", help="Recognize nothing: invent a transcript from the URL, at once.")
    ] = False,
    engine: options.EngineOption = None,
    engine_model: options.EmulatorModel = None,
    api_key: Annotated[str | None, typer.Option(help="The key that clients must have.", show_default=False)] = None,
    any_key: Annotated[bool, typer.Option("--any-key", help="Take any key.")] = False,
    limits: Annotated[bool, typer.Option(help="Enforce the service's rate limits.")] = True,
    queue_seconds: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="LOW HIGH", help="How long tasks stay PENDING.", show_default=False),
    ] = None,
    instant: Annotated[bool, typer.Option("--instant", help="Tasks neither queue nor take scripted time.")] = False,
    max_files_per_task: Annotated[int, typer.Option(metavar="N", min=1, help="More are refused.")] = 100,
    link_life: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.0, help="How long links to results last.", show_default=False),
    ] = None,
    list_tasks: Annotated[bool, typer.Option("--list/--no-list", help="Let tasks be listed.")] = True,
    files_at_once: Annotated[int, typer.Option(metavar="N", min=1, help="Files recognized at once.")] = 2,
    public_url: Annotated[
        str | None, typer.Option(metavar="URL", help="What links to results begin with.", show_default=False)
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.VerboseLogs = False,
) -> None:
    """Serve Fun-ASR's interface on this machine until interrupted, to try, develop and test against.

    Prints the environment variables a client needs, as a shell reads them.
    """
    changes: dict[str, Any] = {
        "limits_enabled": limits,
        "max_files_per_task": max_files_per_task,
        "list_enabled": list_tasks,
        "accept_any_key": any_key,
    }
    given = {
        "api_keys": None if api_key is None else {api_key: "emulator"},
        "queue_seconds": queue_seconds,
        "result_link_life": link_life,
        "public_url": public_url,
    }
    changes |= {name: value for name, value in given.items() if value is not None}

    # Here, and not above: nothing but this command needs a server.
    from aiofunasr.cli.emulator import EmulatorJob, serve  # noqa: PLC0415
    from aiofunasr.emulator import EmulatorSettings  # noqa: PLC0415

    if scripted and (engine is not None or engine_model is not None):
        raise typer.BadParameter("--scripted goes without --engine and --model")
    try:
        settings = EmulatorSettings.instant(**changes) if instant else EmulatorSettings(**changes)
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(str(error)) from None
    job = EmulatorJob(
        host=host,
        port=port,
        engine=None if scripted else _engine(engine, engine_model),
        settings=settings,
        files_at_once=files_at_once,
        quiet=quiet,
        verbose=verbose,
    )
    _do(partial(serve, job))
