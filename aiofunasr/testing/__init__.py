"""For tests and simulations of code that uses this library: the emulated service without a socket, and virtual time.

def test_a_day_of_work():
    async def work():
        async with local_session() as (session, service):
            results = await aiofunasr.transcribe(urls, session=session)
        assert not service.ledger.duplicates()

    run_in_virtual_time(work)
"""

from aiofunasr.testing.local import LocalTransport, local_session
from aiofunasr.testing.virtual_time import VirtualTimeLoop, run_in_virtual_time

__all__ = ["LocalTransport", "VirtualTimeLoop", "local_session", "run_in_virtual_time"]
