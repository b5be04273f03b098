from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from speech.speech_media import DISPOSED, FORMATS, MARRIED, encode, mono, read

from aiofunasr.emulator.recognizer import FileProblemError
from aiofunasr.emulator.speech import decode
from aiofunasr.emulator.speech.decode import MediaFile


def code_of(path: Path, *channel_ids: int) -> str:
    with pytest.raises(FileProblemError) as caught, MediaFile(path) as media:
        for _ in media.blocks(channel_ids or (0,)):
            pass
    return caught.value.code


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    return np.sin(np.arange(int(seconds * 16000)) * 2 * np.pi * hertz / 16000).astype(np.float32) / 2


def pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return int(np.argmax(spectrum)) * 16000 / len(samples)


@pytest.mark.parametrize("extension", FORMATS)
def test_every_listed_container_is_decoded(tmp_path: Path, extension: str) -> None:
    container, codec = FORMATS[extension]
    path = encode(tmp_path / f"speech.{extension}", [mono(read(MARRIED))], container, codec)
    with MediaFile(path) as media:
        count = sum(len(block.samples) for block in media.blocks([0]))
        properties = media.properties
        duration_ms = media.duration_ms
    assert duration_ms == pytest.approx(6050, abs=100)
    assert count == pytest.approx(duration_ms * 16, abs=16 * 10)
    assert properties.channels == (0,)
    expected = {"libopus": "opus", "libopencore_amrnb": "amr_nb"}.get(codec, codec)
    assert properties.audio_format == expected


def test_properties_are_those_of_the_file_and_not_of_the_resampled_audio(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", [np.stack([tone(200), tone(400)])], rate=8000)
    with MediaFile(path) as media:
        assert media.properties == decode.MediaProperties("pcm_s16le", (0, 1), 8000)
        for block in media.blocks([0, 1]):
            assert block.samples.dtype == np.float32
        assert media.duration_ms == 1000


def test_channels_stay_apart(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", [np.stack([tone(200), tone(400)])])
    assert pitch(read(path, 0)) == pytest.approx(200, abs=2)
    assert pitch(read(path, 1)) == pytest.approx(400, abs=2)


def test_tracks_are_numbered_over_the_audio_streams(tmp_path: Path) -> None:
    streams = [mono(tone(200)), np.stack([tone(400), tone(800)])]
    path = encode(tmp_path / "a.mkv", streams, "matroska", "flac", video=True)
    with MediaFile(path) as media:
        assert media.properties.channels == (0, 1, 2)
    assert [round(pitch(read(path, number)), -1) for number in range(3)] == [200, 400, 800]


def test_several_tracks_are_read_in_one_pass(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", [mono(tone(200)), mono(tone(400))], "matroska", "flac")
    with MediaFile(path) as media:
        parts: dict[int, list[np.ndarray]] = {0: [], 1: []}
        for block in media.blocks([1, 0, 1]):
            parts[block.channel_id].append(block.samples)
    assert {number: round(pitch(np.concatenate(found)), -1) for number, found in parts.items()} == {0: 200, 1: 400}


def test_no_block_is_long(tmp_path: Path) -> None:
    with MediaFile(encode(tmp_path / "a.wav", [mono(tone(200, 60))])) as media:
        assert max(len(block.samples) for block in media.blocks([0])) <= 16000


def test_a_track_that_is_not_there_is_named() -> None:
    with pytest.raises(FileProblemError, match="channel_id 1") as caught, MediaFile(MARRIED) as media:
        next(media.blocks([0, 1]))
    assert caught.value.code == "NO_VALID_AUDIO_ERROR"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.wav", b"", "NO_VALID_AUDIO_ERROR"),
        ("text.wav", b"It was a dark and stormy night.\n" * 50, "FILE_CHECK_FAILED"),
        ("page.mp3", b"<html><body>404 Not Found</body></html>" * 30, "FILE_CHECK_FAILED"),
        ("zeros.mp3", bytes(20000), "FILE_CHECK_FAILED"),
        ("subtitles.mp4", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 3, "UNSUPPORTED_FORMAT"),
        ("header.wav", DISPOSED.read_bytes()[:44], "NO_VALID_AUDIO_ERROR"),
    ],
)
def test_what_is_not_audio(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert code_of(path) == code


def test_a_playlist_does_not_open_other_files(tmp_path: Path) -> None:
    path = tmp_path / "list.m3u8"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{MARRIED.absolute().as_uri()}\n#EXT-X-ENDLIST\n")
    assert code_of(path) == "UNSUPPORTED_FORMAT"


def test_a_container_that_the_service_does_not_list(tmp_path: Path) -> None:
    assert code_of(encode(tmp_path / "a.aiff", [mono(tone(200))], "aiff", "pcm_s16be")) == "UNSUPPORTED_FORMAT"


def test_a_video_without_sound(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", [], "mp4", video=True, seconds=1)
    assert code_of(path) == "NO_VALID_AUDIO_ERROR"


def test_a_damaged_stretch_is_left_out(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.flac", [mono(read(MARRIED))], "flac", "flac")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)
    with MediaFile(path) as media:
        for _ in media.blocks([0]):
            pass
        assert media.duration_ms > 5000


def test_mostly_damaged_audio_is_an_error(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.m4a", [mono(read(MARRIED))], "ipod", "aac")
    content = bytearray(path.read_bytes())
    start, end = content.index(b"mdat") + 4000, content.index(b"moov") - 100
    content[start:end] = np.random.default_rng(1).bytes(end - start)
    path.write_bytes(content)
    assert code_of(path) == "DECODE_ERROR"


def test_a_cut_off_file_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    path.write_bytes(MARRIED.read_bytes()[: 44 + 2 * 16000 * 4])
    with MediaFile(path) as media:
        assert sum(len(block.samples) for block in media.blocks([0])) == pytest.approx(4 * 16000, abs=100)
        assert media.duration_ms == pytest.approx(4000, abs=10)


def test_too_long_is_known_from_the_packets_before_anything_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(tmp_path / "a.mp3", [mono(read(MARRIED))], "mp3", "mp3")
    monkeypatch.setattr(decode, "MAX_DURATION_MS", 2000)
    with MediaFile(path) as media:
        with pytest.raises(FileProblemError) as caught:
            next(media.blocks([0]))
        assert media.duration_ms == 0
    assert caught.value.code == "AUDIO_DURATION_TOO_LONG"


def test_too_long_is_noticed_while_decoding_where_the_header_hides_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "MAX_DURATION_MS", 2000)
    monkeypatch.setattr(MediaFile, "_refuse_by_packets", lambda self: None)
    assert code_of(MARRIED) == "AUDIO_DURATION_TOO_LONG"


def test_a_declared_duration_that_is_wrong_refuses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "a.mp3", [mono(read(MARRIED))], "mp3", "mp3")
    with MediaFile(path) as media:
        whole = sum(len(block.samples) for block in media.blocks([0]))
    # As if the container declared more than its packets hold.
    monkeypatch.setattr(decode, "_refuse_too_long", lambda seconds: None)
    monkeypatch.setattr(decode, "MAX_DURATION_MS", 0)
    with MediaFile(path) as media:
        assert sum(len(block.samples) for block in media.blocks([0])) == whole


def test_a_name_is_never_taken_for_a_protocol(tmp_path: Path) -> None:
    path = tmp_path / "concat:a|b #é.wav"
    path.write_bytes(MARRIED.read_bytes())
    assert len(read(path)) == pytest.approx(6.05 * 16000, abs=10)
