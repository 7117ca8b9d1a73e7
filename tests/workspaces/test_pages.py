"""The settings pages, as a browser uses them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.world import World
from workspaces import services
from workspaces.models import ApiKey, Invitation, OrganizationMember, Role, UserGroup
from workspaces.scoping import unscoped, workspace_scope
from workspaces.tokens import digest

SETTINGS = "/acme/settings"


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
    client = client_of("owner")
    assert client.post(f"{SETTINGS}/new-workspace", {"name": "Production", "slug": ""})["Location"] == "/production/"
    assert "Production" in shown(client, "/production/settings")


def test_a_profile_is_ones_own(world: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("viewer")
    client.post(f"{SETTINGS}/profile", {"name": "Vi", "timezone": "Asia/Tokyo"})
    world["viewer"].refresh_from_db()
    assert (world["viewer"].name, world["viewer"].timezone) == ("Vi", "Asia/Tokyo")


def test_inviting_gives_a_link_to_copy_that_can_be_withdrawn(world: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("owner")
    with workspace_scope(world.acme.workspace.pk):
        group = UserGroup.objects.get(name="Editor group")
    client.post(f"{SETTINGS}/people/invite", {"email": "new@example.com", "groups": [group.pk]})
    page = shown(client, f"{SETTINGS}/people")
    assert "new@example.com" in page
    assert "/invitations/" in page
    assert "/invitations/" not in shown(client_of("admin"), f"{SETTINGS}/people")
    with workspace_scope(world.acme.workspace.pk):
        invitation = Invitation.objects.get()
    client.post(f"{SETTINGS}/invitations/{invitation.pk}/withdraw")
    assert "/invitations/" not in shown(client, f"{SETTINGS}/people")


def test_people_can_be_searched(world: World, client_of: Callable[[str], Client]) -> None:
    page = shown(client_of("viewer"), f"{SETTINGS}/people?q=edit")
    assert "editor@acme.test" in page
    assert "drafter@acme.test" not in page
    assert "Nobody matches" in shown(client_of("viewer"), f"{SETTINGS}/people?q=zzz")


def test_the_last_admin_cannot_be_removed(world: World, client_of: Callable[[str], Client]) -> None:
    with workspace_scope(world.acme.workspace.pk):
        me = OrganizationMember.objects.get(user=world.owner)
    response = client_of("owner").post(f"{SETTINGS}/people/{me.pk}/remove")
    assert response.status_code == 409
    assert "Make someone else an organization admin first." in response.content.decode()


def test_a_person_is_made_admin_and_removed(world: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("owner")
    with workspace_scope(world.acme.workspace.pk):
        member = OrganizationMember.objects.get(user=world["editor"])
    address = f"{SETTINGS}/people/{member.pk}"
    client.post(address, {"is_admin": "on"})
    with workspace_scope(world.acme.workspace.pk):
        assert OrganizationMember.objects.get(pk=member.pk).is_admin
    client.post(address, {})
    with workspace_scope(world.acme.workspace.pk):
        assert not OrganizationMember.objects.get(pk=member.pk).is_admin
    assert client.post(f"{address}/remove")["Location"] == f"{SETTINGS}/people"
    assert client.get(address).status_code == 404


def test_a_group_is_made_filled_given_a_role_and_deleted(world: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("owner")
    with workspace_scope(world.acme.workspace.pk):
        nobody = OrganizationMember.objects.get(user=world["member"])
        role = Role.objects.get(kind="viewer")
    client.post(f"{SETTINGS}/groups/new", {"name": "Guests", "members": [nobody.pk]})
    with workspace_scope(world.acme.workspace.pk):
        group = UserGroup.objects.get(name="Guests")
    assert client_of("member").get(SETTINGS).status_code == 404
    client_of("admin").post(f"{SETTINGS}/groups/{group.pk}/role", {"role": role.pk})
    assert "Guests" in shown(client_of("member"), f"{SETTINGS}/groups")
    client.post(f"{SETTINGS}/groups/{group.pk}", {"name": "Visitors", "description": "", "members": []})
    assert client_of("member").get(SETTINGS).status_code == 404
    assert "Visitors" in shown(client, f"{SETTINGS}/groups/{group.pk}")
    client.post(f"{SETTINGS}/groups/{group.pk}/delete")
    assert client.get(f"{SETTINGS}/groups/{group.pk}").status_code == 404


def test_a_role_of_another_workspace_is_refused(world: World, client_of: Callable[[str], Client]) -> None:
    with unscoped("the test looks for a foreign role"):
        foreign = Role.objects.get(workspace=world.globex.workspace, kind="admin")
    with workspace_scope(world.acme.workspace.pk):
        group = UserGroup.objects.get(name="Viewer group")
    response = client_of("admin").post(f"{SETTINGS}/groups/{group.pk}/role", {"role": foreign.pk})
    assert response.status_code == 422


def test_a_key_is_shown_once_works_and_can_be_revoked(world: World, client_of: Callable[[str], Client]) -> None:
    client = client_of("admin")
    made = client.post(f"{SETTINGS}/api-keys/new", {"name": "Airflow"})
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
    client.post(f"{SETTINGS}/api-keys/{key.pk}/revoke")
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

    assert f"{SETTINGS}/people/invite" in urls("owner", "person")
    assert f"{SETTINGS}/people/invite" not in urls("viewer", "person")
    assert f"{SETTINGS}/profile" in urls("viewer", "zone")


@pytest.mark.parametrize(
    "page",
    [
        "people/{member}",
        "people/{member}/remove",
        "groups/{group}",
        "groups/{group}/role",
        "groups/{group}/delete",
        "api-keys/{api_key}/revoke",
        "invitations/{invitation}/withdraw",
    ],
)
def test_ids_of_another_organization_are_not_found(world: World, page: str) -> None:
    rows = world.globex.rows
    ids = {"member": rows["member"].pk, "group": rows["group"].pk, "api_key": rows["api_key"].key.pk}
    client = Client()
    client.force_login(world.owner)
    address = f"{SETTINGS}/{page.format(**ids, invitation=rows['invitation'].pk)}"
    assert client.post(address, {"name": "x", "role": ""}).status_code == 404
