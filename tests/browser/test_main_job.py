"""The main job from nothing: sign up, connect both sides, write a model, add a sync, run it, open a rejected row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.test import override_settings
from playwright.sync_api import Page, expect

from config.embedded import Urls
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.connectors.app.connections import files_folder
from tests.support.rows import database_rows
from tests.syncs.app.workers import WORKER, process

pytestmark = [pytest.mark.browser, pytest.mark.services]

MEMBERS = "id,email,plan\n1,ada@example.com,free\n2,grace@example.com,broken\n3,katherine@example.com,paid\n"
RUN_MS = 60_000


@dataclass(frozen=True)
class Parts:
    """What the person has at hand: a file to read, and a table to fill."""

    file: str
    table: str
    address: str


@pytest.fixture(scope="module")
def working(server: str) -> Iterator[None]:
    """A real worker process on the database that the server uses, and the way out to it open."""
    with override_settings(OUTBOUND_ALLOW=["*"]), process(WORKER):
        yield


@pytest.fixture
def parts(services: Urls, working: None) -> Iterator[Parts]:
    """A CSV file and a table that refuses one of its rows; nobody has signed up yet."""
    database_rows().delete_all()
    (files_folder() / "members.csv").write_text(MEMBERS)
    table = f"members_{uuid4().hex[:8]}"
    with psycopg.connect(services.acme_url, autocommit=True) as connection:
        connection.execute(
            f"CREATE TABLE {table} (id bigint PRIMARY KEY, email text, plan text CHECK (plan <> 'broken'))"
        )
        yield Parts("members.csv", table, services.acme_url)
        connection.execute(f"DROP TABLE {table}")


def test_a_newcomer_syncs_a_file_to_a_database_and_sees_why_a_row_was_refused(open_page: Open, parts: Parts) -> None:
    page = open_page("/accounts/signup/")
    page.set_default_timeout(8_000)
    sign_up(page)
    expect(page.get_by_text("Get started")).to_be_visible()
    assert_sound_here(page)
    connect_source(page, parts)
    connect_destination(page, parts)
    write_model(page)
    add_sync(page, parts)
    watch_run(page)
    open_rejected_row(page)
    assert stored(parts) == [(1, "ada@example.com", "free"), (3, "katherine@example.com", "paid")]


def sign_up(page: Page) -> None:
    page.get_by_label("Your name").fill("Ada Newcomer")
    page.get_by_label(re.compile("^E-?mail")).fill("ada@newcomer.test")
    page.get_by_label("Password", exact=False).first.fill("a-long-and-quiet-river")
    page.get_by_label("Organization").fill("Newcomer")
    page.get_by_label("First workspace").fill("Marketing")
    page.get_by_role("button", name="Create account").click()


def connect_source(page: Page, parts: Parts) -> None:
    page.get_by_role("link", name="Add a source").click()
    page.get_by_role("link", name=re.compile("DuckDB")).click()
    page.get_by_role("radio", name=re.compile("^Files")).check()
    page.get_by_label("Name 1").fill("members")
    page.get_by_label("Value 1").fill(parts.file)
    finish_connection(page, "Member files")


def connect_destination(page: Page, parts: Parts) -> None:
    at = urlsplit(parts.address)
    visit(page, "destinations/new")
    page.get_by_role("link", name=re.compile("PostgreSQL")).click()
    page.get_by_label("Host").fill(str(at.hostname))
    page.get_by_label("Port").fill(str(at.port))
    page.get_by_label("Database").fill(at.path.lstrip("/"))
    page.get_by_label("User").fill(str(at.username))
    page.get_by_label("Password").fill(at.password or "")
    finish_connection(page, "App database")


def finish_connection(page: Page, name: str) -> None:
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_role("link", name="Continue", exact=True).click()
    page.get_by_label("Name", exact=False).first.fill(name)
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def write_model(page: Page) -> None:
    visit(page, "models/new")
    page.get_by_role("link", name=re.compile("Member files")).click()
    editor = page.locator(".code-host .cm-content")
    editor.fill("SELECT id, email, plan FORM members")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("line 1, column"))
    assert_sound_here(page)
    editor.fill("SELECT id, email, plan FROM members")
    editor.press("Control+Enter")
    expect(page.get_by_role("cell", name="grace@example.com")).to_be_visible()
    page.locator("#result").get_by_label(re.compile("^Name")).fill("Members")
    expect(page.get_by_role("combobox", name="Primary key")).to_have_value(re.compile("^id"))
    assert_sound_here(page)
    page.get_by_role("button", name="Save model").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Members")


def add_sync(page: Page, parts: Parts) -> None:
    page.get_by_role("link", name="Add a sync").click()
    page.get_by_role("link", name=re.compile("App database")).click()
    page.get_by_label("Table").select_option(f"public.{parts.table}")
    expect(page.get_by_label("Destination field, line 3")).to_have_value("plan")
    expect(page.get_by_label("Match records by this field, line 1")).to_be_checked()
    lines = page.locator(".mapping-line:visible")
    expect(lines).to_have_count(3)
    page.get_by_role("button", name="Add a line").click()
    expect(lines).to_have_count(4)
    lines.last.get_by_role("button", name="Remove this line").click()
    expect(lines).to_have_count(3)
    page.get_by_role("radio", name=re.compile("^Delete the record")).check()
    assert_sound_here(page)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("radio", name=re.compile("^Interval")).check()
    page.get_by_role("spinbutton", name="Every").fill("6")
    expect(page.locator("#outcome")).to_contain_text("Every 6 hours, Headrace adds new rows of “Members”")
    assert_sound_here(page)
    page.get_by_role("button", name="Finish and run").click()


def watch_run(page: Page) -> None:
    """The page follows the run by itself, and shows what was refused when it ends."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Run 1")
    expect(page.get_by_text("Completed with errors").first).to_be_visible(timeout=RUN_MS)
    expect(page.get_by_role("heading", name="What went wrong")).to_be_visible()
    expect(page.get_by_text("1 rejected")).to_be_visible()
    assert_sound_here(page)


def open_rejected_row(page: Page) -> None:
    page.get_by_role("region", name="Rows", exact=True).get_by_role("link", name="2", exact=True).click()
    drawer = page.get_by_role("dialog", name="Row 2")
    expect(drawer.get_by_text("violates check constraint").first).to_be_visible()
    expect(drawer.get_by_role("region", name="Request 1", exact=True)).to_contain_text("INSERT INTO")
    expect(drawer.get_by_role("region", name="Response 1", exact=True)).to_be_visible()
    assert_sound_here(page)


def visit(page: Page, path: str) -> None:
    workspace = urlsplit(page.url).path.split("/")[1]
    page.goto(re.sub(r"(//[^/]+)/.*", rf"\1/{workspace}/{path}", page.url))


def assert_sound_here(page: Page) -> None:
    """Sound at every width and in both themes, then back to this test's own window."""
    size: Any = page.viewport_size
    assert_sound(page)
    page.set_viewport_size(size)


def stored(parts: Parts) -> list[tuple[Any, ...]]:
    with psycopg.connect(parts.address) as connection:
        return connection.execute(f"SELECT id, email, plan FROM {parts.table} ORDER BY id").fetchall()
