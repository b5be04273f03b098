"""Whether memory follows the length of the input: manifests of growing length go through `transcribe`."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence

from attrs import frozen

import aiofunasr
from aiofunasr.testing import run_in_virtual_time
from benchmarks.overhead.contenders import API_KEY
from benchmarks.overhead.loopback import Loopback
from benchmarks.overhead.peak import peak_bytes


@frozen
class Passage:
    """One manifest, gone through."""

    peak_bytes: int
    seconds: float


def measure(lengths: Sequence[int]) -> None:
    """Print the peak memory of a process for each length; each in a fresh process, at the documented limits."""
    print("Manifests through `transcribe` in virtual time, against a scripted service in the process\n")
    for length in lengths:
        with multiprocessing.get_context("spawn").Pool(1) as fresh:
            passage = fresh.apply(go_through, (length,))
        print(f"  {length:9,} files: peak {passage.peak_bytes / 2**20:6.1f} MB, {passage.seconds:6.0f} s of real time")
    print()


def go_through(length: int) -> Passage:
    """Transcribe so many files and return the largest memory the process ever had."""

    async def transcribe() -> int:
        urls = (f"https://media.example/recordings/call-{number:08}.wav" for number in range(length))
        transport = Loopback(done=True, sentences=1)
        async with aiofunasr.Session(API_KEY, base_url="https://service.example", transport=transport) as session:
            done = 0
            async for result in session.transcribe(urls):
                done += result.ok
            return done

    started = time.perf_counter()
    assert run_in_virtual_time(transcribe) == length, "some files are missing"
    return Passage(peak_bytes(), time.perf_counter() - started)
