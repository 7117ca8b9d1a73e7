"""Statements that are compiled once are asked with the values of each time, and hold no scope."""

from __future__ import annotations

import pytest
from django.db.models import QuerySet
from django_scopes import ScopeError

from config.postgres.compiled import Compiled
from tests.world import World
from workspaces.choices import RoleKind
from workspaces.models import Role, User, Workspace
from workspaces.scoping import organization_scope, unscoped, workspace_scope


def named(slug: str) -> QuerySet[Workspace]:
    return Workspace.objects.filter(slug=slug).select_related("organization")[:1]


def test_each_time_is_asked_with_its_own_values(world: World) -> None:
    statement = Compiled(named, "slug")
    with unscoped("the test asks for workspaces of both organizations"):
        found = [statement.first(slug=slug) for slug in (world.acme.slug, world.globex.slug, "nowhere")]
    assert found == [world.acme.workspace, world.globex.workspace, None]
    assert [row.organization for row in found if row] == [w.workspace.organization for w in (world.acme, world.globex)]


def test_none_is_compiled_within_a_scope(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk), pytest.raises(RuntimeError, match="held to that scope"):
        Compiled(named, "slug").first(slug=world.acme.slug)


def test_a_walled_one_shows_the_rows_of_the_workspace_it_is_asked_in(world: World) -> None:
    statement = Compiled(lambda kind: Role.objects.filter(kind=kind), "kind", walled=True)
    for place in (world.acme, world.globex):
        with workspace_scope(place.workspace.pk):
            mine = Role.objects.get(kind=RoleKind.EDITOR)
            assert list(statement.rows(kind=RoleKind.EDITOR)) == [mine]
            assert statement.get(kind=RoleKind.EDITOR) == mine
            with pytest.raises(Role.DoesNotExist):
                statement.get(kind="none")


def test_a_walled_one_is_asked_in_no_other_scope(world: World) -> None:
    statement = Compiled(lambda kind: Role.objects.filter(kind=kind), "kind", walled=True)
    with workspace_scope(world.acme.workspace.pk):
        assert statement.first(kind=RoleKind.EDITOR)
    for elsewhere in (unscoped("the test asks for all"), organization_scope(world.acme.workspace.organization_id)):
        with elsewhere, pytest.raises(RuntimeError, match="inside its scope"):
            statement.first(kind=RoleKind.EDITOR)
    with pytest.raises(RuntimeError, match="inside its scope"):
        statement.first(kind=RoleKind.EDITOR)


def test_an_open_one_is_asked_anywhere_and_made_of_no_walled_rows(world: World) -> None:
    accounts = Compiled(lambda email: User.objects.filter(email=email), "email", open=True)
    with workspace_scope(world.acme.workspace.pk):
        assert accounts.get(email=world.outsider.email) == world.outsider
    assert accounts.get(email=world.owner.email) == world.owner
    walled = Compiled(lambda kind: Role.objects.filter(kind=kind), "kind", open=True)
    with workspace_scope(world.acme.workspace.pk), pytest.raises(ScopeError):
        walled.first(kind=RoleKind.EDITOR)
