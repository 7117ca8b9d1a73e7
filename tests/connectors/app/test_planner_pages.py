"""The pages on which a planner is chosen, write access is tested, and sync logs are switched on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from uuid import uuid4

import duckdb
import pytest
from django.test import Client

from connectors import services
from connectors.choices import Planner
from connectors.models import Source
from tests.connectors.app.connections import a_source, files_folder
from tests.world import Place, World
from workspaces.scoping import workspace_scope

HTMX = {"HX-Request": "true"}


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    """The workspace of acme, with its scope entered."""
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def owner(acme: Place, client: Client) -> Client:
    """A browser signed in as the owner of acme."""
    client.force_login(acme.owner)
    return client


@pytest.fixture
def path() -> str:
    """An empty DuckDB database, by its path inside the folder that sources may read."""
    file = files_folder() / f"{uuid4().hex[:8]}.duckdb"
    duckdb.connect(str(file)).close()
    return file.name


def words(response: Any) -> str:
    """The answer's text, without markup."""
    body = response.content.decode()
    body = body.partition("<main")[2] or body
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def a_database(acme: Place, path: str, *, writable: bool = False) -> Source:
    values = {"mode": "database", "path": path}
    source = services.create_source(actor=acme.actor, type="duckdb", values=values, name="Warehouse")
    if writable:
        assert services.check_write_access(actor=acme.actor, source=source).ok
    return Source.objects.get(pk=source.pk)


def test_a_new_source_may_start_on_the_warehouse_planner(owner: Client, path: str) -> None:
    saved = owner.post("/acme/sources/new/duckdb", {"mode": "database", "path": path})
    source = Source.objects.latest("pk")
    duckdb.connect(str(files_folder() / path)).execute("CREATE TABLE t (id INT)").close()
    passed = owner.post(f"/acme/sources/{source.pk}/check", {"setting_up": "1"}, headers=HTMX)
    step = f"/acme/sources/{source.pk}/setup/planner"
    assert step in passed.content.decode()
    assert "Only rows that changed" in words(owner.get(step))
    early = owner.post(step, {"planner": "warehouse"})
    assert early.status_code == 409
    assert "has not passed its test" in words(early)
    tested = owner.post(f"/acme/sources/{source.pk}/write-check", headers=HTMX)
    assert "Headrace can write." in words(tested)
    assert owner.post(step, {"planner": "warehouse"})["Location"].endswith("/setup/name")
    assert Source.objects.get(pk=source.pk).planner == Planner.WAREHOUSE
    assert saved["Location"].endswith("/setup/test")


def test_a_finished_source_is_moved_from_its_configuration_page_and_stays_moved(
    owner: Client, acme: Place, path: str
) -> None:
    source = a_database(acme, path)
    page = f"/acme/sources/{source.pk}/configuration"
    assert "Move to the warehouse planner" in words(owner.get(page))
    owner.post(f"/acme/sources/{source.pk}/planner", {"planner": "warehouse"})
    assert Source.objects.get(pk=source.pk).planner == Planner.LOCAL
    owner.post(f"/acme/sources/{source.pk}/write-check")
    owner.post(f"/acme/sources/{source.pk}/planner", {"planner": "warehouse"})
    assert Source.objects.get(pk=source.pk).planner == Planner.WAREHOUSE
    moved = words(owner.get(page))
    assert "There is no way back for this source" in moved
    assert "Move to the warehouse planner" not in moved


def test_files_offer_no_planner_and_no_logs(owner: Client, acme: Place) -> None:
    source = a_source(acme)
    page = owner.get(f"/acme/sources/{source.pk}/configuration")
    assert "Planner" not in words(page)
    assert "sync-logs" not in page.content.decode()


def test_the_sql_for_a_least_privilege_user_follows_what_is_typed(owner: Client) -> None:
    shown = words(owner.get("/acme/sources/new/postgres/setup-sql", {"user": 'we"ird', "database": "shop"}))
    assert 'CREATE USER "we""ird"' in shown
    assert 'GRANT CONNECT ON DATABASE "shop"' in shown
    assert "CREATE USER" in words(owner.get("/acme/sources/new/postgres"))


def test_sync_logs_are_chosen_for_all_syncs_of_a_source(owner: Client, acme: Place, path: str) -> None:
    source = a_database(acme, path)
    page = f"/acme/sources/{source.pk}/sync-logs"
    assert "Sync logs need write access" in words(owner.get(page))
    refused = owner.post(page, {"tables": ["runs"], "changelog_days": ""})
    assert refused.status_code == 409
    assert services.check_write_access(actor=acme.actor, source=source).ok
    owner.post(page, {"tables": ["runs", "changelog"], "changelog_days": "30"})
    source = Source.objects.get(pk=source.pk)
    assert (source.sync_logs, source.changelog_days) == (["changelog", "runs"], 30)
    assert owner.post(page, {"tables": ["diary"], "changelog_days": ""}).status_code == 422
    owner.post(page, {"changelog_days": ""})
    source = Source.objects.get(pk=source.pk)
    assert (source.sync_logs, source.changelog_days) == ([], None)
