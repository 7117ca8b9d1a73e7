"""What an organization asks of whoever enters: how long sessions last, from where, and through which door."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.template.loader import render_to_string
from django.test import Client

from config.errors import Invalid
from tests.workspaces.sso.oidc_provider import prove
from tests.workspaces.sso.support import set_up
from tests.workspaces.test_entrance import events
from tests.world import BUILDER, World
from workspaces import services
from workspaces.models import OrganizationMember, User
from workspaces.scoping import workspace_scope

PASSWORD = "correct horse battery"
MINUTE = 60.0


class Clock:
    """The time that the rules go by."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def forward(self, minutes: float) -> None:
        self.ahead += minutes * MINUTE


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("workspaces.entry.time", SimpleNamespace(time=made.time))
    return made


def ask(world: World, address: str = "127.0.0.1", **rules: Any) -> None:
    with workspace_scope(world.acme.workspace.pk):
        organization = world.acme.workspace.organization
        services.set_sign_in_rules(
            actor=world.acme.actor, organization=organization, rules=services.Rules(**rules), address=address
        )


def browser(user: User, address: str = "127.0.0.1", **headers: str) -> Client:
    client = Client(REMOTE_ADDR=address, headers=headers)
    client.force_login(user)
    return client


def status(client: Client, path: str = "/acme/syncs", **headers: str) -> int:
    return client.get(path, headers=headers).status_code


def with_password(user: User) -> User:
    cache.clear()
    services.change_password(actor=BUILDER, user=user, password=PASSWORD)
    return user


# --- how long ---------------------------------------------------------------------


def test_a_session_that_nobody_uses_ends(world: World, clock: Clock) -> None:
    ask(world, idle_minutes=10)
    client = browser(world["editor"])
    for _ in range(3):
        clock.forward(9)
        assert status(client) == 200
    clock.forward(11)
    response = client.get("/acme/syncs")
    assert response["Location"] == "/accounts/login/?next=%2Facme%2Fsyncs"
    assert "10 minutes without use" in client.get(response["Location"]).content.decode()
    assert client.get("/me/sessions").status_code == 302
    assert events()[-1] == "session.signed_out"


def test_a_page_that_fetches_itself_again_is_not_use(world: World, clock: Clock) -> None:
    ask(world, idle_minutes=10)
    client = browser(world["editor"])
    clock.forward(6)
    live = {"HX-Request": "true", "X-Headrace-Live": "1"}
    assert status(client, **live) == 200
    clock.forward(6)
    answer = client.get("/acme/syncs", headers=live)
    assert (answer.status_code, answer["HX-Redirect"].split("?")[0]) == (401, "/accounts/login/")


def test_every_live_region_says_that_nobody_asked(world: World) -> None:
    made = render_to_string("governance/parts/verdict.html", {"going_on": True, "verify_url": "/x"})
    assert """hx-headers='{"X-Headrace-Live": "1"}'""" in made


def test_a_session_ends_in_any_case(world: World, clock: Clock) -> None:
    ask(world, lifetime_hours=1)
    client = browser(world["editor"])
    for _ in range(6):
        clock.forward(9)
        assert status(client) == 200
    clock.forward(7)
    assert "sessions last 1 hours" in client.get("/acme/syncs", follow=True).content.decode()


def test_the_rules_of_one_organization_are_not_those_of_another(world: World, clock: Clock) -> None:
    ask(world, idle_minutes=10, networks=("127.0.0.0/8",))
    client = browser(world.outsider, "198.51.100.7")
    clock.forward(60)
    assert status(client, "/globex/syncs") == 200


# --- which sessions there are -----------------------------------------------------


def test_people_see_their_sessions_and_end_them(world: World) -> None:
    editor = with_password(world["editor"])
    here, there, elsewhere = (Client(headers={"User-Agent": name}) for name in ("Here", "There", "Elsewhere"))
    for client in (here, there, elsewhere):
        client.post("/accounts/login/", {"login": editor.email, "password": PASSWORD})
    page = here.get("/me/sessions")
    rows = page.context["sessions"]
    assert [row.user_agent for row in rows] == ["Here", "Elsewhere", "There"]
    here.post("/me/sessions", {"session": str(rows[1].pk)})
    assert [status(client) for client in (here, there, elsewhere)] == [200, 200, 302]
    here.post("/me/sessions", {"session": ""})
    assert [status(client) for client in (here, there)] == [200, 302]
    assert events()[-1] == "session.ended"


def test_nobody_ends_the_sessions_of_others(world: World) -> None:
    from allauth.usersessions.models import UserSession

    viewer = Client()
    with_password(world["viewer"])
    viewer.post("/accounts/login/", {"login": world["viewer"].email, "password": PASSWORD})
    theirs = UserSession.objects.get(user=world["viewer"])
    browser(world["editor"]).post("/me/sessions", {"session": str(theirs.pk)})
    assert status(viewer) == 200


def test_an_admin_signs_a_person_out_everywhere(world: World) -> None:
    editor = with_password(world["editor"])
    client = Client()
    client.post("/accounts/login/", {"login": editor.email, "password": PASSWORD})
    with workspace_scope(world.acme.workspace.pk):
        member = OrganizationMember.objects.get(user=editor)
    path = f"/acme/organization/people/{member.pk}/end-sessions"
    assert browser(world["viewer"]).post(path).status_code == 403
    assert status(client) == 200
    assert browser(world.owner).post(path).status_code == 302
    assert status(client) == 302


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(world: World) -> None:
    editor = with_password(world["editor"])
    here, there = Client(), Client()
    for client in (here, there):
        client.post("/accounts/login/", {"login": editor.email, "password": PASSWORD})
    new = "another long secret"
    here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert [status(client) for client in (here, there)] == [200, 302]
    assert len(here.get("/me/sessions").context["sessions"]) == 1


# --- from where -------------------------------------------------------------------

NETWORKS = ("203.0.113.0/24", "2001:db8:aa::/48", "127.0.0.1")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.9", 200),
        ("203.0.114.9", 403),
        ("2001:db8:aa:1::7", 200),
        ("2001:db8:ab::7", 403),
        ("::ffff:203.0.113.9", 200),
        ("::ffff:198.51.100.1", 403),
    ],
)
def test_only_listed_networks_get_in(world: World, address: str, expected: int) -> None:
    ask(world, networks=NETWORKS)
    client = browser(world["editor"], address)
    response = client.get("/acme/syncs")
    assert response.status_code == expected
    if expected == 403:
        assert "from certain networks only" in response.content.decode()


def test_api_keys_are_held_to_the_networks_too(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        made = services.create_api_key(actor=world.acme.actor, workspace=world.acme.workspace, name="CI")
    ask(world, networks=NETWORKS)
    bearer = {"Authorization": f"Bearer {made.secret}"}
    assert Client(REMOTE_ADDR="203.0.113.9").get("/api/v1/syncs", headers=bearer).status_code == 200
    assert Client(REMOTE_ADDR="198.51.100.1").get("/api/v1/syncs", headers=bearer).status_code == 403


@pytest.mark.parametrize(("holds", "expected"), [(True, 403), (False, 200)])
def test_scim_is_held_to_the_networks_where_that_is_on(world: World, holds: bool, expected: int) -> None:
    with workspace_scope(world.acme.workspace.pk):
        token = world.acme.rows["scim_token"]
    ask(world, networks=NETWORKS, networks_for_scim=holds)
    headers = {"Authorization": f"Bearer {token}"}
    users = "/api/scim/v2/Users"
    assert Client(REMOTE_ADDR="203.0.113.9").get(users, headers=headers).status_code == 200
    refused = Client(REMOTE_ADDR="198.51.100.1").get(users, headers=headers)
    assert refused.status_code == expected
    assert ("certain networks only" in refused.text) == holds


def test_a_header_lets_nobody_in_unless_a_proxy_is_trusted(world: World, settings: Any) -> None:
    ask(world, networks=NETWORKS)
    told = {"X-Forwarded-For": "203.0.113.9"}
    client = browser(world["editor"], "198.51.100.1")
    assert status(client, **told) == 403
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert status(client, **told) == 200
    assert status(client, **{"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}) == 403


def test_nobody_locks_themselves_out_and_nonsense_is_refused(world: World) -> None:
    for networks, words in ((("198.51.100.0/24",), "lock yourself out"), (("office",), "is not a network")):
        with pytest.raises(Exception) as refused:  # noqa: PT011 - the field's message is what is looked at
            ask(world, networks=networks)
        assert words in refused.value.fields["networks"]  # type: ignore[attr-defined]


# --- how they prove who they are --------------------------------------------------


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("shorter", "at least 12 characters"),
        ("123456789012345", "entirely numeric"),
        ("editor@acme.test", "too similar"),
        ("password1234", "too common"),
    ],
)
def test_weak_passwords_are_refused(world: World, password: str, words: str) -> None:
    editor = with_password(world["editor"])
    client = Client()
    client.post("/accounts/login/", {"login": editor.email, "password": PASSWORD})
    form = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    assert words in client.post("/accounts/password/change/", form).content.decode()
    editor.refresh_from_db()
    assert editor.check_password(PASSWORD)


def test_an_account_waits_after_failures_and_says_for_how_long(world: World) -> None:
    editor = with_password(world["editor"])

    def attempt(email: str, password: str, address: str) -> str:
        client = Client(REMOTE_ADDR=address)
        response = client.post("/accounts/login/", {"login": email, "password": password})
        return "in" if response.status_code == 302 else response.content.decode()

    for n in range(5):
        assert "not correct" in attempt(editor.email, "wrong", f"198.51.100.{n}")
        assert "not correct" in attempt("nobody@acme.test", "wrong", f"198.51.101.{n}")
    for email in (editor.email, "nobody@acme.test"):
        assert "Too many failed attempts. Try again in 5 minutes." in attempt(email, PASSWORD, "192.0.2.1")
    assert attempt(with_address(world["viewer"]).email, PASSWORD, "198.51.100.1") == "in"
    assert events().count("session.refused") == 5


def with_address(user: User) -> User:
    """A person with a password, without forgetting who failed before."""
    services.change_password(actor=BUILDER, user=user, password=PASSWORD)
    return user


# --- through which door -----------------------------------------------------------


def test_people_of_a_proven_domain_are_sent_to_single_sign_on(world: World) -> None:
    editor = with_password(world["editor"])
    set_up(world)
    form = {"login": editor.email, "password": PASSWORD}
    assert Client().post("/accounts/login/", form).status_code == 302
    prove(world, "acme.test")
    client = Client()
    page = client.post("/accounts/login/", form)
    assert "/sso/acme" in page.content.decode()
    assert status(client) == 302
    guest = Client()
    assert guest.post("/accounts/login/", {**form, "use_password": "on"}).status_code == 302
    assert status(guest) == 200
    stranger = {"login": "nobody@acme.test", "password": PASSWORD}
    assert "/sso/acme" in Client().post("/accounts/login/", stranger).content.decode()
    assert (
        "/sso/acme" not in Client().post("/accounts/login/", {**form, "login": world.outsider.email}).content.decode()
    )


def test_required_single_sign_on_refuses_passwords_but_for_admins(world: World) -> None:
    set_up(world)
    prove(world, "acme.test")
    ask(world, sso_required=True)
    for name, expected in (("editor", 302), ("owner", 200)):
        user = with_password(world.people[name])
        client = Client()
        form = {"login": user.email, "password": PASSWORD, "use_password": "on"}
        assert client.post("/accounts/login/", form).status_code == 302
        response = client.get("/acme/syncs")
        assert response.status_code == expected
        if expected == 302:
            assert response["Location"].startswith("/sso/required/")
            assert "requires single sign-on" in client.get(response["Location"]).content.decode()
    assert status(browser(world.outsider), "/globex/syncs") == 200


def test_single_sign_on_is_required_only_once_it_works(world: World) -> None:
    with pytest.raises(Exception) as refused:  # noqa: PT011 - the field's message is what is looked at
        ask(world, sso_required=True)
    assert "Test single sign-on" in refused.value.fields["sso_required"]  # type: ignore[attr-defined]


def test_the_provider_turned_off_lets_people_in_with_their_own_accounts_again(world: World) -> None:
    provider = set_up(world)
    prove(world, "acme.test")
    ask(world, sso_required=True)
    with workspace_scope(world.acme.workspace.pk):
        services.switch_identity_provider(actor=world.acme.actor, provider=provider, enabled=False)
    editor = with_password(world["editor"])
    client = Client()
    client.post("/accounts/login/", {"login": editor.email, "password": PASSWORD})
    assert status(client) == 200


def test_without_inviting_everybody_but_admins_comes_by_the_identity_provider(world: World) -> None:
    owner, page = with_password(world.owner), "/acme/organization/single-sign-on"
    boss = Client()
    boss.post("/accounts/login/", {"login": owner.email, "password": PASSWORD, "use_password": "on"})
    set_up(world)
    assert "have accounts of their own" in boss.get(page).content.decode()
    editor = browser(world["editor"])
    boss.post("/accounts/reauthenticate/", {"password": PASSWORD})
    answer = boss.post(f"{page}/inviting", follow=True)
    assert [str(message) for message in answer.context["messages"]] == [
        "Everybody but organization admins comes by the identity provider."
    ], answer.redirect_chain
    assert "organization.updated" in events()
    contractor = {"emails": "contractor@else.test", "is_viewer": "on"}
    assert "Invitations are off" in boss.post("/acme/organization/people/invite", contractor).content.decode()
    assert editor.get("/acme/syncs")["Location"].startswith("/sso/required/")
    assert status(boss) == 200
    assert boss.post(f"{page}/inviting", {"allowed": "on"}).status_code == 302
    assert status(editor) == 200
    assert "/invitations/" in boss.post("/acme/organization/people/invite", contractor).content.decode()


def test_inviting_stays_where_nobody_could_come_otherwise(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk), pytest.raises(Invalid) as refused:
        services.allow_inviting(actor=world.acme.actor, organization=world.acme.workspace.organization, allowed=False)
    assert "Test single sign-on" in refused.value.fields["sso_required"]
