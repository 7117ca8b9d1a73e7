"""Google and Microsoft: offered where they are set up, and whom they let in as whom."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers import registry
from django.conf import settings as configured
from django.core.cache import cache
from django.test import Client

from tests.syncs.app.workers import ROOT, environment
from tests.workspaces.sso.oidc_provider import agree, knows, running_provider
from tests.workspaces.test_entrance import events, invite
from tests.world import World
from workspaces.models import User
from workspaces.scoping import unscoped

DIRECTORY = "11111111-2222-3333-4444-555555555555"
BUTTONS = ("Sign in with Google", "Sign in with Microsoft")


@pytest.fixture(scope="module")
def google_program() -> Iterator[str]:
    with running_provider() as address:
        yield address


class _Microsoft(BaseHTTPRequestHandler):
    """The two addresses of Microsoft that a sign-in asks."""

    person: dict[str, object]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say({"access_token": "of-the-test", "token_type": "Bearer", "expires_in": 3600})

    def do_GET(self) -> None:
        assert self.headers["Authorization"] == "Bearer of-the-test"
        self._say(self.person)

    def _say(self, body: dict[str, object]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args: object) -> None:
        """Quiet."""


@contextmanager
def microsoft_program(**person: object) -> Iterator[str]:
    handler = type("Known", (_Microsoft,), {"person": {"id": "ms-1", "displayName": "Grace Hopper", **person}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def services_with(**changed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings of both, as where ids and secrets are set, pointed at programs on loopback."""
    base = configured.SOCIALACCOUNT_PROVIDERS
    made = {}
    for name, entry in base.items():
        app = {**entry["APPS"][0], "client_id": "headrace", "secret": "s"}
        app["settings"] = {**app.get("settings", {}), **changed.get(name, {})}
        made[name] = {**entry, "APPS": [app]}
    return made


@pytest.fixture
def offered(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, google_program: str) -> str:
    """Both are set up; the issuer that plays Google."""
    from allauth.socialaccount.providers.google import views
    from allauth.socialaccount.providers.google.provider import GoogleProvider
    from allauth.socialaccount.providers.microsoft.provider import MicrosoftGraphProvider

    cache.clear()
    registry.load()
    for provider in (GoogleProvider, MicrosoftGraphProvider):
        monkeypatch.setitem(registry.provider_map, provider.id, provider)
    settings.ROOT_URLCONF = "tests.workspaces.login_service_urls"
    settings.SOCIALACCOUNT_PROVIDERS = services_with()
    monkeypatch.setattr(views.GoogleOAuth2Adapter, "access_token_url", f"{google_program}/oauth2/token")
    monkeypatch.setattr(views.GoogleOAuth2Adapter, "authorize_url", f"{google_program}/oauth2/authorize")
    return google_program


def through_google(issuer: str, client: Client, subject: str = "g-1", start: str = "", **claims: object) -> Any:
    said = {"iss": "https://accounts.google.com", "email_verified": True, "given_name": "Grace", **claims}
    knows(issuer, subject, **said)
    left = client.post(start or "/accounts/google/login/")
    assert parse_qs(urlsplit(left["Location"]).query)["code_challenge_method"] == ["S256"]
    back = urlsplit(agree(left["Location"], subject, scope="openid email profile", nonce="n"))
    return client.get(f"{back.path}?{back.query}")


def through_microsoft(settings: Any, client: Client, tenant: str = DIRECTORY, **person: object) -> Any:
    with microsoft_program(**person) as address:
        where = {"login_url": address, "graph_url": address, "tenant": tenant}
        settings.SOCIALACCOUNT_PROVIDERS = services_with(microsoft=where)
        settings.SOCIALACCOUNT_PROVIDERS["microsoft"]["VERIFIED_EMAIL"] = tenant == DIRECTORY
        left = client.post("/accounts/microsoft/login/")
        assert left["Location"].startswith(f"{address}/{tenant}/oauth2/v2.0/authorize")
        state = parse_qs(urlsplit(left["Location"]).query)["state"][0]
        return client.get(f"/accounts/microsoft/login/callback/?code=1&state={state}")


def user_of(client: Client) -> User | None:
    found = client.session.get("_auth_user_id")
    return User.objects.get(pk=found) if found else None


def confirmed(user: User) -> User:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def test_buttons_are_shown_where_they_are_set_up(offered: str) -> None:
    page = Client().get("/accounts/login/").content.decode()
    assert all(words in page for words in BUTTONS)


@pytest.mark.django_db
def test_no_buttons_and_no_addresses_otherwise() -> None:
    page = Client().get("/accounts/login/").content.decode()
    assert not any(words in page for words in BUTTONS)
    assert Client().post("/accounts/google/login/").status_code == 404


def test_the_operators_settings_turn_each_on_by_itself() -> None:
    program = (
        "from config import settings as s; print(s.LOGIN_SERVICES,"
        " s.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'][1:],"
        " s.SOCIALACCOUNT_PROVIDERS['microsoft']['VERIFIED_EMAIL'])"
    )
    half = {"HEADRACE_GOOGLE_CLIENT_ID": "id"}
    whole = {"HEADRACE_MICROSOFT_CLIENT_ID": "id", "HEADRACE_MICROSOFT_CLIENT_SECRET": "s"}
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment(), **half, **whole},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "['microsoft'] ['https://login.microsoftonline.com'] False"


def test_a_known_person_gets_in_by_a_proven_address_and_stays_linked(offered: str, world: World) -> None:
    editor = confirmed(world["editor"])
    client = Client()
    through_google(offered, client, email="editor@acme.test")
    assert user_of(client) == editor
    assert client.get("/acme/syncs").status_code == 200
    assert set(events()[-2:]) == {"login.linked", "session.signed_in"}
    again = Client()
    through_google(offered, again, email="new-address@acme.test")
    assert user_of(again) == editor


@pytest.mark.parametrize(("here", "there"), [(False, True), (True, False)])
def test_an_address_that_either_side_has_not_proven_opens_nobodys_account(
    offered: str, world: World, here: bool, there: bool
) -> None:
    if here:
        confirmed(world["editor"])
    client = Client()
    through_google(offered, client, email="editor@acme.test", email_verified=there)
    assert user_of(client) is None
    assert not SocialAccount.objects.exists()


def test_strangers_stay_out_and_the_invited_get_in(offered: str, world: World) -> None:
    client = Client()
    through_google(offered, client, email="grace@example.com")
    assert user_of(client) is None
    assert not User.objects.filter(email="grace@example.com").exists()
    link = invite(world, "grace@example.com")
    client.get(link)
    through_google(offered, client, email="grace@example.com")
    made = user_of(client)
    assert made is not None
    assert (made.email, made.name, made.has_usable_password()) == ("grace@example.com", "Grace", False)
    assert client.get("/acme/syncs").status_code == 200
    with unscoped("the test looks at everything"):
        assert {"person.created", "member.joined", "session.signed_in"} <= set(events()[-5:])


def test_an_invitation_of_somebody_else_lets_nobody_in(offered: str, world: World) -> None:
    client = Client()
    client.get(invite(world, "grace@example.com"))
    through_google(offered, client, email="mallory@example.com")
    assert user_of(client) is None


def test_a_token_for_another_application_or_of_another_issuer_is_refused(offered: str, world: World) -> None:
    confirmed(world["editor"])
    for lie in ({"aud": "other"}, {"iss": "https://evil.test"}, {"exp": 1}):
        client = Client()
        through_google(offered, client, email="editor@acme.test", **lie)
        assert user_of(client) is None, lie


def test_an_answer_without_its_own_state_is_refused(offered: str) -> None:
    client = Client()
    client.post("/accounts/google/login/")
    client.get("/accounts/google/login/callback/?code=1&state=other")
    assert user_of(client) is None


def test_microsofts_word_counts_for_one_directory_only(offered: str, world: World, settings: Any) -> None:
    confirmed(world["editor"])
    client = Client()
    through_microsoft(settings, client, tenant="organizations", mail="editor@acme.test")
    assert user_of(client) is None
    through_microsoft(settings, client, mail="editor@acme.test")
    assert user_of(client) == world["editor"]


def test_required_single_sign_on_holds_for_them_too(offered: str, world: World) -> None:
    from tests.workspaces.sso.support import set_up
    from tests.workspaces.test_entry_rules import ask

    set_up(world)
    ask(world, sso_required=True)
    confirmed(world["editor"])
    client = Client()
    through_google(offered, client, email="editor@acme.test")
    assert client.get("/acme/syncs")["Location"].startswith("/sso/required/")


def test_no_account_elsewhere_opens_an_account_of_the_identity_provider(offered: str, world: World) -> None:
    from tests.workspaces.sso.support import Visitor, set_up

    visitor = Visitor(set_up(world))
    visitor.leave()
    visitor.bring(visitor.answer().encoded())
    through_google(offered, visitor.client, start="/accounts/google/login/?process=connect", email="g@private.test")
    assert SocialAccount.objects.get().user.email == "grace@acme.test"
    client = Client()
    response = through_google(offered, client, email="g@private.test")
    assert user_of(client) is None
    assert response["Location"] == "/sso/"
    assert "identity provider only" in client.get("/sso/").content.decode()
    assert events()[-1] == "session.refused"
