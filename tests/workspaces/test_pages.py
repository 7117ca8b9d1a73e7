"""The settings pages, as a browser uses them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import make_password
from django.test import Client

from governance.audit.models import AuditEntry
from tests.world import World
from workspaces import services
from workspaces.models import (
    ApiKey,
    GroupRole,
    Invitation,
    OrganizationMember,
    Role,
    SignInRules,
    User,
    UserGroup,
    Workspace,
)
from workspaces.scoping import unscoped, workspace_scope
from workspaces.tokens import digest

SETTINGS = "/acme/settings"
ORGANIZATION = "/acme/organization"


@pytest.fixture
def client_of(world: World) -> Callable[[str], Client]:
    def sign_in(name: str) -> Client:
        client = Client()
        client.force_login(world[name])
        return client

    return sign_in


def shown(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def test_an_admin_changes_name_and_address(world: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("admin")
    response = client.post(SETTINGS, {"name": "Acme EU", "slug": "acme-eu"})
    assert response["Location"] == "/acme-eu/settings"
    assert "Acme EU" in shown(client, "/acme-eu/settings")
    assert client.get(SETTINGS)["Location"] == "/acme-eu/settings"


def test_a_taken_address_is_refused_next_to_its_field(world: World, client_of: Callable[[str], Client]) -> None:
    response = client_of("admin").post(SETTINGS, {"name": "Acme", "slug": "globex"})
    assert response.status_code == 422
    assert "is or was the address of another workspace" in response.content.decode()


def test_viewers_see_settings_without_forms(world: World, client_of: Callable[[str], Client]) -> None:
    page = shown(client_of("viewer"), SETTINGS)
    assert 'name="slug"' not in page
    assert "New workspace" not in page


def test_the_rail_shows_what_a_person_may_open(world: World, client_of: Callable[[str], Client]) -> None:
    assert f'href="{SETTINGS}/api-keys"' in shown(client_of("admin"), SETTINGS)
    assert f'href="{SETTINGS}/api-keys"' not in shown(client_of("viewer"), SETTINGS)


def test_the_switcher_lists_only_ones_own_workspaces(world: World, client_of: Callable[[str], Client]) -> None:
    services.create_workspace(
        actor=world.acme.actor, organization=world.acme.workspace.organization, name="Second of Acme"
    )
    assert "Second of Acme" in shown(client_of("owner"), SETTINGS)
    assert "Second of Acme" not in shown(client_of("editor"), SETTINGS)
    assert "Globex" not in shown(client_of("owner"), SETTINGS)


def test_an_owner_makes_another_workspace(world: World, client_of: Callable[[str], Client]) -> None:
    client, page, own = client_of("owner"), f"{ORGANIZATION}/workspaces/new", world.acme.workspace.organization_id
    made = client.post(page, {"organization": own, "name": "Production", "slug": ""})
    assert made["Location"] == "/production/"
    assert "Production" in shown(client, "/production/settings")
    assert "Get started" in shown(client, "/production/")


def test_a_workspace_is_made_in_an_organization_that_one_administers_or_a_new_one(
    world: World, client_of: Callable[[str], Client], settings: Any
) -> None:
    client, page = client_of("owner"), f"{ORGANIZATION}/workspaces/new"
    globex = world.globex.workspace.organization
    assert "Globex" not in shown(client, page)
    assert "New organization" not in shown(client, page)
    assert client.post(page, {"organization": globex.pk, "name": "Theirs"}).status_code == 422
    with unscoped("a test makes the owner of Acme an admin of another organization, which asks for its network"):
        OrganizationMember.objects.create(organization=globex, user=world.owner, is_admin=True)
        rules = SignInRules.objects.create(organization=globex, networks=["10.0.0.0/8"])
    assert client.post(page, {"organization": globex.pk, "name": "Ours there"}).status_code == 403
    with unscoped("a test opens the network again"):
        rules.delete()
    assert client.post(page, {"organization": globex.pk, "name": "Ours there"})["Location"] == "/ours-there/"
    settings.SIGNUP_OPEN = True
    founded = {"organization": "new", "name": "First", "region": "EU, AWS"}
    assert client.post(page, founded).status_code == 422
    assert client.post(page, {**founded, "organization_name": "Initech"})["Location"] == "/first/"
    with unscoped("workspaces of three organizations"):
        made = Workspace.objects.filter(slug__in=["ours-there", "first"]).order_by("slug")
        assert [(w.organization.name, w.region) for w in made] == [("Initech", "EU, AWS"), (globex.name, "")]
        entries = AuditEntry.objects.filter(actor_id=world.owner.pk).order_by("-pk")[:2]
        assert [entry.event for entry in entries] == ["organization.created", "workspace.created"]


def test_a_profile_is_ones_own(world: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("viewer")
    client.post(f"{SETTINGS}/profile", {"name": "Vi", "timezone": "Asia/Tokyo"})
    world["viewer"].refresh_from_db()
    assert (world["viewer"].name, world["viewer"].timezone) == ("Vi", "Asia/Tokyo")


def test_inviting_gives_links_once_and_a_new_one_replaces_them(
    world: World, client_of: Callable[[str], Client]
) -> None:
    client = client_of("owner")
    with workspace_scope(world.acme.workspace.pk):
        group = UserGroup.objects.get(name="Editor group")
    sent = {"emails": "new@example.com, Other@example.com\nnew@example.com editor@acme.test", "groups": [group.pk]}
    answer = client.post(f"{ORGANIZATION}/people/invite", sent)
    made = answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    links = sorted(set(re.findall(r"/invitations/[0-9]+-[0-9a-f]{64}", made)))
    assert len(links) == 2
    assert "editor@acme.test is already in" in made
    assert all(Client().get(link).status_code == 302 for link in links)
    waiting = shown(client, f"{ORGANIZATION}/invitations")
    assert "other@example.com" in waiting
    assert not set(links) & set(re.findall(r"/invitations/[0-9]+-[0-9a-f]{64}", waiting))
    with workspace_scope(world.acme.workspace.pk):
        invitation = Invitation.objects.get(email="new@example.com")
    renewed = client.post(f"{ORGANIZATION}/invitations/{invitation.pk}/renew").content.decode()
    old = next(link for link in links if link.startswith(f"/invitations/{invitation.pk}-"))
    new = next(iter(set(re.findall(r"/invitations/[0-9]+-[0-9a-f]{64}", renewed))))
    assert (Client().get(old).status_code, Client().get(new).status_code) == (404, 302)
    client.post(f"{ORGANIZATION}/invitations/{invitation.pk}/withdraw")
    assert Client().get(new).status_code == 404
    assert client.post(f"{ORGANIZATION}/invitations/{invitation.pk}/renew").status_code == 409


def test_nobody_is_invited_into_nothing(world: World, client_of: Callable[[str], Client]) -> None:
    page, sent = f"{ORGANIZATION}/people/invite", {"emails": "new@example.com"}
    refused = client_of("owner").post(page, sent)
    assert (refused.status_code, "Choose at least one" in refused.content.decode()) == (422, True)
    assert client_of("owner").post(page, {**sent, "is_viewer": "on"}).status_code == 200


@pytest.mark.parametrize("emails", ["", "nobody", "a@b.c d", ",".join(f"p{n}@example.com" for n in range(51))])
def test_wrong_addresses_invite_nobody(world: World, client_of: Callable[[str], Client], emails: str) -> None:
    assert client_of("owner").post(f"{ORGANIZATION}/people/invite", {"emails": emails}).status_code == 422
    with workspace_scope(world.acme.workspace.pk):
        assert not Invitation.objects.exists()


def test_nobody_is_invited_where_that_is_off(world: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("owner")
    client.post(ORGANIZATION, {"name": "Acme"})
    assert "Invitations are off" in shown(client, f"{ORGANIZATION}/people/invite")
    refused = client.post(f"{ORGANIZATION}/people/invite", {"emails": "new@example.com"})
    assert "identity provider" in refused.content.decode()
    assert refused.status_code == 422


def test_people_can_be_searched(world: World, client_of: Callable[[str], Client]) -> None:
    page = shown(client_of("owner"), f"{ORGANIZATION}/people?q=edit")
    assert "editor@acme.test" in page
    assert "drafter@acme.test" not in page
    assert "Nobody matches" in shown(client_of("owner"), f"{ORGANIZATION}/people?q=zzz")


def test_the_last_admin_cannot_be_removed(world: World, client_of: Callable[[str], Client]) -> None:
    with workspace_scope(world.acme.workspace.pk):
        me = OrganizationMember.objects.get(user=world.owner)
    response = client_of("owner").post(f"{ORGANIZATION}/people/{me.pk}/remove")
    assert response.status_code == 409
    assert "Make someone else an organization admin first." in response.content.decode()


def test_a_person_is_made_admin_and_removed(world: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("owner")
    with workspace_scope(world.acme.workspace.pk):
        member = OrganizationMember.objects.get(user=world["editor"])
    address = f"{ORGANIZATION}/people/{member.pk}"
    client.post(f"{address}/group", {"group": "admins", "do": "add"})
    with workspace_scope(world.acme.workspace.pk):
        assert OrganizationMember.objects.get(pk=member.pk).is_admin
    client.post(f"{address}/group", {"group": "admins", "do": "remove"})
    with workspace_scope(world.acme.workspace.pk):
        assert not OrganizationMember.objects.get(pk=member.pk).is_admin
    assert client.post(f"{address}/remove")["Location"] == f"{ORGANIZATION}/people"
    assert client.get(address).status_code == 404


def test_a_group_is_made_filled_given_a_role_and_deleted(world: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("owner")
    with workspace_scope(world.acme.workspace.pk):
        nobody = OrganizationMember.objects.get(user=world["member"])
        role = Role.objects.get(kind="viewer")
    client.post(f"{ORGANIZATION}/groups/new", {"name": "Guests"})
    with workspace_scope(world.acme.workspace.pk):
        group = UserGroup.objects.get(name="Guests")
    page = f"{ORGANIZATION}/groups/{group.pk}"
    assert "member@acme.test" in shown(client, f"{page}/add?q=member")
    client.post(f"{page}/add", {"selected": [nobody.pk]})
    assert client_of("member").get(SETTINGS).status_code == 404
    client_of("admin").post(f"{SETTINGS}/access/groups/{group.pk}/role", {"role": role.pk})
    assert "Guests" in shown(client_of("member"), f"{SETTINGS}/access")
    assert "1 person loses" in shown(client, page)
    client.post(f"{page}/remove", {"selected": [nobody.pk]})
    assert client_of("member").get(SETTINGS).status_code == 404
    client.post(page, {"name": "Visitors", "description": ""})
    assert "Visitors" in shown(client, page)
    assert client.post(f"{page}/add", {}).status_code == 422
    client.post(f"{page}/delete")
    assert client.get(page).status_code == 404


def test_a_group_holds_another_role_in_each_workspace(world: World, client_of: Callable[[str], Client]) -> None:
    second = services.create_workspace(
        actor=world.acme.actor, organization=world.acme.workspace.organization, name="Second"
    )
    with workspace_scope(second.pk):
        viewer = Role.objects.get(kind="viewer")
    with workspace_scope(world.acme.workspace.pk):
        group = UserGroup.objects.get(name="Editor group")
        own = GroupRole.objects.get(group=group).role_id
    client = client_of("owner")
    page = f"{ORGANIZATION}/groups/{group.pk}/roles"
    assert "Second" in shown(client, page)
    client.post(page, {f"role-{world.acme.workspace.pk}": own, f"role-{second.pk}": viewer.pk})
    assert client_of("editor").get("/second/settings").status_code == 200
    listed = shown(client, page)
    assert "On all destinations, present and future: " in listed, "what the editor's role allows"
    assert "May not send anywhere" in listed, "what the viewer's does not"
    # A role belongs to its own workspace only.
    assert client.post(page, {f"role-{world.acme.workspace.pk}": viewer.pk}).status_code == 404
    client.post(page, {f"role-{second.pk}": ""})
    assert client_of("editor").get("/second/settings").status_code == 404
    assert client_of("editor").get(SETTINGS).status_code == 200


def test_viewers_of_the_organization_look_everywhere_and_change_nothing(
    world: World, client_of: Callable[[str], Client]
) -> None:
    owner, page = client_of("owner"), f"{ORGANIZATION}/groups/built-in/viewers"
    with workspace_scope(world.acme.workspace.pk):
        member = OrganizationMember.objects.get(user=world["member"])
    owner.post(f"{page}/add", {"selected": [member.pk]})
    viewer = client_of("member")
    for address in (SETTINGS, ORGANIZATION, f"{ORGANIZATION}/people", f"{ORGANIZATION}/groups", page, "/acme/syncs"):
        assert "Save" not in shown(viewer, address).replace("Save this filter", "")
    assert viewer.post(ORGANIZATION, {"name": "Mine"}).status_code == 403
    assert viewer.post(f"{page}/remove", {"selected": [member.pk]}).status_code == 403
    assert client_of("admin").get(f"{ORGANIZATION}/people").status_code == 403
    owner.post(f"{page}/remove", {"selected": [member.pk]})
    assert viewer.get(SETTINGS).status_code == 404


def test_admins_hand_over_and_the_last_one_stays(world: World, client_of: Callable[[str], Client]) -> None:
    page = f"{ORGANIZATION}/groups/built-in/admins"
    with workspace_scope(world.acme.workspace.pk):
        me = OrganizationMember.objects.get(user=world.owner)
        successor = OrganizationMember.objects.get(user=world["editor"])
    client = client_of("owner")
    assert client.post(f"{page}/remove", {"selected": [me.pk]}).status_code == 409
    client.post(f"{page}/add", {"selected": [successor.pk]})
    client.post(f"{page}/remove", {"selected": [me.pk]})
    assert client.get(page).status_code == 403, "still a workspace admin by a group"
    assert client_of("editor").get(page).status_code == 200


def test_a_role_of_another_workspace_is_refused(world: World, client_of: Callable[[str], Client]) -> None:
    with unscoped("the test looks for a foreign role"):
        foreign = Role.objects.get(workspace=world.globex.workspace, kind="admin")
    with workspace_scope(world.acme.workspace.pk):
        group = UserGroup.objects.get(name="Viewer group")
    response = client_of("admin").post(f"{SETTINGS}/access/groups/{group.pk}/role", {"role": foreign.pk})
    assert response.status_code == 422


def test_a_key_is_shown_once_works_and_can_be_revoked(world: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("admin")
    made = client.post(f"{SETTINGS}/api-keys/new", {"name": "Airflow", "scopes": ["read", "run"], "days": "30"})
    assert "no-store" in made["Cache-Control"]
    with workspace_scope(world.acme.workspace.pk):
        key = ApiKey.objects.get()
    secret = next(
        word
        for word in made.content.decode().replace('"', " ").replace("<", " ").replace(">", " ").split()
        if word.startswith("hr_") and digest(word) == key.digest
    )
    assert secret not in shown(client, f"{SETTINGS}/api-keys")
    assert key.prefix in shown(client, f"{SETTINGS}/api-keys")
    headers = {"Authorization": f"Bearer {secret}"}
    assert Client().get("/api/v1/sources", headers=headers).status_code == 200
    asked = client.post(f"{SETTINGS}/api-keys/revoke", {"selected": key.pk})
    assert "Airflow" in asked.content.decode()
    assert Client().get("/api/v1/sources", headers=headers).status_code == 200
    client.post(f"{SETTINGS}/api-keys/revoke", {"selected": key.pk, "confirmed": "yes"})
    assert Client().get("/api/v1/sources", headers=headers).status_code == 401
    assert "Revoked" in shown(client, f"{SETTINGS}/api-keys?status=revoked")


def test_the_api_refuses_strangers_and_wrong_keys(world: World) -> None:
    assert Client().get("/api/v1/sources").status_code == 401
    assert Client().get("/api/v1/sources", headers={"Authorization": "Bearer hr_wrong"}).status_code == 401
    signed_in = Client()
    signed_in.force_login(world.owner)
    assert signed_in.get("/api/v1/sources").status_code == 401


def test_the_palette_finds_what_a_person_may_do(world: World, client_of: Callable[[str], Client]) -> None:
    def urls(name: str, words: str) -> list[str]:
        groups = client_of(name).get(f"/acme/palette?q={words}").json()["groups"]
        return [item["url"] for group in groups for item in group["items"]]

    assert f"{ORGANIZATION}/people/invite" in urls("owner", "invite")
    assert f"{ORGANIZATION}/people/invite" not in urls("viewer", "invite")
    assert f"{SETTINGS}/profile" in urls("viewer", "zone")


@pytest.mark.parametrize(
    "page",
    [
        "organization/people/{member}",
        "organization/people/{member}/remove",
        "organization/people/{member}/group",
        "organization/groups/{group}",
        "organization/groups/{group}/add",
        "organization/groups/{group}/roles",
        "organization/groups/{group}/delete",
        "organization/invitations/{invitation}/withdraw",
        "organization/invitations/{invitation}/renew",
        "settings/access/groups/{group}/role",
        "settings/access/people/{member}/look",
    ],
)
def test_ids_of_another_organization_are_not_found(world: World, page: str) -> None:
    rows = world.globex.rows
    ids = {"member": rows["member"].pk, "group": rows["group"].pk}
    client = Client()
    client.force_login(world.owner)
    address = f"/acme/{page.format(**ids, invitation=rows['invitation'].pk)}"
    assert client.post(address, {"name": "x", "role": ""}).status_code == 404


def test_keys_of_another_workspace_cannot_be_revoked(world: World, client_of: Callable[[str], Client]) -> None:
    foreign = world.globex.rows["api_key"].key
    answer = client_of("owner").post(f"{SETTINGS}/api-keys/revoke", {"selected": foreign.pk, "confirmed": "yes"})
    assert answer.status_code == 404
    with workspace_scope(world.globex.workspace.pk):
        assert ApiKey.objects.get(pk=foreign.pk).revoked_at is None


def test_people_of_the_identity_provider_make_workspaces_only_where_they_may(
    world: World, client_of: Callable[[str], Client]
) -> None:
    organization = world.acme.workspace.organization
    owner, page, own = client_of("owner"), f"{ORGANIZATION}/workspaces/new", {"organization": organization.pk}
    with unscoped("a test makes somebody of the identity provider an admin"):
        provided = User.objects.create_user("ida@acme.test", sso_organization=organization)
        OrganizationMember.objects.create(organization=organization, user=provided, is_admin=True)
    client = Client()
    client.force_login(provided)
    assert client.post(page, {**own, "name": "First"}).status_code == 302
    assert "People of the identity provider may make workspaces" in shown(owner, ORGANIZATION)
    assert owner.post(ORGANIZATION, {"name": "Acme", "allow_invitations": "on"}).status_code == 302
    refused = client.post(page, {**own, "name": "Second"})
    assert refused.status_code == 403
    assert "SSO users are not allowed to create workspaces" in refused.content.decode()
    assert owner.post(page, {**own, "name": "Third"}).status_code == 302
    with unscoped("all of them"):
        assert not Workspace.objects.filter(name="Second").exists()


def test_the_list_of_people_says_how_each_signs_in(world: World, client_of: Callable[[str], Client]) -> None:
    with unscoped("a test gives people ways to sign in"):
        SocialAccount.objects.create(user=world["viewer"], provider="google", uid="1")
        User.objects.filter(pk=world["admin"].pk).update(password=make_password("a-long-and-quiet-river"))
        User.objects.filter(pk=world["editor"].pk).update(sso_organization=world.acme.workspace.organization)
    page = shown(client_of("owner"), f"{ORGANIZATION}/people")
    rows = {row.partition("@acme.test")[0].rpartition(">")[2]: row for row in page.split("<tr ") if "@acme.test" in row}
    for name, way in (("viewer", "Google"), ("editor", "Identity provider"), ("admin", "E-mail and password")):
        assert f"<td>{way}</td>" in rows[name], name
