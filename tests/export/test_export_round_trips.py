"""Files are read back with readers from elsewhere: nothing is lost, doubled, empty or on top of something else."""

from __future__ import annotations

import csv
import html
from io import StringIO
from itertools import pairwise
from pathlib import Path

import meeteval
import pysubs2
import pytest
import webvtt
from export.spoken import said, squeezed, transcripts
from hypothesis import given, settings
from praatio import textgrid
from praatio.utilities.textgrid_io import parseTextgridStr

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
            found += [label.replace('""', '"') for _, _, label in tier["entries"]]
    assert sorted(squeezed("".join(found))) == said(transcript)


@EXAMPLES
@given(transcripts())
def test_ctm_has_each_word_for_meeteval(transcript: Transcript) -> None:
    lines = meeteval.io.CTM.parse(render(transcript, "ctm")).lines
    for channel in transcript.channels:
        if not channel.sentences or not all(sentence.words for sentence in channel.sentences):
            continue
        mine = [line for line in lines if line.channel == str(channel.channel_id + 1)]
        words = "".join(word.text for sentence in channel.sentences for word in sentence.words)
        written = "".join(line.word.replace("<unk>", ";;") for line in mine)
        assert sorted(squeezed(written)) == sorted(squeezed(words))
        assert [line.begin_time for line in mine] == sorted(line.begin_time for line in mine)


@EXAMPLES
@given(transcripts())
def test_rttm_has_turns_for_meeteval(transcript: Transcript) -> None:
    text = render(transcript, "rttm")
    turns: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for line in meeteval.io.RTTM.parse(text).lines if text else ():
        assert line.duration > 0
        turns.setdefault((line.speaker_id, str(line.channel)), []).append(
            (line.begin_time, line.begin_time + line.duration)
        )
    for spans in turns.values():
        assert all(end < begin for (_, end), (begin, _) in pairwise(sorted(spans)))


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


def test_meeteval_finds_no_error_in_the_words_of_a_transcript_scored_against_itself() -> None:
    words = tuple(Word(n * 500, n * 500 + 400, f"word{n} ") for n in range(20))
    transcript = Transcript(
        "https://h/talk.wav", channels=(Channel(0, "", None, (Sentence(0, 9900, "w", 1, 0, words),)),)
    )
    ctm = render(transcript, "ctm")
    scored = meeteval.wer.cpwer(
        reference=meeteval.io.CTMGroup({"0": meeteval.io.CTM.parse(ctm)}),
        hypothesis=meeteval.io.CTMGroup({"0": meeteval.io.CTM.parse(ctm)}),
    )["talk"]
    assert (scored.errors, scored.length) == (0, 20)


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
