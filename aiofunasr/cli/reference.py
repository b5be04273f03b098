"""`aiofunasr models` and `aiofunasr explain`: what the library knows of the service, without asking it."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import partial
from textwrap import wrap
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from aiofunasr import errors
from aiofunasr.catalogue import BY_STATUS, FILE_CODES, REQUEST_CODES, CodeEntry, entries_of
from aiofunasr.cli import options
from aiofunasr.cli.delivery import print_text
from aiofunasr.cli.running import CommandError, run_command
from aiofunasr.cli.wording import printable
from aiofunasr.errors import FunASRError
from aiofunasr.options.models import MODELS, Model

# --- models -----------------------------------------------------------------------------------------------------


async def show_models(names: Sequence[str], *, as_json: bool) -> int:
    """Print what is known of the models, of all or of some, and return the status.

    Raises:
        CommandError: There is no entry for one of them.
    """
    chosen = [_model_named(name) for name in names] or list(MODELS.values())
    if as_json:
        for model in chosen:
            await print_text(json.dumps(_model_record(model)) + "\n")
    elif names:
        await print_text("\n\n".join(_model_text(model) for model in chosen) + "\n")
    elif sys.stdout.isatty():
        _show_models(chosen)
    else:
        for model in chosen:
            row = (model.name, ",".join(model.regions), ",".join(model.languages), model.note)
            await print_text("\t".join(row) + "\n")
    return 0


def _model_named(name: str) -> Model:
    if name not in MODELS:
        raise CommandError(f"nothing is known of the model {name!r}; it can be used all the same.{_near(name, MODELS)}")
    return MODELS[name]


def _model_record(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "alias_of": model.alias_of,
        "files_per_task": "one" if model.dialect == "file_url" else "many",
        "regions": list(model.regions),
        "unchecked_regions": list(model.unchecked_regions),
        "languages": list(model.languages),
        "language_hints": model.language_hints,
        "parameters": None if model.parameters is None else sorted(model.parameters),
        "sample_rate": model.sample_rate,
        "limits": {
            region: {
                "submits_per_minute": limits.submits_per_minute,
                "queries_per_second": limits.queries_per_second,
                "tasks_at_once": limits.tasks_at_once,
            }
            for region, limits in model.limits.items()
        },
        "note": model.note,
    }


def _model_text(model: Model) -> str:
    limits = (
        f"{region}: "
        + ", ".join(
            part
            for part in (
                f"{limit.submits_per_minute} submits a minute" if limit.submits_per_minute else "",
                f"{limit.queries_per_second} queries a second" if limit.queries_per_second else "",
                f"{limit.tasks_at_once} tasks at once" if limit.tasks_at_once else "",
            )
            if part
        )
        for region, limit in model.limits.items()
        if limit.submits_per_minute
    )
    unchecked = f" (not known: {', '.join(model.unchecked_regions)})" if model.unchecked_regions else ""
    read = "" if model.language_hints is None else f"; hints that are read: {model.language_hints}"
    lines = {
        "stands for": model.alias_of or "",
        "offered in": ", ".join(model.regions) + unchecked,
        "limits": "; ".join(limits),
        "languages": " ".join(model.languages) + read if model.languages else read.removeprefix("; "),
        "takes": "not documented" if model.parameters is None else ", ".join(sorted(model.parameters)),
        "sample rate": "" if model.sample_rate is None else f"{model.sample_rate} Hz",
        "note": model.note,
    }
    return _block(model.name, lines)


def _show_models(models: Sequence[Model]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("MODEL", "REGIONS", "LANGUAGES", ""):
        table.add_column(column, no_wrap=bool(column), overflow="fold")
    for model in models:
        languages = f"{len(model.languages)}" if len(model.languages) > 2 else " ".join(model.languages)
        table.add_row(model.name, "\n".join(model.regions), languages or "-", model.note)
    Console().print(table, markup=False)


# --- explain ----------------------------------------------------------------------------------------------------


async def explain(code: str | None, *, as_json: bool) -> int:
    """Print what a code, an HTTP status or an error class means, or list all of them, and return the status.

    Raises:
        CommandError: There is no such code.
    """
    records = _all_records() if code is None else _records_of(code)
    if as_json:
        for record in records:
            await print_text(json.dumps(record) + "\n")
    elif code is None:
        for record in records:
            await print_text("\t".join([record["name"], " ".join(record["where"]), record["meaning"]]) + "\n")
    else:
        await print_text("\n\n".join(_explained(record) for record in records) + "\n")
    return 0


def _all_records() -> list[dict[str, Any]]:
    codes = [_code_record(entry) for entry in (*REQUEST_CODES, *BY_STATUS, *FILE_CODES)]
    return codes + [_class_record(kind) for kind in _classes().values()]


def _records_of(asked: str) -> list[dict[str, Any]]:
    code = asked.strip()
    if code in (classes := _classes()):
        return [_class_record(classes[code])]
    status = code.lower().removeprefix("http").strip()
    entries = entries_of(status if status.isdecimal() else code)
    if not entries:
        known = [entry.code for entry in (*REQUEST_CODES, *FILE_CODES)]
        raise CommandError(f"no code {printable(code)!r} is known.{_near(code, [*dict.fromkeys(known), *classes])}")
    return [_code_record(entry) for entry in entries]


def _classes() -> dict[str, type[FunASRError]]:
    found = inspect.getmembers(errors, inspect.isclass)
    return {name: kind for name, kind in found if issubclass(kind, FunASRError)}


def _code_record(entry: CodeEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "where": list(entry.where),
        "statuses": list(entry.statuses),
        "meaning": entry.meaning,
        "class": None if entry.error is None else entry.error.__name__,
        "retry": entry.retry,
        "resubmit": entry.resubmit,
        "advice": entry.advice,
    }


def _class_record(kind: type[FunASRError]) -> dict[str, Any]:
    every = (*REQUEST_CODES, *FILE_CODES)
    return {
        "name": kind.__name__,
        "where": ["class"],
        "meaning": (inspect.getdoc(kind) or "").partition("\n")[0],
        "caught_as": [base.__name__ for base in kind.__mro__[1:] if base not in {Exception, BaseException, object}],
        "codes": list(dict.fromkeys(entry.code for entry in every if entry.error is kind)),
        "advice": kind.advice,
    }


def _explained(record: dict[str, Any]) -> str:
    where = ", ".join([*record["where"], *(f"HTTP {status}" for status in record.get("statuses", ()))])
    lines = {
        "meaning": record["meaning"],
        "class": "none: it is no error" if record.get("class", "") is None else record.get("class", ""),
        "caught as": ", ".join(record.get("caught_as", ())),
        "codes": ", ".join(record.get("codes", ())),
        "send the request again": record.get("retry") or "",
        "submit the file again": record.get("resubmit", ""),
        "what to do": record["advice"],
    }
    return _block(f"{record['name']} ({where})", lines)


# --- both -------------------------------------------------------------------------------------------------------


def _block(title: str, lines: dict[str, str]) -> str:
    """Write a title and what there is to say under it, aligned."""
    said = {name: text for name, text in lines.items() if text}
    width = max(len(name) for name in said) + 1
    rows = [title]
    for name, text in said.items():
        first, *rest = wrap(text, 88 - width, break_long_words=False, break_on_hyphens=False)
        rows.append(f"  {name + ':':<{width}} {first}")
        rows += [f"  {'':<{width}} {line}" for line in rest]
    return "\n".join(rows)


def _near(name: str, known: Iterable[str]) -> str:
    lower = {each.lower(): each for each in known}
    near = [lower[found] for found in get_close_matches(name.lower(), lower, n=3, cutoff=0.5)]
    return f" Close to it: {', '.join(near)}" if near else ""


# --- what can be typed ------------------------------------------------------------------------------------------

app = typer.Typer()


@app.command(name="models")
def models_command(
    *,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Say all there is about these.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """List the service's models for recorded files: where they are, which languages they know, what they take.

    Piped, it is lines of name, regions, languages and a note, with tabs between. Other models can be used all the same.
    """
    raise typer.Exit(run_command(partial(show_models, names or (), as_json=as_json)))


@app.command(name="explain")
def explain_command(
    *,
    code: Annotated[
        str | None, typer.Argument(help="A code of the service, an HTTP status, or an error class of the library.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Say what an error code means, whether to try again, and what can be done; without a code, list all of them.

    The list is lines of code, where it stands, and meaning, with tabs between.
    """
    raise typer.Exit(run_command(partial(explain, code, as_json=as_json)))
