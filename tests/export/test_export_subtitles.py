"""Subtitles: whatever the transcript, they can be read in time, and say all of it."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import pytest
from export.spoken import said, sentences, squeezed, transcripts
from hypothesis import given, settings

from aiofunasr import Channel, Sentence, Transcript, Word
from aiofunasr.export import CueRules, Style, make_cues, render
from aiofunasr.export.characters import clean
from aiofunasr.export.graphemes import width


@settings(max_examples=200, deadline=None)
@given(transcripts())
def test_cues_can_be_read_and_say_everything(transcript: Transcript) -> None:
    rules = CueRules()
    cues = make_cues(transcript, rules)
    assert sorted(squeezed("".join(line for cue in cues for line in cue.lines))) == said(transcript)
    for cue, following in pairwise(cues):
        assert cue.end_time + rules.gap <= following.begin_time
    for cue in cues:
        assert rules.shortest <= cue.end_time - cue.begin_time <= rules.longest
        assert 1 <= len(cue.lines) <= rules.lines
        assert all(line and width(line) <= rules.columns for line in cue.lines)


@settings(max_examples=100, deadline=None)
@given(sentences())
def test_one_sentence_keeps_its_order(sentence: Sentence) -> None:
    cues = make_cues(Transcript(channels=(Channel(0, "", None, (sentence,)),)))
    assert squeezed("".join(line for cue in cues for line in cue.lines)) == squeezed(clean(sentence.text))


PLAIN = str.maketrans({"\u2060": "", "\u2774": "{", "\u2775": "}"})
TIME = r"(\d\d+):(\d\d):(\d\d)[,.](\d\d\d)"


def read_cues(text: str, point: str) -> Iterator[tuple[int, int, list[str]]]:
    """Read SubRip or WebVTT blocks the way a plain player does."""
    for block in text.strip("\n").split("\n\n"):
        lines = block.split("\n")
        if point == ",":
            assert lines.pop(0).isdigit()
        begin, arrow, end = lines.pop(0).partition(" --> ")
        assert arrow
        end = re.sub(r" position:\d+% size:\d+%$", "", end) if point == "." else end
        assert lines
        assert not any("-->" in line for line in lines)
        times = []
        for time in (begin, end):
            match = re.fullmatch(TIME, time)
            assert match
            assert time[-4] == point
            hours, minutes, seconds, thousandths = map(int, match.groups())
            times.append(((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths)
        yield times[0], times[1], lines


@settings(max_examples=100, deadline=None)
@given(transcripts())
def test_srt_reads_back(transcript: Transcript) -> None:
    cues = make_cues(transcript, label=True)
    text = render(transcript, "srt")
    found = list(read_cues(text, ",")) if cues else []
    found = [(begin, end, [line.translate(PLAIN) for line in lines]) for begin, end, lines in found]
    assert found == [(cue.begin_time, cue.end_time, list(cue.lines)) for cue in cues]
    if cues:
        numbers = [block.split("\n")[0] for block in text.strip("\n").split("\n\n")]
        assert numbers == [str(number) for number in range(1, len(cues) + 1)]


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@settings(max_examples=100, deadline=None)
@given(transcripts())
def test_vtt_reads_back(transcript: Transcript) -> None:
    cues = make_cues(transcript)
    text = render(transcript, "vtt")
    head, _, rest = text.partition("\n\n")
    assert head.strip() == "WEBVTT"
    found = []
    for begin, end, lines in read_cues(rest, ".") if rest else []:
        voice, who = re.match(r"<v ([^>]*)>", lines[0]), ""
        if voice:
            who, lines[0] = voice[1], lines[0][voice.end() :]
        assert not any(re.search(r"<|&(?!lt;|gt;|amp;)", line) for line in lines)
        found.append((begin, end, who, [unescape(line) for line in lines]))
    assert found == [(cue.begin_time, cue.end_time, cue.who, list(cue.lines)) for cue in cues]


def one(text: str, begin: int = 0, end: int = 3000, words: Sequence[Word] = ()) -> Transcript:
    return Transcript(channels=(Channel(0, text, None, (Sentence(begin, end, text, words=tuple(words)),)),))


def test_a_short_sentence_is_one_cue() -> None:
    assert render(one("Hello there.", 100, 1500), "srt") == "1\n00:00:00,100 --> 00:00:01,500\nHello there.\n"


def test_a_long_sentence_is_cut_at_its_comma_and_timed_by_its_words() -> None:
    texts = "When the rain had stopped at last, we walked down to the old harbour and looked at the boats.".split()  # noqa: SIM905
    words = [Word(300 * n, 300 * n + 290, text.strip(",.") + " ") for n, text in enumerate(texts)]
    first, second = make_cues(one(" ".join(texts), 0, 5000, words), CueRules(columns=35))
    assert " ".join(first.lines).endswith("last,")
    at = len(" ".join(first.lines).split())
    assert (first.end_time, second.begin_time) == (300 * at - 80, 300 * at)


def test_a_line_does_not_end_with_what_is_short_for_more() -> None:
    (cue,) = make_cues(one("And in the very end Mr. Dashwood had leisure for it."))
    assert cue.lines == ("And in the very end Mr. Dashwood", "had leisure for it.")


def test_a_slow_sentence_is_cut_though_it_is_short() -> None:
    words = [Word(0, 1000, "One ", ""), Word(1000, 2000, "two", ", "), Word(9000, 9500, "three", ".")]
    cues = make_cues(one("One two, three.", 0, 9500, words))
    assert [(cue.begin_time, cue.end_time, cue.lines) for cue in cues] == [
        (0, 2000, ("One two,",)),
        (9000, 9833, ("three.",)),
    ]


def test_chinese_breaks_between_words_and_never_before_a_mark() -> None:
    text = "我们今天在这里学习音乐和历史，他们明天下午开始一个新的项目，城市的天气很好，我们都很高兴。"  # noqa: RUF001
    cues = make_cues(one(text, 0, 9000))
    lines = [line for cue in cues for line in cue.lines]
    assert "".join(lines) == text
    assert len(lines) > 1
    assert not any(line[0] in "\uff0c\u3002" for line in lines)
    assert all(width(line) <= 42 for line in lines)


@pytest.mark.parametrize("columns", [8, 9, 11, 12, 16])
def test_a_chinese_word_is_not_torn(columns: int) -> None:
    words = ["今天", "我们", "开始", "一个", "新的", "项目", "图书馆", "音乐", "历史", "因为"] * 3
    timed = [Word(200 * n, 200 * n + 200, word, "") for n, word in enumerate(words)]
    cues = make_cues(one("".join(words), 0, 6000, timed), CueRules(columns=columns))
    ends = set(accumulate(map(len, words)))
    lines = [line for cue in cues for line in cue.lines]
    assert "".join(lines) == "".join(words)
    assert set(accumulate(map(len, lines))) <= ends


def test_a_word_of_a_script_without_spaces_is_not_torn() -> None:
    words = ["สวัสดี", "ครับ", "วันนี้", "อากาศ", "ดี", "มาก"] * 4
    timed = [Word(200 * n, 200 * n + 200, word, "") for n, word in enumerate(words)]
    cues = make_cues(one("".join(words), 0, 4800, timed), CueRules(columns=20))
    lines = [line for cue in cues for line in cue.lines]
    assert "".join(lines) == "".join(words)
    left = list(words)
    for line in lines:
        while line:
            word = left.pop(0)
            assert line.startswith(word)
            line = line[len(word) :]  # noqa: PLW2901


def test_an_emoji_of_several_characters_stays_whole() -> None:
    text = "👩‍🚀" * 60
    lines = [line for cue in make_cues(one(text)) for line in cue.lines]
    assert "".join(lines) == text
    assert all(line.replace("👩‍🚀", "") == "" for line in lines)


def test_two_channels_at_once_take_turns() -> None:
    transcript = Transcript(
        channels=(
            Channel(0, "", None, (Sentence(0, 5000, "A long answer."),)),
            Channel(1, "", None, (Sentence(100, 900, "Yes."), Sentence(2000, 2100, "Sure."))),
        )
    )
    assert [(cue.begin_time, cue.end_time, cue.who) for cue in make_cues(transcript)] == [
        (0, 833, "Channel 0"),
        (913, 1746, "Channel 1"),
        (2000, 2833, "Channel 1"),
    ]


def test_what_is_left_of_a_sentence_goes_on_after_another_channel_began() -> None:
    words = [Word(500 * n, 500 * n + 450, f"word{n} ", "") for n in range(40)]
    long = Sentence(0, 20_000, "".join(word.text for word in words), words=tuple(words))
    short = (Sentence(6000, 6900, "Really?"), Sentence(13_000, 13_900, "Indeed."))
    cues = make_cues(Transcript(channels=(Channel(0, "", None, (long,)), Channel(1, "", None, short))))
    # The long one makes four cues or more, and the others come where they are said.
    assert [cue.who for cue in cues].count("Channel 0") >= 4
    for one in short:
        (cue,) = (cue for cue in cues if one.text in cue.lines)
        assert cue.begin_time - one.begin_time < 2000
        before = [other for other in cues if other.begin_time < cue.begin_time]
        assert 0 < len(before) < len(cues) - 1
        assert all(other.who == "Channel 0" for other in (before[-1], cues[len(before) + 1]))


def test_an_arrow_in_a_text_is_none_to_srt() -> None:
    text = render(one("A --> B, and <i>C</i> at C:\\Now {x}."), "srt")
    assert text.count("-->") == 1
    assert not re.search(r"<\s*[/a-z]|\\N|[{}]", text)


def test_srt_names_a_speaker_when_another_begins() -> None:
    sentences = tuple(Sentence(n * 2000, n * 2000 + 1000, f"Number {n}.", speaker_id=n // 2) for n in range(4))
    text = render(Transcript(channels=(Channel(0, "", None, sentences),)), "srt")
    assert [line for line in text.split("\n") if "Number" in line] == [
        "Speaker 0: Number 0.",
        "Number 1.",
        "Speaker 1: Number 2.",
        "Number 3.",
    ]


@pytest.mark.parametrize(("format", "empty"), [("srt", ""), ("vtt", "WEBVTT\n"), ("txt", "")])
def test_nothing_said(format: str, empty: str) -> None:
    assert render(Transcript(), format) == empty
    assert render(one("   "), format) == empty


def test_hours_of_text_without_times_take_little_time() -> None:
    cues = make_cues(Transcript(channels=(Channel(0, "word and " * 50_000),)))
    assert len(cues) > 4000


def test_a_recording_over_a_hundred_hours() -> None:
    assert "100:00:00,000 --> 100:00:01,000" in render(one("Late.", 360_000_000, 360_001_000), "srt")


def test_a_number_on_the_last_line_of_all_is_told_from_that_of_a_cue() -> None:
    text = render(one("It was in the summer of the year nineteen, 1984"), "srt")
    assert text.endswith("1984\u2060\n") or not text.rstrip().splitlines()[-1].isdigit()
    assert render(one("Number\u30001984"), "srt").endswith("Number 1984\n")
    assert render(one("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1984"), "srt").endswith("\n1984\u2060\n")


def test_names_can_be_left_out() -> None:
    sentences = tuple(Sentence(n * 2000, n * 2000 + 1000, f"Number {n}.", speaker_id=n) for n in range(2))
    transcript = Transcript(channels=(Channel(0, "", None, sentences),))
    for name in ("srt", "vtt", "txt"):
        assert "Speaker 1" in render(transcript, name)
        assert "Speaker 1" not in render(transcript, name, Style(names=False))


def test_a_name_before_arabic_does_not_turn_the_line_round() -> None:
    sentences = (
        Sentence(0, 1000, "Hello.", speaker_id=0),
        Sentence(2000, 3000, "\u0645\u0631\u062d\u0628\u0627", speaker_id=1),
    )
    text = render(Transcript(channels=(Channel(0, "", None, sentences),)), "srt")
    assert "\nSpeaker 0: Hello." in text
    assert "\n\u200fSpeaker 1: \u0645" in text


def test_channels_have_their_places_from_left_to_right() -> None:
    channels = [Channel(n, "", None, (Sentence(n * 2000, n * 2000 + 1000, "Yes."),)) for n in range(5)]
    two, five = (render(Transcript(channels=tuple(channels[:count])), "vtt") for count in (2, 5))
    assert re.findall(r"position:\S+ size:\S+", two) == ["position:25% size:50%", "position:75% size:50%"]
    assert "position" not in five
