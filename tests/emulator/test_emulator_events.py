from __future__ import annotations

import base64
import hmac
import json
import sys
from typing import Any, Self

import aiohttp
import pytest
from aiohttp import web
from anyio import Event, fail_after, sleep
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from emulator_caller import START, Caller, load

from aiofunasr.emulator import EmulatorServer, EmulatorSettings, ScriptedRecognizer, Service
from aiofunasr.emulator.events import EventDelivery
from aiofunasr.emulator.signing import CERTIFICATE_PATH, EventSigner, MissingCryptographyError

URL = "https://media.example.com/a.wav"
TARGET = "https://receiver.example/events?rule=1"


def make(**changes: Any) -> Caller:
    settings = {"events_url": TARGET, "event_delay_seconds": (5.0, 5.0), "limits_enabled": False, **changes}
    return Caller(Service(EmulatorSettings.instant(**settings), ScriptedRecognizer()))


def taken(caller: Caller) -> list[EventDelivery]:
    found: list[EventDelivery] = []
    while (delivery := caller.service.take_event(caller.now)) is not None:
        found.append(delivery)
    return found


def body_of(caller: Caller, delivery: EventDelivery) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(caller.service.event_body(delivery, caller.now))
    return body


def test_an_event_comes_some_time_after_the_end() -> None:
    caller = make()
    task = caller.submitted(URL)
    assert caller.service.next_event() == START
    caller.sleep(4.9)
    assert taken(caller) == []
    assert caller.service.next_event() == START + 5
    caller.sleep(0.1)
    (delivery,) = taken(caller)
    assert delivery.task.task_id == task
    assert taken(caller) == []


def test_an_event_says_what_became_of_the_task() -> None:
    caller = make()
    response = load(caller.submit(URL))
    task = response["output"]["task_id"]
    caller.sleep(5.301)
    (delivery,) = taken(caller)
    body = body_of(caller, delivery)
    data = body.pop("data")
    account = body.pop("aliyunaccountid")
    assert body.pop("aliyunoriginalaccountid") == account
    assert body == {
        "id": delivery.event_id,
        "source": "acs.dashscope",
        "specversion": "1.0",
        "type": "dashscope:System:AsyncTaskFinish",
        "datacontenttype": "application/json;charset=utf-8",
        "time": "2026-10-01T01:00:00Z",
        "aliyunpublishtime": "2026-10-01T01:00:05.301Z",
        "aliyunregionid": "cn-beijing",
        "aliyuneventbusname": "default",
    }
    row = caller.list()["data"][0]
    assert account == row["caller_uid"]
    result = data.pop("output_result")
    assert data == {
        "task_id": task,
        "task_status": "SUCCEEDED",
        "request_id": response["request_id"],
        "api_key_id": row["api_key_id"],
        "region": "cn-beijing",
        "user_api_unique_key": "apikey:v1:audio:asr:transcription:fun-asr",
        "start_time": "2026-10-01 09:00:00",
        "end_time": "2026-10-01 09:00:00",
        "contain_result": True,
    }
    queried = caller.query(task)
    assert result["usage"] == queried["usage"]
    assert result["output"].keys() == {"task_id", "task_status", "results", "task_metrics"}
    assert result["output"]["results"] == queried["output"]["results"]


def test_an_event_may_leave_the_result_to_be_asked_for() -> None:
    caller = make(events_contain_result=False)
    caller.submitted(URL)
    caller.sleep(5)
    data = body_of(caller, taken(caller)[0])["data"]
    assert data["contain_result"] is False
    assert "output_result" not in data


def test_an_event_of_a_failure_has_a_code_and_no_results() -> None:
    caller = make()
    caller.submitted("https://media.example.com/404.wav")
    caller.sleep(5)
    output = body_of(caller, taken(caller)[0])["data"]["output_result"]["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "FILE_404_NOT_FOUND")
    assert "results" not in output


def test_an_event_of_the_other_dialect_has_one_result() -> None:
    caller = make()
    caller.submit_raw({"model": "qwen3-asr-flash-filetrans", "input": {"file_url": URL}, "parameters": {}})
    caller.sleep(5)
    result = body_of(caller, taken(caller)[0])["data"]["output_result"]
    assert result["output"].keys() == {"task_id", "task_status", "result"}
    assert result["usage"].keys() == {"seconds"}


def test_without_a_url_there_are_no_events() -> None:
    caller = make(events_url=None)
    caller.submitted(URL)
    assert caller.service.next_event() is None
    caller.sleep(100)
    assert taken(caller) == []


def test_a_cancelled_task_has_no_event() -> None:
    caller = make(queue_seconds=(10.0, 10.0))
    caller.cancel(caller.submitted(URL))
    caller.sleep(100)
    assert taken(caller) == []


def test_delays_are_drawn_between_the_two() -> None:
    caller = make(event_delay_seconds=(10.0, 20.0))
    for number in range(200):
        caller.submitted(f"{URL}?{number}")
    caller.service.advance(caller.now)
    caller.sleep(9.99)
    assert taken(caller) == []
    caller.sleep(5)
    early = len(taken(caller))
    caller.sleep(5.1)
    assert early + len(taken(caller)) == 200
    assert 60 < early < 140


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.3, 30, 90), (1.0, 200, 200)])
def test_a_share_is_delivered_twice_under_the_same_id(share: float, low: int, high: int) -> None:
    caller = make(event_duplicate_share=share)
    for number in range(200):
        caller.submitted(f"{URL}?{number}")
    caller.sleep(5)
    caller.service.advance(caller.now)
    caller.sleep(5)
    deliveries = taken(caller)
    assert len({delivery.event_id for delivery in deliveries}) == 200
    assert low <= len(deliveries) - 200 <= high


def test_what_is_not_taken_is_tried_again_and_then_given_up() -> None:
    caller = make(event_retry_seconds=(10.0, 10.0), event_attempts=3)
    caller.submitted(URL)
    caller.sleep(5)
    statuses: list[int | None] = [500, None, 302]
    for attempt, status in enumerate(statuses, start=1):
        (delivery,) = taken(caller)
        assert delivery.attempt == attempt
        caller.service.settle_event(delivery, status, caller.now)
        assert taken(caller) == []
        caller.sleep(10)
    assert taken(caller) == []
    assert [push.status for push in caller.service.ledger.events] == statuses
    assert len({push.event_id for push in caller.service.ledger.events}) == 1


def test_what_is_taken_is_not_sent_again() -> None:
    caller = make()
    task = caller.submitted(URL)
    caller.sleep(5)
    caller.service.settle_event(taken(caller)[0], 204, caller.now)
    caller.sleep(100)
    assert taken(caller) == []
    (push,) = caller.service.ledger.events
    assert (push.task_id, push.status, push.time) == (task, 204, START + 5)


# Signatures, as a receiver checks them


def text_of(url: str, headers: dict[str, str], names: list[str], body: bytes, *, token: bool, newline: bool) -> bytes:
    names = [
        "x-eventbridge-signature-timestamp",
        *names,
        "x-eventbridge-signature-version",
        "x-eventbridge-signature-url",
    ]
    names += ["x-eventbridge-signature-token"] * token
    lines = "".join(f"{name}: {headers[name]}\n" for name in names)
    return f"{url}\n{lines}".encode() + body + b"\n" * newline


def opened(secret: str, public: rsa.RSAPublicKey) -> bytes:
    numbers = public.public_numbers()
    length = public.key_size // 8
    block = pow(int.from_bytes(base64.b64decode(secret)), numbers.e, numbers.n).to_bytes(length)
    assert block.startswith(b"\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff")
    return block[2:].partition(b"\x00")[2]


def check(
    url: str, headers: dict[str, str], body: bytes, certificate: bytes, *, token: bool = False, newline: bool = True
) -> None:
    """Check every signature there is; `InvalidSignature` and `AssertionError` say no."""
    public = x509.load_pem_x509_certificate(certificate).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    if "x-eventbridge-signature" in headers:
        assert headers["x-eventbridge-signature-method"] == "HMAC-SHA1"
        text = text_of(url, headers, ["x-eventbridge-signature-method"], body, token=token, newline=newline)
        secret = opened(headers["x-eventbridge-signature-secret"], public)
        assert hmac.digest(secret, text, "sha1") == base64.b64decode(headers["x-eventbridge-signature"])
    if "x-eventbridge-signature-v2" in headers:
        assert headers["x-eventbridge-hash-method"] == "SHA256"
        text = text_of(url, headers, ["x-eventbridge-hash-method"], body, token=token, newline=newline)
        signature = base64.b64decode(headers["x-eventbridge-signature-v2"])
        public.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())


@pytest.fixture(scope="module")
def signer() -> EventSigner:
    return EventSigner.create()


@pytest.mark.parametrize("newline", [True, False])
@pytest.mark.parametrize("token", [None, "a-token"])
@pytest.mark.parametrize(
    ("version", "first", "second"), [("v1", True, False), ("v2", False, True), ("both", True, True)]
)
def test_signatures_verify_with_the_certificate(
    signer: EventSigner, version: Any, first: bool, second: bool, token: str | None, newline: bool
) -> None:
    settings = EmulatorSettings(event_signature=version, event_token=token, event_final_newline=newline)
    body = '{"text": "\u4f60\u597d"}'.encode()
    headers = signer.headers(TARGET, body, START + 0.5, "https://any/cert.pem", settings)
    assert ("x-eventbridge-signature" in headers) == first
    assert ("x-eventbridge-signature-v2" in headers) == second
    assert headers["x-eventbridge-signature-timestamp"] == "1790816400500"
    assert headers["x-eventbridge-signature-version"] == "1.0"
    assert headers["x-eventbridge-signature-url"] == "https://any/cert.pem"
    assert headers.get("x-eventbridge-signature-token") == token
    check(TARGET, headers, body, signer.certificate, token=token is not None, newline=newline)
    for changed in ((TARGET + "0", body), (TARGET, body + b" ")):
        with pytest.raises((AssertionError, InvalidSignature)):
            check(changed[0], headers, changed[1], signer.certificate, token=token is not None, newline=newline)
    with pytest.raises((AssertionError, InvalidSignature)):
        check(TARGET, headers, body, signer.certificate, token=token is not None, newline=not newline)


class Receiver:
    """An HTTP endpoint that answers with the statuses it is given, then with 200."""

    def __init__(self, *statuses: int, expected: int = 1) -> None:
        self.statuses = list(statuses)
        self.expected = expected
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.done = Event()
        self.hold: Event | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/{path:.*}", self._handle)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/events?rule=a%2Fb"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append((request.raw_path, headers, await request.read()))
        if len(self.received) >= self.expected:
            self.done.set()
        if self.hold is not None:
            await self.hold.wait()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


async def submit(server: EmulatorServer, url: str = URL) -> None:
    headers = {"Authorization": f"Bearer {server.api_key}", "X-DashScope-Async": "enable"}
    body = {"model": "fun-asr", "input": {"file_urls": [url]}, "parameters": {}}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.base_url}/services/audio/asr/transcription", json=body, headers=headers) as response,
    ):
        assert response.status == 200


async def test_the_server_pushes_signed_events_until_they_are_taken() -> None:
    async with Receiver(500, expected=2) as receiver:
        settings = EmulatorSettings.instant(events_url=receiver.url, event_token="a-token")
        async with EmulatorServer(settings=settings) as server:
            await submit(server)
            with fail_after(30):
                await receiver.done.wait()
            async with (
                aiohttp.ClientSession() as session,
                session.get(server.service.public_url + CERTIFICATE_PATH) as response,
            ):
                certificate = await response.read()
    first, second = receiver.received
    assert first[0] == "/events?rule=a%2Fb"
    assert json.loads(first[2])["id"] == json.loads(second[2])["id"]
    assert first[1]["content-type"] == "application/json;charset=utf-8"
    for _, headers, body in receiver.received:
        check(receiver.url, headers, body, certificate, token=True)
        assert headers["x-eventbridge-signature-url"] == server.service.public_url + CERTIFICATE_PATH


async def test_the_certificate_may_be_elsewhere() -> None:
    async with Receiver() as receiver:
        elsewhere = "https://certificates.example.com/events.pem"
        settings = EmulatorSettings.instant(events_url=receiver.url, event_certificate_url=elsewhere)
        async with EmulatorServer(settings=settings) as server:
            await submit(server)
            with fail_after(30):
                await receiver.done.wait()
            assert server.service.event_certificate is not None
            ((_, headers, body),) = receiver.received
            check(receiver.url, headers, body, server.service.event_certificate)
    assert headers["x-eventbridge-signature-url"] == elsewhere


async def test_a_receiver_that_takes_its_time_is_given_up() -> None:
    # So often that with the five seconds of the service it would not be given up in time.
    attempts = 8
    async with Receiver(expected=attempts) as receiver:
        receiver.hold = Event()
        settings = EmulatorSettings.instant(
            events_url=receiver.url, event_timeout=0.05, event_attempts=attempts, event_signature="none"
        )
        async with EmulatorServer(settings=settings) as server:
            await submit(server)
            with fail_after(30):
                await receiver.done.wait()
                while len(server.service.ledger.events) < attempts:  # noqa: ASYNC110 (nobody says when it is given up)
                    await sleep(0.01)
            receiver.hold.set()
    assert [push.status for push in server.service.ledger.events] == [None] * attempts


async def test_events_may_go_unsigned() -> None:
    async with Receiver() as receiver:
        settings = EmulatorSettings.instant(events_url=receiver.url, event_signature="none")
        async with EmulatorServer(settings=settings) as server:
            await submit(server)
            with fail_after(30):
                await receiver.done.wait()
    assert not [name for name in receiver.received[0][1] if name.startswith("x-eventbridge")]


async def test_a_receiver_that_is_not_there_hinders_nothing() -> None:
    settings = EmulatorSettings.instant(events_url="http://127.0.0.1:1/", event_signature="none", event_attempts=2)
    async with EmulatorServer(settings=settings) as server:
        await submit(server)
        await submit(server)
        with fail_after(30):
            while len(server.service.ledger.events) < 4:  # noqa: ASYNC110 (nobody says when a receiver does not answer)
                await sleep(0.01)
    assert {push.status for push in server.service.ledger.events} == {None}
    assert len(server.service.ledger.submissions) == 2


def test_there_is_no_certificate_before_anything_was_signed() -> None:
    assert make().send("GET", CERTIFICATE_PATH).status == 404


@pytest.mark.parametrize(("signature", "serves"), [("both", False), ("none", True)])
async def test_signing_needs_its_library(monkeypatch: pytest.MonkeyPatch, signature: Any, serves: bool) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    server = EmulatorServer(settings=EmulatorSettings(events_url=TARGET, event_signature=signature))
    if serves:
        async with server:
            pass
    else:
        with pytest.raises(MissingCryptographyError, match="aiofunasr"):
            await server.__aenter__()
