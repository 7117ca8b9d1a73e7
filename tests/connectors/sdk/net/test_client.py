"""The outbound door: what it sends, what it makes of answers, and what it lets people see."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.sdk import trace
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, InternalError, RateLimited, Unavailable
from connectors.sdk.net import Client, Request, Response, Tls, TokenRequest, TokenSource, error_for, retry_after
from tests.connectors.kit.fake_http import Answer, FakeHttp, fake_http

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


def client_of(server: FakeHttp, *secrets: str, most: int = 2_000_000) -> Client:
    return Client(Environment(outbound_allow=server.opened), secrets=secrets, max_response_bytes=most)


async def test_a_request_is_sent_as_given_and_recorded() -> None:
    async with fake_http(Answer(201, b"made", {"X-Id": "7"})) as server, client_of(server) as client:
        with trace.recording() as exchanges:
            response = await client.send(Request("PUT", f"{server.url}/a?b=c", {"X-One": "1"}, b'{"a":1}'))
    assert (response.status, response.body, response.headers["x-id"]) == (201, b"made", "7")
    assert (server.received[0].path, server.received[0].body) == ("/a?b=c", b'{"a":1}')
    (told,) = exchanges
    assert (told.method, told.status, told.request_body, told.response_body) == ("PUT", 201, '{"a":1}', "made")


async def test_a_query_arrives_as_it_was_encoded() -> None:
    async with fake_http(always=Answer(200)) as server, client_of(server) as client:
        await client.send(Request("GET", f"{server.url}/a b?account=urn%3Ali%3A7&q=(x)"))
    assert server.received[0].path == "/a%20b?account=urn%3Ali%3A7&q=(x)"


async def test_secrets_are_taken_out_of_a_trace_in_every_shape() -> None:
    secret = 'pass"word/é'
    echo = Answer(200, b'{"echo": "pass\\"word/\xc3\xa9"}')
    async with fake_http(always=echo) as server, client_of(server, secret) as client:
        with trace.recording() as exchanges:
            await client.send(Request("GET", f"{server.url}/?q=pass%22word%2F%C3%A9", {"Authorization": "Bearer zzz"}))
            await client.send(Request("GET", f"{server.url}/?access_token=abcdef", {"X-Api-Key": "yyy"}))
    told = repr(exchanges)
    assert "pass" not in told
    assert "zzz" not in told
    assert "yyy" not in told
    assert "abcdef" not in told


async def test_a_large_answer_is_cut() -> None:
    async with fake_http(Answer(200, b"x" * 50_000)) as server, client_of(server, most=1_000) as client:
        response = await client.send(Request("GET", server.url))
    assert response.truncated
    assert len(response.body) == 1_000


async def test_a_refused_connection_is_not_in_doubt() -> None:
    async with fake_http() as server:
        closed = server.url
    async with client_of(server) as client:
        with pytest.raises(Unavailable) as caught:
            await client.send(Request("POST", closed, body=b"x"))
    assert not caught.value.in_doubt


@pytest.mark.parametrize(
    "url", ["", "shop.example.com", "ftp://shop.example.com", "http://", "http://u:p@shop.example.com/"]
)
async def test_an_address_that_cannot_be_called_is_a_setting_to_change(url: str) -> None:
    async with Client(Environment()) as client:
        with pytest.raises(ConfigError):
            await client.send(Request("GET", url))


async def test_certificates_that_are_none_name_their_field() -> None:
    for tls, field in (
        (Tls(authority="nonsense"), "ca_certificate"),
        (Tls(certificate="x", key="y"), "client_certificate"),
    ):
        with pytest.raises(ConfigError) as caught:
            async with Client(Environment(), tls=tls):
                pass
        assert caught.value.field == field


def answered(status: int, body: bytes = b"", **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, "http://x")


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("30", 30.0),
        ("86400", 900.0),
        ("-5", 0.0),
        ("Sat, 31 Jan 2026 12:01:00 GMT", 60.0),
        ("soon", None),
        ("nan", None),
    ],
)
def test_the_wait_asked_for(raw: str, seconds: float | None) -> None:
    assert retry_after(answered(429, retry_after=raw), NOW) == seconds


def test_a_busy_server_with_a_wait_limits_the_rate() -> None:
    assert isinstance(error_for(answered(503, retry_after="1")), RateLimited)
    assert error_for(answered(204)) is None


def test_an_answer_that_is_no_json_is_shown_short() -> None:
    with pytest.raises(InternalError, match="<html>") as caught:
        answered(200, b"<html>" + b"x" * 10_000).json()
    assert len(caught.value.message) < 1_000


def token_request(server: FakeHttp) -> TokenRequest:
    return TokenRequest(
        url=f"{server.url}/token", grant="client_credentials", client_id="me", client_secret="client-pass"
    )


async def test_a_token_is_fetched_once_and_never_shown() -> None:
    answer = Answer(200, b'{"access_token": "tok-12345", "expires_in": 3600}')
    async with fake_http(answer) as server, client_of(server, "client-pass") as client:
        source = TokenSource(token_request(server))
        with trace.recording() as exchanges:
            assert await source.header(client) == "Bearer tok-12345"
            assert await source.header(client) == "Bearer tok-12345"
    assert "tok-12345" not in repr(exchanges)
    assert "client-pass" not in repr(exchanges)


async def test_a_refused_token_is_an_error_of_sign_in() -> None:
    async with fake_http(Answer(400, b'{"error": "invalid_client"}')) as server, client_of(server) as client:
        with pytest.raises(AuthError, match="invalid_client"):
            await TokenSource(token_request(server)).header(client)
