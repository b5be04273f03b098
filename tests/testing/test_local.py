"""The emulated service behind a session, without a socket between them."""

from __future__ import annotations

from aiofunasr import Session
from aiofunasr.emulator import EmulatorSettings, Service
from support import play, urls

WORKSPACE = "https://ws-one.ap-southeast-1.maas.aliyuncs.com/api/v1"


def test_the_service_sees_the_host_a_session_calls() -> None:
    async def scenario(session: Session, service: Service) -> None:
        results = await (await session.submit(urls(1)))
        assert all(result.ok for result in results)
        (submission,) = service.ledger.submissions
        assert submission.region == "ap-southeast-1"

    settings = EmulatorSettings.instant(
        key_regions={"sk-emulator": "ap-southeast-1"}, workspaces={"ws-one": "emulator"}
    )
    play(scenario, settings, base_url=WORKSPACE)
