"""Connecting a source in the browser: the wizard with its scripts, conditions, the live test and the schema."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.connectors.app.connections import customers_file
from tests.world import World, build_world

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def acme(server: str) -> World:
    """The world, in the database that the server shares."""
    return build_world()


@pytest.fixture
def page(open_page: Open, acme: World) -> Page:
    """A page of the owner's browser."""
    return signed_in(open_page, acme.owner)


def visit(page: Page, path: str) -> None:
    page.goto(re.sub(r"(//[^/]+)/.*", rf"\1{path}", page.url))


def test_a_source_is_connected_tested_named_and_browsed(page: Page) -> None:
    path = customers_file()
    visit(page, "/acme/sources/new")
    page.get_by_role("searchbox", name="Search by name or kind").fill("parquet")
    expect(page.get_by_role("link", name=re.compile("DuckDB"))).to_be_visible()
    page.get_by_role("link", name=re.compile("DuckDB")).click()
    expect(page.get_by_role("textbox", name="Database file")).to_be_visible()
    page.get_by_role("radio", name=re.compile("^Files")).check()
    expect(page.get_by_role("textbox", name="Database file")).to_be_hidden()
    page.get_by_label("Name 1").fill("customers")
    page.get_by_label("Value 1").fill("missing.csv")
    assert_sound(page)
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("alert")).to_contain_text("missing.csv")
    expect(page.get_by_role("link", name="Continue", exact=True)).to_have_count(0)
    assert_sound(page)
    page.get_by_role("link", name="Back to the connection").click()
    expect(page.get_by_label("Value 1")).to_have_value("missing.csv")
    page.get_by_label("Value 1").fill(path)
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_role("link", name="Continue", exact=True).click()
    page.get_by_label("Name", exact=False).first.fill("Till receipts")
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Till receipts")
    assert_sound(page)
    page.get_by_role("main").get_by_role("link", name="Schema", exact=True).click()
    page.get_by_text("customers", exact=True).click()
    expect(page.get_by_text("email", exact=True)).to_be_visible()
    assert_sound(page)


def test_a_destination_keeps_its_secret_and_lists_it_as_set(page: Page) -> None:
    headers = page.get_by_role("group", name="Headers")
    visit(page, "/acme/destinations/new/http_request")
    page.get_by_label("Base URL").fill("https://127.0.0.1:9")
    headers.get_by_label("Name 1").fill("Authorization")
    headers.get_by_label("Value 1").fill("Bearer hunter2")
    headers.get_by_label("Shown or secret 1").select_option("Secret")
    expect(page.get_by_label("Access token URL")).to_be_hidden()
    page.get_by_role("switch", name=re.compile("OAuth 2")).check()
    expect(page.get_by_label("Access token URL")).to_be_visible()
    page.get_by_role("switch", name=re.compile("OAuth 2")).uncheck()
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("link", name="Back to the connection").click()
    expect(headers.get_by_label("Value 1")).to_have_value("")
    expect(headers.get_by_label("Value 1")).to_have_attribute("placeholder", re.compile("set"))
    assert "hunter2" not in page.content()


@pytest.mark.parametrize("path", ["sources", "destinations", "destinations/new"])
def test_lists_and_catalogue_are_sound(page: Page, path: str) -> None:
    visit(page, f"/acme/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_sound(page)
