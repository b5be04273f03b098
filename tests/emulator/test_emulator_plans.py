from __future__ import annotations

import math
from typing import Any

import pytest

from aiofunasr.emulator import ConfigurationError, Fault, FaultPlan, FaultRule, read_plan, read_rule_words
from aiofunasr.emulator.plans import FAULTS


def test_a_document_is_a_plan() -> None:
    document = {
        "unknown_for": 2.0,
        "rules": [
            {"kind": "submit", "fault": "drop_after", "numbers": [1, 3]},
            {"kind": "query", "fault": "error", "arguments": {"status": 503, "handled": True}, "chance": 0.2},
            {"kind": "*", "fault": "delayed", "arguments": {"seconds": 5}, "every": 60, "lasting": 10},
        ],
    }
    plan = (
        FaultPlan(unknown_for=2.0)
        .on("submit", Fault.drop_after(), [1, 3])
        .sometimes("query", Fault.error(503, handled=True), 0.2)
        .bursts("*", Fault.delayed(5), every=60, lasting=10)
    )
    assert read_plan(document) == plan
    assert read_plan({}) == FaultPlan()


def test_every_maker_of_a_fault_has_a_name_in_documents() -> None:
    makers = {name for name, one in vars(Fault).items() if isinstance(one, classmethod)}
    assert makers == FAULTS


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"rule": []}, "a plan has rules"),
        ({"rules": {}}, "rules must be a list"),
        ({"rules": ["drop"]}, "a rule is a table"),
        ({"rules": [{"kind": "submits", "fault": "drop_after"}]}, "kind must be one of submit"),
        ({"rules": [{"kind": "submit"}]}, "fault must be one of answer_for_another_task"),
        ({"rules": [{"kind": "submit", "fault": "__init__"}]}, "fault must be one of"),
        ({"rules": [{"kind": "submit", "fault": "error"}]}, "status"),
        ({"rules": [{"kind": "submit", "fault": "error", "arguments": {"statu": 500}}]}, "statu"),
        ({"rules": [{"kind": "submit", "fault": "drop_after", "chance": 2}]}, "chance"),
        ({"rules": [{"kind": "submit", "fault": "drop_after", "number": [1]}]}, "number"),
        ({"rules": [{"kind": "submit", "fault": "drop_after", "numbers": 1}]}, "drop_after: "),
        ({"unknown_share": 2.0}, "unknown_share"),
    ],
)
def test_what_is_no_plan_is_said(document: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_plan(document)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("submit=drop_after", FaultRule("submit", Fault.drop_after())),
        ("submit=drop_after@1,3", FaultRule("submit", Fault.drop_after(), numbers=frozenset({1, 3}))),
        ("query=error:503@20%", FaultRule("query", Fault.error(503), chance=0.2)),
        ("*=delayed:1.5", FaultRule("*", Fault.delayed(1.5))),
        ("list=throttled:Throttling.BurstRate", FaultRule("list", Fault.throttled("Throttling.BurstRate"))),
    ],
)
def test_words_are_a_rule(text: str, rule: FaultRule) -> None:
    read = read_rule_words(text)
    assert read == rule
    assert read.end == math.inf


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("submit", "KIND=FAULT"),
        ("submit=nothing", "fault must be one of"),
        ("nothing=drop_after", "kind must be one of"),
        ("submit=drop_after:1", "drop_after takes no argument"),
        ("submit=drop_after@often", "after @ come numbers"),
        ("submit=drop_after@x%", "after @ come numbers"),
        ("submit=error", "status"),
    ],
)
def test_words_that_are_no_rule_are_said(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_rule_words(text)
    assert said in str(caught.value)
