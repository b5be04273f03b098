"""Read any media file as 16 kHz mono tracks, block by block.

A 12-hour recording is 2.6 GiB as float samples, so nothing here holds more than one decoded frame. libav
releases the GIL while it reads, decodes and resamples.

Files come from strangers. The demuxers are therefore limited to the containers that the service lists (the
protocol notes, section 2.2), which also shuts out the playlist formats that make libav open other files, and
the protocol to plain files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
import numpy as np
from attrs import frozen
from av.error import ArgumentError, FFmpegError, InvalidDataError
from numpy.typing import NDArray

from aiofunasr.emulator.recognizer import FileProblemError

Samples = NDArray[np.float32]
"""Mono samples between -1 and 1 at `SAMPLE_RATE`."""

SAMPLE_RATE: Final = 16_000
MAX_DURATION_MS: Final = 12 * 3600 * 1000
"""What the service takes at most (the protocol notes, section 2.2)."""

# libav's names for aac amr avi flac flv m4a mkv mov mp3 mp4 mpeg ogg opus wav webm wma wmv.
_DEMUXERS: Final = "aac,amr,amrnb,amrwb,asf,avi,flac,flv,matroska,mov,mp3,mp4,mpeg,mpegts,ogg,w64,wav,webm"
_ESTIMATING: Final = frozenset(["aac", "amr", "amrnb", "amrwb", "mp3", "mpeg", "mpegts"])
"""Those that have no duration in their header, or not always: libav makes one up from the bit rate at the start."""
_RATES: Final = range(1000, 1_000_001)
"""Samples a second that audio can have; others, which a damaged header may hold, cost time or memory without bound."""
_MOST_CHANNELS: Final = 64
"""What libav resamples at most."""
_BROKEN_OFF: Final = (FFmpegError, IndexError)
"""What reading packets ends with where a file is damaged; PyAV stumbles over streams that were not there at first."""
_OPEN_OPTIONS: Final = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"}


@frozen
class MediaProperties:
    """What the file says about its audio (`properties` in the protocol notes, section 5.1).

    `audio_format` is the codec, not the container. With several audio streams, codec and rate are those of
    the first. `channels` are all the tracks that can be asked for.
    """

    audio_format: str
    channels: tuple[int, ...]
    sampling_rate: int


@frozen
class AudioBlock:
    """The next samples of one track; a track's blocks follow each other without gaps."""

    channel_id: int
    samples: Samples


class MediaFile:
    """An open media file whose tracks can be read once, together, in one pass.

    The tracks are numbered as the service numbers them, from 0 over the channels of the audio stream. Should a
    container hold several audio streams, their channels are numbered on: two mono streams are tracks 0 and
    1, and so are the two channels of one stereo stream.

    Times count decoded samples from the first one. A container's own duration is an estimate for raw aac and
    amr, and an audio stream's late start against the video is not added.
    """

    def __init__(self, path: Path) -> None:
        """Open the file and read its headers.

        Raises:
            FileProblemError: `NO_VALID_AUDIO_ERROR` for an empty file or one without an audio stream,
                `UNSUPPORTED_FORMAT` for media in a container or codec that is not listed,
                `FILE_CHECK_FAILED` for what is not media at all.
        """
        self._path = path
        self._container = _open(path)
        try:
            self._tracks = _number_tracks(self._container)
            first = self._tracks[0].stream
            self.properties = MediaProperties(
                audio_format=first.codec_context.codec.canonical_name,
                channels=tuple(range(len(self._tracks))),
                sampling_rate=first.codec_context.sample_rate,
            )
        except BaseException:
            self._container.close()
            raise
        self._clocks: dict[int, Fraction] = {}
        self._good_packets = 0
        self._bad_packets = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def duration_ms(self) -> int:
        """The longest of the tracks read so far, in milliseconds of decoded samples."""
        return round(max(self._clocks.values(), default=Fraction(0)) * 1000)

    def blocks(self, channel_ids: Sequence[int]) -> Iterator[AudioBlock]:
        """Decode the tracks in one pass, their blocks interleaved as the file has them.

        Damaged packets are left out as long as they are fewer than the good ones.

        Raises:
            FileProblemError: `NO_VALID_AUDIO_ERROR` for a track that the file does not have, or when no sample
                came out; `AUDIO_DURATION_TOO_LONG` past 12 hours; `DECODE_ERROR` when most of it is damaged.
        """
        wanted = [self._track(channel_id) for channel_id in dict.fromkeys(channel_ids)]
        self.refuse_by_header()
        self._refuse_by_packets()
        readers: dict[int, _StreamReader] = {}
        for track in wanted:
            index = track.stream.index
            if index not in readers:
                readers[index] = _StreamReader(track.stream)
                self._clocks[index] = Fraction(0)
            readers[index].planes[track.plane] = track.channel_id
        for packet in self._packets([reader.stream for reader in readers.values()]):
            yield from self._decode(packet, readers[packet.stream.index])
        for reader in readers.values():
            with suppress(FFmpegError):
                yield from reader.drain()
        if self._bad_packets > self._good_packets:
            raise FileProblemError("DECODE_ERROR", "Most of the file's audio cannot be decoded.")
        if not self.duration_ms:
            raise FileProblemError("NO_VALID_AUDIO_ERROR", "The file's audio is empty.")

    def _track(self, channel_id: int) -> _Track:
        if not 0 <= channel_id < len(self._tracks):
            has = ", ".join(map(str, self.properties.channels))
            raise FileProblemError(
                "NO_VALID_AUDIO_ERROR", f"channel_id {channel_id} was asked for, the file's tracks are {has}."
            )
        return self._tracks[channel_id]

    def refuse_by_header(self) -> None:
        """Refuse what says of itself to be longer than 12 hours; this reads nothing more of the file.

        Raises:
            FileProblemError: `AUDIO_DURATION_TOO_LONG`.
        """
        if self._declares_too_long() and self._container.format.name not in _ESTIMATING:
            raise _too_long()

    def _declares_too_long(self) -> bool:
        declared = self._container.duration
        return declared is not None and declared > MAX_DURATION_MS * 1000

    def _refuse_by_packets(self) -> None:
        """Refuse a file over 12 hours whose header does not say so, before hours of work go into it.

        An estimated duration can be far off, so a suspicious one is checked by adding up the packets, which costs
        reading the file but not decoding it.
        """
        if not self._declares_too_long():
            return
        # Opened once more, since not every container can be wound back. Where the packets break off, decoding
        # will say what to think of it.
        with suppress(*_BROKEN_OFF), _open(self._path) as container:
            packets = container.demux(container.streams[self._tracks[0].stream.index])
            _refuse_too_long(sum((_packet_seconds(packet) for packet in packets), Fraction(0)))

    def _packets(self, streams: list[Any]) -> Iterator[Any]:
        try:
            yield from self._container.demux(streams)
        except _BROKEN_OFF:
            # What follows cannot be found any more; what came before stands.
            self._bad_packets += 1

    def _decode(self, packet: Any, reader: _StreamReader) -> Iterator[AudioBlock]:
        try:
            frames = [frame for frame in packet.decode() if frame.samples and frame.sample_rate in _RATES]
            blocks = [block for frame in frames for block in reader.convert(frame)]
        except FFmpegError:
            self._bad_packets += 1
            return
        self._good_packets += bool(frames)
        seconds = sum((Fraction(frame.samples, frame.sample_rate) for frame in frames), Fraction(0))
        clock = self._clocks[packet.stream.index] + seconds
        _refuse_too_long(clock)
        self._clocks[packet.stream.index] = clock
        yield from blocks


def refuse_too_long(head: Path) -> None:
    """Refuse a file that says of itself to be longer than 12 hours, as far as its beginning tells.

    Whatever else is wrong with it may come of the rest that is not there yet.

    Raises:
        FileProblemError: `AUDIO_DURATION_TOO_LONG`.
    """
    try:
        file = MediaFile(head)
    except FileProblemError:
        return
    with file:
        file.refuse_by_header()


def _open(path: Path) -> Any:
    if path.stat().st_size == 0:
        raise FileProblemError("NO_VALID_AUDIO_ERROR", "The file is empty.")
    try:
        # An mp3 from 1999 may name its singer in any encoding.
        return av.open(f"file:{path.absolute()}", options=_OPEN_OPTIONS, metadata_errors="replace")
    except InvalidDataError as error:
        raise FileProblemError("FILE_CHECK_FAILED", "The file is not readable as media.") from error
    except ArgumentError as error:
        # libav's answer to a demuxer outside of the whitelist.
        raise FileProblemError("UNSUPPORTED_FORMAT", "The file's container is not supported.") from error
    except FFmpegError as error:
        raise FileProblemError("FILE_PARSE_FAILED", f"The file cannot be parsed: {error}") from error


def _packet_seconds(packet: Any) -> Fraction:
    return Fraction(packet.duration or 0) * Fraction(packet.time_base or 0)


@frozen
class _Track:
    channel_id: int
    stream: Any
    plane: int


def _number_tracks(container: Any) -> list[_Track]:
    streams = list(container.streams.audio)
    if not streams:
        raise FileProblemError("NO_VALID_AUDIO_ERROR", "The file has no audio stream.")
    # A stream without a codec context is one whose codec this libav does not know.
    planes = [
        (stream, plane)
        for stream in streams
        if stream.codec_context is not None and stream.codec_context.sample_rate in _RATES
        for plane in range(stream.codec_context.layout.nb_channels)
        if stream.codec_context.layout.nb_channels <= _MOST_CHANNELS
    ]
    if not planes:
        raise FileProblemError(
            "UNSUPPORTED_FORMAT", "The file's audio codec, sampling rate or layout is not supported."
        )
    return [_Track(number, stream, plane) for number, (stream, plane) in enumerate(planes)]


def _refuse_too_long(seconds: Fraction) -> None:
    if seconds * 1000 > MAX_DURATION_MS:
        raise _too_long()


def _too_long() -> FileProblemError:
    return FileProblemError("AUDIO_DURATION_TOO_LONG", "The audio is longer than 12 hours.")


class _StreamReader:
    """Resample the wanted planes of one audio stream; `planes` maps a plane to its channel id."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.planes: dict[int, int] = {}
        self._resampler: Any = None
        self._shape: tuple[str, str, int] | None = None

    def convert(self, frame: Any) -> Iterator[AudioBlock]:
        # A stream may change its rate or layout on the way (chained ogg, aac with late SBR).
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            yield from self.drain()
            self._shape = shape
            # Interleaved: more than 8 planes in a frame crash PyAV.
            self._resampler = av.AudioResampler(format="flt", layout=frame.layout, rate=SAMPLE_RATE)
        frame.pts = None
        yield from self._split(self._resampler.resample(frame))

    def drain(self) -> Iterator[AudioBlock]:
        """Give out what the resampler still holds back."""
        if self._resampler is not None:
            yield from self._split(self._resampler.resample(None))
            self._resampler = None

    def _split(self, frames: Sequence[Any]) -> Iterator[AudioBlock]:
        for frame in frames:
            samples = frame.to_ndarray().reshape(-1, frame.layout.nb_channels).T
            # Files of floats may hold anything, and one NaN would deafen the speech detector for good.
            samples = np.nan_to_num(samples).clip(-1.0, 1.0)
            for plane, channel_id in self.planes.items():
                if plane < len(samples):
                    yield AudioBlock(channel_id, samples[plane])
                else:
                    yield AudioBlock(channel_id, np.zeros(samples.shape[1], np.float32))
