"""The options that say how results are written: the same for every command that writes some."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, get_args

import typer
from attrs import asdict, evolve, frozen

from aiofunasr.cli.running import CommandError
from aiofunasr.errors import InvalidArgumentError
from aiofunasr.export import CueRules, Style
from aiofunasr.export.tables import Level

_SUBTITLES = "Subtitles"
_RESULTS = "Results"
_DEFAULT = CueRules()


@frozen(kw_only=True)
class StyleChoice:
    """What was chosen on the command line; None is as usual. Times are seconds, unlike in the library."""

    columns: int | None = None
    wide_columns: int | None = None
    lines: int | None = None
    reading_speed: float | None = None
    shortest: float | None = None
    longest: float | None = None
    gap: float | None = None
    names: bool | None = None
    times: bool | None = None
    rows: str | None = None
    embed_audio: bool | None = None

    def over(self, other: StyleChoice) -> StyleChoice:
        """Return another choice with what is chosen here in its place."""
        return evolve(other, **{name: value for name, value in asdict(self).items() if value is not None})

    def style(self) -> Style:
        """Make the style.

        Raises:
            CommandError: Something is out of range; the error names the option.
        """
        rules = {
            "columns": self.columns,
            "wide_columns": self.wide_columns,
            "lines": self.lines,
            "speed": self.reading_speed,
            "shortest": _milliseconds(self.shortest),
            "longest": _milliseconds(self.longest),
            "gap": _milliseconds(self.gap),
        }
        rest = {"names": self.names, "times": self.times, "level": self.rows}
        try:
            return Style(cues=CueRules(**_given(rules)), **_given(rest))
        except InvalidArgumentError as error:
            option = _OPTION_OF.get(error.argument, f"--{error.argument.replace('_', '-')}")
            raise CommandError(str(error).replace(error.argument, option, 1)) from None


_OPTION_OF = {"speed": "--reading-speed", "level": "--rows"}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _option(help: str, *names: str, panel: str = _SUBTITLES, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar, show_default=False)


_OPTIONS: dict[str, Any] = {
    "columns": Annotated[
        int | None, _option(f"The width of a line, a wide character taking two ({_DEFAULT.columns}).", metavar="N")
    ],
    "wide_columns": Annotated[
        int | None,
        _option(f"The same for Chinese, Japanese and Korean, if less ({_DEFAULT.wide_columns}).", metavar="N"),
    ],
    "lines": Annotated[int | None, _option(f"The most lines at once ({_DEFAULT.lines}).", metavar="N")],
    "reading_speed": Annotated[
        float | None, _option(f"The most columns a second to be read ({_DEFAULT.speed:g}).", metavar="N")
    ],
    "shortest": Annotated[
        float | None, _option(f"Seconds they stay at least ({_DEFAULT.shortest / 1000:g}).", metavar="SECONDS")
    ],
    "longest": Annotated[
        float | None, _option(f"Seconds they stay at most ({_DEFAULT.longest / 1000:g}).", metavar="SECONDS")
    ],
    "gap": Annotated[
        float | None, _option(f"Seconds between two at least ({_DEFAULT.gap / 1000:g}).", metavar="SECONDS")
    ],
    "names": Annotated[
        bool | None, _option("Say who speaks, where there are several (yes).", "--names/--no-names", panel=_RESULTS)
    ],
    "times": Annotated[bool | None, _option("Begin paragraphs of txt with their time.", "--times", panel=_RESULTS)],
    "rows": Annotated[
        str | None,
        _option(f"What a row of csv and tsv is: {' or '.join(get_args(Level))}.", panel=_RESULTS, metavar="WHAT"),
    ],
    "embed_audio": Annotated[
        bool | None,
        _option(
            "Put the recording into the page of html, if it is a file here.",
            "--embed-audio",
            panel=_RESULTS,
        ),
    ],
}


def with_style(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of style, all in its argument `style`, which is a `StyleChoice`."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "style"]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _OPTIONS.items()
    ]

    @wraps(command)
    def wrapped(**arguments: Any) -> None:
        command(style=StyleChoice(**{name: arguments.pop(name) for name in _OPTIONS}), **arguments)

    parameters = [*own, *more]
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped
