"""The command line: `aiofunasr`, or `python -m aiofunasr.cli`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its status.

    What it is built with comes with the extra `cli`, so nothing of it is imported before it is known to be there.
    """
    try:
        from aiofunasr.cli.app import run  # noqa: PLC0415
    except ImportError as error:
        missing = (error.name or "typer").partition(".")[0]
        if missing == "aiofunasr":
            raise
        print(f'aiofunasr: the command line needs {missing}: pip install "aiofunasr[cli]"', file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    run()
