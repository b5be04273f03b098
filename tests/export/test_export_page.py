"""The page of a transcript, in a real browser: it plays, follows, finds, obeys keys, and asks nobody for anything."""

from __future__ import annotations

import json
import math
import re
import struct
import wave
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from export.browser import browser, logged
from export.spoken import said, squeezed, transcripts
from export.talks import ARABIC, talk
from hypothesis import given, settings
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from aiofunasr import Channel, InvalidArgumentError, Sentence, Transcript, Word
from aiofunasr.export import Style, render

HOSTILE = (
    "</script><script>document.title='mine'</script><img src=x onerror=\"document.title='mine'\">'\"`\u2028${x}<!--"
)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def tone() -> bytes:
    """Half a minute of a tone."""
    samples = (int(6000 * math.sin(n / 6)) for n in range(8000 * 30))
    return b"".join(struct.pack("<h", sample) for sample in samples)


Open = Callable[..., Chrome]


@pytest.fixture
def show(chrome: Chrome, tone: bytes, tmp_path: Path) -> Open:
    """Return what opens a page with a recording beside it."""
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(tone)

    def open_page(transcript: Transcript, audio: str | None = "./tone.wav", hash: str = "") -> Chrome:
        path = tmp_path / "page.html"
        path.write_text(render(transcript, "html", Style(audio=audio)), encoding="utf-8")
        chrome.get("about:blank")
        logged(chrome, "browser")
        logged(chrome, "performance")
        chrome.get(path.as_uri() + hash)
        return chrome

    return open_page


def wait(chrome: Chrome, script: str) -> Any:
    return WebDriverWait(chrome, 20).until(lambda _: chrome.execute_script(f"return {script}"))


def ready(chrome: Chrome) -> None:
    wait(chrome, "document.getElementById('audio').readyState > 0")


def time_of(chrome: Chrome) -> float:
    return float(chrome.execute_script("return document.getElementById('audio').currentTime"))


def marked(chrome: Chrome, name: str = "word") -> list[str]:
    script = """return [...CSS.highlights.get(arguments[0])].map(
        (range) => range.startContainer.data.slice(range.startOffset, range.endOffset))"""
    return list(chrome.execute_script(script, name))


def place_of(chrome: Chrome, turn: int, word: str) -> tuple[float, float]:
    """Return the middle of a word on the screen."""
    script = """
        const text = document.querySelectorAll(".turn > p")[arguments[0]].firstChild;
        text.parentElement.scrollIntoView({block: "center", behavior: "instant"});
        const range = document.createRange();
        range.setStart(text, text.data.indexOf(arguments[1]));
        range.setEnd(text, text.data.indexOf(arguments[1]) + arguments[1].length);
        const box = range.getBoundingClientRect();
        return [box.left + box.width / 2, box.top + box.height / 2];"""
    left, top = chrome.execute_script(script, turn, word)
    return left, top


def click(chrome: Chrome, left: float, top: float) -> None:
    actions = ActionChains(chrome)
    actions.w3c_actions.pointer_action.move_to_location(int(left), int(top))  # type: ignore[no-untyped-call]
    actions.w3c_actions.pointer_action.click()
    actions.perform()


def press(chrome: Chrome, *keys: str, held: str | None = None) -> None:
    actions = ActionChains(chrome)
    if held is not None:
        actions.key_down(held)
    actions.send_keys(*keys)
    if held is not None:
        actions.key_up(held)
    actions.perform()


def counted(seconds: int, *, speakers: int = 2) -> Transcript:
    """Make a talk that counts: a word each half second, a turn each five."""
    sentences = []
    for turn in range(seconds // 5):
        words = tuple(
            Word(turn * 5000 + n * 500, turn * 5000 + n * 500 + 450, f"t{turn}w{n}", " " if n < 9 else ".")
            for n in range(10)
        )
        text = "".join(word.text + word.punctuation for word in words)
        sentences.append(Sentence(turn * 5000, turn * 5000 + 4950, text, turn + 1, turn % speakers, words))
    return Transcript("https://h/count.wav", channels=(Channel(0, "", None, tuple(sentences)),))


def test_a_click_on_a_word_plays_it_and_the_mark_goes_on_with_the_recording(show: Open) -> None:
    chrome = show(counted(30))
    ready(chrome)
    click(chrome, *place_of(chrome, 2, "t2w4"))
    wait(chrome, "!document.getElementById('audio').paused")
    assert 12 <= time_of(chrome) < 13
    wait(chrome, "document.getElementById('audio').currentTime > 13.1")
    press(chrome, " ")
    wait(chrome, "document.getElementById('audio').paused")
    at = time_of(chrome)
    number = int(at * 2)
    assert marked(chrome) == [f"t{number // 10}w{number % 10}"]
    assert chrome.execute_script("return document.querySelectorAll('.current').length") == 1


def test_keys_go_by_seconds_words_and_paragraphs(show: Open) -> None:
    chrome = show(counted(30))
    ready(chrome)
    steps = [
        ("j", 5.0),
        ("j", 10.0),
        (Keys.ARROW_RIGHT, 15.0),
        (Keys.ARROW_LEFT, 10.0),
        ("Shift" + Keys.ARROW_RIGHT, 10.5),
        ("Shift" + Keys.ARROW_LEFT, 10.0),
        ("Shift" + Keys.ARROW_LEFT, 9.5),
        ("k", 5.0),
        ("k", 0.0),
        ("k", 0.0),
    ]
    for key, seconds in steps:
        press(chrome, key.removeprefix("Shift"), held=Keys.SHIFT if key.startswith("Shift") else None)
        wait(chrome, "!document.getElementById('audio').seeking")
        assert time_of(chrome) == pytest.approx(seconds, abs=0.01), key
    press(chrome, ".", ".")
    assert chrome.execute_script("return document.getElementById('audio').playbackRate") == 1.5
    press(chrome, "?")
    assert chrome.execute_script("return document.getElementById('keys').open")
    press(chrome, Keys.ESCAPE)
    assert not chrome.execute_script("return document.getElementById('keys').open")


@pytest.mark.parametrize("keys", ["/", "Ctrl F"])
def test_search_finds_all_places_and_goes_round_them(show: Open, keys: str) -> None:
    chrome = show(counted(30))
    press(chrome, keys[-1].lower(), held=Keys.CONTROL if keys == "Ctrl F" else None)
    press(chrome, "T3W", Keys.ENTER)
    assert wait(chrome, "document.getElementById('hits').value") == "1 of 10"
    assert marked(chrome, "hit") == ["t3w"] * 10
    press(chrome, Keys.ENTER)
    assert chrome.execute_script("return document.getElementById('hits').value") == "2 of 10"
    press(chrome, Keys.ENTER, Keys.ENTER, held=Keys.SHIFT)
    assert chrome.execute_script("return document.getElementById('hits').value") == "10 of 10"
    press(chrome, Keys.ESCAPE)
    assert marked(chrome, "hit") == []
    press(chrome, "/", "(.*[", Keys.ENTER)
    assert wait(chrome, "document.getElementById('hits').value") == "none"


def test_a_speaker_alone_can_be_shown(show: Open) -> None:
    chrome = show(counted(30))
    chrome.find_elements("css selector", ".legend button")[1].click()
    shown = "[...document.querySelectorAll('.turn')].map((turn) => !turn.hidden)"
    assert chrome.execute_script(f"return {shown}") == [False, True] * 3
    press(chrome, "j", "j")
    assert marked(chrome) == ["t3w0"]
    chrome.find_elements("css selector", ".legend button")[1].click()
    assert all(chrome.execute_script(f"return {shown}"))


def test_the_strip_is_a_slider_for_the_mouse_and_for_keys(show: Open) -> None:
    chrome = show(counted(30))
    ready(chrome)
    strip = chrome.find_element("id", "timeline")
    strip.click()
    wait(chrome, "!document.getElementById('audio').seeking")
    assert time_of(chrome) == pytest.approx(14.975, abs=0.1)
    assert strip.get_attribute("aria-valuetext") == "0:14 of 0:29"
    strip.send_keys(Keys.HOME)
    wait(chrome, "document.getElementById('audio').currentTime === 0")


def test_a_link_to_a_time_opens_there(show: Open) -> None:
    chrome = show(counted(30), hash="#t=12")
    ready(chrome)
    assert time_of(chrome) == pytest.approx(12)
    assert marked(chrome) == ["t2w4"]


def test_two_channels_at_once_are_both_marked_and_one_goes_on_when_the_other_is_done(show: Open) -> None:
    spoken = (("long", 0, 20_000), ("short", 1000, 4000))
    channels = tuple(
        Channel(n, "", None, (Sentence(begin, end, text, words=(Word(begin, end, text),)),))
        for n, (text, begin, end) in enumerate(spoken)
    )
    chrome = show(Transcript(channels=channels), hash="#t=3")
    ready(chrome)
    wait(chrome, "CSS.highlights.get('word').size === 2")
    assert sorted(marked(chrome)) == ["long", "short"]
    press(chrome, Keys.ARROW_RIGHT)
    wait(chrome, "CSS.highlights.get('word').size === 1")
    assert marked(chrome) == ["long"]


def test_without_a_recording_the_text_can_be_walked_and_a_file_be_chosen(show: Open, tmp_path: Path) -> None:
    chrome = show(counted(30), audio="./not-there.wav")
    wait(chrome, "document.getElementById('problem').textContent")
    press(chrome, "j", "j")
    assert marked(chrome) == ["t2w0"]
    chrome.find_element("id", "file").send_keys(str(tmp_path / "tone.wav"))
    ready(chrome)
    wait(chrome, "document.getElementById('audio').currentTime === 10")
    assert chrome.execute_script("return document.getElementById('problem').textContent") == ""


def test_an_embedded_recording_plays(show: Open, tone: bytes, tmp_path: Path) -> None:
    data = b64encode((tmp_path / "tone.wav").read_bytes()).decode()
    chrome = show(counted(30), audio=f"data:audio/wav;base64,{data}")
    ready(chrome)
    press(chrome, " ")
    assert wait(chrome, "document.getElementById('audio').currentTime > 0.2")
    assert requests_of(chrome) == {"page.html"}


def requests_of(chrome: Chrome) -> set[str]:
    events = [json.loads(entry["message"])["message"] for entry in logged(chrome, "performance")]
    return {
        event["params"]["request"]["url"].partition("?")[0].rpartition("/")[2]
        for event in events
        if event["method"] == "Network.requestWillBeSent" and not event["params"]["request"]["url"].startswith("data:")
    }


def test_a_page_asks_for_nothing_but_its_recording_and_for_that_elsewhere_only_when_it_is_played(show: Open) -> None:
    chrome = show(counted(30))
    ready(chrome)
    assert requests_of(chrome) - {"page.html", "tone.wav"} == set()
    chrome = show(counted(30), audio=None)
    press(chrome, "j")
    assert requests_of(chrome) == {"page.html"}
    press(chrome, " ")
    wait(chrome, "document.getElementById('problem').textContent")
    assert requests_of(chrome) == {"count.wav"}


def test_nothing_in_a_transcript_becomes_markup_or_runs(show: Open) -> None:
    words = (Word(0, 900, HOSTILE + " "),)
    sentence = Sentence(0, 900, HOSTILE, 1, 0, words)
    other = Sentence(1000, 1900, HOSTILE, 2, 1)
    url = f"https://h/{quote(HOSTILE)}.wav"
    chrome = show(Transcript(url, channels=(Channel(0, "", None, (sentence, other)),)), audio=f"./{quote(HOSTILE)}")
    said_there = chrome.execute_script("return [...document.querySelectorAll('.turn > p')].map((p) => p.textContent)")
    assert said_there == [HOSTILE.replace("\u2028", " ")] * 2
    assert chrome.title != "mine"
    assert chrome.execute_script("return document.querySelectorAll('script').length") == 2
    assert chrome.execute_script("return document.querySelectorAll('img').length") == 0
    assert [entry for entry in logged(chrome, "browser") if "Content Security" in entry["message"]] == []


def test_the_policy_stops_a_script_that_is_not_the_page_s_own(show: Open) -> None:
    chrome = show(counted(30))
    chrome.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.mine = 1'; document.body.append(s)"
    )
    assert chrome.execute_script("return window.mine") is None


def test_twelve_hours_open_and_are_gone_through_with_little_work(show: Open, request: pytest.FixtureRequest) -> None:
    transcript = talk(12 * 3600, speakers=5, seed=3)
    assert len(transcript.words) > 110_000
    chrome = show(transcript, audio=None)
    # A word costs no element: what there is to lay out follows the paragraphs.
    elements = chrome.execute_script("return document.getElementsByTagName('*').length")
    paragraphs = chrome.execute_script("return document.querySelectorAll('.turn').length")
    assert elements < paragraphs * 6 + 200
    inside = """(() => {
        const [range] = CSS.highlights.get("word");
        const live = document.createRange();
        live.setStart(range.startContainer, range.startOffset);
        live.setEnd(range.endContainer, range.endOffset);
        const box = live.getBoundingClientRect();
        const top = document.querySelector("header").getBoundingClientRect().bottom;
        const bottom = document.querySelector("footer").getBoundingClientRect().top;
        return box.height > 0 && box.top >= top && box.bottom <= bottom;
    })()"""
    # On a narrow screen turns are far higher than is guessed before they are laid out.
    narrow = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    request.addfinalizer(lambda: chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {}))
    for share in (0.17, 0.5, 1):
        word = transcript.words[int(share * len(transcript.words)) - 1]
        chrome.execute_script("location.hash = arguments[0]", f"#t={word.begin_time / 1000}")
        wait(chrome, f"document.getElementById('timeline').ariaValueNow === '{round(word.begin_time // 1 / 1000)}'")
        assert wait(chrome, inside)
        assert marked(chrome) == [word.text.strip()]
    press(chrome, "/", "bridge", Keys.ENTER)
    found = wait(chrome, "document.getElementById('hits').value")
    assert found.endswith(f" of {sum(word.text.strip().lower() == 'bridge' for word in transcript.words):,}")


def test_a_narrow_screen_is_filled_and_not_left_to_the_side(show: Open, request: pytest.FixtureRequest) -> None:
    chrome = show(talk(60, speakers=7, channels=2))
    narrow = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    request.addfinalizer(lambda: chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {}))
    widths = """return [...document.querySelectorAll(".search, #timeline")].map((one) => one.offsetWidth)"""
    assert chrome.execute_script(widths) == [358, 358]
    assert chrome.execute_script("return document.documentElement.scrollWidth") == 390


CONTRAST = """
    const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const luminance = (color) => {
        canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
        return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    };
    const style = getComputedStyle(document.documentElement);
    const pairs = [["--ink", "--paper"], ["--ink", "--turn"], ["--ink", "--raised"], ["--soft", "--paper"],
        ["--soft", "--turn"], ["--soft", "--raised"], ["--accent", "--paper"], ["--on-accent", "--accent"],
        ["--on-now", "--now"], ["--on-hit", "--hit"], ["--on-this-hit", "--this-hit"]];
    for (let n = 0; n < 8; n++) pairs.push([`--voice-${n}`, "--paper"], [`--voice-${n}`, "--turn"]);
    return pairs.map((pair) => {
        const [a, b] = pair.map((name) => luminance(style.getPropertyValue(name)));
        return [pair.join(" on "), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    });"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(show: Open, scheme: str) -> None:
    chrome = show(counted(30))
    try:
        chrome.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        paper = chrome.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert paper == {"light": "rgb(251, 250, 248)", "dark": "rgb(21, 23, 27)"}[scheme]
        contrasts = dict(chrome.execute_script(CONTRAST))
    finally:
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert {pair: ratio for pair, ratio in contrasts.items() if ratio < 4.5} == {}


def test_what_can_be_pressed_has_a_name_and_can_be_reached_by_tab(show: Open) -> None:
    chrome = show(counted(10))
    names = chrome.execute_script(
        "return [...document.querySelectorAll('button, input, select, [role=slider]')].map((one) => "
        "one.ariaLabel || one.closest('label')?.textContent.trim() || one.textContent.trim())"
    )
    assert all(names)
    reached = []
    for _ in range(20):
        press(chrome, Keys.TAB)
        reached.append(chrome.execute_script("const one = document.activeElement; return one.id || one.className"))
    assert {"skip", "query", "time", "timeline", "play", "file", "speed", "help"} <= set(reached)


def test_arabic_runs_from_right_to_left(show: Open) -> None:
    chrome = show(talk(60, vocabulary=ARABIC))
    directions = chrome.execute_script(
        "return [...document.querySelectorAll('.turn, .turn > p')].map((one) => getComputedStyle(one).direction)"
    )
    assert set(directions) == {"rtl"}
    # The time stands where a line begins.
    right_of = "return document.querySelector('.head').offsetLeft > document.querySelector('.turn > p').offsetLeft"
    assert chrome.execute_script(right_of)


class _Paragraphs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "p" and ("dir", "auto") in attrs
        if self.inside:
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "p"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found[-1] += data


@settings(max_examples=100, deadline=None)
@given(transcripts())
def test_a_page_says_all_of_it_and_its_words_stand_where_it_says(transcript: Transcript) -> None:
    page = render(transcript, "html")
    parser = _Paragraphs()
    parser.feed(page)
    assert sorted(squeezed("".join(parser.found))) == said(transcript)
    times = json.loads(page.partition('type="application/json">')[2].partition("</script>")[0])
    assert len(times["turns"]) == len(times["words"]) == len(parser.found)
    for text, numbers in zip(parser.found, times["words"], strict=True):
        units = text.encode("utf-16-le")
        at = 0
        for gap, length in zip(numbers[::4], numbers[1::4], strict=True):
            assert gap >= 0
            assert length > 0
            word = units[2 * (at + gap) : 2 * (at + gap + length)].decode("utf-16-le")
            assert word == word.strip()
            at += gap + length
        assert 2 * at <= len(units)


def test_the_policy_names_what_is_in_the_page() -> None:
    page = render(counted(10), "html", Style(audio="https://media.example.com/a.wav?Signature=mine"))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src &#x27;sha256-{digest}&#x27;" in policy[1]
    assert policy[1].startswith("default-src &#x27;none&#x27;; ")
    assert "media-src blob: https://media.example.com;" in policy[1]
    assert "connect-src" not in policy[1]


def test_a_signature_stays_out_of_a_page_unless_it_is_put_there() -> None:
    transcript = Transcript("https://me:pass@h/a.wav?Signature=mine#x", channels=(Channel(0, "Hello."),))
    page = render(transcript, "html")
    assert 'src="https://h/a.wav"' in page
    assert "mine" not in page
    assert "pass@" not in page
    assert "Signature=given" in render(transcript, "html", Style(audio="https://h/a.wav?Signature=given"))


@pytest.mark.parametrize("url", ["oss://bucket/a.wav", "https://[h", "javascript:alert(1)", "https://h;x/a.wav", ""])
def test_a_recording_a_page_cannot_play_is_left_out(url: str) -> None:
    page = render(Transcript(url, channels=(Channel(0, "Hello."),)), "html")
    assert re.search(r'<audio id="audio"></audio>', page)


@pytest.mark.parametrize("audio", ["javascript:alert(1)", "blob:x", "https://h;script-src/a.wav", "https://["])
def test_audio_that_is_no_recording_is_refused(audio: str) -> None:
    with pytest.raises(InvalidArgumentError, match="audio"):
        render(counted(10), "html", Style(audio=audio))
