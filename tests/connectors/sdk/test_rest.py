"""Pieces of the SDK for web services, on a service that keeps people."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid5

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from connectors.destinations.klaviyo import KlaviyoDestination
from connectors.destinations.meta import MetaDestination
from connectors.destinations.tiktok import TiktokDestination
from connectors.sdk.context import Environment
from connectors.sdk.destination import ACCEPTED, Mode, Removal, RowResult
from connectors.sdk.errors import AuthError, BatchRejected, ConfigError, InternalError, RateLimited, Unavailable
from connectors.sdk.fields import Text
from connectors.sdk.net import Client
from connectors.sdk.net.redaction import MASK
from connectors.sdk.rest import Api, ClientCredentials, ErrorCodes, KeyParameter, Line, Results, SignIn, Work
from connectors.sdk.rest.fields import field, fields
from connectors.sdk.rest.google_sign_in import TOKENS, google
from connectors.sdk.rest.work import _EVENTS, Read, besides, inside
from connectors.sdk.tokens import ConsentOver
from connectors.sdk.types import Operation
from tests.connectors.kit.fake_http import Answer, FakeHttp, Received, fake_http
from tests.connectors.kit.jobs import batch_of, job_for

NOBODY: Any = None  # these pieces send through the functions they are given
ROWS = [{"email": f"{name}@x.test", "n": n} for n, name in enumerate("abcab")]


def work(
    rows: Sequence[dict[str, Any]] = ROWS,
    *,
    mode: Mode = Mode.UPSERT,
    operation: Operation = Operation.ADDED,
    removal: Removal = Removal.NOTHING,
) -> Work:
    job = job_for(
        KlaviyoDestination.definition,
        {"event": "Ordered", "split_retry": True},
        sync_type=KlaviyoDestination.definition.sync_type("events"),
        mode=mode,
        removal=removal,
        identifiers=["email"],
    )
    return Work(NOBODY, job, batch_of(operation, rows))


async def known(values: Sequence[str]) -> Iterable[tuple[str, str]]:
    """“A” is there once, “c” twice."""
    there = [("A@x.test", "1"), ("c@x.test", "3"), ("c@x.test", "4")]
    return [(value, key) for value, key in there if value.lower() in values]


class Sent:
    """What was asked of the service."""

    def __init__(self) -> None:
        self.created: list[int] = []
        self.updated: list[tuple[str, int]] = []

    async def create(self, part: Work) -> Results:
        if any(record["n"] == 13 for record in part.records):
            raise BatchRejected("13 is unlucky")
        self.created += [record["n"] for record in part.records]
        return [ACCEPTED] * len(part)

    async def update(self, part: Work, ids: Sequence[str]) -> Results:
        self.updated += zip(ids, [record["n"] for record in part.records], strict=True)
        return [ACCEPTED] * len(part)


async def test_what_is_there_is_updated_what_is_not_is_made_and_the_last_of_equals_counts() -> None:
    sent, batch = Sent(), work()
    found = await batch.look_up(known, fold=str.lower)
    results = await batch.by_match(found, create=sent.create, update=sent.update)
    assert sent.updated == [("1", 3)]
    assert sent.created == [4]
    assert [result.accepted for result in results] == [True, True, False, True, True]
    assert results[2].message == "2 records have this email; one is needed."


async def test_updates_make_nothing_and_removals_take_what_is_there() -> None:
    sent = Sent()
    batch = work(mode=Mode.UPDATE)
    found = await batch.look_up(known, fold=str.lower)
    results = await batch.by_match(found, create=sent.create, update=sent.update)
    assert (sent.created, results[1].code) == ([], "no_match")
    leaving = work(operation=Operation.REMOVED, removal=Removal.DELETE)
    gone = Sent()
    results = await leaving.by_match(found, create=gone.create, update=sent.update, remove=gone.update)
    assert (gone.updated, gone.created) == ([("1", 3)], [])
    assert results[1].message == "No record matches; nothing was removed."
    nobody = await work([{"email": None, "n": 1}]).by_match(found, create=sent.create)
    assert nobody[0].message == "email is empty, so no record can be matched."


async def test_a_refused_group_is_halved_until_the_row_at_fault_stands_alone() -> None:
    sent = Sent()
    batch = work([{"email": f"{n}@new.test", "n": n} for n in (11, 12, 13, 14)] + [{"email": "a@x.test", "n": 1}])
    found = await batch.look_up(known, fold=str.lower)
    results = await batch.by_match(found, create=sent.create, update=sent.update)
    assert [result.accepted for result in results] == [True, True, False, True, True]
    assert (sorted(sent.created), sent.updated) == ([11, 12, 14], [("1", 1)])


async def test_what_stops_a_later_group_leaves_the_answers_already_given() -> None:
    async def down(part: Work) -> Results:
        raise Unavailable("busy")

    sent, batch = Sent(), work()
    results = await batch.in_groups(([0, 1], sent.create), ([2], down))
    assert [result.code for result in results] == ["", "", "unavailable", "", ""]
    with pytest.raises(Unavailable):
        await batch.in_groups(([2], down), ([0, 1], sent.create))


async def test_one_request_a_row_keeps_the_answer_of_each() -> None:
    async def send(record: dict[str, Any]) -> RowResult | None:
        if record["n"] == 1:
            raise BatchRejected("no")
        if record["n"] == 2:
            raise Unavailable("busy")
        return None

    results = await work().each(send, at_once=2)
    assert [result.code for result in results] == ["", "row_rejected", "unavailable", "", ""]
    with pytest.raises(Unavailable):
        await work(ROWS[2:3]).each(send)


@asynccontextmanager
async def line(
    sign_in: SignIn, config: dict[str, Any], server: FakeHttp, codes: ErrorCodes | None = None
) -> AsyncIterator[Line]:
    api = Api(base=f"{server.url}/v1", sign_in=sign_in, test=("GET", "me"), codes=codes)
    async with api.open(config, Environment(outbound_allow=server.opened)) as opened:
        yield opened


async def test_a_refused_token_is_renewed_once_and_a_refused_new_one_stops() -> None:
    token = Answer(200, b'{"access_token": "%s", "expires_in": 3600}')
    tokens = [Answer(200, token.body % name) for name in (b"first", b"second", b"third")]
    async with fake_http(tokens[0], Answer(401), tokens[1], Answer(200, b'{"me": 1}')) as server:
        way = ClientCredentials(
            tokens=f"{server.url}/token",
            client_id=Text(name="id", label="ID"),
            client_secret=Text(name="secret", label="Secret", secret=True),
        )
        async with line(way, {"id": "app", "secret": "s3cret"}, server) as opened:
            assert await opened.get("me") == {"me": 1}
        seen = [request.headers.get("Authorization") for request in server.received if request.path == "/v1/me"]
        assert seen == ["Bearer first", "Bearer second"]
    async with fake_http(tokens[0], Answer(401), tokens[1], Answer(401, b"no")) as server:
        way = ClientCredentials(tokens=f"{server.url}/token", client_id=way.client_id, client_secret=way.client_secret)
        async with line(way, {"id": "app", "secret": "s3cret"}, server) as opened:
            with pytest.raises(AuthError):
                await opened.get("me")


async def test_lists_are_read_page_by_page_and_one_that_repeats_itself_ends() -> None:
    way = KeyParameter(key=Text(name="key", label="Key", secret=True), parameter="token")
    pages = [Answer(200, b'{"data": {"items": [1, 2]}, "next": "b"}'), Answer(200, b'{"data": {"items": [3]}}')]

    def cursor(answer: Any) -> dict[str, str] | None:
        return {"after": answer["next"]} if answer.get("next") else None

    async with fake_http(*pages) as server, line(way, {"key": "k1"}, server) as opened:
        assert [item async for item in opened.pages("things", "data.items", cursor, {"size": 2})] == [1, 2, 3]
        assert [request.path for request in server.received] == [
            "/v1/things?size=2&token=k1",
            "/v1/things?size=2&after=b&token=k1",
        ]
    async with fake_http(always=pages[0]) as server, line(way, {"key": "k1"}, server) as opened:
        with pytest.raises(InternalError, match="repeats itself"):
            [item async for item in opened.pages("things", "data.items", cursor)]


async def test_a_next_page_at_another_host_gets_no_credentials() -> None:
    way = KeyParameter(key=Text(name="key", label="Key", secret=True), parameter="token")
    page = Answer(200, b'{"items": [1], "next": "http://elsewhere.test/page2"}')
    async with fake_http(page) as server, line(way, {"key": "k1"}, server) as opened:
        with pytest.raises(InternalError, match="another host"):
            [item async for item in opened.pages("things", "items", lambda answer: answer["next"])]


def test_an_app_of_ones_own_asks_for_its_scopes_and_sends_a_challenge() -> None:
    config = {"sign_in": "oauth", "client_id": "app-1", "client_secret": "s3cret"}
    consent = KlaviyoDestination(config, Environment()).consent()
    assert consent is not None
    address = consent.address(redirect_uri="https://here.test/back", state="st", verifier="v" * 43)
    assert address.startswith("https://www.klaviyo.com/oauth/authorize?")
    assert "scope=accounts:read+events:write" in address.replace("%3A", ":").replace("%20", "+")
    assert "code_challenge_method=S256" in address
    assert "s3cret" not in address
    plain = replace(consent, pkce=False)
    assert "code_challenge" not in plain.address(redirect_uri="https://here.test/back", state="st", verifier="v" * 43)
    assert KlaviyoDestination({"sign_in": "key", "api_key": "k"}, Environment()).consent() is None


async def test_a_token_that_holds_for_an_hour_is_exchanged_for_one_that_lasts() -> None:
    """Meta's grant for that; nobody has a refresh token there, so the end of that one asks for a person."""
    forms: list[dict[str, str]] = []

    def tokens(request: Received) -> Answer:
        forms.append(dict(parse_qsl(request.body.decode())))
        return Answer(200, json.dumps({"access_token": f"token-{len(forms)}", "expires_in": 5_184_000}).encode())

    async with fake_http(ask=tokens) as server:
        environment = Environment(outbound_allow=server.opened, routes={"https://graph.facebook.com": server.url})
        consent = MetaDestination(
            {"sign_in": "oauth", "client_id": "app", "client_secret": "shh"}, environment
        ).consent()
        assert consent is not None
        kept = await consent.exchange(code="c-1", redirect_uri="https://here.test/back", verifier="v" * 43)
        with pytest.raises(ConsentOver):
            await consent.renew(kept)
    app = {"client_id": "app", "client_secret": "shh"}
    back = {"redirect_uri": "https://here.test/back"}
    assert forms == [
        {"grant_type": "authorization_code", "code": "c-1", **back, **app},
        {"grant_type": "fb_exchange_token", "fb_exchange_token": "token-1", **app},
    ]
    assert kept.access == "token-2"


@pytest.mark.parametrize("said", [{"code": 0, "data": {"access_token": "t"}}, {"code": 40110, "message": "Expired"}])
async def test_a_service_with_words_of_its_own_for_signing_in(said: dict[str, Any]) -> None:
    """TikTok: other names of parameters, JSON, and the token inside an answer that is 200 in any case."""
    sent: list[Any] = []

    def tokens(request: Received) -> Answer:
        sent.append(json.loads(request.body))
        return Answer(200, json.dumps(said).encode())

    config = {"sign_in": "oauth", "client_id": "app", "client_secret": "shh", "advertiser_id": "1"}
    async with fake_http(ask=tokens) as server:
        routes = {"https://business-api.tiktok.com": server.url}
        consent = TiktokDestination(config, Environment(outbound_allow=server.opened, routes=routes)).consent()
        assert consent is not None
        address = consent.address(redirect_uri="https://here.test/back", state="st", verifier="v" * 43)
        assert dict(parse_qsl(address.partition("?")[2])) == {
            "app_id": "app",
            "redirect_uri": "https://here.test/back",
            "state": "st",
        }
        code = consent.code_in({"auth_code": "c-1", "state": "st"})
        exchange = consent.exchange(code=code, redirect_uri="https://here.test/back", verifier="v" * 43)
        if "data" in said:
            assert (await exchange).access == "t"
        else:
            with pytest.raises(AuthError, match="Expired"):
                await exchange
    assert sent == [{"app_id": "app", "secret": "shh", "auth_code": "c-1", "redirect_uri": "https://here.test/back"}]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"code": 0}', None),
        (200, b'{"code": 7, "message": "Slow down"}', RateLimited),
        (400, b'{"code": 7, "message": "Slow down"}', RateLimited),
        (200, b'{"code": 9, "message": "No such list"}', BatchRejected),
        (401, b'{"code": 9, "message": "Who are you?"}', AuthError),
        (503, b"<html>", Unavailable),
        (200, b"", InternalError),
        (200, b"{}", InternalError),
    ],
)
async def test_a_services_own_codes_say_what_its_answers_mean(
    status: int, body: bytes, expected: type[Exception] | None
) -> None:
    way = KeyParameter(key=Text(name="key", label="Key", secret=True), parameter="token")
    codes = ErrorCodes(find=lambda answer: answer["code"], fine=(0,), meanings={7: RateLimited}, always=True)
    async with fake_http(Answer(status, body)) as server, line(way, {"key": "k1"}, server, codes) as opened:
        if expected is None:
            assert await opened.get("things") == {"code": 0}
            return
        with pytest.raises(expected) as caught:
            await opened.get("things")
        assert type(caught.value) is expected


@pytest.fixture(scope="module")
def account() -> dict[str, str]:
    """The key of a service account, as Google hands it out."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    email = "headrace@project.iam.gserviceaccount.test"
    kept = {"token_uri": TOKENS, "client_email": email, "private_key": private, "private_key_id": "k1"}
    return {"key": json.dumps(kept), "public": public, "private": private}


@pytest.mark.parametrize("chosen", ["service_account", "credential"])
async def test_a_service_account_signs_for_a_token_and_its_key_never_shows(
    account: dict[str, str], chosen: str
) -> None:
    way = google("https://scope.test/a", "https://scope.test/b")
    config = {"sign_in": chosen, "service_account_key": account["key"]}
    token = Answer(200, b'{"access_token": "t-0815", "expires_in": 3600}')
    async with fake_http(token, Answer(200, b'{"me": 1}'), Answer(403, account["private"].encode())) as server:
        environment = Environment(outbound_allow=server.opened, routes={"https://oauth2.googleapis.com": server.url})
        async with Api(base=server.url, sign_in=way, test=("GET", "me")).open(config, environment) as opened:
            assert await opened.get("me") == {"me": 1}
            with pytest.raises(AuthError) as refused:
                await opened.get("you")
        assert "PRIVATE KEY" not in refused.value.message
        asked, me = server.received[:2]
    assert me.headers["Authorization"] == "Bearer t-0815"
    form = dict(parse_qsl(asked.body.decode()))
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    told = jwt.decode(form["assertion"], account["public"], algorithms=["RS256"], audience=TOKENS)
    assert told["iss"] == "headrace@project.iam.gserviceaccount.test"
    assert told["scope"] == "https://scope.test/a https://scope.test/b"


@pytest.mark.parametrize(
    "changed", [{"token_uri": "https://evil.test/token"}, {"private_key": "none"}, {"client_email": None}]
)
async def test_a_wrong_key_of_a_service_account_is_told(account: dict[str, str], changed: dict[str, Any]) -> None:
    config = {
        "sign_in": "service_account",
        "service_account_key": json.dumps({**json.loads(account["key"]), **changed}),
    }
    api = Api(base="https://service.test", sign_in=google("scope"), test=("GET", "me"))
    with pytest.raises(ConfigError) as wrong:
        async with api.open(config, Environment()) as opened:
            await opened.get("me")
    assert wrong.value.field == "service_account_key"


def test_ids_of_events_are_the_same_whenever_a_row_is_sent_again() -> None:
    sent = work([{"email": f"{n}@x.test"} for n in range(200)])
    assert sent.event_ids == [str(uuid5(_EVENTS, f"7/42/added/{key}")) for key in sent.batch.keys]


def test_a_token_that_is_learnt_before_every_request_is_kept_once() -> None:
    client = Client(Environment())
    client.hide("a-token-of-somebody")
    redactor = client._redactor
    client.hide("a-token-of-somebody")
    assert client._redactor is redactor
    assert client.without_secrets("so a-token-of-somebody says") == f"so {MASK} says"


@pytest.mark.parametrize("answers", [1, 7])
async def test_answers_for_fewer_or_more_rows_than_were_sent_are_an_error_of_the_service(answers: int) -> None:
    async def send(parts: list[Any]) -> Results:
        return [ACCEPTED] * answers

    with pytest.raises(InternalError, match=f"answered for {answers} rows of 5"):
        await work().together(lambda record, made: record, send)


def test_rows_read_together_are_those_read_batch_by_batch_and_a_writer_may_change_its_own() -> None:
    alone = work([{"email": f"{n}@x.test", "n": n, "since": datetime(2026, 1, n + 1, tzinfo=UTC)} for n in range(9)])
    read = Read.of(alone.batch)
    assert read is not None
    together = replace(alone, batch=replace(alone.batch, encoded=read))
    part = replace(together, batch=together.batch.slice(2, 6))
    part.records[0].clear()
    for sent in (together, replace(together, batch=together.batch.slice(2, 6)), together.pick([8, 0])):
        assert sent.records == replace(sent, batch=replace(sent.batch, encoded=None)).records
    assert Read.of(work([{"email": "a@x.test", "tags": ["a"]}]).batch) is None


def test_fields_are_told_apart_from_others_of_the_same_names_and_prefixes() -> None:
    record = {"user.a": 1, "user.b": None, "other": 2}
    known = fields(field("user.a"), field("user.b"))
    for _ in range(2):
        assert inside(record, known, "user.") == {"a": 1}
        assert inside(record, known) == {"user.a": 1}
        assert besides(record, known) == {"other": 2}
        assert besides(record, list(known)) == {"other": 2}
    for number in range(2_500):  # more than are remembered, each made anew
        assert inside({f"f{number}": number}, fields(field(f"f{number}"))) == {f"f{number}": number}
