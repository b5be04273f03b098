"""The commands for what lies at the service: uploads, tokens, vocabularies and tasks."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any

import typer

from aiofunasr.cli import options
from aiofunasr.cli.place import Place
from aiofunasr.cli.running import run_command
from aiofunasr.cli.uploads import UploadJob, upload
from aiofunasr.options import DEFAULT_MODEL

app = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def _do(command: Callable[[], Coroutine[Any, Any, int]]) -> None:
    raise typer.Exit(run_command(command))


@app.command(name="upload", no_args_is_help=True)
def upload_command(
    *,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Paths.")],
    model: Annotated[str, typer.Option(help="The model that will transcribe them, and no other.")] = DEFAULT_MODEL,
    as_json: Json = False,
    quiet: options.Quiet = False,
    verbose: options.VerboseLogs = False,
    api_key: options.ApiKey = None,
    region: options.Region = None,
    workspace: options.Workspace = None,
    base_url: options.BaseUrl = None,
) -> None:
    """Put files into the service's temporary store, and print their oss:// URLs.

    They can be used for 48 hours, with the model they were uploaded for, and by the same account. To transcribe local
    files this is not needed: transcribe uploads them itself.
    """
    place = Place(api_key=api_key, region=region, workspace=workspace, base_url=base_url)
    job = UploadJob(files=files, model=model, as_json=as_json, quiet=quiet, verbose=verbose)
    _do(partial(upload, job, place))
