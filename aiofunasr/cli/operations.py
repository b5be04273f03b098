"""The commands for what lies at the service: uploads, tokens, vocabularies and tasks."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer

from aiofunasr.cli import options
from aiofunasr.cli.gathering import choice, gathered
from aiofunasr.cli.place import Place
from aiofunasr.cli.running import run_command
from aiofunasr.cli.tasks import TaskQuery, cancel_tasks, list_tasks, show_tasks
from aiofunasr.cli.tokens import TokenJob, print_token
from aiofunasr.cli.uploads import UploadJob, upload
from aiofunasr.cli.vocabularies import WordsJob, create, delete, list_vocabularies, show, update
from aiofunasr.options import DEFAULT_MODEL

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def _do(command: Callable[[], Coroutine[Any, Any, int]]) -> None:
    raise typer.Exit(run_command(command))


@app.command(name="upload", no_args_is_help=True)
@options.with_place
def upload_command(
    *,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Paths.")],
    model: Annotated[str, typer.Option(help="The model that will transcribe them, and no other.")] = DEFAULT_MODEL,
    as_json: Json = False,
    quiet: options.Quiet = False,
    verbose: options.VerboseLogs = False,
    place: Place,
) -> None:
    """Put files into the service's temporary store, and print their oss:// URLs.

    They can be used for 48 hours, with the model they were uploaded for, and by the same account. To transcribe local
    files this is not needed: transcribe uploads them itself.
    """
    job = UploadJob(files=files, model=model, as_json=as_json, quiet=quiet, verbose=verbose)
    _do(partial(upload, job, place))


@app.command(name="token")
@options.with_place
def token_command(
    *,
    expires_in: Annotated[
        int, typer.Option("--expires-in", metavar="SECONDS", min=1, max=1800, help="How long it lives.")
    ] = 60,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not say until when it lives.")] = False,
    place: Place,
) -> None:
    """Make a temporary token and print it on stdout, alone.

    It stands in for the API key, with all of its rights, for up to half an hour, and cannot be revoked.
    """
    _do(partial(print_token, TokenJob(expires_in=expires_in, as_json=as_json, quiet=quiet), place))


vocabulary_app = typer.Typer(no_args_is_help=True, help="Make, list, show, change and delete lists of hot words.")
app.add_typer(vocabulary_app, name="vocabulary")

Words = Annotated[
    list[str] | None, typer.Argument(metavar="WORD", help="Hot words; quote those of more than one word.")
]
WordFile = Annotated[
    str | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="Read more of them from FILE, one a line; - for standard input. "
        "A line may go on with a tab and a weight from 1 to 5, and another tab and a language code.",
    ),
]
Weight = Annotated[int, typer.Option(min=1, max=5, help="The weight of those that have none of their own.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID", help="Ids of vocabularies.")]


@vocabulary_app.command(name="create", no_args_is_help=True)
@options.with_place
def vocabulary_create_command(
    *,
    words: Words = None,
    file: WordFile = None,
    weight: Weight = 4,
    model: Annotated[str, typer.Option(help="The only model it will have an effect on.")] = DEFAULT_MODEL,
    prefix: Annotated[
        str | None,
        typer.Option(help="What its name begins with: 1 to 9 digits and lower-case letters.", show_default="random"),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until tasks can use it.")] = True,
    place: Place,
) -> None:
    """Make a list of hot words, and print its id: what transcribe takes as --vocabulary-id.

    An account has at most 10 of them, with up to 500 words each.
    """
    job = WordsJob(words=words or (), file=file, weight=weight)
    _do(partial(create, job, place, model=model, prefix=prefix, wait=wait))


@vocabulary_app.command(name="list")
@options.with_place
def vocabulary_list_command(
    *,
    prefix: Annotated[str | None, typer.Option(help="Only those whose name begins so.")] = None,
    as_json: Json = False,
    place: Place,
) -> None:
    """List the account's vocabularies: id, status, and when it was made and changed (UTC), with tabs between."""
    _do(partial(list_vocabularies, prefix, place, as_json=as_json))


@vocabulary_app.command(name="show", no_args_is_help=True)
@options.with_place
def vocabulary_show_command(
    *,
    ids: Ids,
    as_json: Json = False,
    place: Place,
) -> None:
    """Print the words of vocabularies as --file reads them; what else is known of each goes to stderr."""
    _do(partial(show, ids, place, as_json=as_json))


@vocabulary_app.command(name="update", no_args_is_help=True)
@options.with_place
def vocabulary_update_command(
    *,
    vocabulary_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a vocabulary.")],
    words: Words = None,
    file: WordFile = None,
    weight: Weight = 4,
    wait: Annotated[bool, typer.Option(help="Wait until tasks can use it.")] = True,
    place: Place,
) -> None:
    """Put other words in the place of all those in a vocabulary."""
    job = WordsJob(words=words or (), file=file, weight=weight)
    _do(partial(update, vocabulary_id, job, place, wait=wait))


@vocabulary_app.command(name="delete", no_args_is_help=True)
@options.with_place
def vocabulary_delete_command(
    *,
    ids: Ids,
    place: Place,
) -> None:
    """Delete vocabularies."""
    _do(partial(delete, ids, place))


tasks_app = typer.Typer(invoke_without_command=True, help="List, show and cancel the account's tasks.")
app.add_typer(tasks_app, name="tasks")

_TIMES = [
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%z",
]


def _task_query(
    *, status: str | None, start: datetime | None, end: datetime | None, of_region: str | None, **rest: Any
) -> TaskQuery:
    if rest["since"] is not None and start is not None:
        raise typer.BadParameter("--since and --from exclude each other")
    return TaskQuery(
        status=status and status.upper(),
        start=None if start is None else start.astimezone(),
        end=None if end is None else end.astimezone(),
        region=of_region,
        **rest,
    )


_with_query = gathered(
    "query",
    _task_query,
    {
        "model": choice(str | None, "--model", help="Only tasks of this model."),
        "status": choice(
            str | None, "--status", help="Only tasks in this state: PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED."
        ),
        "since": choice(float | None, "--since", metavar="HOURS", min=0.0, help="How far back; 24 by default."),
        "start": choice(
            datetime | None, "--from", formats=_TIMES, metavar="TIME", help="Only from this time on (local time)."
        ),
        "end": choice(
            datetime | None, "--to", formats=_TIMES, metavar="TIME", help="Only up to this time (local time)."
        ),
        "task": choice(str | None, "--task", metavar="TASK", help="Only the task of this id, or token."),
        "api_key_id": choice(
            str | None, "--api-key-id", metavar="ID", help="Only tasks of the key with this id (not the key)."
        ),
        "of_region": choice(str | None, "--of-region", metavar="REGION", help="Only tasks of this region."),
        "limit": choice(int, "--limit", metavar="N", min=1, help="At most so many.", default=50),
        "as_json": (Json, False),
    },
)


@tasks_app.callback()
@_with_query
@options.with_place
def tasks_command(context: typer.Context, *, query: TaskQuery, place: Place) -> None:
    """List, show and cancel the account's tasks; without a command, list them."""
    if context.invoked_subcommand is None:
        _do(partial(list_tasks, query, place))


@tasks_app.command(name="list")
@_with_query
@options.with_place
def tasks_list_command(*, query: TaskQuery, place: Place) -> None:
    """List the account's tasks, other programs' too, newest first.

    On a terminal it is a table; piped, lines of task id, status, model, creation and end (UTC), and region, with tabs
    between. The service forgets a task 24 hours after its end.
    """
    _do(partial(list_tasks, query, place))


Tasks = Annotated[list[str], typer.Argument(metavar="TASK", help="Ids of tasks, or their tokens.")]


@tasks_app.command(name="show", no_args_is_help=True)
@options.with_place
def tasks_show_command(
    *,
    tasks: Tasks,
    as_json: Json = False,
    place: Place,
) -> None:
    """Show what the service says of tasks and their files at this moment; attach waits for their results."""
    _do(partial(show_tasks, tasks, place, as_json=as_json))


@tasks_app.command(name="cancel", no_args_is_help=True)
@app.command(name="cancel", no_args_is_help=True)
@options.with_place
def cancel_command(
    *,
    tasks: Tasks,
    place: Place,
) -> None:
    """Ask for tasks to be cancelled, which the service does while they are PENDING only."""
    _do(partial(cancel_tasks, tasks, place))
