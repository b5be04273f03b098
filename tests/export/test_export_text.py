"""Plain text: paragraphs, and who says them where several do."""

from aiofunasr import Channel, Sentence, Transcript
from aiofunasr.export import Style, render


def text(*channels: Channel) -> str:
    return render(Transcript(channels=channels), "txt")


def test_sentences_of_one_speaker_run_on() -> None:
    channel = Channel(0, "", None, (Sentence(0, 900, "One."), Sentence(1000, 1900, " Two. ")))
    assert text(channel) == "One. Two.\n"


def test_a_pause_begins_a_paragraph() -> None:
    channel = Channel(0, "", None, (Sentence(0, 1000, "One."), Sentence(3000, 4000, "Two.")))
    assert text(channel) == "One.\n\nTwo.\n"


def test_a_long_speech_has_paragraphs() -> None:
    sentences = tuple(Sentence(n * 1000, n * 1000 + 1000, "All work and no play. " * 5) for n in range(20))
    paragraphs = text(Channel(0, "", None, sentences)).split("\n\n")
    assert len(paragraphs) > 2
    assert all(len(paragraph) < 800 for paragraph in paragraphs)


def test_chinese_sentences_have_no_space_between() -> None:
    channel = Channel(0, "", None, (Sentence(0, 900, "\u4f60\u597d\u3002"), Sentence(1000, 1900, "\u4e16\u754c\u3002")))
    assert text(channel) == "\u4f60\u597d\u3002\u4e16\u754c\u3002\n"


def test_speakers_are_named_by_their_numbers_where_there_are_several() -> None:
    def said(*speakers: int | None) -> str:
        return text(
            Channel(
                0, "", None, tuple(Sentence(n * 100, n * 100 + 90, "Yes.", None, s) for n, s in enumerate(speakers))
            )
        )

    assert said(0, 0) == "Yes. Yes.\n"
    assert said(0, None) == "Yes. Yes.\n"
    assert said(0, 0, 1, None) == "Speaker 0: Yes. Yes.\n\nSpeaker 1: Yes.\n\nUnknown speaker: Yes.\n"


def test_channels_are_merged_in_time_and_named() -> None:
    left = Channel(0, "", None, (Sentence(0, 100, "Hello?"), Sentence(300, 400, "Who is it?")))
    right = Channel(1, "", None, (Sentence(150, 250, "It's me."),))
    assert text(left, right) == "Channel 0: Hello?\n\nChannel 1: It's me.\n\nChannel 0: Who is it?\n"


def test_a_channel_without_sentences_still_has_its_text() -> None:
    assert text(Channel(0, "All of it.")) == "All of it.\n"


def test_nothing_reaches_the_terminal_but_text() -> None:
    assert text(Channel(0, "Red \x1b[31m alert\r\n\x07")) == "Red [31m alert\n"


def test_paragraphs_may_begin_with_their_time() -> None:
    sentences = (Sentence(500, 900, "One."), Sentence(3_723_000, 3_724_000, "\u0645\u0631\u062d\u0628\u0627"))
    transcript = Transcript(channels=(Channel(0, "", None, sentences),))
    written = render(transcript, "txt", Style(times=True))
    assert written == "[0:00:00] One.\n\n\u200f[1:02:03] \u0645\u0631\u062d\u0628\u0627\n"
