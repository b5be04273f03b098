from __future__ import annotations

import pytest

from aiofunasr import ConfigurationError, FunASRError, InvalidArgumentError, KeyProviderError, Limits, Timeouts
from aiofunasr.settings import resolve_account

KEY = "sk-secret-0123"


def base_url(**given: str) -> str:
    environment = {name: given.pop(name) for name in list(given) if name.isupper()}
    return resolve_account(given.pop("api_key", KEY), environment=environment, **given).base_url


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "https://dashscope.aliyuncs.com/api/v1"),
        ({"region": "ap-southeast-1"}, "https://dashscope-intl.aliyuncs.com/api/v1"),
        ({"DASHSCOPE_REGION": "ap-southeast-1"}, "https://dashscope-intl.aliyuncs.com/api/v1"),
        ({"workspace": "ws-1"}, "https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1"),
        (
            {"workspace": "ws-1", "region": "ap-southeast-1"},
            "https://ws-1.ap-southeast-1.maas.aliyuncs.com/api/v1",
        ),
        ({"DASHSCOPE_WORKSPACE": "ws-2"}, "https://ws-2.cn-beijing.maas.aliyuncs.com/api/v1"),
        ({"DASHSCOPE_BASE_URL": "http://127.0.0.1:1/api/v1/"}, "http://127.0.0.1:1/api/v1"),
        ({"DASHSCOPE_HTTP_BASE_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1/api/v1"),
        ({"DASHSCOPE_BASE_URL": "http://a/x", "DASHSCOPE_HTTP_BASE_URL": "http://b/x"}, "http://a/x"),
        ({"base_url": "http://a/x", "DASHSCOPE_BASE_URL": "http://b/x"}, "http://a/x"),
        ({"region": "cn-beijing", "DASHSCOPE_BASE_URL": "http://b/x"}, "https://dashscope.aliyuncs.com/api/v1"),
        ({"base_url": "https://{workspace_id}.h/api/v1", "workspace": "ws-1"}, "https://ws-1.h/api/v1"),
    ],
)
def test_explicit_beats_environment_beats_default(given: dict[str, str], expected: str) -> None:
    assert base_url(**given) == expected


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"region": "mars"}, "ap-southeast-1"),
        ({"DASHSCOPE_REGION": "mars"}, "no such region"),
        ({"workspace": "a b"}, "workspace"),
        ({"workspace": "-x"}, "workspace"),
        ({"base_url": "dashscope.aliyuncs.com"}, "https://dashscope"),
        ({"base_url": "ftp://h/api/v1"}, "http"),
        ({"base_url": "https://h/api/v1?x=1"}, "http"),
        ({"base_url": "https://h:99999/api/v1"}, "http"),
        ({"base_url": "https://{workspace_id}.h/api/v1"}, "workspace"),
        ({"base_url": "https://dashscope.aliyuncs.com/compatible-mode/v1"}, "chat-compatible"),
        ({"api_key": ""}, "key"),
        ({"api_key": "sk-secret\n"}, "key"),
        ({"api_key": "sk secret"}, "key"),
    ],
)
def test_what_cannot_work_is_said_at_once(given: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        base_url(**given)
    assert isinstance(caught.value, ValueError)
    assert "secret" not in str(caught.value)


def test_no_key_names_both_ways_to_give_one() -> None:
    with pytest.raises(ConfigurationError, match=r"api_key=.*DASHSCOPE_API_KEY.*--local"):
        resolve_account(environment={})
    with pytest.raises(ConfigurationError, match="callable"):
        resolve_account(17, environment={})  # type: ignore[arg-type]


async def test_the_key_may_come_from_the_environment_or_a_callable() -> None:
    assert await resolve_account(environment={"DASHSCOPE_API_KEY": "sk-env"}).api_key() == "sk-env"

    async def provide() -> str:
        return "st-fresh"

    account = resolve_account(provide, environment={})
    assert account.renews_key
    assert await account.api_key() == "st-fresh"


async def test_a_callable_that_fails_or_gives_nonsense_is_our_error() -> None:
    async def fail() -> str:
        raise OSError("vault is down")

    async def nonsense() -> str:
        return ""

    with pytest.raises(KeyProviderError, match="vault is down") as caught:
        await resolve_account(fail, environment={}).api_key()
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(ConfigurationError):
        await resolve_account(nonsense, environment={}).api_key()


def test_an_account_does_not_show_its_key() -> None:
    assert "secret" not in repr(resolve_account(KEY, environment={}))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Limits(submit=0),
        lambda: Limits(query=-1),
        lambda: Limits(list=float("inf")),
        lambda: Limits(cancel="20"),  # type: ignore[arg-type]
        lambda: Limits(downloads=0),
        lambda: Limits(in_flight=1.5),  # type: ignore[arg-type]
        lambda: Timeouts(connect=0),
        lambda: Timeouts(upload=-1),
        lambda: Timeouts(request=True),
    ],
)
def test_limits_and_timeouts_are_checked(make: object) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        make()  # type: ignore[operator]
    assert isinstance(caught.value, FunASRError)


def test_an_upload_may_take_for_ever() -> None:
    assert Timeouts(upload=None).upload is None
