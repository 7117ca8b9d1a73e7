"""People, groups, roles, invitations and workspaces through the REST API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from governance.audit.models import AuditEntry
from tests.world import BUILDER, World
from workspaces import services
from workspaces.models import OrganizationMember, Workspace
from workspaces.scopes import KeyScope
from workspaces.scoping import unscoped, workspace_scope

Call = Callable[..., Any]


@pytest.fixture
def call(world: World) -> Call:
    """Call as the owner's key, or as somebody else's."""
    secrets: dict[str, str] = {}

    def send(method: str, path: str, body: Any = None, *, who: str = "owner") -> Any:
        if who not in secrets:
            with workspace_scope(world.acme.workspace.pk):
                made = services.create_api_key(
                    actor=BUILDER,
                    workspace=world.acme.workspace,
                    name=who,
                    owner=world[who],
                    scopes=list(KeyScope),
                )
            secrets[who] = made.secret
        client = getattr(Client(), method)
        headers = {"Authorization": f"Bearer {secrets[who]}"}
        return client(f"/api/v1{path}", body, content_type="application/json", headers=headers)

    return send


def test_a_role_is_made_changed_held_and_deleted(world: World, call: Call) -> None:
    with workspace_scope(world.acme.workspace.pk):
        source = world.acme.rows["source"].pk
        group = world.acme.rows["group"].pk
    grant = {"permission": "source.view_rows", "id": str(source)}
    role = call("post", "/roles", {"name": "Readers", "grants": [grant]}).json()
    assert role["grants"] == [grant]
    everywhere = {"permission": "destination.trigger", "id": None}
    changed = call("patch", f"/roles/{role['id']}", {"grants": [everywhere], "name": "Runners"}).json()
    assert (changed["name"], changed["grants"]) == ("Runners", [everywhere])
    held = call("put", f"/groups/{group}/role", {"roleId": role["id"]}).json()
    assert held["roleId"] == role["id"]
    assert call("delete", f"/roles/{role['id']}").status_code == 409
    call("put", f"/groups/{group}/role", {"roleId": None})
    assert call("delete", f"/roles/{role['id']}").status_code == 204
    assert call("get", f"/roles/{role['id']}").status_code == 404
    left = call("get", "/roles", who="viewer").json()["data"]
    assert {r["kind"] for r in left} == {"admin", "editor", "draft_editor", "viewer", "custom"}
    assert [r["name"] for r in left if r["kind"] == "custom"] == ["Paid media"]


@pytest.mark.parametrize(
    "grant", [{"permission": "workspace.manage"}, {"permission": "source.create", "id": 1}, {"permission": "nothing"}]
)
def test_what_no_role_can_hold_is_refused(call: Call, grant: dict[str, Any]) -> None:
    assert call("post", "/roles", {"name": "Odd", "grants": [grant]}).status_code == 422
    assert "Odd" not in {role["name"] for role in call("get", "/roles").json()["data"]}


def test_a_group_is_made_filled_and_deleted(world: World, call: Call) -> None:
    people = {row["email"]: row["id"] for row in call("get", "/members").json()["data"]}
    made = call("post", "/groups", {"name": "Team", "members": [people["viewer@acme.test"]]}).json()
    assert made["members"] == [people["viewer@acme.test"]]
    changed = call("patch", f"/groups/{made['id']}", {"members": [people["editor@acme.test"]]}).json()
    assert (changed["name"], changed["members"]) == ("Team", [people["editor@acme.test"]])
    assert call("patch", f"/groups/{made['id']}", {"members": [999_999]}).status_code == 404
    assert call("delete", f"/groups/{made['id']}").status_code == 204


def test_people_are_changed_explained_and_removed(world: World, call: Call) -> None:
    row = call("get", "/members?email=editor@acme.test").json()["data"][0]
    assert call("patch", f"/members/{row['id']}", {"isViewer": True}).json()["isViewer"]
    rights = call("get", f"/members/{row['id']}/access").json()["rights"]
    assert {
        "permission": "source.create",
        "by": "Editor group (Workspace editor)",
        "everywhere": True,
        "names": [],
    } in rights
    assert call("delete", f"/members/{row['id']}").status_code == 204
    mine = call("get", "/members?email=owner@acme.test").json()["data"][0]
    refused = call("delete", f"/members/{mine['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")


def test_an_invitation_shows_its_link_once(world: World, call: Call) -> None:
    made = call("post", "/invitations", {"email": "new@example.com"}).json()
    assert Client().get(made["link"]).status_code == 302
    assert call("get", "/invitations").json()["data"][0]["link"] is None
    renewed = call("post", f"/invitations/{made['id']}/renew").json()
    assert renewed["link"] != made["link"]
    assert call("delete", f"/invitations/{made['id']}").status_code == 204
    assert Client().get(renewed["link"]).status_code == 404


def test_workspaces_are_made_and_changed(world: World, call: Call) -> None:
    made = call("post", "/workspaces", {"name": "Second", "region": "EU"}).json()
    assert (made["slug"], made["region"]) == ("second", "EU")
    assert [row["slug"] for row in call("get", "/workspaces?orderBy=name").json()["data"]] == ["acme", "second"]
    assert call("patch", "/workspace", {"name": "Acme EU"}).json()["name"] == "Acme EU"
    assert call("delete", "/workspace", {"confirmSlug": "wrong"}).status_code == 422


@pytest.mark.parametrize("path", ["/groups", "/members", "/invitations", "/workspaces"])
def test_the_organization_is_for_its_admins_and_viewers(world: World, call: Call, path: str) -> None:
    assert call("get", path, who="admin").status_code == 403
    with workspace_scope(world.acme.workspace.pk):
        member = OrganizationMember.objects.get(user=world["viewer"])
        services.update_member(actor=world.acme.actor, member=member, is_viewer=True)
    assert call("get", path, who="viewer").status_code == 200
    assert call("post", path, {"name": "x", "email": "x@example.com"}, who="viewer").status_code in (403, 405)


class TestDeletingAWorkspace:
    def test_everything_goes_and_others_stay(self, world: World, call: Call) -> None:
        from syncs.models import Run, Sync
        from workspaces.services.deleting import erase_workspace

        world.acme.build_all()
        world.globex.build_all()
        place = world.acme.workspace
        services.create_workspace(actor=world.acme.actor, organization=place.organization, name="Second")
        busy = call("delete", "/workspace", {"confirmSlug": "acme"})
        assert (busy.status_code, busy.json()["code"]) == (409, "workspace_busy")
        with workspace_scope(place.pk):
            Run.objects.update(finished_at=place.created_at)
            syncs = Sync.objects.count()
        assert call("delete", "/workspace", {"confirmSlug": "acme"}).status_code == 202
        assert call("get", "/workspace").status_code == 401
        owner = Client()
        owner.force_login(world.owner)
        assert owner.get("/acme/settings").status_code == 404
        assert erase_workspace(place.pk)
        assert not erase_workspace(place.pk), "a second worker finds nothing"
        assert rows_of(place.pk) == {}
        assert rows_of(world.globex.workspace.pk)
        with unscoped("the test reads what is left"):
            assert not Workspace.objects.filter(slug="acme").exists()
            told = AuditEntry.objects.filter(event__startswith="workspace.delet").order_by("pk")
            assert [(e.event, e.actor_label) for e in told] == [
                ("workspace.deletion_started", "owner"),
                ("workspace.deleted", "workspace deletion"),
            ]
            assert (told[0].before or {})["syncs"] == syncs

    def test_the_last_workspace_and_a_lesser_admin_are_refused(self, world: World, call: Call) -> None:
        assert call("delete", "/workspace", {"confirmSlug": "acme"}).json()["code"] == "last_workspace"
        assert call("delete", "/workspace", {"confirmSlug": "acme"}, who="admin").status_code == 403


def rows_of(workspace_id: int) -> dict[str, int]:
    """How many rows of each table a workspace has."""
    from django.apps import apps

    from workspaces.scoping import TenantModel

    models: list[Any] = [m for m in apps.get_models() if issubclass(m, TenantModel)]
    with unscoped("the test counts in every table"):
        counts = {m.__name__: m.objects.filter(workspace_id=workspace_id).count() for m in models}
    return {name: number for name, number in counts.items() if number}
