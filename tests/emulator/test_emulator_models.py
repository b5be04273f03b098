"""Models, regions, accounts and workspaces, and the limits that depend on them."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_caller import START, SUBMIT_PATH, Caller, error_of, load

from aiofunasr.emulator import EmulatorSettings, HttpResponse, RateLimit, ScriptedRecognizer, Service, UploadedForm
from aiofunasr.emulator.models import CATALOGUE, model_named
from aiofunasr.emulator.sites import Site

URL = "https://media.example.com/a.wav"
SINGAPORE = "dashscope-intl.aliyuncs.com"
WORKSPACE = "ws-one.ap-southeast-1.maas.aliyuncs.com"


def make(**changes: Any) -> Caller:
    return Caller(Service(EmulatorSettings.instant(**changes), ScriptedRecognizer()))


def submit(caller: Caller, host: str = "", model: str = "fun-asr", **headers: str) -> HttpResponse:
    body = {"model": model, "input": {"file_urls": [URL]}, "parameters": {}}
    return caller.submit_raw(body, Host=host, **headers)


def query(caller: Caller, task_id: str, host: str = "") -> dict[str, Any]:
    response = caller.send("GET", f"/api/v1/tasks/{task_id}", headers={"Host": host})
    assert response.status == 200, response.body
    output: dict[str, Any] = load(response)["output"]
    return output


@pytest.mark.parametrize(
    ("host", "region", "workspace"),
    [
        ("dashscope.aliyuncs.com", "cn-beijing", None),
        ("Dashscope-INTL.aliyuncs.com:443", "ap-southeast-1", None),
        ("cn-hongkong.dashscope.aliyuncs.com", "cn-hongkong", None),
        ("dashscope-us.aliyuncs.com", "us-east-1", None),
        ("ws-945n.cn-beijing.maas.aliyuncs.com", "cn-beijing", "ws-945n"),
        ("ws-1.eu-central-1.maas.localhost:8900", "eu-central-1", "ws-1"),
        ("127.0.0.1:8900", "here", None),
        ("", "here", None),
        ("a.b.ws.cn-beijing.maas.aliyuncs.com", "here", None),
    ],
)
def test_a_host_says_the_region_and_the_workspace(host: str, region: str, workspace: str | None) -> None:
    assert Site.of_host(host, "here") == Site(region, workspace)


@pytest.mark.parametrize(
    ("host", "model", "status"),
    [
        ("", "fun-asr", 200),
        (SINGAPORE, "fun-asr-mtl-2025-08-25", 200),
        (SINGAPORE, "paraformer-v2", 404),
        (SINGAPORE, "qwen-audio-3.1-asr-flash-filetrans", 404),
        ("dashscope-us.aliyuncs.com", "fun-asr", 404),
        ("cn-hongkong.dashscope.aliyuncs.com", "fun-asr", 404),
        ("", "fun-asr-2020", 404),
        ("", "fun-asr-realtime", 404),
    ],
)
@pytest.mark.parametrize("by_region", [True, False])
def test_a_model_is_found_in_its_regions(host: str, model: str, status: int, by_region: bool) -> None:
    response = submit(make(models_by_region=by_region), host, model)
    if status == 404 and (by_region or model not in CATALOGUE):
        assert error_of(response) == (404, "ModelNotFound")
    else:
        assert response.status == 200


def test_a_model_of_ones_own_is_offered_everywhere_and_takes_everything() -> None:
    caller = make(models={"fun-asr-next"})
    assert submit(caller, "dashscope-us.aliyuncs.com", "fun-asr-next").status == 200
    assert error_of(submit(caller)) == (404, "ModelNotFound")
    assert model_named("fun-asr-next").parameters > CATALOGUE["fun-asr"].parameters


def admitted(caller: Caller, model: str, seconds: float, step: float = 0.05, host: str = "") -> int:
    """Count the submits that pass when one is tried at every step."""
    count = 0
    for number in range(round(seconds / step)):
        caller.now = START + number * step
        count += submit(caller, host, model).status == 200
    return count


@pytest.mark.parametrize(
    ("model", "host", "in_a_second", "in_two_minutes"),
    [
        ("fun-asr", "", 10, 1200),
        ("fun-asr", SINGAPORE, 10, 1200),
        ("fun-asr-mtl", "", 10, 1200),
        ("fun-asr-mtl", SINGAPORE, 2, 200),
        ("paraformer-v2", "", 20, 2400),
        ("paraformer-8k-v1", "", 10, 1200),
    ],
)
def test_each_model_has_its_limit_in_each_region(model: str, host: str, in_a_second: int, in_two_minutes: int) -> None:
    assert admitted(make(), model, 1.0, 0.01, host) == in_a_second
    assert admitted(make(), model, 120.0, 0.05, host) == in_two_minutes


@pytest.mark.parametrize(("per_second", "at_once"), [(True, 2), (False, 100)])
def test_a_limit_a_minute_is_one_a_second_as_well(per_second: bool, at_once: int) -> None:
    caller = make(limits_per_second=per_second)
    assert admitted(caller, "fun-asr-mtl", 1.0, 0.005, SINGAPORE) == at_once


def test_a_limit_of_ones_own_goes_before_the_documented_one() -> None:
    assert admitted(make(submit_limit=3), "paraformer-v2", 1.0) == 3
    caller = make(submit_limit=3, submit_limits={"paraformer-v2": RateLimit(5, 10)})
    assert admitted(caller, "paraformer-v2", 10.0) == 5
    assert admitted(make(submit_limit=3), "fun-asr", 1.0) == 3


def test_regions_do_not_share_a_limit_nor_their_tasks() -> None:
    caller = make(submit_limit=1)
    here, there = (load(submit(caller, host))["output"]["task_id"] for host in ("", SINGAPORE))
    assert submit(caller).status == 429
    assert query(caller, here)["task_status"] == "SUCCEEDED"
    assert query(caller, here, SINGAPORE)["task_status"] == "UNKNOWN"
    assert query(caller, there)["task_status"] == "UNKNOWN"
    row = caller.list()["data"][0]
    assert (row["task_id"], row["region"]) == (here, "cn-beijing")
    listed = load(caller.send("GET", "/api/v1/tasks", headers={"Host": SINGAPORE}))
    assert [(row["task_id"], row["region"]) for row in listed["data"]] == [(there, "ap-southeast-1")]
    assert error_of(caller.send("POST", f"/api/v1/tasks/{there}/cancel"))[0] == 400
    assert [submission.region for submission in caller.service.ledger.submissions] == ["cn-beijing", "ap-southeast-1"]


def test_a_key_is_good_in_its_own_region_and_an_unbound_one_everywhere() -> None:
    caller = make(
        api_keys={"sk-b": "one", "sk-s": "one", "sk": "one"},
        key_regions={"sk-b": "cn-beijing", "sk-s": "ap-southeast-1"},
    )
    for key, here, there in (("sk-b", 200, 401), ("sk-s", 401, 200), ("sk", 200, 200)):
        caller.api_key = key
        assert (submit(caller).status, submit(caller, SINGAPORE).status) == (here, there)
        for host, status in (("", here), (SINGAPORE, there)):
            response = caller.send("GET", "/api/v1/tasks", headers={"Host": host})
            assert response.status == status
            if status == 401:
                assert error_of(response) == (401, "InvalidApiKey")
    caller.api_key = "sk-s"
    token = load(caller.send("POST", "/api/v1/tokens", headers={"Host": SINGAPORE}))["token"]
    caller.api_key = token
    assert (submit(caller).status, submit(caller, SINGAPORE).status) == (401, 200)


def test_accounts_see_neither_each_others_tasks_nor_limits() -> None:
    caller = make(api_keys={"sk-a": "one", "sk-b": "two"}, submit_limit=1, query_limit=2)
    caller.api_key = "sk-a"
    task = caller.submitted(URL)
    caller.api_key = "sk-b"
    assert caller.output(task) == {"task_id": task, "task_status": "UNKNOWN"}
    assert caller.list()["total"] == 0
    assert error_of(caller.cancel(task)) == (400, "UnsupportedOperation")
    caller.submitted(URL)
    caller.api_key = "sk-a"
    assert caller.output(task)["task_status"] == "SUCCEEDED"
    assert caller.output(task)["task_status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("where", "on_workspace_host", "elsewhere"),
    [("workspace", "FAILED", "SUCCEEDED"), ("always", "FAILED", "FAILED"), ("never", "SUCCEEDED", "SUCCEEDED")],
)
def test_workspace_hosts_want_parameters(where: str, on_workspace_host: str, elsewhere: str) -> None:
    caller = make(missing_parameters_fail=where)
    body: dict[str, Any] = {"model": "fun-asr", "input": {"file_urls": [URL]}}
    for host, expected in ((WORKSPACE, on_workspace_host), (SINGAPORE, elsewhere), ("", elsewhere)):
        response = caller.submit_raw(body, Host=host)
        assert response.status == 200
        output = query(caller, load(response)["output"]["task_id"], host)
        assert output["task_status"] == expected
        assert ("code" in output) == (expected == "FAILED")
    assert (
        query(
            caller, load(caller.submit_raw({**body, "parameters": {}}, Host=WORKSPACE))["output"]["task_id"], WORKSPACE
        )["task_status"]
        == "SUCCEEDED"
    )


def test_every_workspace_is_there_while_none_is_named() -> None:
    assert submit(make(), "whatever.cn-beijing.maas.aliyuncs.com", X_DashScope_WorkSpace="any").status == 200


def test_workspaces_belong_to_accounts_once_they_are_named() -> None:
    caller = make(api_keys={"sk-a": "one", "sk-b": "two"}, workspaces={"ws-one": "one", "ws-two": "two"})
    caller.api_key = "sk-a"
    assert submit(caller, WORKSPACE).status == 200
    other = submit(caller, WORKSPACE.replace("one", "two"))
    assert other.status == 401
    assert load(other).keys() == {"message", "request_id"}
    assert load(other)["message"] == "NOT AUTHORIZED"
    assert error_of(submit(caller, WORKSPACE.replace("one", "three"))) == (404, "WorkSpaceNotFound")
    assert submit(caller, X_DashScope_WorkSpace="ws-one").status == 200
    assert error_of(submit(caller, X_DashScope_WorkSpace="ws-two")) == (403, "Workspace.AccessDenied")
    assert error_of(submit(caller, X_DashScope_WorkSpace="ws-three")) == (404, "WorkSpaceNotFound")
    caller.api_key = "sk-stranger"
    assert error_of(submit(caller, WORKSPACE)) == (401, "InvalidApiKey")


def test_a_retired_host_is_served_no_more() -> None:
    caller = make(retired_hosts={SINGAPORE})
    assert error_of(submit(caller, SINGAPORE)) == (404, "NotFound")
    assert submit(caller, WORKSPACE).status == 200
    assert submit(make(), SINGAPORE).status == 200


@pytest.mark.parametrize(("enforced", "latest"), [(True, 1), (False, 0)])
def test_some_models_run_only_so_many_tasks_at_once(enforced: bool, latest: int) -> None:
    recognizer = ScriptedRecognizer(processing_seconds=lambda url, chance: 10.0)
    settings = EmulatorSettings.instant(concurrency_limits=enforced, limits_enabled=False)
    caller = Caller(Service(settings, recognizer))
    tasks = [caller.submitted(URL, model="paraformer-8k-v2") for _ in range(101)]
    other = caller.submitted(URL, model="paraformer-v2")
    caller.sleep(1)
    statuses = [caller.output(task)["task_status"] for task in tasks]
    assert statuses.count("PENDING") == latest
    assert caller.output(other)["task_status"] == "RUNNING"
    caller.sleep(10)
    assert caller.output(tasks[-1])["task_status"] == ("RUNNING" if enforced else "SUCCEEDED")


@pytest.mark.parametrize("bound", [False, True])
def test_uploads_are_for_one_region_and_may_be_bound_to_a_kind_of_host(bound: bool) -> None:
    service = make(uploads_bound_to_host=bound).service
    beijing = Site("cn-beijing")
    grant = service.storage.grant("one", "fun-asr", beijing, START, request_id="r", upload_host="http://h")
    form = {
        "OSSAccessKeyId": grant["oss_access_key_id"],
        "Signature": grant["signature"],
        "policy": grant["policy"],
        "key": f"{grant['upload_dir']}/a.wav",
        "x-oss-object-acl": "private",
        "x-oss-forbid-overwrite": "true",
    }
    service.storage.accept(UploadedForm(form, b"RIFF", 4), "dashscope-file-mgr", START)

    def readable(site: Site) -> bool:
        return service.storage.find(f"oss://{form['key']}", "one", "fun-asr", site, START) is not None

    assert readable(beijing)
    assert not readable(Site("ap-southeast-1"))
    assert readable(Site("cn-beijing", "ws-one")) == (not bound)


@pytest.mark.parametrize(
    ("methods", "statuses"), [({"GET", "POST"}, [200, 200]), ({"GET"}, [200, 404]), ({"POST"}, [404, 200])]
)
def test_a_task_is_asked_about_by_the_methods_of_the_settings(methods: set[str], statuses: list[int]) -> None:
    caller = make(query_methods=methods)
    task = caller.submitted(URL)
    assert [caller.send(method, f"/api/v1/tasks/{task}").status for method in ("GET", "POST")] == statuses


def test_a_submit_goes_to_the_right_path_only() -> None:
    assert error_of(make().send("POST", SUBMIT_PATH + "/", body=b"{}")) == (404, "NotFound")
