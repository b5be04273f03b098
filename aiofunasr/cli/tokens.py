"""`aiofunasr token`: a temporary token, for whoever must not have the key."""

from __future__ import annotations

import json

from attrs import frozen

from aiofunasr.cli.delivery import print_text
from aiofunasr.cli.place import Place
from aiofunasr.cli.wording import tell


@frozen(kw_only=True)
class TokenJob:
    """What token to make; `expires_in` is seconds."""

    expires_in: int
    as_json: bool = False
    quiet: bool = False


async def print_token(job: TokenJob, place: Place) -> int:
    """Print a token and return the status; it is the one secret that goes to stdout, because it was asked for."""
    async with place.session() as session:
        token = await session.create_token(expires_in=job.expires_in)
    if job.as_json:
        record = {"token": token.value, "expires_at": token.expires_at.isoformat(timespec="seconds")}
        await print_text(json.dumps(record) + "\n")
        return 0
    await print_text(token.value + "\n")
    if not job.quiet:
        tell(f"until {token.expires_at.astimezone():%Y-%m-%d %H:%M:%S %Z}, by the service's clock")
    return 0
