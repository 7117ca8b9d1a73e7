"""From read-only rights to the warehouse planner and back on one's feet: on a real server, with real roles.

The SQL that pages show is what the administrator runs, word for word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.db import connections
from django.test import override_settings
from playwright.sync_api import Page, expect
from psycopg import sql

from config.embedded import Urls
from config.embedded.postgres import SUPERUSER
from connectors import services as connectors
from connectors.models import Source
from syncs import services as syncs
from syncs.choices import ModelMethod
from syncs.configuration import Proposal
from syncs.definitions import Definition
from tests.browser.acting import signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.support.databases import at
from tests.support.rows import database_rows
from tests.support.shared_services import shared_dir
from tests.syncs.app.shop import mapping, postgres_settings
from tests.syncs.app.workers import WORKER, process
from tests.world import World, build_world
from workspaces.scoping import workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]

RUN_MS = 60_000
FIELDS = ("id", "email")


@dataclass(frozen=True)
class Warehouse:
    """A database of its own, its administrator, and the table at the other end."""

    admin: str
    user: str
    target: str
    table: str

    def run(self, statements: str) -> None:
        """As the administrator, who owns everything."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(statements)

    def arrived(self) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.target) as connection:
            return connection.execute(f"SELECT id, email FROM {self.table} ORDER BY id").fetchall()


@pytest.fixture(scope="module")
def working(server: str) -> Iterator[None]:
    """A real worker process on the database that the server uses, and the way out to it open."""
    with override_settings(OUTBOUND_ALLOW=["*"]), process(WORKER):
        yield


@pytest.fixture
def warehouse(services: Urls) -> Iterator[Warehouse]:
    """Five customers in a database that only its administrator can read."""
    secrets = shared_dir() / "secrets" / "embedded.json"
    if not services.acme_url or not secrets.exists():
        pytest.skip("roles are made on the embedded PostgreSQL, as its superuser")
    where, mark = urlsplit(services.database_url), uuid4().hex[:8]
    password = json.loads(secrets.read_text())[SUPERUSER]
    name, user, table = f"shop_{mark}", f"reader_{mark}", f"copy_{mark}"
    root = f"postgresql://{SUPERUSER}:{password}@{where.hostname}:{where.port}/postgres"
    with psycopg.connect(root, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made = Warehouse(at(root, name), user, services.acme_url, table)
        made.run(
            "CREATE TABLE customers (id int PRIMARY KEY, email text);"
            "INSERT INTO customers SELECT i, 'c' || i || '@shop.test' FROM generate_series(1, 5) i"
        )
        with psycopg.connect(services.acme_url, autocommit=True) as target:
            target.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, email text)")
            yield made
            target.execute(f"DROP TABLE {table}")
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(user)))


@pytest.fixture
def world(working: None) -> World:
    """Two organizations, in the database that the server shares."""
    database_rows().delete_all()
    return build_world()


@pytest.fixture
def page(open_page: Open, server: str, world: World) -> Page:
    """A page of the owner's browser."""
    opened = signed_in(open_page, world.owner)
    opened.set_default_timeout(8_000)
    return opened


def test_from_read_only_to_the_warehouse_planner_and_through_lost_rights(
    page: Page, warehouse: Warehouse, world: World
) -> None:
    source_page = connect_read_only(page, warehouse)
    add_sync(page, warehouse, world)
    run(page, "Completed. 5 rows queried, 5 to send.")
    assert [row[0] for row in warehouse.arrived()] == [1, 2, 3, 4, 5]

    sync_page = page.url.partition("/runs/")[0]
    move_to_the_warehouse(page, warehouse, source_page)
    page.goto(sync_page)
    run(page, "Completed. 5 rows queried, 0 to send.")
    expect(page.get_by_text("Warehouse planner.")).to_be_visible()

    warehouse.run(f"REVOKE CREATE ON SCHEMA headrace_planner FROM {warehouse.user}")
    warehouse.run("UPDATE customers SET email = 'new@shop.test' WHERE id = 2")
    page.goto(sync_page)
    run(page, "Aborted.")
    stopped = page.get_by_role("alert").filter(has_text="The run stopped.")
    expect(stopped).to_contain_text("permission denied for schema headrace_planner")
    expect(stopped).to_contain_text("Grant this user USAGE and CREATE on headrace_planner again")
    assert warehouse.arrived()[1] == (2, "c2@shop.test")

    warehouse.run(f"GRANT USAGE, CREATE ON SCHEMA headrace_planner TO {warehouse.user}")
    page.goto(sync_page)
    run(page, "Completed. 5 rows queried, 1 to send.")
    assert warehouse.arrived()[1] == (2, "new@shop.test")


def connect_read_only(page: Page, warehouse: Warehouse) -> str:
    """Through the wizard, with the user that its SQL makes; the address of the new source."""
    visit(page, "/acme/sources/new/postgres")
    where = urlsplit(warehouse.admin)
    page.get_by_label("Host").fill(str(where.hostname))
    page.get_by_label("Port").fill(str(where.port))
    page.get_by_role("textbox", name="Database").fill(where.path.lstrip("/"))
    page.get_by_role("textbox", name="User").fill(warehouse.user)
    page.get_by_role("textbox", name="Password").fill("choose-a-password")
    shown = page.locator("#setup-sql pre")
    expect(shown).to_contain_text(f'CREATE USER "{warehouse.user}"')
    assert_sound_here(page)
    warehouse.run(copied(page, "#setup-sql .snippet"))
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_role("link", name="Continue", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose the planner")
    page.get_by_role("radio", name=re.compile("^The warehouse")).check()
    page.get_by_role("button", name="Test write access").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no schema headrace_planner")
    assert_sound_here(page)
    page.get_by_role("radio", name=re.compile("^Headrace")).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name", exact=False).first.fill("Shop")
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Shop")
    return page.url


def add_sync(page: Page, warehouse: Warehouse, world: World) -> None:
    """A model and a sync, which have journeys of their own; ends on the sync's page."""
    # On a thread of its own: an event loop of the browser's runs on this one.
    with ThreadPoolExecutor(1) as pool:
        visit(page, f"/acme/syncs/{pool.submit(make_sync, warehouse, world).result()}")


def make_sync(warehouse: Warehouse, world: World) -> int:
    """The id of a sync of the customers to the table at the other end."""
    try:
        with workspace_scope(world.acme.workspace.pk):
            actor = world.acme.actor
            model = syncs.create_model(
                actor=actor,
                source=Source.objects.get(name="Shop"),
                name="Customers",
                definition=Definition(method=ModelMethod.SQL, sql="SELECT * FROM customers"),
                primary_key="id",
            )
            target = connectors.create_destination(
                actor=actor, type="postgres", values=postgres_settings(warehouse.target), name="Copy"
            )
            proposal = Proposal(
                sync_type="table",
                mode="upsert",
                removal="delete",
                settings={"table": f"public.{warehouse.table}", "batch_size": 100},
                mappings=[mapping(name) for name in FIELDS],
            )
            return syncs.create_sync(actor=actor, model=model, destination=target, proposal=proposal).pk
    finally:
        connections.close_all()


def move_to_the_warehouse(page: Page, warehouse: Warehouse, source_page: str) -> None:
    page.goto(f"{source_page}/configuration")
    warehouse.run(copied(page, "#planner .snippet"))
    page.get_by_role("button", name=re.compile("^Test write access")).click()
    expect(page.get_by_text("Headrace can write.")).to_be_visible()
    assert_sound_here(page)
    page.get_by_role("button", name="Move to the warehouse planner").click()
    expect(page.get_by_text("Rows are compared in PostgreSQL: the warehouse planner.")).to_be_visible()


def copied(page: Page, snippet: str) -> str:
    """What is in the clipboard after the snippet's button was pressed: the text that is shown."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    place = page.locator(snippet).first
    place.get_by_role("button", name="Copy").click()
    expect(place.get_by_text("Copied")).to_be_visible()
    text: str = page.evaluate("navigator.clipboard.readText()")
    assert text.strip() == place.locator("pre").inner_text().strip()
    return text


def run(page: Page, outcome: str) -> None:
    """Run the sync whose page is open, and wait on the run's page for how it ends."""
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_text(outcome).first).to_be_visible(timeout=RUN_MS)


def visit(page: Page, path: str) -> None:
    page.goto(re.sub(r"(//[^/]+)/.*", rf"\1{path}", page.url))


def assert_sound_here(page: Page) -> None:
    """Sound at every width and in both themes, then back to this test's own window."""
    size: Any = page.viewport_size
    assert_sound(page)
    page.set_viewport_size(size)
