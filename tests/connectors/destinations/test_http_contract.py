"""Every destination that speaks HTTP, against a server that misbehaves on purpose."""

from __future__ import annotations

import pytest

from connectors.registry import DESTINATIONS
from connectors.sdk.errors import AuthError, BatchRejected, ConfigError, Gone, RateLimited, Unavailable
from connectors.sdk.net.status import MAX_RETRY_AFTER_S
from tests.connectors.kit import http_contract as rules
from tests.connectors.kit.fake_http import Answer
from tests.connectors.kit.http_contract import CONTRACTS, Contract
from tests.connectors.kit.rest import rest_keys

# Destinations that the fake server cannot stand in for, and what is used instead.
OTHERWISE = {
    **dict.fromkeys(
        ("amazon_eventbridge", "amazon_kinesis", "amazon_sqs", "aws_lambda", "dynamodb", "s3"),
        "brings the vendor's signing client; its tests run on a server that speaks the service",
    ),
    "apache_kafka": "speaks Kafka's protocol; its tests run on a mock cluster of another library",
    "email": "speaks SMTP; its tests run on a real server",
    "local_files": "speaks to a disk; its cases run on a real one",
    "mongodb": "speaks MongoDB's protocol; its tests run on another server that speaks it",
    **dict.fromkeys(("mysql", "planetscale"), "speaks MySQL's protocol; its tests run on a real server"),
    "postgres": "speaks PostgreSQL; its tests run on a real server",
    "rabbitmq": "speaks AMQP; its tests run on a real server",
    "redis": "speaks Redis' protocol; its tests run on a real server",
    "sftp": "speaks SSH; its tests run on a real server",
    "sqlserver": "speaks TDS; its tests run on a stand-in of the protocol",
}
DRIVEN = sorted(path.stem for path in CONTRACTS.glob("*.json"))

contract = pytest.mark.parametrize("key", DRIVEN)


def test_every_destination_is_driven_or_named_with_a_reason() -> None:
    ways = [DRIVEN, OTHERWISE, rest_keys()]  # the last by test_rest.py
    assert sorted(key for way in ways for key in way) == sorted(DESTINATIONS)


@contract
async def test_a_good_answer_accepts_every_row(key: str) -> None:
    told = Contract.of(key)
    seen = await told.deliver(Answer(200))
    assert seen.error is None
    assert all(result.accepted for result in seen.results)
    assert rules.result_for_each(seen, told.rows) == []
    assert rules.answered_once(seen) == []


@contract
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, ConfigError),
        (400, BatchRejected),
        (401, AuthError),
        (403, AuthError),
        (404, Gone),
        (408, Unavailable),
        (409, BatchRejected),
        (413, BatchRejected),
        (422, BatchRejected),
        (429, RateLimited),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
    ],
)
async def test_each_refusal_of_a_batch_is_typed_and_told_in_its_own_words(
    key: str, status: int, expected: type[Exception]
) -> None:
    seen = await Contract.of(key).deliver(Answer(status, b'{"error": {"message": "Shop is on fire"}}'))
    assert type(seen.error) is expected
    assert rules.answered_once(seen) == []
    assert "Shop is on fire" in seen.error.message or status == 301


@contract
async def test_a_server_that_never_answers_is_given_up_with_the_outcome_unknown(key: str) -> None:
    seen = await Contract.of(key).deliver(Answer(fault="stall"))
    assert rules.in_doubt(seen) == []
    assert rules.answered_once(seen) == []


@contract
@pytest.mark.parametrize("fault", ["reset", "cut"])
async def test_a_line_that_breaks_after_sending_leaves_the_outcome_unknown(key: str, fault: str) -> None:
    seen = await Contract.of(key).deliver(Answer(200, b'{"half":', fault=fault))  # type: ignore[arg-type]  # from the list above
    assert rules.in_doubt(seen) == []
    assert rules.answered_once(seen) == []


@contract
async def test_a_long_wait_is_capped(key: str) -> None:
    seen = await Contract.of(key).deliver(Answer(429, b"", {"Retry-After": "86400"}))
    assert rules.asks_to_wait(seen, MAX_RETRY_AFTER_S) == []


@contract
async def test_a_page_of_html_is_quoted_short(key: str) -> None:
    page = b"<html><body>Bad gateway</body></html>" + b"x" * 100_000
    seen = await Contract.of(key).deliver(Answer(500, page))
    assert seen.error is not None
    assert "Bad gateway" in seen.error.message
    assert len(seen.error.message) < 1_000


@contract
async def test_secrets_stay_out_of_errors_results_and_traces(key: str) -> None:
    told = Contract.of(key)
    echo = " ".join(told.secrets).encode()
    for answer in (Answer(200, echo), Answer(400, echo), Answer(500, echo)):
        seen = await told.deliver(answer)
        assert seen.exchanges
        assert rules.keeps_secrets(seen, told.secrets) == []


@contract
async def test_row_by_row_a_refusal_costs_that_row_only(key: str) -> None:
    told = Contract.of(key)
    seen = await told.deliver(Answer(200), Answer(422, b'{"message": "No such name"}'), Answer(200), way="row")
    assert [result.accepted for result in seen.results] == [True, False, True]
    assert "No such name" in seen.results[1].message


@contract
async def test_row_by_row_an_outage_keeps_the_answers_already_given(key: str) -> None:
    told = Contract.of(key)
    seen = await told.deliver(Answer(200), Answer(503, b"busy"), way="row")
    assert rules.result_for_each(seen, told.rows) == []
    assert [result.accepted for result in seen.results] == [True, False, False]
    assert {result.code for result in seen.results[1:]} == {"unavailable"}


@contract
async def test_row_by_row_a_refused_sign_in_stops_before_anything_is_answered(key: str) -> None:
    seen = await Contract.of(key).deliver(Answer(401), way="row")
    assert isinstance(seen.error, AuthError)
    assert rules.answered_once(seen) == []
