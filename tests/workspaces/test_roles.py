"""Custom roles: made, filled, held, deleted; through pages and services."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from config.errors import Conflict, Denied, Invalid, NotFound
from connectors.models import Source
from governance.audit.models import AuditEntry
from tests.world import BUILDER, World
from workspaces import grants, services
from workspaces.access import grants_of, may, remembered_grants
from workspaces.choices import RoleKind
from workspaces.grants import Grant
from workspaces.models import OrganizationMember, Role, UserGroup
from workspaces.permissions import Permission
from workspaces.scoping import unscoped, workspace_scope

P = Permission


@pytest.fixture
def acme(world: World) -> Any:
    """The world, inside acme's scope."""
    with workspace_scope(world.acme.workspace.pk):
        yield world


def a_role(world: World, name: str = "Paid media", *give: Grant, **fields: Any) -> Role:
    role = services.create_role(actor=world.actor("admin"), workspace=world.acme.workspace, name=name, **fields)
    return services.change_role_grants(actor=world.actor("admin"), role=role, give=give)


def hold(world: World, role: Role, who: str = "member") -> UserGroup:
    """Let the person's own new group hold the role."""
    group = services.create_group(
        actor=BUILDER,
        organization=world.acme.workspace.organization,
        name=f"Holders of {role.name}",
        members=[OrganizationMember.objects.get(user=world[who])],
    )
    services.set_group_role(actor=BUILDER, workspace=world.acme.workspace, group=group, role=role)
    return group


def copies(source: Source, number: int) -> list[Source]:
    rows = [Source(workspace_id=source.workspace_id, name=f"S{n}", slug=f"s{n}", type="duckdb") for n in range(number)]
    return Source.objects.bulk_create(rows)


def signed_in(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world[name])
    return client


def test_a_custom_role_allows_what_was_given_and_stops_at_once(acme: World) -> None:
    source = acme.acme.rows["source"]
    role = a_role(acme, "Readers", Grant(P.VIEW_ROWS, source.pk), Grant(P.CREATE_DESTINATION))
    hold(acme, role)
    actor = acme.actor("member")
    with remembered_grants():
        assert may(actor, P.VIEW_ROWS, source_id=source.pk)
        assert may(actor, P.CREATE_DESTINATION)
        assert not may(actor, P.MANAGE_SOURCE, source_id=source.pk)
        services.change_role_grants(actor=acme.actor("admin"), role=role, take=[Grant(P.VIEW_ROWS, source.pk)])
        assert not may(actor, P.VIEW_ROWS, source_id=source.pk)
    last = AuditEntry.objects.filter(event="role.updated").latest("pk")
    assert (last.before, last.after) == ({"source.view_rows": [source.name]}, {})


def test_a_right_on_all_holds_on_what_comes_later(acme: World) -> None:
    hold(acme, a_role(acme, "Everywhere", Grant(P.VIEW_ROWS)))
    later = copies(acme.acme.rows["source"], 1)[0]
    assert may(acme.actor("member"), P.VIEW_ROWS, source_id=later.pk)
    hold(acme, a_role(acme, "One by one", Grant(P.MANAGE_SOURCE, acme.acme.rows["source"].pk)), "viewer")
    assert not may(acme.actor("viewer"), P.MANAGE_SOURCE, source_id=later.pk)


@pytest.mark.parametrize("permission", [P.MANAGE_WORKSPACE, P.MANAGE_ORGANIZATION, P.VIEW_ORGANIZATION, P.MEMBER])
def test_no_custom_role_can_hold_administration(acme: World, permission: Permission) -> None:
    with pytest.raises(Invalid, match="cannot hold"):
        a_role(acme, "Too much", Grant(permission))


def test_grants_of_foreign_objects_are_not_found(acme: World) -> None:
    with unscoped("the test makes a foreign source"):
        foreign = acme.globex.rows["source"]
    role = a_role(acme)
    with workspace_scope(acme.acme.workspace.pk), pytest.raises(NotFound):
        services.change_role_grants(actor=acme.actor("admin"), role=role, give=[Grant(P.VIEW_ROWS, foreign.pk)])


def test_only_workspace_admins_change_roles(acme: World) -> None:
    role = a_role(acme)
    for name in ("editor", "drafter", "viewer", "member"):
        with pytest.raises(Denied):
            services.change_role_grants(actor=acme.actor(name), role=role, give=[Grant(P.VIEW_ROWS)])
        with pytest.raises(Denied):
            services.delete_role(actor=acme.actor(name), role=role)


def test_pre_built_roles_stay_and_can_be_copied(acme: World) -> None:
    editor = Role.objects.get(kind=RoleKind.EDITOR)
    with pytest.raises(Denied, match="pre-built"):
        services.update_role(actor=acme.actor("admin"), role=editor, name="Mine", description="")
    copy = services.create_role(
        actor=acme.actor("admin"), workspace=acme.acme.workspace, name="Like editors", copy_of=editor
    )
    hold(acme, copy)
    held = grants_of(acme.actor("member"))
    assert all(held.allow((p,)) == may(acme.actor("editor"), p) for p in P)


def test_a_copy_of_an_admin_does_not_manage_the_workspace(acme: World) -> None:
    admin = Role.objects.get(kind=RoleKind.ADMIN)
    copy = services.create_role(actor=acme.actor("admin"), workspace=acme.acme.workspace, name="Almost", copy_of=admin)
    assert {g.permission for g in grants.grants_of_role(copy)} == set(grants.grantable())


def test_a_role_in_use_cannot_be_deleted_and_says_by_whom(acme: World) -> None:
    role = a_role(acme)
    group = hold(acme, role)
    with pytest.raises(Conflict, match=group.name):
        services.delete_role(actor=acme.actor("admin"), role=role)
    services.set_group_role(actor=BUILDER, workspace=acme.acme.workspace, group=group, role=None)
    services.delete_role(actor=acme.actor("admin"), role=role)
    assert not Role.objects.filter(pk=role.pk).exists()
    assert AuditEntry.objects.filter(event="role.deleted", resource_id=role.pk).exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "workspace EDITOR"])
def test_names_are_sound_and_unique(acme: World, name: str) -> None:
    with pytest.raises(Invalid):
        a_role(acme, name)


def test_columns_join_drafting_and_publishing_only_where_that_is_true(acme: World) -> None:
    both = {Grant(P.DRAFT_FROM_SOURCE, 1), Grant(P.APPROVE_FROM_SOURCE, 1)}

    def keys(held: set[Grant], together: bool) -> list[str]:
        return [c.key for c in grants.columns("source", held, together=together)]

    assert keys(both, True) == ["view_rows", "draft+approve", "configure_schema", "manage"]
    assert keys({Grant(P.DRAFT_FROM_SOURCE, 1)}, True) == keys(both, False)


def test_a_role_says_what_it_allows_in_plain_words() -> None:
    held = {
        Grant(P.CREATE_SOURCE),
        Grant(P.VIEW_ROWS),
        *(Grant(P.TRIGGER, n) for n in range(6)),
        *(Grant(P.DRAFT_TO_DESTINATION, n) for n in range(6)),
    }
    words = grants.summary(held, {"source": {}, "destination": {n: f"D{n}" for n in range(6)}})
    assert words[1:] == [
        "May create sources.",
        "On all sources, present and future: view row data.",
        "On “D0”, “D1”, “D2”, “D3” and 2 more destinations: run syncs and draft.",
    ]


class TestEditor:
    def test_an_admin_makes_a_role_and_ticks_boxes(self, world: World) -> None:
        client = signed_in(world, "admin")
        with workspace_scope(world.acme.workspace.pk):
            source = world.acme.rows["source"]
            more = copies(source, 60)
        made = client.post("/acme/settings/roles/new", {"name": "Paid media", "copy_of": ""})
        page = made["Location"]
        side = f"{page}/on/source"
        assert client.get(f"{side}?q={source.name}").content.decode().count('name="row"') == 1
        answer = {"row": [source.pk, more[0].pk], "grant": [f"view_rows:{source.pk}", "manage:all"]}
        client.post(side, answer)
        with workspace_scope(world.acme.workspace.pk):
            role = Role.objects.get(name="Paid media")
            assert grants.grants_of_role(role) == {Grant(P.VIEW_ROWS, source.pk), Grant(P.MANAGE_SOURCE)}
        assert "manage source" in client.get(page).content.decode()
        # Rows that were not shown, and rights that hold everywhere, stay as they are.
        client.post(side, {"row": [more[0].pk], "grant": [f"draft:{more[0].pk}", "manage:all"]})
        with workspace_scope(world.acme.workspace.pk):
            held = grants.grants_of_role(role)
        assert held == {
            Grant(P.VIEW_ROWS, source.pk),
            Grant(P.MANAGE_SOURCE),
            Grant(P.DRAFT_FROM_SOURCE, more[0].pk),
        }

    def test_many_at_once_follows_the_search(self, world: World) -> None:
        client = signed_in(world, "admin")
        with workspace_scope(world.acme.workspace.pk):
            copies(world.acme.rows["source"], 120)
            role = a_role(world)
        address = f"/acme/settings/roles/{role.pk}/on/source/all"
        client.post(f"{address}?q=S1", {"column": "view_rows", "do": "give"})
        with workspace_scope(world.acme.workspace.pk):
            assert len(grants.grants_of_role(role)) == 31
        client.post(address, {"column": "view_rows", "do": "take"})
        with workspace_scope(world.acme.workspace.pk):
            assert grants.grants_of_role(role) == set()
        assert client.post(address, {"column": "nothing", "do": "give"}).status_code == 422

    def test_others_see_the_roles_without_forms(self, world: World) -> None:
        with workspace_scope(world.acme.workspace.pk):
            role = a_role(world)
        client = signed_in(world, "viewer")
        for page in ("", f"/{role.pk}", f"/{role.pk}/on/source"):
            shown = client.get(f"/acme/settings/roles{page}").content.decode()
            assert "Save" not in shown
        assert client.get(f"/acme/settings/roles/{role.pk}/on/nonsense").status_code == 404
