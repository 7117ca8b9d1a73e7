"""PostgreSQL's side of the wall: raw SQL in one scope cannot read, write or point across."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction
from django_scopes.exceptions import ScopeError

from config.postgres.base import DatabaseWrapper
from governance.audit.models import AuditEntry
from tests.world import World
from workspaces.models import ApiKey, GroupRole, OrganizationMember, Role, UserGroup, Workspace
from workspaces.scoping import organization_scope, unscoped, workspace_scope

WORKSPACE_TABLES = ("workspaces_apikey", "workspaces_role", "workspaces_grouprole", "audit_auditentry")
ORGANIZATION_TABLES = ("workspaces_organizationmember", "workspaces_usergroup", "workspaces_invitation")


@pytest.fixture(autouse=True)
def everything(world: World) -> None:
    """Rows on both sides of every wall."""
    for place in (world.acme, world.globex):
        assert place.rows["api_key"]


def select(sql: str, *params: int) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def execute(sql: str, *params: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


@contextmanager
def refused(scope: int, words: str, error: type[DatabaseError] = IntegrityError) -> Iterator[None]:
    """In this workspace's scope the body fails; deferred keys are checked at once, not at the end of the test."""
    fails = pytest.raises(error, match=words)
    with workspace_scope(scope), fails, transaction.atomic():
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        yield


@pytest.mark.parametrize("table", WORKSPACE_TABLES)
def test_raw_reads_stay_in_the_workspace(world: World, table: str) -> None:
    with workspace_scope(world.acme.workspace.pk):
        seen = {row[0] for row in select(f"SELECT DISTINCT workspace_id FROM {table}")}
    assert world.acme.workspace.pk in seen
    assert world.globex.workspace.pk not in seen


@pytest.mark.parametrize("table", ORGANIZATION_TABLES)
def test_raw_reads_stay_in_the_organization(world: World, table: str) -> None:
    with workspace_scope(world.acme.workspace.pk):
        seen = {row[0] for row in select(f"SELECT DISTINCT organization_id FROM {table}")}
    assert seen == {world.acme.workspace.organization_id}


@pytest.mark.parametrize("table", [*WORKSPACE_TABLES, *ORGANIZATION_TABLES, "workspaces_workspace"])
def test_raw_reads_outside_any_scope_find_nothing(world: World, table: str) -> None:
    assert select(f"SELECT * FROM {table}") == []


def test_a_workspace_scope_shows_no_other_workspace_of_the_organization(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        assert [w.pk for w in Workspace._base_manager.all()] == [world.acme.workspace.pk]


def test_an_organization_scope_shows_its_people_and_no_workspace_rows(world: World) -> None:
    with organization_scope(world.globex.workspace.organization_id):
        assert [m.user for m in OrganizationMember.objects.select_related("user")] == [world.outsider]
        assert not ApiKey.objects.exists()
        assert select("SELECT * FROM workspaces_apikey") == []


def test_raw_inserts_into_another_workspace_are_refused(world: World) -> None:
    with refused(world.acme.workspace.pk, "row-level security", ProgrammingError):
        execute(
            "INSERT INTO workspaces_role (workspace_id, name, kind) VALUES (%s, 'x', 'custom')",
            world.globex.workspace.pk,
        )


def test_raw_updates_and_deletes_do_not_reach_across(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        foreign = world.globex.workspace.pk
        assert execute("UPDATE workspaces_apikey SET name = 'taken' WHERE workspace_id = %s", foreign) == 0
        assert execute("DELETE FROM workspaces_apikey WHERE workspace_id = %s", foreign) == 0


def test_rows_cannot_be_moved_across(world: World) -> None:
    with refused(world.acme.workspace.pk, "row-level security", ProgrammingError):
        execute("UPDATE workspaces_apikey SET workspace_id = %s", world.globex.workspace.pk)


def test_a_row_cannot_point_to_another_workspaces_row(world: World) -> None:
    with unscoped("the test looks for a foreign role"):
        foreign = Role.objects.get(workspace=world.globex.workspace, kind="viewer")
    with refused(world.acme.workspace.pk, "role_id_wall"):
        execute("UPDATE workspaces_grouprole SET role_id = %s", foreign.pk)


def test_a_group_of_another_organization_cannot_hold_a_role(world: World) -> None:
    with unscoped("the test looks for a foreign group"):
        foreign = UserGroup.objects.get(organization=world.globex.workspace.organization, name="Analysts")
    with refused(world.acme.workspace.pk, "group_id_wall"):
        execute(
            "UPDATE workspaces_grouprole SET group_id = %s WHERE id = (SELECT min(id) FROM workspaces_grouprole)",
            foreign.pk,
        )


def test_a_role_cannot_be_held_in_a_workspace_of_another_organization(world: World) -> None:
    with refused(world.acme.workspace.pk, "_wall"):
        GroupRole.objects.create(
            workspace=world.acme.workspace,
            organization_id=world.globex.workspace.organization_id,
            group=UserGroup.objects.get(name="Analysts"),
            role=Role.objects.get(kind="viewer"),
        )


def test_people_of_another_organization_cannot_join_a_group(world: World) -> None:
    with unscoped("the test looks for a foreign person"):
        foreign = OrganizationMember.objects.get(user=world.outsider)
    with refused(world.acme.workspace.pk, "member_id_wall"):
        execute(
            "UPDATE workspaces_groupmember SET member_id = %s WHERE id = (SELECT min(id) FROM workspaces_groupmember)",
            foreign.pk,
        )


@pytest.mark.parametrize("statement", ["UPDATE audit_auditentry SET actor_label = 'x'", "DELETE FROM audit_auditentry"])
def test_audit_entries_are_never_changed(world: World, statement: str) -> None:
    with unscoped("even unscoped"), pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        execute(statement)


def test_retention_may_delete_audit_entries(world: World) -> None:
    with unscoped("retention works on all workspaces"), transaction.atomic():
        execute("SET LOCAL headrace.retention = 'on'")
        assert execute("DELETE FROM audit_auditentry") > 0
        AuditEntry.objects.create(actor_label="x", event="x")
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            execute("UPDATE audit_auditentry SET actor_label = 'x'")


def test_scopes_nest_and_end(world: World) -> None:
    acme, globex = world.acme.workspace, world.globex.workspace
    with workspace_scope(acme.pk):
        with unscoped("the test looks everywhere"):
            assert ApiKey.objects.count() == 2
            with workspace_scope(globex.pk):
                assert {key.workspace_id for key in ApiKey.objects.all()} == {globex.pk}
        assert {key.workspace_id for key in ApiKey.objects.all()} == {acme.pk}
        assert {row[0] for row in select("SELECT workspace_id FROM workspaces_apikey")} == {acme.pk}
    with pytest.raises(ScopeError):
        ApiKey.objects.count()


def test_the_scope_survives_a_rollback(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        with transaction.atomic(), workspace_scope(world.globex.workspace.pk):
            assert select("SELECT DISTINCT workspace_id FROM workspaces_apikey")
            transaction.set_rollback(True)
        seen = select("SELECT DISTINCT workspace_id FROM workspaces_apikey")
    assert seen == [(world.acme.workspace.pk,)]


def test_a_new_connection_is_told_the_scope_before_its_first_statement(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        fresh = connection.copy()
        assert isinstance(fresh, DatabaseWrapper)
        with fresh.cursor() as cursor:
            cursor.execute("SELECT current_setting('headrace.workspace')")
            assert cursor.fetchone() == (str(world.acme.workspace.pk),)
        fresh.close()


def test_unscoped_wants_a_reason() -> None:
    with pytest.raises(ValueError, match="why"), unscoped(""):
        pass
