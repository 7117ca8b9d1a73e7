"""Destinations that extend ``RestDestination``: their cases, and each again with a service that misbehaves."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sdk.errors import Unavailable
from tests.connectors.kit import flavours, specs
from tests.connectors.kit import rest_rules as rules
from tests.connectors.kit.cases import Case
from tests.connectors.kit.fake_http import Answer
from tests.connectors.kit.rest import first_of_each_type, matches_place, play, rest_cases, rest_keys

CASES = rest_cases()
each_case = pytest.mark.parametrize("case", CASES, ids=str)
each_key = pytest.mark.parametrize("key", rest_keys())


@each_key
def test_cases_show_every_sync_type_mode_and_removal(key: str) -> None:
    assert rules.not_shown(key, CASES) == set()


@each_case
async def test_case(case: Case) -> None:
    assert await rules.case_problems(case) == []


@each_case
def test_its_requests_are_what_the_service_describes(case: Case) -> None:
    if not specs.known(case.key):
        pytest.skip("no machine-readable description of this service is at hand")
    problems = [p for exchange in specs.described(case) for p in specs.problems(case.key, exchange)]
    assert problems == []


# Of these an answer without a body is a yes: a function only has to name the rows that it refuses, and the
# Trade Desk's description leaves open what an answer holds that refuses none.
SILENCE_IS_YES = {"azure_functions", "google_cloud_functions", "tradedesk"}


@pytest.mark.parametrize("key", [key for key in rest_keys() if key not in SILENCE_IS_YES])
async def test_an_empty_answer_is_no_success_where_answers_tell_of_rows(key: str) -> None:
    problems = {str(case): await rules.emptiness_problems(case) for case in CASES if case.key == key}
    assert {case: found for case, found in problems.items() if found} == {}


@pytest.mark.parametrize("case", first_of_each_type(CASES), ids=str)
async def test_a_service_that_misbehaves_at_any_step_costs_no_answer_and_shows_no_secret(case: Case) -> None:
    assert await rules.misbehaviour_problems(case) == []


@each_key
async def test_a_service_that_never_answers_is_given_up_with_the_outcome_unknown(key: str) -> None:
    case = next(c for c in CASES if c.key == key)
    played = await play(case, fault=Answer(fault="stall"))
    assert isinstance(played.error, Unavailable)
    assert played.error.in_doubt


@each_key
@pytest.mark.parametrize("flavour", flavours.FLAVOURS)
async def test_values_arrive_as_they_are_or_are_refused_row_by_row(key: str, flavour: str) -> None:
    """Rows of every kind in place of those of the connector's simplest cases, one sync type after another."""
    for case in flavours.simplest(CASES, key):
        told: dict[str, Any] = flavours.flavoured(case.told, flavour)
        played = await play(case, told=told, matches=matches_place)
        assert played.error is None, (str(case), played.error)
        assert flavours.missing(told, played) == [], str(case)
