"""Users that are pushed: made, found, changed, deactivated and deleted, in one organization only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from governance.audit.models import AuditEntry
from tests.workspaces.scim.support import Pusher, account, groups_of, place_of
from tests.world import BUILDER, World
from workspaces import services
from workspaces.models import ApiKey, DirectoryPerson, OrganizationMember, User
from workspaces.scoping import unscoped, workspace_scope
from workspaces.services.operators import bar_person, readmit_person

WORK = 'emails[type eq "work"].value'


def last_entry() -> AuditEntry:
    """What SCIM did last, as the audit log has it."""
    with unscoped("the test looks at all entries"):
        found = AuditEntry.objects.filter(actor_label__startswith="SCIM of").order_by("-pk").first()
    assert found is not None
    return found


def sign_in(world: World, subject: str, email: str, groups: list[str] | None = None) -> User:
    with workspace_scope(world.acme.workspace.pk):
        provider = world.acme.rows["identity_provider"]
    return services.admit_person(
        actor=BUILDER, provider=provider, subject=subject, email=email, name="Grace H.", groups=groups
    )


def test_a_pushed_user_has_a_place_before_they_ever_sign_in(acme: Pusher) -> None:
    said = acme.add_user(displayName="Grace", externalId="00u1", name={"givenName": "Grace", "familyName": "Hopper"})
    member = place_of("grace@acme.test")
    assert (member.user.name, member.user.is_active, member.user.has_usable_password()) == ("Grace", True, False)
    assert member.organization_id == acme.organization.pk
    assert said["emails"] == [{"value": "grace@acme.test", "type": "work", "primary": True}]
    assert said["meta"]["location"].endswith(f"/api/scim/v2/Users/{said['id']}")
    entry = last_entry()
    assert (entry.event, entry.actor_label) == ("directory_person.provisioned", "SCIM of Acme")
    assert entry.organization_id == acme.organization.pk


def test_a_provider_may_leave_out_the_user_name_and_send_much_more(acme: Pusher) -> None:
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:x:2.0:User"],
        "emails": [{"value": "Home@acme.test", "type": "home"}, {"value": "Work@acme.test", "type": "work"}],
        "active": "True",
        "password": "t0p-secret",
        "title": "Admiral",
        "urn:ietf:params:scim:schemas:extension:x:2.0:User": {"department": "Navy"},
    }
    answer = acme.send("POST", "Users", body)
    assert answer.status_code == 201, answer.content
    assert (answer.said["userName"], answer.said["active"]) == ("Home@acme.test", True)
    assert not {"password", "title"} & answer.said.keys()
    assert not account("work@acme.test").has_usable_password()


def test_the_same_user_twice_is_a_conflict(acme: Pusher) -> None:
    acme.add_user()
    answer = acme.send("POST", "Users", {"userName": "GRACE@acme.test"})
    assert (answer.status_code, answer.said["scimType"], answer.said["status"]) == (409, "uniqueness", "409")
    assert answer.said["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answer["Content-Type"] == "application/scim+json"


def test_somebody_who_signed_in_before_is_found_by_address_and_linked(acme: Pusher, world: World) -> None:
    user = sign_in(world, "saml-1", "grace@acme.test")
    found = acme.send("GET", 'Users?filter=emails[type eq "work"].value eq "Grace@acme.test"').said["Resources"]
    assert [(f["userName"], f["displayName"]) for f in found] == [("grace@acme.test", "Grace H.")]
    said = acme.add_user("ghopper", emails=[{"value": "grace@acme.test", "type": "work"}])
    assert said["id"] == found[0]["id"]
    assert account("grace@acme.test").pk == user.pk


def test_who_was_pushed_first_signs_in_to_the_same_account(acme: Pusher, world: World) -> None:
    for number, subject in enumerate(("00u0", "G1@acme.test", "something else")):
        email = f"g{number}@acme.test"
        acme.add_user(email, displayName="Grace", externalId=f"00u{number}")
        user = sign_in(world, subject, email)
        assert user.pk == account(email).pk
        assert user.name == "Grace", "what is pushed stays as it was pushed"
        assert sign_in(world, subject, "other@acme.test").email == email
    assert User.objects.filter(sso_organization__isnull=False).count() == 3


def test_an_address_that_two_pushed_people_have_links_nobody(acme: Pusher, world: World) -> None:
    for name in ("one", "two"):
        acme.add_user(name, emails=[{"value": "shared@acme.test"}])
    assert sign_in(world, "three", "shared@acme.test").pk not in set(
        DirectoryPerson._base_manager.filter(provisioned_at__isnull=False).values_list("user_id", flat=True)
    )


def test_patches_of_real_providers(acme: Pusher) -> None:
    path = f"Users/{acme.add_user()['id']}"
    entra: list[dict[str, Any]] = [
        {"op": "Add", "path": 'emails[type eq "home"].value', "value": "g@home.test"},
        {"op": "Replace", "path": "displayName", "value": "Amazing Grace"},
        {"op": "Replace", "value": {"name.givenName": "Grace", "title": "Admiral"}},
        {"op": "Replace", "path": "active", "value": "False"},
    ]
    said = acme.patch(path, *entra).said
    assert (said["displayName"], said["active"], said["name"]) == ("Amazing Grace", False, {"givenName": "Grace"})
    assert {"value": "g@home.test", "type": "home"} in said["emails"]
    okta = {"op": "replace", "value": {"active": True}}
    assert acme.patch(path, okta).said["active"] is True
    assert acme.patch(path, {"op": "replace", "path": WORK, "value": "new@acme.test"}).status_code == 200
    assert account("new@acme.test").name == "Amazing Grace"


def test_a_put_replaces_and_lets_nobody_in_by_saying_nothing(acme: Pusher) -> None:
    said = acme.add_user(displayName="Grace", active=False)
    path = f"Users/{said['id']}"
    replaced = acme.send("PUT", path, {"userName": "grace@acme.test", "externalId": "x"}).said
    assert "displayName" not in replaced
    assert (replaced["active"], replaced["externalId"]) == (False, "x")


def test_versions_keep_two_changes_from_undoing_each_other(acme: Pusher) -> None:
    said = acme.add_user()
    path, version = f"Users/{said['id']}", said["meta"]["version"]
    change = {"op": "replace", "path": "displayName", "value": "G"}
    assert acme.send("GET", path, **{"If-None-Match": version}).status_code == 304
    newer = acme.patch(path, change, **{"If-Match": version})
    assert newer["ETag"] != version
    assert acme.patch(path, change, **{"If-Match": version}).status_code == 412
    assert acme.patch(path, change)["ETag"] == newer["ETag"], "nothing changed"


class TestDeactivation:
    @pytest.fixture
    def browser(self, acme: Pusher, world: World) -> Client:
        """Grace, signed in and in a group that may build things."""
        self.path = f"Users/{acme.add_user()['id']}"
        acme.add_group("Makers", {"id": self.path.removeprefix("Users/")})
        acme.map("Makers", "Editor group")
        client = Client()
        user = account("grace@acme.test")
        client.force_login(user)
        key = client.session.session_key
        UserSession.objects.create(user=user, ip="10.1.2.3", session_key=key, user_agent="")
        assert client.get("/acme/syncs").status_code == 200
        return client

    @pytest.fixture
    def key(self, acme: Pusher, world: World, browser: Client) -> str:
        with workspace_scope(world.acme.workspace.pk):
            made = services.create_api_key(
                actor=BUILDER, workspace=world.acme.workspace, name="g", owner=account("grace@acme.test")
            )
        return made.secret

    def switch(self, acme: Pusher, active: bool) -> Any:
        return acme.patch(self.path, {"op": "replace", "path": "active", "value": active})

    def test_ends_sessions_and_keys_at_once(self, acme: Pusher, browser: Client, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        assert Client().get("/api/v1/models", headers=headers).status_code == 200
        assert self.switch(acme, False).status_code == 200
        assert browser.get("/acme/syncs")["Location"].startswith("/accounts/login/")
        assert Client().get("/api/v1/models", headers=headers).status_code == 401
        entry = last_entry()
        assert entry.event == "directory_person.updated"
        assert entry.after == {"active": False, "stopped_keys": ["g"], "ended_sessions": 1}

    def test_bars_sign_in_until_the_person_is_active_again(self, acme: Pusher, world: World, browser: Client) -> None:
        self.switch(acme, False)
        with pytest.raises(services.directory.Deactivated):
            sign_in(world, "1", "grace@acme.test")
        self.switch(acme, True)
        assert sign_in(world, "1", "grace@acme.test").is_active
        assert groups_of("grace@acme.test") == ["Editor group"]

    def test_opens_nothing_that_the_operator_shut(self, acme: Pusher, world: World, browser: Client) -> None:
        user = account("grace@acme.test")
        bar_person(actor=BUILDER, user=user)
        assert browser.get("/acme/syncs")["Location"].startswith("/accounts/login/")
        for active in (False, True):
            assert self.switch(acme, active).said["active"] is active
            assert not account("grace@acme.test").is_active
            with pytest.raises(services.directory.Deactivated):
                sign_in(world, "1", "grace@acme.test")
        assert acme.names("Users?filter=active eq true") == ["grace@acme.test"], "what the provider pushed"
        self.switch(acme, False)
        readmit_person(actor=BUILDER, user=user)
        assert not account("grace@acme.test").is_active, "the provider has deactivated them since"
        self.switch(acme, True)
        assert account("grace@acme.test").is_active

    def test_keys_stay_stopped_when_the_person_comes_back(self, acme: Pusher, key: str) -> None:
        self.switch(acme, False)
        self.switch(acme, True)
        assert Client().get("/api/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code == 401

    def test_a_deleted_person_is_gone_and_comes_back_as_the_same(self, acme: Pusher, world: World, key: str) -> None:
        user = account("grace@acme.test")
        assert acme.send("DELETE", self.path).status_code == 204
        assert acme.send("GET", self.path).status_code == 404
        assert acme.send("DELETE", self.path).status_code == 404
        assert acme.names("Users") == []
        assert acme.names("Groups?filter=members pr") == []
        with unscoped("the test looks at everybody"):
            assert not OrganizationMember.objects.filter(user=user).exists()
            assert ApiKey.objects.get(name="g").revoked_at is not None
        with pytest.raises(services.directory.Deactivated):
            sign_in(world, "1", "grace@acme.test")
        assert acme.add_user()["id"] == self.path.removeprefix("Users/")
        assert place_of("grace@acme.test").user_id == user.pk
        assert groups_of("grace@acme.test") == []

    def test_the_last_admin_cannot_be_deactivated(self, acme: Pusher, world: World, browser: Client) -> None:
        with unscoped("the test makes grace the only admin"):
            OrganizationMember.objects.filter(organization=acme.organization).update(is_admin=False)
            OrganizationMember.objects.filter(user=account("grace@acme.test")).update(is_admin=True)
        for answer in (self.switch(acme, False), acme.send("DELETE", self.path)):
            assert (answer.status_code, "last organization admin" in answer.said["detail"]) == (409, True)
        assert browser.get("/acme/syncs").status_code == 200


class TestWalls:
    def test_nobody_of_another_organization_is_seen_or_touched(self, acme: Pusher, globex: Pusher) -> None:
        user, group = acme.add_user(), acme.add_group("Makers")
        for path in (f"Users/{user['id']}", f"Groups/{group['id']}"):
            assert globex.send("GET", path).status_code == 404
            assert globex.send("PUT", path, {"userName": "x@globex.test", "displayName": "X"}).status_code == 404
            assert globex.patch(path, {"op": "replace", "path": "displayName", "value": "X"}).status_code == 404
            assert globex.send("DELETE", path).status_code == 404
        assert (globex.names("Users"), globex.names("Groups")) == ([], ["Everybody"])
        assert globex.send("GET", f'Users?filter=id eq "{user["id"]}"').said["totalResults"] == 0
        member = globex.send("POST", "Groups", {"displayName": "G", "members": [{"value": user["id"]}]})
        assert (member.status_code, member.said["scimType"]) == (400, "invalidValue")

    def test_an_account_of_ones_own_with_the_same_address_is_another(self, acme: Pusher, world: World) -> None:
        own = world["editor"]
        said = acme.add_user(own.email, displayName="Impostor")
        assert account(own.email).pk != own.pk
        acme.send("DELETE", f"Users/{said['id']}")
        own.refresh_from_db()
        assert (own.is_active, own.name) == (True, world["editor"].name)

    def test_the_same_person_may_be_pushed_to_two_organizations(self, acme: Pusher, globex: Pusher) -> None:
        acme.add_user()
        globex.add_user()
        assert User.objects.filter(email="grace@acme.test").count() == 2

    def test_only_addresses_of_proven_domains_where_there_are_any(self, acme: Pusher, world: World) -> None:
        with workspace_scope(world.acme.workspace.pk):
            domain = services.add_email_domain(actor=BUILDER, organization=acme.organization, domain="acme.test")
            services.verify_email_domain(actor=BUILDER, domain=domain, texts=lambda name: [])
        answer = acme.send("POST", "Users", {"userName": "guest@elsewhere.test"})
        assert (answer.status_code, answer.said["scimType"]) == (400, "invalidValue")
        path = f"Users/{acme.add_user()['id']}"
        moved = acme.patch(path, {"op": "replace", "path": WORK, "value": "guest@elsewhere.test"})
        assert moved.status_code == 400
        assert json.loads(acme.send("GET", path).content)["emails"][0]["value"] == "grace@acme.test"
