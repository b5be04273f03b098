"""The options that say how results are written: the same for every command that writes some."""

from __future__ import annotations

from typing import Any, get_args

from attrs import asdict, evolve, frozen

from aiofunasr.cli.gathering import Choice, choice, gathered
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


def _option(kind: Any, *names: str, panel: str = _SUBTITLES, **more: Any) -> Choice:
    return choice(kind, *names, rich_help_panel=panel, **more)


with_style = gathered(
    "style",
    StyleChoice,
    {
        "columns": _option(
            int | None,
            "--columns",
            metavar="N",
            help=f"The width of a line, a wide character taking two ({_DEFAULT.columns}).",
        ),
        "wide_columns": _option(
            int | None,
            "--wide-columns",
            metavar="N",
            help=f"The same for Chinese, Japanese and Korean, if less ({_DEFAULT.wide_columns}).",
        ),
        "lines": _option(int | None, "--lines", metavar="N", help=f"The most lines at once ({_DEFAULT.lines})."),
        "reading_speed": _option(
            float | None,
            "--reading-speed",
            metavar="N",
            help=f"The most columns a second to be read ({_DEFAULT.speed:g}).",
        ),
        "shortest": _option(
            float | None,
            "--shortest",
            metavar="SECONDS",
            help=f"Seconds they stay at least ({_DEFAULT.shortest / 1000:g}).",
        ),
        "longest": _option(
            float | None,
            "--longest",
            metavar="SECONDS",
            help=f"Seconds they stay at most ({_DEFAULT.longest / 1000:g}).",
        ),
        "gap": _option(
            float | None, "--gap", metavar="SECONDS", help=f"Seconds between two at least ({_DEFAULT.gap / 1000:g})."
        ),
        "names": _option(
            bool | None, "--names/--no-names", panel=_RESULTS, help="Say who speaks, where there are several (yes)."
        ),
        "times": _option(bool | None, "--times", panel=_RESULTS, help="Begin paragraphs of txt with their time."),
        "rows": _option(
            str | None,
            "--rows",
            panel=_RESULTS,
            metavar="WHAT",
            help=f"What a row of csv and tsv is: {' or '.join(get_args(Level))}.",
        ),
        "embed_audio": _option(
            bool | None,
            "--embed-audio",
            panel=_RESULTS,
            help="Put the recording into the page of html, if it is a file here.",
        ),
    },
)
"""Give a command the options of style, all in its argument `style`, which is a `StyleChoice`."""
