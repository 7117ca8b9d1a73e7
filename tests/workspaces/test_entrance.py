"""Signing up, signing in, invitations and health, as a browser does it."""

from __future__ import annotations

import pytest
from django.test import Client

from governance.audit.models import AuditEntry
from tests.world import BUILDER, World
from workspaces import services
from workspaces.models import Invitation, Organization, OrganizationMember, User, UserGroup, Workspace
from workspaces.scoping import unscoped, workspace_scope
from workspaces.tokens import invitation_token

PASSWORD = "correct horse battery"
FOUNDER = {
    "name": "Ada",
    "email": "Ada@Example.com",
    "password1": PASSWORD,
    "organization": "Engines",
    "workspace": "Marketing",
    "timezone": "Europe/London",
}


def events() -> list[str]:
    with unscoped("the test looks at all entries"):
        return list(AuditEntry.objects.order_by("pk").values_list("event", flat=True))


def invite(world: World, email: str) -> str:
    with workspace_scope(world.acme.workspace.pk):
        invitation = services.invite_person(
            actor=world.acme.actor,
            organization=world.acme.workspace.organization,
            email=email,
            groups=[UserGroup.objects.get(name="Editor group")],
        )
    return f"/invitations/{invitation_token(invitation)}"


@pytest.mark.django_db
def test_the_first_person_founds_the_organization(client: Client) -> None:
    assert client.get("/")["Location"] == "/accounts/signup/"
    assert "First workspace" in client.get("/accounts/signup/").content.decode()
    response = client.post("/accounts/signup/", FOUNDER)
    assert response["Location"] == "/", response.content.decode()
    assert client.get("/")["Location"] == "/marketing/"
    assert client.get("/marketing/settings").status_code == 200
    user = User.objects.get()
    assert (user.email, user.name, user.timezone) == ("ada@example.com", "Ada", "Europe/London")
    with unscoped("the test looks at everything"):
        assert Organization.objects.get().name == "Engines"
        assert Workspace.objects.get().slug == "marketing"
        assert OrganizationMember.objects.get().is_admin
    assert events() == ["person.created", "organization.created", "session.signed_in"]


@pytest.mark.django_db
def test_sign_up_then_closes(client: Client) -> None:
    client.post("/accounts/signup/", FOUNDER)
    stranger = Client()
    assert stranger.get("/")["Location"] == "/accounts/login/"
    assert "closed" in stranger.get("/accounts/signup/").content.decode().lower()
    stranger.post("/accounts/signup/", {**FOUNDER, "email": "eve@example.com"})
    assert not User.objects.filter(email="eve@example.com").exists()


@pytest.mark.django_db
def test_the_operator_can_keep_sign_up_open(client: Client, settings: object) -> None:
    client.post("/accounts/signup/", FOUNDER)
    settings.SIGNUP_OPEN = True  # type: ignore[attr-defined]
    Client().post("/accounts/signup/", {**FOUNDER, "email": "eve@example.com", "organization": "Looms"})
    with unscoped("the test looks at everything"):
        assert Organization.objects.count() == 2


@pytest.mark.django_db
def test_weak_passwords_are_refused_next_to_the_field(client: Client) -> None:
    response = client.post("/accounts/signup/", {**FOUNDER, "password1": "12345678"})
    assert "entirely numeric" in response.content.decode()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_an_unknown_time_zone_becomes_utc(client: Client) -> None:
    client.post("/accounts/signup/", {**FOUNDER, "timezone": "Middle/Earth"})
    assert User.objects.get().timezone == "UTC"


def test_a_new_person_joins_by_invitation(world: World, client: Client) -> None:
    link = invite(world, "grace@example.com")
    assert client.get(link)["Location"] == "/accounts/signup/"
    form = client.get("/accounts/signup/").content.decode()
    assert "grace@example.com" in form
    assert "First workspace" not in form
    response = client.post(
        "/accounts/signup/", {"name": "Grace", "email": "else@example.com", "password1": PASSWORD, "timezone": ""}
    )
    assert response["Location"] == "/", response.content.decode()
    user = User.objects.get(name="Grace")
    assert user.email == "grace@example.com"
    assert client.get("/", follow=False)["Location"] == "/acme/"
    assert client.get("/acme/settings/access/people").status_code == 200
    assert client.get(link).status_code == 404


def test_a_known_person_joins_by_signing_in(world: World) -> None:
    link = invite(world, "known@example.com")
    known = services.create_person(actor=BUILDER, email="known@example.com", password=PASSWORD)
    client = Client()
    assert client.get(link)["Location"] == f"/accounts/login/?next={link}"
    response = client.post(f"/accounts/login/?next={link}", {"login": known.email, "password": PASSWORD})
    assert response["Location"] == link
    assert "Join Acme" in client.get(link).content.decode()
    assert client.post(link)["Location"] == "/"
    assert client.get("/acme/settings/access/people").status_code == 200


def test_an_invitation_for_somebody_else_is_refused(world: World) -> None:
    link = invite(world, "grace@example.com")
    client = Client()
    client.force_login(world.outsider)
    response = client.post(link)
    assert response.status_code == 403
    assert "grace@example.com" in response.content.decode()
    assert client.get("/acme/settings").status_code == 404


def test_a_withdrawn_invitation_lets_nobody_sign_up(world: World, client: Client) -> None:
    link = invite(world, "grace@example.com")
    client.get(link)
    with workspace_scope(world.acme.workspace.pk):
        services.withdraw_invitation(
            actor=world.acme.actor, invitation=Invitation.objects.get(email="grace@example.com")
        )
    client.post("/accounts/signup/", {"name": "Grace", "email": "grace@example.com", "password1": PASSWORD})
    assert not User.objects.filter(name="Grace").exists()


def test_signing_in_and_out_and_failing_to_are_remembered(world: World, client: Client) -> None:
    services.change_password(actor=BUILDER, user=world["editor"], password=PASSWORD)
    client.post("/accounts/login/", {"login": "editor@acme.test", "password": "wrong"})
    client.post("/accounts/login/", {"login": "nobody@acme.test", "password": "wrong"})
    client.post("/accounts/login/", {"login": "EDITOR@acme.test", "password": PASSWORD})
    client.post("/accounts/logout/")
    assert events()[-4:] == ["password.changed", "session.refused", "session.signed_in", "session.signed_out"]
    with workspace_scope(world.acme.workspace.pk):
        entry = AuditEntry.objects.get(event="session.refused")
        assert (entry.actor_label, entry.resource_label) == ("sign-in", "editor@acme.test")
        assert entry.organization_id == world.acme.workspace.organization_id


def test_a_password_change_goes_through_its_service(world: World, client: Client) -> None:
    services.change_password(actor=BUILDER, user=world["editor"], password=PASSWORD)
    client.post("/accounts/login/", {"login": "editor@acme.test", "password": PASSWORD})
    client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "another long secret", "password2": "another long secret"},
    )
    with workspace_scope(world.acme.workspace.pk):
        entry = AuditEntry.objects.filter(event="password.changed").first()
        assert entry is not None
        assert entry.actor_label == "editor@acme.test"
    assert User.objects.get(email="editor@acme.test").check_password("another long secret")


@pytest.mark.django_db
def test_health_answers_without_signing_in(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_unknown_addresses_have_a_page(client: Client) -> None:
    response = client.get("/no/such/page/at-all")
    assert response.status_code == 404
    assert "Not found" in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_account_library_opens_no_transaction_around_our_services(client: Client) -> None:
    """Services refuse to run inside another transaction; ordinary tests cannot see that."""
    client.post("/accounts/signup/", FOUNDER)
    client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "another long secret", "password2": "another long secret"},
    )
    client.post("/accounts/reauthenticate/", {"password": "another long secret"})
    client.post("/accounts/email/", {"action_add": "", "email": "ada@engines.test"})
    client.post("/accounts/email/", {"action_primary": "", "email": "ada@engines.test"})
    client.post("/accounts/logout/")
    assert events() == [
        "person.created",
        "organization.created",
        "session.signed_in",
        "password.changed",
        "email.changed",
        "session.signed_out",
    ]
    assert User.objects.get().email == "ada@engines.test"
