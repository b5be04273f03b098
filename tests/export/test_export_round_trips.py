"""Files are read back with readers from elsewhere: nothing is lost, doubled, empty or on top of something else."""

from __future__ import annotations

import csv
import html
from io import StringIO
from itertools import pairwise
from pathlib import Path
from tempfile import NamedTemporaryFile

import pysubs2
import pytest
import webvtt
from export.spoken import said, squeezed, transcripts
from hypothesis import given, settings
from praatio import textgrid
from praatio.utilities.textgrid_io import parseTextgridStr
from pyannote.core import Annotation, Segment, Timeline
from pyannote.database.util import load_rttm
from pyannote.metrics.diarization import DiarizationErrorRate
from texterrors.texterrors import read_ctm_file

from aiofunasr import Channel, Sentence, Transcript, Word
from aiofunasr.export import CueRules, Style, make_cues, render, rows

EXAMPLES = settings(max_examples=150, deadline=None)
UNNAMED = Style(names=False)


def check_times(times: list[tuple[int, int]], resolution: int = 1) -> None:
    rules = CueRules()
    for (_, end), (begin, _) in pairwise(times):
        assert end + rules.gap - resolution <= begin
    for begin, end in times:
        assert rules.shortest - resolution < end - begin < rules.longest + resolution


def text_of(event: pysubs2.SSAEvent) -> str:
    return event.plaintext.replace("\u2774", "{").replace("\u2775", "}")


@EXAMPLES
@given(transcripts())
def test_srt_says_all_of_it_to_pysubs2(transcript: Transcript) -> None:
    events = pysubs2.SSAFile.from_string(render(transcript, "srt", UNNAMED), format_="srt").events
    assert sorted(squeezed("".join(map(text_of, events)))) == said(transcript)
    assert all(event.plaintext.strip() for event in events)
    check_times([(event.start, event.end) for event in events])


@EXAMPLES
@given(transcripts())
def test_ass_says_all_of_it_to_pysubs2(transcript: Transcript) -> None:
    file = pysubs2.SSAFile.from_string(render(transcript, "ass"), format_="ass")
    assert sorted(squeezed("".join(map(text_of, file.events)))) == said(transcript)
    assert {event.style for event in file.events} <= set(file.styles)
    check_times([(event.start, event.end) for event in file.events], resolution=10)


@EXAMPLES
@given(transcripts())
def test_vtt_says_all_of_it_to_webvtt(transcript: Transcript) -> None:
    captions = webvtt.from_string(render(transcript, "vtt")).captions
    cues = make_cues(transcript)
    assert [(caption.voice or "", html.unescape(caption.text).split("\n")) for caption in captions] == [
        (cue.who, list(cue.lines)) for cue in cues
    ]
    assert sorted(squeezed("".join(html.unescape(caption.text) for caption in captions))) == said(transcript)
    check_times([(one.start_time.in_milliseconds(), one.end_time.in_milliseconds()) for one in captions])


@EXAMPLES
@given(transcripts())
def test_textgrid_says_all_of_it_to_praatio(transcript: Transcript) -> None:
    grid = parseTextgridStr(render(transcript, "textgrid"), includeEmptyIntervals=True)
    found = []
    for tier in grid["tiers"]:
        for begin, end, _ in tier["entries"]:
            assert float(begin) < float(end)
        for (_, end, _), (begin, _, _) in pairwise(tier["entries"]):
            assert float(end) == float(begin)
        if not tier["name"].endswith("words"):
            found += [label for _, _, label in tier["entries"]]
    assert sorted(squeezed("".join(found))) == said(transcript)


def words_of(text: str) -> dict[str, list[tuple[str, float, float]]]:
    """Read a CTM with texterrors: the words of each recording, with their times and durations."""
    with NamedTemporaryFile("w", suffix=".ctm", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return dict(read_ctm_file(file.name))


def turns_of(text: str) -> Annotation:
    """Read an RTTM of one recording with pyannote."""
    found = load_rttm(StringIO(text))  # type: ignore[no-untyped-call]
    assert len(found) == 1
    return found.popitem()[1]


@EXAMPLES
@given(transcripts())
def test_ctm_has_each_word_for_texterrors(transcript: Transcript) -> None:
    lines = render(transcript, "ctm").splitlines(keepends=True)
    for channel in transcript.channels:
        if not channel.sentences or not all(sentence.words for sentence in channel.sentences):
            continue
        mine = "".join(line for line in lines if line.split(" ")[1] == str(channel.channel_id + 1))
        (found,) = words_of(mine).values()
        spoken = "".join(word.text for sentence in channel.sentences for word in sentence.words)
        written = "".join(word.replace("<unk>", ";;") for word, _, _ in found)
        assert sorted(squeezed(written)) == sorted(squeezed(spoken))
        assert [begin for _, begin, _ in found] == sorted(begin for _, begin, _ in found)
        assert all(duration >= 0 for _, _, duration in found)


@EXAMPLES
@given(transcripts())
def test_rttm_has_turns_for_pyannote(transcript: Transcript) -> None:
    text = render(transcript, "rttm")
    if not text:
        return
    turns = turns_of(text)
    assert len(list(turns.itertracks())) == text.count("\n")
    for speaker in turns.labels():
        # What one speaker says never overlaps, and never touches either.
        assert len(turns.label_timeline(speaker).support()) == len(turns.label_timeline(speaker))


@EXAMPLES
@given(transcripts())
def test_tables_read_back(transcript: Transcript) -> None:
    for level in ("sentences", "words"):
        wanted = [
            {name: "" if value is None else str(value) for name, value in row.items()}
            for row in rows(transcript, level)
        ]
        style = Style(level=level)
        assert list(csv.DictReader(StringIO(render(transcript, "csv", style)))) == wanted
        tsv = render(transcript, "tsv", style).split("\n")
        assert [line.split("\t") for line in tsv[1:-1]] == [list(row.values()) for row in wanted]


def test_pyannote_measures_who_speaks_when() -> None:
    def turns(second: int) -> Annotation:
        sentences = (Sentence(0, 6000, "a", 1, 0), Sentence(6000, 10_000, "b", 2, second))
        return turns_of(render(Transcript("https://h/talk.wav", channels=(Channel(0, "", None, sentences),)), "rttm"))

    all_of_it = Timeline([Segment(0, 10)])
    assert DiarizationErrorRate()(turns(1), turns(1), uem=all_of_it) == 0
    assert DiarizationErrorRate()(turns(1), turns(0), uem=all_of_it) == pytest.approx(0.4)


@pytest.mark.parametrize("short", [True, False])
def test_praatio_opens_a_file(tmp_path: Path, short: bool) -> None:
    words = () if short else (Word(100, 400, "Hello ", ""), Word(400, 900, 'you"', "!"))
    transcript = Transcript(channels=(Channel(0, "", None, (Sentence(100, 900, 'Hello you"!', words=words),)),))
    path = tmp_path / "a.TextGrid"
    path.write_text(render(transcript, "textgrid"), encoding="utf-8")
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    assert [tuple(entry) for entry in grid.getTier("sentences").entries] == [(0.1, 0.9, 'Hello you"!')]
    assert grid.tierNames == (("sentences",) if short else ("sentences", "words"))


def test_an_empty_transcript_is_a_valid_file_of_each_format() -> None:
    assert pysubs2.SSAFile.from_string(render(Transcript(), "ass"), format_="ass").events == []
    assert parseTextgridStr(render(Transcript(), "textgrid"))["tiers"][0]["name"] == "sentences"
    assert webvtt.from_string(render(Transcript(), "vtt")).captions == []
    assert render(Transcript(), "ctm") == render(Transcript(), "rttm") == ""
