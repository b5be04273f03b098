"""ASS: a style and a colour for each voice, and no text that is taken for a tag."""

from __future__ import annotations

from aiofunasr import Channel, Sentence, Transcript
from aiofunasr.export import Style, render

SENTENCES = (
    Sentence(1234, 4567, "One, {\\an8} two.", 1, 1),
    Sentence(5000, 6000, "Three \\N four.", 2, 0),
)
TALK = Transcript(channels=(Channel(0, "", None, SENTENCES),))


def lines(text: str, kind: str) -> list[str]:
    return [line.removeprefix(f"{kind}: ") for line in text.splitlines() if line.startswith(f"{kind}: ")]


def test_each_voice_is_a_style_with_a_color() -> None:
    styles = [line.split(",")[0::3][:2] for line in lines(render(TALK, "ass"), "Style")]
    assert styles == [["Speaker 1", "&H00FFFFFF"], ["Speaker 0", "&H007FE5FF"]]


def test_times_are_hundredths_and_text_has_no_tags() -> None:
    assert lines(render(TALK, "ass"), "Dialogue") == [
        "0,0:00:01.23,0:00:04.56,Speaker 1,Speaker 1,0,0,0,,One, \u2774\\\u2060an8\u2775 two.",
        "0,0:00:05.00,0:00:06.00,Speaker 0,Speaker 0,0,0,0,,Three \\\u2060N four.",
    ]


def test_without_names_there_is_one_style() -> None:
    text = render(TALK, "ass", Style(names=False))
    assert [line.split(",")[0] for line in lines(text, "Style")] == ["Default"]
    assert "Speaker" not in text
