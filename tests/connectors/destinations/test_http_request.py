"""HTTP Request beyond the contract: triggers, limits, sign-in, addresses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.sdk import trace
from connectors.sdk.context import Environment
from connectors.sdk.destination import Destination, Job, Rate
from connectors.sdk.errors import AuthError, BatchRejected, ConfigError, InternalError, Unavailable
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
    assert (limits.rates, limits.concurrency, limits.timeout_s, limits.attempts) == (
        (Rate(requests=570, seconds=60.0),),
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


NAMED = [{"name": "a.b", "value": "name"}]


@pytest.mark.parametrize(
    ("trigger", "requests"),
    [
        (ROW, 2),
        ({**ROW, "endpoint": "/all"}, 2),
        (BATCH, 1),
        ({**BATCH, "columns": [{"name": "a.b", "value": "name"}]}, 1),
        ({**BATCH, "columns": [*NAMED, {"name": "c", "value": "{{ row.id | plus: 1 }}"}]}, 1),
        ({**ROW, "endpoint": "/all", "columns": [*NAMED, {"name": "c", "value": "{{ context.operation }}"}]}, 2),
    ],
)
async def test_rows_encoded_ahead_are_sent_as_they_would_be_without(trigger: dict[str, Any], requests: int) -> None:
    rows = batch_of(Operation.ADDED, [{"id": 1, "name": "a"}, {"id": 2, "name": None}, {"id": 3, "name": '"'}])
    asked = job(added=trigger)
    encode = offline().encoder(asked)
    assert encode is not None
    ahead = replace(rows, encoded=encode(rows))
    assert ahead.encoded is not None
    sent = []
    for batch in (rows.slice(1, 3), ahead.slice(1, 3)):
        answers = fake_http(*[Answer(200)] * requests)
        async with answers as server, service(server).session(asked) as session:
            assert all(result.accepted for result in await session.deliver(batch))
        sent.append([(request.path, request.body) for request in server.received])
    assert sent[0] == sent[1]
    assert len(sent[0]) == requests
    assert b'\\"' in sent[0][-1][1]


def test_bodies_of_columns_that_are_gone_are_not_encoded_ahead() -> None:
    encode = offline().encoder(job(added={**BATCH, "columns": [{"name": "a", "value": "gone"}]}))
    assert encode is not None
    assert encode(batch_of(Operation.ADDED, [{"id": 1}])) is None


@pytest.mark.parametrize("trigger", [BATCH, {**ROW, "endpoint": "/all"}])
async def test_rows_that_a_template_refuses_ahead_stay_behind_alone(trigger: dict[str, Any]) -> None:
    rows = batch_of(Operation.ADDED, [{"id": n, "name": name} for n, name in enumerate("abcb")])
    template = {"name": "n", "value": "{{ row.name | regex_test: '[ac]' }}"}
    asked = job(added={**trigger, "columns": [{"name": "id", "value": "id"}, template]})
    encode = offline().encoder(asked)
    assert encode is not None
    ahead = replace(rows, encoded=encode(rows)).slice(1, 4)
    async with fake_http(Answer(200)) as server, service(server).session(asked) as session:
        results = await session.deliver(ahead)
    assert [result.accepted for result in results] == [False, True, False]
    assert "does not match" in results[0].message
    (sent,) = server.received
    assert json.loads(sent.body) in ([{"id": 2, "n": "c"}], {"id": 2, "n": "c"})


async def test_a_whole_batch_that_makes_no_json_is_left_to_be_halved() -> None:
    template = {**BATCH, "payload": "json_editor", "json": '[{% for row in rows %}"{{ row.name }}",{% endfor %}]'}
    async with fake_http() as server, service(server).session(job(added=template)) as session:
        with pytest.raises(BatchRejected):
            await session.deliver(batch_of(Operation.ADDED, [{"name": "a"}, {"name": '"'}]))
    assert server.received == []


OAUTH = {"token_url": "{url}/token", "client_id": "me", "client_secret": "client-pass", "grant": "client_credentials"}


async def test_an_answer_in_parts_is_no_success() -> None:
    rows = batch_of(Operation.ADDED, [{"id": 1}, {"id": 2}])
    async with (
        fake_http(Answer(207, b'[{"status": 200}, {"status": 400}]')) as server,
        service(server).session(job(added=BATCH)) as session,
    ):
        with pytest.raises(InternalError, match="only parts"):
            await session.deliver(rows)


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


def renewing(server: FakeHttp, **changes: Any) -> Destination:
    return service(server, oauth={**OAUTH, "token_url": f"{server.url}/token", **changes})


SHORT_LIVED = Answer(200, b'{"access_token": "tok-1", "expires_in": 1, "refresh_token": "ref-1"}')


async def deliver_twice(destination: Destination) -> None:
    async with destination.session(job(added=BATCH)) as session:
        for _ in range(2):
            assert (await session.deliver(batch_of(Operation.ADDED, [{"id": 1}])))[0].accepted


async def test_a_refresh_token_is_used_at_its_own_address_and_replaced() -> None:
    second = Answer(200, b'{"access_token": "tok-2", "expires_in": 1, "refresh_token": "ref-2"}')
    third = Answer(200, b'{"access_token": "tok-3"}')
    async with fake_http(SHORT_LIVED, Answer(200), second, Answer(200), third, Answer(200)) as server:
        destination = renewing(server, refresh_url=f"{server.url}/refresh")
        await deliver_twice(destination)
        async with destination.session(job(added=BATCH)) as session:
            await session.deliver(batch_of(Operation.ADDED, [{"id": 1}]))
    tokens = [(r.path, parse_qs(r.body.decode())) for r in server.received[::2]]
    assert tokens == [
        ("/token", {"grant_type": ["client_credentials"]}),
        ("/refresh", {"grant_type": ["refresh_token"], "refresh_token": ["ref-1"]}),
        ("/refresh", {"grant_type": ["refresh_token"], "refresh_token": ["ref-2"]}),
    ]
    assert [r.headers["Authorization"] for r in server.received[1::2]] == [f"Bearer tok-{n}" for n in (1, 2, 3)]


async def test_a_refused_refresh_token_is_followed_by_asking_from_the_start() -> None:
    refused = Answer(400, b'{"error": "invalid_grant"}')
    async with fake_http(SHORT_LIVED, Answer(200), refused, TOKEN, Answer(200)) as server:
        await deliver_twice(renewing(server, grant="password", username="u", password="pass-word"))
    asked = [parse_qs(r.body.decode())["grant_type"] for r in server.received if r.path == "/token"]
    assert asked == [["password"], ["refresh_token"], ["password"]]


async def test_token_and_refresh_requests_carry_what_is_added_to_each() -> None:
    def added(prefix: str, word: str) -> dict[str, Any]:
        return {
            f"{prefix}headers": [{"name": "X-Tenant", "value": word}],
            f"{prefix}parameters": [{"name": "api_key", "value": f"k&y {word}"}, {"name": "v", "value": "2"}],
            f"{prefix}extra": [{"name": "audience", "value": word}],
        }

    with trace.recording() as exchanges:
        async with fake_http(SHORT_LIVED, Answer(200), TOKEN, Answer(200)) as server:
            changes = {**added("", "first"), **added("refresh_", "again"), "token_url": f"{server.url}/token?v=1&w=3"}
            await deliver_twice(renewing(server, **changes))
    for request, word in zip(server.received[::2], ("first", "again"), strict=True):
        assert request.headers["X-Tenant"] == word
        assert parse_qs(urlsplit(request.path).query) == {"v": ["2"], "w": ["3"], "api_key": [f"k&y {word}"]}
        assert parse_qs(request.body.decode())["audience"] == [word]
    shown = repr(exchanges)
    assert not [secret for secret in ("k&y", "k%26y", "ref-1", "tok-1", "client-pass") if secret in shown]


async def test_an_outage_of_the_refresh_address_is_not_a_refusal() -> None:
    answers = fake_http(SHORT_LIVED, Answer(200), Answer(503, b"busy"))
    async with answers as server, renewing(server).session(job(added=BATCH)) as session:
        await session.deliver(batch_of(Operation.ADDED, [{"id": 1}]))
        with pytest.raises(Unavailable):
            await session.deliver(batch_of(Operation.ADDED, [{"id": 1}]))
