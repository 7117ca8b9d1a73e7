"""HTTP Request beyond the contract: triggers, limits, sign-in, addresses."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sdk.context import Environment
from connectors.sdk.destination import Destination, Job, Rate
from connectors.sdk.errors import AuthError, BatchRejected, ConfigError, Unavailable
from connectors.sdk.types import Operation
from tests.connectors.kit.drivers import destination_of
from tests.connectors.kit.fake_http import Answer, FakeHttp, fake_http
from tests.connectors.kit.jobs import batch_of, job_for

ROW = {"method": "POST", "endpoint": "/rows/{{ row.id }}", "payload": "json_columns"}
BATCH = {**ROW, "endpoint": "/rows", "batching": "batch"}


def service(server: FakeHttp, **config: Any) -> Destination:
    return destination_of("http_request", {"base_url": server.url, **config}, Environment(outbound_allow=server.opened))


def offline() -> Destination:
    return destination_of("http_request", {"base_url": "https://shop.example.com"}, Environment())


def job(**settings: Any) -> Job:
    return job_for(offline().definition, settings)


def test_only_the_triggers_that_are_on_are_wanted() -> None:
    assert offline().wanted(job(added=ROW, removed=ROW)) == {Operation.ADDED, Operation.REMOVED}


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "added"),
        ({"added": {**ROW, "endpoint": "/{{ row.id"}}, "added.endpoint"),
        ({"changed": {**ROW, "payload": "json_editor", "json": "{{ row.a | nope }}"}}, "changed.endpoint"),
        (
            {"added": {**ROW, "columns": [{"name": "a", "value": "x"}, {"name": "a.b", "value": "y"}]}},
            "added.columns",
        ),
    ],
)
def test_settings_that_cannot_work_name_their_place(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        offline().validate(job(**settings))
    assert caught.value.field == field


def test_limits_come_from_the_settings() -> None:
    limits = offline().limits(
        job(added=BATCH, removed=ROW, rate=600, rate_window="minute", concurrency=7, timeout=9, retries=2)
    )
    assert (limits.rate, limits.concurrency, limits.timeout_s, limits.attempts) == (
        Rate(requests=570, seconds=60.0),
        7,
        9.0,
        3,
    )
    assert limits.batch_rows == 1
    assert offline().limits(job(added=BATCH, removed=ROW), Operation.ADDED).batch_rows == 100
    assert offline().limits(job(added=BATCH, on_error="next_run")).attempts == 1


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("", "https://shop.example.com"),
        ("v1/x", "https://shop.example.com/v1/x"),
        ("/v1/x", "https://shop.example.com/v1/x"),
        ("?q=1", "https://shop.example.com?q=1"),
        (".evil.example/x", "https://shop.example.com/.evil.example/x"),
        ("@evil.example/x", "https://shop.example.com/@evil.example/x"),
        ("https://evil.example/", "https://shop.example.com/https://evil.example/"),
    ],
)
def test_no_endpoint_leaves_the_host(path: str, address: str) -> None:
    assert offline().url(path) == address  # type: ignore[attr-defined]  # its own method


async def test_the_check_needs_no_more_than_an_answer() -> None:
    async with fake_http(Answer(404)) as server:
        await service(server).check()
    assert [r.method for r in server.received] == ["HEAD"]
    with pytest.raises(Unavailable):
        await service(server).check()


async def test_a_whole_batch_that_makes_no_json_is_left_to_be_halved() -> None:
    template = {**BATCH, "payload": "json_editor", "json": '[{% for row in rows %}"{{ row.name }}",{% endfor %}]'}
    async with fake_http() as server, service(server).session(job(added=template)) as session:
        with pytest.raises(BatchRejected):
            await session.deliver(batch_of(Operation.ADDED, [{"name": "a"}, {"name": '"'}]))
    assert server.received == []


OAUTH = {"token_url": "{url}/token", "client_id": "me", "client_secret": "client-pass", "grant": "client_credentials"}
TOKEN = Answer(200, b'{"access_token": "tok-1", "expires_in": 3600}')


def signed_in(server: FakeHttp) -> Destination:
    return service(server, oauth={**OAUTH, "token_url": f"{server.url}/token"})


async def test_a_token_is_fetched_once_and_sent_along() -> None:
    async with (
        fake_http(TOKEN, Answer(200), Answer(200)) as server,
        signed_in(server).session(job(added=ROW)) as session,
    ):
        results = await session.deliver(batch_of(Operation.ADDED, [{"id": 1}, {"id": 2}]))
    assert all(r.accepted for r in results)
    assert [r.headers.get("Authorization") for r in server.received][1:] == ["Bearer tok-1"] * 2
    assert b"grant_type=client_credentials" in server.received[0].body


async def test_a_token_that_is_refused_is_renewed_once() -> None:
    renewed = Answer(200, b'{"access_token": "tok-2"}')
    asked = job(added=BATCH)
    accepted = fake_http(TOKEN, Answer(401), renewed, Answer(200))
    async with accepted as server, signed_in(server).session(asked) as session:
        assert (await session.deliver(batch_of(Operation.ADDED, [{"id": 1}])))[0].accepted
    refused = fake_http(TOKEN, Answer(401), renewed, Answer(401))
    async with refused as server, signed_in(server).session(asked) as session:
        with pytest.raises(AuthError):
            await session.deliver(batch_of(Operation.ADDED, [{"id": 1}]))
