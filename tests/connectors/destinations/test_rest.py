"""Destinations that extend ``RestDestination``: their cases, and each again with a service that misbehaves."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.registry import destination_class
from connectors.sdk.errors import AuthError, ConnectorError, RateLimited, Unavailable
from connectors.sdk.net.status import MAX_RETRY_AFTER_S
from tests.connectors.kit import flavours, specs
from tests.connectors.kit.cases import Case
from tests.connectors.kit.fake_http import Answer
from tests.connectors.kit.rest import first_of_each_type, matches_place, play, rest_cases, rest_keys, secrets_in, shown

CASES = rest_cases()
each_case = pytest.mark.parametrize("case", CASES, ids=str)
each_key = pytest.mark.parametrize("key", rest_keys())


@each_key
def test_cases_show_every_sync_type_mode_and_removal(key: str) -> None:
    definition = destination_class(key).definition
    declared = {
        (kind.key, spec.mode.value, removal.value)
        for kind in definition.sync_types
        for spec in kind.modes
        for removal in spec.removals
    }
    shown = {
        (c.told.get("type", definition.sync_types[0].key), c.told["mode"], c.told.get("removal", "nothing"))
        for c in CASES
        if c.key == key
    }
    assert declared - shown == set()


@each_case
async def test_case(case: Case) -> None:
    played = await play(case)
    assert [(r.method, r.path, r.body) for r in played.unexpected] == []
    assert played.unused == []
    assert played.outcome == case.told.get("raises", case.told.get("results"))


@each_case
def test_its_requests_are_what_the_service_describes(case: Case) -> None:
    if not specs.known(case.key):
        pytest.skip("no machine-readable description of this service is at hand")
    problems = [p for exchange in case.told["exchanges"] for p in specs.problems(case.key, exchange)]
    assert problems == []


@pytest.mark.parametrize("case", first_of_each_type(CASES), ids=str)
async def test_a_service_that_misbehaves_at_any_step_costs_no_answer_and_shows_no_secret(case: Case) -> None:
    """Every request of the case in turn is answered wrongly, and so is everything after it."""
    secrets = secrets_in(case.key, case.told)
    echo = f"Shop is on fire {' '.join(secrets)}".encode()
    for step in range(len(case.told["exchanges"])):
        for name, fault, expected in _faults(echo)[:: 1 if step == 0 else 3]:
            played = await play(case, matches=matches_place, fault_at=step, fault=fault)
            where = f"{name} at request {step + 1}"
            if played.error is not None:
                assert isinstance(played.error, expected if step == 0 else ConnectorError), (where, played.error)
            else:
                assert len(played.results) == len(case.told["rows"]), where
            assert [s for s in secrets if s in shown(played)] == [], where
            if isinstance(played.error, RateLimited):
                assert (played.error.after or 0) <= MAX_RETRY_AFTER_S, where
            if name == "sign-in refused" and step == 0:
                assert isinstance(played.error, AuthError), where
                assert len(played.received) == 1, where


def _faults(echo: bytes) -> list[tuple[str, Answer, type[ConnectorError]]]:
    return [
        ("sign-in refused", Answer(401, echo), AuthError),
        ("too many requests", Answer(429, b"", {"Retry-After": "86400"}), RateLimited),
        ("an outage", Answer(500, b"<html>Bad gateway</html>" + b"x" * 100_000), Unavailable),
        ("a reset", Answer(fault="reset"), Unavailable),
        ("half an answer", Answer(200, b'{"half":', fault="cut"), Unavailable),
        ("a refusal", Answer(400, echo), ConnectorError),
        ("a page of HTML", Answer(200, b"<html>Welcome</html>"), ConnectorError),
        ("an empty answer", Answer(200, b""), ConnectorError),
        ("null", Answer(200, b"null"), ConnectorError),
        ("a list", Answer(200, b"[]"), ConnectorError),
    ]


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
