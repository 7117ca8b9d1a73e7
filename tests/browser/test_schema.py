"""The schema of a studio: its picture by keyboard, and a model that is added from it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open

pytestmark = [pytest.mark.browser, pytest.mark.services]

PASSWORD = "river-stone-42-blue"


@pytest.fixture
def customers(server: str) -> int:
    """Customers and their orders in acme; made on a thread without Playwright's event loop."""
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(_build).result()


def _build() -> int:
    from django.db import connection

    from audiences import looking
    from tests.audiences.app.shop import orders, parent, warehouse
    from tests.world import build_world
    from workspaces.scoping import workspace_scope

    world = build_world()
    world.owner.set_password(PASSWORD)
    world.owner.save()
    with workspace_scope(world.acme.workspace.pk):
        made = parent(world.acme, warehouse(world.acme))
        orders(world.acme, made)
        looking.work(made.pk)
    connection.close()
    return made.pk


def test_the_picture_leads_to_models_and_to_new_ones(open_page: Open, customers: int) -> None:
    page = open_page("/accounts/login/")
    page.locator("input[name=login]").fill("owner@acme.test")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.goto(page.url.split("/acme")[0] + "/acme/studio/schema")
    node = page.locator(".schema-node", has_text="Customers")
    node.get_by_role("link").focus()
    expect(page.locator(".schema-link[data-lit]")).to_have_count(1)
    assert_sound(page)
    node.get_by_role("button", name="Add to Customers").press("Enter")
    page.get_by_role("menuitem", name="Related model").press("Enter")
    expect(page.get_by_role("heading", name="Add a related model of Customers")).to_be_visible()
    rename_a_column(page, customers)


def rename_a_column(page: Page, model: int) -> None:
    """A column's alias is saved as soon as it was typed."""
    page.goto(page.url.split("/acme")[0] + f"/acme/studio/schema/{model}")
    field = page.get_by_label("Alias of region")
    field.fill("Part of the country")
    field.press("Tab")
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Alias of region")).to_have_value("Part of the country")
    assert_sound(page)
