"""Every switch of the protocol notes, sections 14 and 15: it is there, and both of its answers are given."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from emulator_answers import EXPECTED
from emulator_caller import START, Caller
from emulator_probes import Probe

from aiofunasr.emulator import EmulatorSettings, ScriptedRecognizer, Service, switches

PROVEN_ELSEWHERE: dict[str, str] = {
    # Accounts, and where the service is
    "key_regions": "models: a_key_is_good_in_its_own_region_and_an_unbound_one_everywhere",
    "workspaces": "models: workspaces_belong_to_accounts_once_they_are_named",
    "tokens_make_tokens": "tokens: a_token_makes_another_only_where_the_settings_let_it",
    "models": "models: a_model_of_ones_own_is_offered_everywhere_and_takes_everything",
    "models_by_region": "models: a_model_is_found_in_its_regions",
    "public_url": "server: a_public_url_of_ones_own",
    "seed": "submit: the_same_seed_gives_the_same_service",
    "clock_offset_seconds": "clock: every_time_is_by_the_services_clock",
    # Limits
    "submit_limits": "models: a_limit_of_ones_own_goes_before_the_documented_one",
    "policy_limit": "limits: the_policy_has_a_limit",
    "limits_per_second": "models: a_limit_a_minute_is_one_a_second_as_well",
    "concurrency_limits": "models: some_models_run_only_so_many_tasks_at_once",
    "max_live_tasks": "limits: the_emulator_itself_is_bounded",
    "max_body_bytes": "app: a_body_that_is_too_long_is_refused",
    # Lists, uploads, vocabularies and words
    "list_request_id": "listing: a_row_names_its_submit_or_another_request_or_none",
    "upload_bucket": "storage: files_go_to_the_bucket_of_the_settings",
    "object_life": "storage: an_uploaded_file_is_used_by_its_model_and_account_while_it_lives",
    "uploads_bound_to_host": "models: uploads_are_for_one_region_and_may_be_bound_to_a_kind_of_host",
    "vocabularies_per_account": "vocabularies: so_many_lists_and_items_are_the_most",
    "vocabulary_items": "vocabularies: so_many_lists_and_items_are_the_most",
    "vocabulary_deploy_seconds": "vocabularies: a_list_is_used_once_it_is_deployed",
    "reserved_words": "document: the_built_in_list_is_active_unless_switched_off",
    # Events
    "event_delay_seconds": "events: delays_are_drawn_between_the_two",
    "event_duplicate_share": "events: a_share_is_delivered_twice_under_the_same_id",
    "event_attempts": "events: what_is_not_taken_is_tried_again_and_then_given_up",
    "event_retry_seconds": "events: what_is_not_taken_is_tried_again_and_then_given_up",
    "event_timeout": "events: a_receiver_that_takes_its_time_is_given_up",
    "event_signature": "events: signatures_verify_with_the_certificate",
    "event_token": "events: signatures_verify_with_the_certificate",
    "event_final_newline": "events: signatures_verify_with_the_certificate",
    "event_certificate_url": "events: the_certificate_may_be_elsewhere",
    # Fetching
    "max_input_bytes": "inputs: an_origin_without_a_length_sends_no_more_than_the_largest_file",
    "fetch_timeout": "inputs: an_origin_that_falls_silent_is_given_up",
    "allow_private_hosts": "workers: private_hosts_may_be_out_of_reach",
    "require_content_length": "inputs: an_origin_may_have_to_say_how_much_it_sends",
}
"""The switches whose effect takes more to be seen than a probe, and the test in this folder that turns each."""

CASES = [
    pytest.param(
        probe, changes, expected, id=f"{name}: {', '.join(f'{k}={v}' for k, v in changes.items()) or 'default'}"
    )
    for name, probe, answers in EXPECTED
    for changes, expected in answers
]


@pytest.mark.parametrize(("probe", "changes", "expected"), CASES)
def test_a_switch_gives_each_of_its_answers(probe: Probe, changes: dict[str, Any], expected: Any) -> None:
    caller = Caller(Service(EmulatorSettings(**changes), ScriptedRecognizer()))
    assert probe(caller) == expected


@pytest.mark.parametrize(("probe", "changes", "expected"), CASES)
def test_a_switch_can_be_turned_while_the_service_runs(probe: Probe, changes: dict[str, Any], expected: Any) -> None:
    caller = Caller(Service(EmulatorSettings(), ScriptedRecognizer()), now=START - 100)
    caller.list()
    caller.now = START
    caller.service.settings = EmulatorSettings(**changes)
    assert probe(caller) == expected


def test_every_switch_is_in_the_table_or_has_a_test_of_its_own() -> None:
    in_table = {name for _, _, answers in EXPECTED for changes, _ in answers for name in changes}
    assert in_table | PROVEN_ELSEWHERE.keys() == switches().keys()
    assert not in_table & PROVEN_ELSEWHERE.keys()


@pytest.mark.parametrize("switch", PROVEN_ELSEWHERE)
def test_the_test_of_a_switch_is_there_and_turns_it(switch: str) -> None:
    module, _, name = PROVEN_ELSEWHERE[switch].partition(": ")
    text = (Path(__file__).parent / f"test_emulator_{module}.py").read_text("utf-8")
    (function,) = (
        statement
        for statement in ast.parse(text).body
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == f"test_{name}"
    )
    decorators = [ast.get_source_segment(text, decorator) or "" for decorator in function.decorator_list]
    assert re.search(rf"\b{switch}\b", "".join([*decorators, ast.get_source_segment(text, function) or ""]))
