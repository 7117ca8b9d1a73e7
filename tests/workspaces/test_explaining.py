"""What a person can do and why, who can do a thing, and looking as somebody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from config.errors import Denied, Invalid
from connectors.models import Destination, Source
from governance.audit.models import AuditEntry
from tests.workspaces.test_roles import a_role, hold, signed_in
from tests.world import World
from workspaces import explaining, services
from workspaces.access import may
from workspaces.explaining import ACTIONS
from workspaces.grants import Grant
from workspaces.models import OrganizationMember
from workspaces.permissions import CONFIGURE_FROM_SOURCE, CONFIGURE_TO_DESTINATION, Permission
from workspaces.scoping import workspace_scope

P = Permission


@pytest.fixture
def acme(world: World) -> Any:
    """The world with a source and a destination, inside acme's scope."""
    with workspace_scope(world.acme.workspace.pk):
        assert world.acme.rows["source"]
        yield world


def member_of(world: World, name: str) -> OrganizationMember:
    return OrganizationMember.objects.get(user=world[name])


def ids() -> dict[str, int]:
    here = {"source_id": Source.objects.get().pk, "destination_id": Destination.objects.get().pk}
    return {**here, "parent_model_id": 1, "subset_id": 1}


def split_between_groups(world: World) -> None:
    """The member's two groups hold one side of a sync each."""
    source, destination, *_ = ids().values()
    hold(world, a_role(world, "Sources", *(Grant(p, source) for p in CONFIGURE_FROM_SOURCE)))
    hold(world, a_role(world, "Targets", *(Grant(p, destination) for p in CONFIGURE_TO_DESTINATION)))


@pytest.mark.parametrize("name", ["owner", "admin", "editor", "drafter", "viewer", "member"])
def test_answers_are_those_that_count(acme: World, name: str) -> None:
    """The page asks the same evaluation that services ask, for every action and everybody."""
    split_between_groups(acme)
    holdings = explaining.holdings_of(member_of(acme, name))
    for action in ACTIONS:
        needed = {f"{side}_id": ids()[f"{side}_id"] for side in action.sides}
        said = explaining.explain(holdings, action, **needed)
        assert said.allowed == may(acme.actor(name), action.needs, **needed), action.key
        assert said.lines


def test_why_not_names_what_each_group_lacks(acme: World) -> None:
    split_between_groups(acme)
    action = next(a for a in ACTIONS if a.key == "sync")
    said = explaining.explain(explaining.holdings_of(member_of(acme, "member")), action, **ids())
    assert said.lines == (
        "Holders of Sources (Sources) lacks the right to draft syncs to the destination and publish syncs to the "
        "destination.",
        "Holders of Targets (Targets) lacks the right to draft models and syncs on the source and publish models and "
        "syncs on the source.",
        "Its groups hold all of it between them, but one group must hold it alone.",
    )


@pytest.mark.parametrize("permission", [P.VIEW_ROWS, P.MANAGE_SOURCE, P.APPROVE_FROM_SOURCE])
def test_who_can_agrees_with_single_checks(acme: World, permission: Permission) -> None:
    source = Source.objects.get()
    hold(acme, a_role(acme, "Readers", Grant(P.VIEW_ROWS, source.pk)))
    shown = {member.user.email for member in explaining.people_who(permission, source.pk)}
    expected = {
        user.email for name, user in acme.people.items() if may(acme.actor(name), permission, source_id=source.pk)
    }
    assert shown == expected


def test_everybody_here_is_everybody_who_may_open_it(acme: World) -> None:
    services.update_member(actor=acme.acme.actor, member=member_of(acme, "member"), is_viewer=True)
    shown = {member.user.email for member in explaining.people_here()}
    assert shown == {user.email for user in acme.people.values()}


def test_the_pages_answer(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        source = world.acme.rows["source"]
        person = member_of(world, "drafter")
    client = signed_in(world, "viewer")
    page = f"/acme/settings/access/people/{person.pk}"
    asked = client.get(f"{page}?may=source.view_rows&source={source.pk}").content.decode()
    assert "Yes: may view the source" in asked
    assert "Drafter group (Workspace draft editor)" in asked
    assert "No: may not" in client.get(f"{page}?may=source.manage&source={source.pk}").content.decode()
    who = client.get(f"/acme/settings/access/who?side=source&right=source.view_rows&on={source.pk}").content.decode()
    assert "drafter@acme.test" in who
    assert "viewer@acme.test" not in who.split("<main")[1]
    assert client.get("/acme/settings/access/who?side=nothing").status_code == 404
    with workspace_scope(world.acme.workspace.pk):
        outside = member_of(world, "member")
    assert client.get(f"/acme/settings/access/people/{outside.pk}").status_code == 404


class TestLooking:
    def look(self, world: World, client: Client, name: str) -> Any:
        with workspace_scope(world.acme.workspace.pk):
            return client.post(f"/acme/settings/access/people/{member_of(world, name).pk}/look")

    def test_an_admin_sees_what_the_other_sees_and_changes_nothing(self, world: World) -> None:
        client = signed_in(world, "admin")
        assert self.look(world, client, "viewer").status_code == 302
        page = client.get("/acme/settings")
        assert "Nothing can be changed" in page.content.decode()
        assert 'name="slug"' not in page.content.decode()
        assert client.get("/acme/settings/api-keys").status_code == 403
        assert client.post("/acme/settings", {"name": "Mine", "slug": "acme"}).status_code == 403
        client.post("/acme/settings/access/look/end")
        assert client.get("/acme/settings/api-keys").status_code == 200
        with workspace_scope(world.acme.workspace.pk):
            entries = AuditEntry.objects.filter(event__startswith="look.").order_by("pk")
            told = [(e.event, e.actor_label, e.resource_label, e.user_id) for e in entries]
        me = world["admin"]
        assert told == [(f"look.{w}", me.email, "viewer@acme.test", me.pk) for w in ("started", "ended")]

    def test_nothing_is_written_even_where_a_service_is_called(self, acme: World) -> None:
        from dataclasses import replace

        looking = replace(acme.acme.actor, looking=True)
        with pytest.raises(Denied, match="looking as somebody else"):
            services.create_group(actor=looking, organization=acme.acme.workspace.organization, name="Mine")

    @pytest.mark.parametrize(("who", "whom"), [("admin", "owner"), ("admin", "admin"), ("editor", "viewer")])
    def test_nobody_looks_above_themselves(self, acme: World, who: str, whom: str) -> None:
        with pytest.raises((Denied, Invalid)):
            services.start_look(actor=acme.actor(who), workspace=acme.acme.workspace, member=member_of(acme, whom))

    def test_it_ends_when_the_admin_may_no_longer(self, world: World) -> None:
        client = signed_in(world, "admin")
        self.look(world, client, "viewer")
        with workspace_scope(world.acme.workspace.pk):
            services.update_member(actor=world.acme.actor, member=member_of(world, "viewer"), is_admin=True)
        assert "Nothing can be changed" not in client.get("/acme/settings").content.decode()

    def test_it_ends_with_the_session_and_after_an_hour(self, world: World) -> None:
        client = signed_in(world, "admin")
        self.look(world, client, "viewer")
        session = client.session
        session["looking"] = {**session["looking"], "since": "2026-01-01T00:00:00+00:00"}
        session.save()
        assert "Nothing can be changed" not in client.get("/acme/settings").content.decode()
        self.look(world, client, "viewer")
        client.post("/accounts/logout/")
        with workspace_scope(world.acme.workspace.pk):
            assert AuditEntry.objects.filter(event="look.ended").count() == 2
