"""What can be asked of a model on the command line, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import fields
from cli.processes import Variables, run, run_all
from typer.testing import CliRunner

from aiofunasr import ContextTurn, SpecialWordFilter, TranscriptionOptions
from aiofunasr.cli import app as commands
from aiofunasr.cli import asked


def options_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> TranscriptionOptions:
    """Return what a command line would ask for."""
    jobs: list[Any] = []
    monkeypatch.setattr(commands, "_do", lambda command: jobs.append(command.args[0]))
    done = CliRunner().invoke(commands.app, ["transcribe", "https://h/a.wav", *arguments])
    assert done.exit_code == 0, done.output
    (job,) = jobs
    options: TranscriptionOptions = job.options
    return options


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {}),
        (["--language", "zh", "--language", "en"], {"language_hints": ["zh", "en"]}),
        (["--diarize"], {"diarization_enabled": True}),
        (["--speakers", "2"], {"diarization_enabled": True, "speaker_count": 2}),
        (["--channel", "0", "--channel", "1"], {"channel_id": [0, 1]}),
        (["--mask", "a", "--remove", "b"], {"special_word_filter": SpecialWordFilter(masked=["a"], removed=["b"])}),
        (["--unmasked"], {"special_word_filter": SpecialWordFilter(reserved=False)}),
        (
            ["--word-filter", '{"system_reserved_filter": true}'],
            {"special_word_filter": '{"system_reserved_filter": true}'},
        ),
        (["--noise-threshold", "-0.5"], {"speech_noise_threshold": -0.5}),
        (["--noise-threshold", "0"], {"speech_noise_threshold": 0.0}),
        (["--vocabulary-id", "vocab-a"], {"vocabulary_id": "vocab-a"}),
        (["--hot-word", "stator", "--hot-word", "a=b=50"], {"vocabulary": {"stator": 4, "a=b": 50}}),
        (["--context", "x", "--context", "y"], {"context": [ContextTurn("x"), ContextTurn("y")]}),
        (["--corpus", "stator"], {"corpus": "stator"}),
        (["--no-fillers"], {"disfluency_removal_enabled": True}),
        (["--align-times"], {"timestamp_alignment_enabled": True}),
        (["--audio-events"], {"audio_event_detection_enabled": True}),
        (["--phrase-id", "p-1"], {"phrase_id": "p-1"}),
        (["--words"], {"enable_words": True}),
        (["--itn"], {"enable_itn": True}),
        (["--parameter", "new=3", "--parameter", "word=plain"], {"extra_parameters": {"new": 3, "word": "plain"}}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) and value else "",
)
def test_each_option_is_what_it_says(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: dict[str, Any]
) -> None:
    assert options_of(monkeypatch, *arguments) == TranscriptionOptions(**expected)


def test_every_parameter_has_an_option() -> None:
    assert {attribute.name for attribute in fields(TranscriptionOptions)} <= asked._OPTIONS.keys()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--noise-threshold", "2"], "--noise-threshold=2.0: -1.0"),
        (["--diarize", "--channel", "0", "--channel", "1"], "--diarize=True: speakers are told apart on one track"),
        (["--hot-word", "stator=9"], "--hot-word={'stator': 9}: a weight is 1 to 5"),
        (["--hot-word", "stator=x"], "--hot-word stator=x: a whole number"),
        (["--mask", "a", "--remove", "a"], "--remove=['a']: a word is either"),
        (["--mask", "a", "--word-filter", "{}"], "--word-filter goes without --mask"),
        (["--word-filter", "alpha"], "--word-filter='alpha': an aiofunasr.SpecialWordFilter"),
        (["--parameter", "x"], "--parameter x: NAME=JSON"),
        (["--parameter", "=3"], "--parameter =3: NAME=JSON"),
        (["--context", "x" * 401], "at most 400 characters"),
    ],
    ids=lambda value: value[-1][:20] if isinstance(value, list) else "",
)
def test_what_is_wrong_is_said_in_the_words_of_the_command_line(arguments: list[str], said: str) -> None:
    done = CliRunner(env={"COLUMNS": "400"}).invoke(commands.app, ["transcribe", "https://h/a.wav", *arguments])
    assert done.exit_code == 2
    assert said in done.output


def test_what_has_no_effect_is_noted_without_a_line_of_code(place: Variables) -> None:
    done = run("transcribe", "-q", "https://h/a-8s.wav", "--language", "zh", "--language", "en", env=place)
    assert done.returncode == 0
    assert done.stderr == "aiofunasr: note: fun-asr reads one language hint, zh; without effect: en\n"


def test_advice_stands_on_a_line_of_its_own_once_for_all_that_fail_alike(place: Variables) -> None:
    failed, refused = run_all(
        ("transcribe", "https://h/1/404.wav", "https://h/2/404.wav"),
        ("tasks", "--api-key", "sk-wrong"),
        env=place,
    )
    assert failed.returncode == 1
    lines = failed.stderr.splitlines()
    advice = "Check the URL, its upper and lower case too: the file's server does not know it."
    assert lines.count(advice) == 1
    assert sum("failed: https://h/" in line for line in lines) == 2
    assert refused.returncode == 1
    first, second = refused.stderr.splitlines()
    assert first.startswith("aiofunasr: AuthenticationError: HTTP 401 InvalidApiKey")
    assert second.startswith("Check the key (DASHSCOPE_API_KEY or the argument api_key)")
