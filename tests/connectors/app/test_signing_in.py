"""Signing a destination in on a service's own page, against a real OAuth 2 provider on loopback."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.db import connection
from django.test import Client

from connectors import access, discovery, services
from connectors.models import Destination, OAuthToken
from connectors.sdk.destination import Job
from connectors.sdk.errors import AuthError
from connectors.sdk.types import Operation
from connectors.secrets import decrypt
from governance.audit.models import AuditEntry
from tests.connectors.kit.jobs import batch_of, job_for
from tests.connectors.kit.oauth_provider import CLIENT_ID, CLIENT_SECRET, Provider, oauth_provider
from tests.syncs.app.workers import ROOT, environment
from tests.world import Place, World, build_world, give_role
from workspaces.choices import RoleKind
from workspaces.models import UserGroup
from workspaces.scoping import workspace_scope

CALLBACK = "http://testserver/oauth/callback/"


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.OUTBOUND_ALLOW = ["*"]
    with oauth_provider() as running:
        running.redirect_uri = CALLBACK
        yield running


@pytest.fixture
def world(transactional_db: None) -> World:
    """Committed, as tokens are read on connections of their own."""
    return build_world()


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def destination(acme: Place, provider: Provider) -> Destination:
    return a_destination(acme, provider)


def a_destination(place: Place, provider: Provider, **changed: Any) -> Destination:
    values = {"base_url": provider.url, "oauth": {**provider.settings, **changed}}
    return services.create_destination(actor=place.actor, type="http_request", values=values, name="Rows API")


def signed_in(world: World, who: str = "owner") -> Client:
    client = Client()
    client.force_login(world.people[who])
    return client


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def begin(client: Client, destination: Destination) -> str:
    """Press Connect, as the page's script does; the service's address."""
    answer = client.post(f"/acme/destinations/{destination.pk}/sign-in", headers={"HX-Request": "true"})
    return str(answer["HX-Redirect"])


def agree(address: str, allow: str = "1") -> str:
    """Answer on the service's page; where it sends the browser then."""
    try:
        build_opener(_Stay()).open(Request(address, data=f"allow={allow}".encode()))  # noqa: S310 - loopback
    except OSError as answer:
        return str(answer.headers["Location"])  # type: ignore[attr-defined]
    raise AssertionError("the provider did not redirect")


def back(client: Client, address: str) -> Any:
    """The browser arrives at the callback."""
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}")


def connect(client: Client, destination: Destination) -> None:
    assert back(client, agree(begin(client, destination))).status_code == 302


def token() -> OAuthToken:
    return OAuthToken.objects.get()


def tokens() -> dict[str, str]:
    return decrypt(token().sealed)


def send(destination: Destination, rows: int = 1) -> None:
    """Deliver some rows as a worker does."""
    opened = access.open_destination(Destination.objects.get(pk=destination.pk))

    async def deliver(job: Job) -> None:
        async with opened.session(job) as session:
            for number in range(rows):
                assert (await session.deliver(batch_of(Operation.ADDED, [{"id": number}])))[0].accepted

    asyncio.run(deliver(job_for(opened.definition, {"added": {"method": "POST", "endpoint": "/rows"}})))


def test_the_whole_way_there_and_back(world: World, destination: Destination, provider: Provider) -> None:
    client = signed_in(world)
    before = client.get(f"/acme/destinations/{destination.pk}").content.decode()
    assert "Nobody has signed in yet." in before
    address = begin(client, destination)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert (asked["tenant"], asked["response_type"], asked["code_challenge_method"]) == ("acme", "code", "S256")
    assert (asked["redirect_uri"], asked["client_id"], asked["scope"]) == (CALLBACK, CLIENT_ID, "rows.write")
    answer = back(client, agree(address))
    assert answer["Location"] == f"/acme/destinations/{destination.pk}"
    exchanged = provider.asked[-1]
    digest = hashlib.sha256(exchanged["code_verifier"].encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert provider.headers[-1]["Authorization"].startswith("Basic ")
    page = client.get(answer["Location"]).content.decode()
    assert "Signed in at 127.0.0.1." in page
    checked = Destination.objects.get(pk=destination.pk)
    assert (checked.health, checked.last_check_message) == ("healthy", "Connected.")
    send(destination)
    assert provider.received == [{"id": 0}]
    kept = tokens()
    assert kept["access"] in provider.access
    stored = repr(AuditEntry.objects.values()) + page + repr(OAuthToken.objects.values())
    assert not [secret for secret in (*kept.values(), CLIENT_SECRET) if secret in stored]
    entry = AuditEntry.objects.get(event="destination.connected")
    assert entry.after is not None
    assert entry.after["scope"] == "rows.write"


def test_client_credentials_in_the_body_and_extra_parameters(world: World, acme: Place, provider: Provider) -> None:
    destination = a_destination(
        acme,
        provider,
        client_authentication="body",
        auth_parameters=[{"name": "prompt", "value": "consent"}, {"name": "state", "value": "fixed"}],
        extra=[{"name": "audience", "value": "rows"}],
        refresh_extra=[{"name": "audience", "value": "again"}],
    )
    client = signed_in(world)
    address = begin(client, destination)
    asked = parse_qs(urlsplit(address).query)
    assert asked["prompt"] == ["consent"]
    assert asked["state"] != ["fixed"]
    back(client, agree(address))
    assert provider.asked[-1]["client_secret"] == CLIENT_SECRET
    assert provider.asked[-1]["audience"] == "rows"
    provider.expire()
    send(destination)
    assert (provider.asked[-1]["grant_type"], provider.asked[-1]["audience"]) == ("refresh_token", "again")


def test_without_scripts_a_page_leads_there(world: World, destination: Destination, provider: Provider) -> None:
    page = signed_in(world).post(f"/acme/destinations/{destination.pk}/sign-in")
    assert f'href="{provider.url}/authorize' in page.content.decode()


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (lambda url: agree(url, allow=""), 200, "access_denied: The person said no."),
        (lambda url: f"{CALLBACK}?code=x&state=made-up", 400, "not begun here, or more than ten minutes ago"),
        (lambda url: f"{CALLBACK}?code=x", 400, "not begun here"),
        (lambda url: agree(url).replace("code=", "code=wrong"), 502, "The service gave no access token"),
    ],
    ids=["denied", "unknown state", "no state", "wrong code"],
)
def test_an_answer_that_gives_no_access_says_why(
    world: World, destination: Destination, change: Any, status: int, words: str
) -> None:
    client = signed_in(world)
    page = back(client, change(begin(client, destination)))
    assert page.status_code == status
    assert words in page.content.decode()
    assert not OAuthToken.objects.exists()


def test_an_answer_is_taken_once(world: World, destination: Destination, provider: Provider) -> None:
    client = signed_in(world)
    answer = agree(begin(client, destination))
    back(client, answer)
    asked = len(provider.asked)
    again = back(client, answer)
    assert "used already" in again.content.decode()
    assert len(provider.asked) == asked


def test_an_answer_belongs_to_who_began_and_to_their_browser(world: World, destination: Destination) -> None:
    client, elsewhere, other = signed_in(world), signed_in(world), signed_in(world, "admin")
    for visitor, words in ((other, "Somebody else"), (elsewhere, "another browser")):
        answer = agree(begin(client, destination))
        assert words in back(visitor, answer).content.decode()
        assert "used already" in back(client, answer).content.decode()
    assert not OAuthToken.objects.exists()
    assert back(Client(), agree(begin(client, destination)))["Location"].startswith("/accounts/login/")


def test_an_answer_that_comes_too_late_is_refused(world: World, destination: Destination) -> None:
    client = signed_in(world)
    answer = agree(begin(client, destination))
    cache.clear()
    assert "more than ten minutes ago" in back(client, answer).content.decode()


def test_only_who_may_change_the_connection_signs_it_in(world: World, destination: Destination) -> None:
    for who in ("viewer", "drafter", "editor"):
        assert signed_in(world, who).post(f"/acme/destinations/{destination.pk}/sign-in").status_code == 403


def test_rights_lost_on_the_way_are_noticed(world: World, destination: Destination, provider: Provider) -> None:
    client = signed_in(world, "admin")
    answer = agree(begin(client, destination))
    give_role(world.acme.workspace, UserGroup.objects.get(name="Admin group"), RoleKind.VIEWER)
    page = back(client, answer)
    assert page.status_code == 403
    assert provider.asked == []
    assert not OAuthToken.objects.exists()


def test_an_address_changed_on_the_way_gets_no_code(
    world: World, acme: Place, destination: Destination, provider: Provider
) -> None:
    client = signed_in(world)
    answer = agree(begin(client, destination))
    moved = {**provider.settings, "token_url": "http://localhost:9/token"}
    services.update_destination(actor=acme.actor, destination=destination, values={"oauth": moved})
    assert "changed during the sign-in" in back(client, answer).content.decode()
    assert provider.asked == []


def test_a_refused_access_token_is_renewed_and_kept(world: World, destination: Destination, provider: Provider) -> None:
    connect(signed_in(world), destination)
    first = tokens()
    provider.expire()
    send(destination, rows=3)
    assert len(provider.received) == 3
    second = tokens()
    assert second["access"] != first["access"]
    assert second["refresh"] != first["refresh"]
    assert [form["grant_type"] for form in provider.asked] == ["authorization_code", "refresh_token"]


def test_workers_that_renew_at_once_spend_one_refresh_token(
    world: World, destination: Destination, provider: Provider
) -> None:
    connect(signed_in(world), destination)
    provider.expire()
    together = threading.Barrier(6)
    failures: list[BaseException] = []

    def worker() -> None:
        together.wait(20)
        try:
            with workspace_scope(destination.workspace_id):
                send(destination)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=worker) for _ in range(6)]
    for started in workers:
        started.start()
    for started in workers:
        started.join(60)
    assert failures == []
    assert len(provider.received) == 6
    assert [form["grant_type"] for form in provider.asked].count("refresh_token") == 1
    assert provider.reused == 0


def test_consent_that_was_withdrawn_asks_for_a_person_and_reconnecting_loses_nothing(
    world: World, destination: Destination, provider: Provider
) -> None:
    client = signed_in(world)
    connect(client, destination)
    provider.revoke()
    with pytest.raises(AuthError, match="did not renew") as caught:
        send(destination)
    assert "Reconnect" in caught.value.hint
    asked = len(provider.asked)
    with pytest.raises(AuthError, match="did not renew"):
        send(destination)
    assert len(provider.asked) == asked, "a consent that is over is not tried again and again"
    outcome = discovery.check(Destination.objects.get(pk=destination.pk))
    assert (outcome.ok, "Reconnect" in outcome.hint) == (False, True)
    page = client.get(f"/acme/destinations/{destination.pk}").content.decode()
    assert "The sign-in no longer holds." in page
    before = Destination.objects.values("config", "secret_config", "name").get(pk=destination.pk)
    connect(client, destination)
    send(destination)
    assert provider.received == [{"id": 0}]
    assert Destination.objects.values("config", "secret_config", "name").get(pk=destination.pk) == before


def test_an_outage_of_the_token_address_is_no_refusal(
    world: World, destination: Destination, provider: Provider
) -> None:
    connect(signed_in(world), destination)
    provider.expire()
    provider.down = True
    with pytest.raises(Exception, match="busy"):
        send(destination)
    provider.down = False
    send(destination)
    assert token().refused_at is None


def test_a_wrong_client_secret_is_no_withdrawn_consent(
    world: World, acme: Place, destination: Destination, provider: Provider
) -> None:
    connect(signed_in(world), destination)
    wrong = {**provider.settings, "client_secret": "no longer"}
    services.update_destination(actor=acme.actor, destination=destination, values={"oauth": wrong})
    provider.expire()
    with pytest.raises(AuthError, match="invalid_client"):
        send(destination)
    services.update_destination(actor=acme.actor, destination=destination, values={"oauth": provider.settings})
    send(destination)
    assert provider.received == [{"id": 0}]


def test_a_worker_killed_while_it_renews_lets_the_next_one_try_and_say_what_happened(
    world: World, destination: Destination, provider: Provider
) -> None:
    connect(signed_in(world), destination)
    provider.expire()
    spent = tokens()["refresh"]
    renew_and_die(destination)
    # The provider replaced the refresh token, and nobody stored the new one.
    assert tokens()["refresh"] == spent
    with pytest.raises(AuthError, match="was interrupted before its answer was stored") as caught:
        send(destination)
    assert "Reconnect" in caught.value.hint
    connect(signed_in(world), destination)
    send(destination)
    assert provider.received == [{"id": 0}]


def renew_and_die(destination: Destination) -> None:
    """Renew in another process that is killed between the answer and storing it."""
    script = (
        "import django, os, signal; django.setup()\n"
        "from connectors.services import tokens\n"
        "tokens.keep_renewed = lambda row, fresh: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from connectors.models import Destination\n"
        "from tests.connectors.app.test_signing_in import send\n"
        "from workspaces.scoping import workspace_scope\n"
        f"with workspace_scope({destination.workspace_id}):\n"
        f"    send(Destination.objects.get(pk={destination.pk}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        cwd=ROOT,
        env={**environment(), "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert done.returncode == -9


def test_tokens_are_not_sent_to_another_host(
    world: World, acme: Place, destination: Destination, provider: Provider
) -> None:
    client = signed_in(world)
    connect(client, destination)
    values = {"base_url": f"http://localhost:{provider.port}", "oauth": provider.settings}
    moved = services.update_destination(actor=acme.actor, destination=destination, values=values)
    with pytest.raises(AuthError, match="address has changed"):
        send(moved)
    assert provider.received == []
    assert "Sign in again." in client.get(f"/acme/destinations/{destination.pk}").content.decode()
    connect(client, moved)
    send(moved)
    assert provider.received == [{"id": 0}]


def test_a_sign_in_can_be_removed(world: World, destination: Destination) -> None:
    client = signed_in(world)
    connect(client, destination)
    client.post(f"/acme/destinations/{destination.pk}/sign-out")
    assert not OAuthToken.objects.exists()
    with pytest.raises(AuthError, match="Nobody has signed in"):
        send(destination)


def test_tokens_and_codes_are_in_no_log(
    world: World, destination: Destination, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        connect(signed_in(world), destination)
        send(destination)
    text = caplog.text
    assert not [secret for secret in (*tokens().values(), CLIENT_SECRET) if secret in text]


def test_keys_are_rotated_for_tokens_too(world: World, acme: Place, destination: Destination, settings: Any) -> None:
    connect(signed_in(world), destination)
    before = tokens()
    old, new = settings.SECRET_KEYS, Fernet.generate_key().decode()
    settings.SECRET_KEYS = [new, *old]
    services.rotate_credentials(actor=acme.actor, workspace=acme.workspace)
    settings.SECRET_KEYS = [new]
    assert tokens() == before
