"""Words in the audit log are found by an index, by nobody beyond the wall, and alike by both ways of looking."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance import selectors
from governance.audit import searching
from governance.audit.actors import Actor, ActorKind
from governance.audit.models import AuditEntry
from governance.audit.services import purge_before, redact_values, seal_entries
from tests.world import World
from workspaces import services
from workspaces.models import Workspace
from workspaces.scoping import organization_scope, unscoped, workspace_scope


@pytest.fixture
def places(world: World) -> dict[str, AuditEntry]:
    """An entry that says "walrus" in each place there is: two workspaces of acme, acme itself, globex, and nowhere."""
    acme, globex = world.acme.workspace, world.globex.workspace
    staging = services.create_workspace(actor=world.acme.actor, organization=acme.organization, name="Staging")
    at = {
        "acme": (acme.organization_id, acme.pk),
        "staging": (acme.organization_id, staging.pk),
        "organization": (acme.organization_id, None),
        "globex": (globex.organization_id, globex.pk),
        "nowhere": (None, None),
    }
    with unscoped("entries of every place"):
        return {name: _entry(*place, label=f"Walrus of {name}") for name, place in at.items()}


def _entry(organization_id: int | None, workspace_id: int | None, *, label: str) -> AuditEntry:
    return AuditEntry.objects.create(
        organization_id=organization_id,
        workspace_id=workspace_id,
        event="sync.updated",
        actor_kind="person",
        actor_label="kim@acme.test",
        resource_type="sync",
        resource_label=label,
        correlation_id="c" * 32,
    )


def found(words: str) -> set[int]:
    """What the index finds for this session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT headrace_find_entries(%s)", [words])
        return set(cursor.fetchone()[0])


def _scope(name: str, workspace: Workspace) -> AbstractContextManager[None]:
    scopes = {
        "workspace": lambda: workspace_scope(workspace.pk),
        "organization": lambda: organization_scope(workspace.organization_id),
    }
    return scopes[name]()


@pytest.mark.parametrize(
    ("scope", "seen"),
    [("workspace", {"acme", "organization"}), ("organization", {"acme", "staging", "organization"})],
)
@pytest.mark.parametrize("words", ["walrus", "walr kim", "wal of"])
def test_the_index_answers_within_the_wall(
    world: World, places: dict[str, AuditEntry], scope: str, seen: set[str], words: str
) -> None:
    with _scope(scope, world.acme.workspace):
        assert found(words) == {places[name].pk for name in seen}
        assert found(f"{words} nothing") == set()
        visible = set(AuditEntry.objects.values_list("pk", flat=True))
        for attempt in (f"zzz' | 'w{world.globex.workspace.pk}", "e", "n", f"w{world.globex.workspace.pk}", "w) | (e"):
            assert found(attempt) <= visible, attempt


def test_nobody_sees_words_without_asking_or_from_outside(places: dict[str, AuditEntry], world: World) -> None:
    with workspace_scope(world.acme.workspace.pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_entrywords")
        assert cursor.fetchone() == (0,)
    assert found("walrus") == set()


def test_the_search_uses_the_index_under_the_apps_own_role(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('headrace.search', 'walrus kim', true), set_config('enable_seqscan', '0', true)"
        )
        cursor.execute("EXPLAIN SELECT entry_id FROM audit_entrywords")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Bitmap Index Scan on audit_words_found" in plan, plan
    assert "Index Cond: (words @@" in plan, "the wall and the words are what the index is asked for"


@pytest.mark.parametrize("page", ["/acme/audit-log", "/acme/organization/audit-log"])
def test_rare_words_find_what_common_ones_do(
    world: World, places: dict[str, AuditEntry], page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    client.force_login(world.owner)
    queries = ("walrus", "WALR", "sync.upd walrus", "walrus zzz", "%", "kim", f"walrus&person={world.owner.pk}")

    def tables() -> list[str]:
        return [client.get(f"{page}?q={query}").text.partition("<tbody>")[2] for query in queries]

    common = tables()
    assert "Walrus of acme" in common[0]
    assert "Walrus of globex" not in common[0]
    monkeypatch.setattr(searching, "NEWEST", 0)
    with CaptureQueriesContext(connection) as asked:
        assert tables() == common
    assert any("headrace_find_entries" in query["sql"] for query in asked)


def test_words_follow_erasure_and_retention(places: dict[str, AuditEntry], world: World) -> None:
    organization_id = world.acme.workspace.organization_id
    somebody = Actor(ActorKind.PERSON, 4, "kim@acme.test", user_id=4)
    with unscoped("as the keeper of the chain"):
        seal_entries()
        done = redact_values(actor=somebody, organization_id=organization_id, texts=["Walrus of staging"])
        assert done.entries == 1
    with organization_scope(organization_id):
        assert found("walrus") == {places["acme"].pk, places["organization"].pk}
    with unscoped("as the keeper of the chain"), transaction.atomic():
        seal_entries()
        purge_before(organization_id, timezone.now() + timedelta(days=1))
        assert not AuditEntry.objects.filter(pk=places["acme"].pk).exists()
    with organization_scope(organization_id):
        assert found("walrus") == set()


@pytest.mark.parametrize(
    "wanted", [selectors.AuditFilter(people=("system",)), selectors.AuditFilter(keys=("7",))], ids=["Headrace", "a key"]
)
def test_what_headrace_and_keys_did_has_an_index(world: World, wanted: selectors.AuditFilter) -> None:
    """Where people did most, as in most logs; the planner is told so, and reads few rows rather than all."""
    place = world.acme.workspace
    with workspace_scope(place.pk), connection.cursor() as cursor:
        for number in range(60):
            _entry(place.organization_id, place.pk, label=str(number))
        cursor.execute("ANALYZE audit_auditentry; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        rows = selectors.audit_entries(world.acme.workspace, wanted, whole_organization=False)
        plan = rows.order_by().explain()
    # With few rows the planner may as well take the organization's.
    assert re.search(r"(on|using) audit_(organization_)?actor\b", plan), plan
