"""`python -m benchmarks.fuzz --minutes 60 [--target replies]`: each target in a process of its own, in turn."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Run the targets and return 1 if one of them found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="for all targets together")
    parser.add_argument("--target", action="append", choices=("replies", "documents", "texts", "sessions"))
    parser.add_argument("--corpus", type=Path, help="where to keep inputs that reached something new")
    parser.add_argument("--inside", choices=("replies", "documents", "texts", "sessions"), help=argparse.SUPPRESS)
    arguments, rest = parser.parse_known_args()
    if importlib.util.find_spec("atheris") is None:
        print("fuzzing needs atheris: pip install atheris (there are packages of it for Linux)", file=sys.stderr)
        return 2
    if arguments.inside:
        return _fuzz(arguments.inside, rest)
    targets = arguments.target or ["replies", "documents", "texts", "sessions"]
    seconds = max(int(arguments.minutes * 60 / len(targets)), 1)
    with tempfile.TemporaryDirectory() as temporary:
        failed = [name for name in targets if _run(name, seconds, arguments.corpus or Path(temporary))]
    print("found something in: " + ", ".join(failed) if failed else "found nothing")
    return 1 if failed else 0


def _run(name: str, seconds: int, corpus: Path) -> int:
    from benchmarks.fuzz.targets import SEEDS  # noqa: PLC0415  (atheris has to come before it in the other process)

    directory = corpus / name
    directory.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS):
        # The first two bytes say whose reply it is, and how often.
        for kind in range(6 if name == "sessions" else 1):
            before = bytes([kind, 0]) if name == "sessions" else b""
            (directory / f"seed-{number}-{kind}").write_bytes(before + seed)
    command = [sys.executable, "-m", "benchmarks.fuzz", "--inside", name]
    limits = [
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=30",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
        # What it finds outlives a corpus that is not kept, and does not go into the directory it was begun in.
        f"-artifact_prefix={tempfile.gettempdir()}/fuzz-{name}-",
    ]
    print(f"{name}: {seconds} s", flush=True)
    return subprocess.run([*command, *limits, str(directory)], check=False).returncode  # noqa: S603


def _fuzz(name: str, arguments: list[str]) -> int:
    import atheris  # noqa: PLC0415  (only here: it is not among what the project needs)

    with atheris.instrument_imports(include=["aiofunasr", "json", "cattrs"]):
        from benchmarks.fuzz.targets import TARGETS  # noqa: PLC0415

    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
