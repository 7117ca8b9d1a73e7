"""Somebody leaves a value blank in a template, and somebody else fills it in."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from audiences.models import Audience
from tests.audiences.app.shop import parent, warehouse
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.world import Place, build_world
from workspaces.scoping import workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]


@pytest.fixture
def place(server: str) -> Place:
    """A workspace with customers."""
    made = build_world().acme
    with workspace_scope(made.workspace.pk):
        parent(made, warehouse(made))
    return made


def test_a_template_with_a_blank_becomes_an_audience(open_page: Open, place: Place) -> None:
    page = signed_in(open_page, place.owner, f"/{place.slug}/studio/templates")
    page.set_default_timeout(8_000)
    page.get_by_role("link", name="Add audience template").first.click()
    page.get_by_role("button", name="Property", exact=True).click()
    page.get_by_label("Column").select_option(label="region")
    page.get_by_label("What to fill in").fill("Which region")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="In words")).to_contain_text("region is [Which region]")
    assert_sound(page)
    page.get_by_label("Name").fill("Regional")
    page.get_by_role("button", name="Save template").click()
    expect(page.get_by_role("heading", name="Regional")).to_be_visible()

    page.get_by_role("link", name="Make an audience").click()
    expect(page.get_by_text("1 to finish")).to_be_visible()
    assert_sound(page)
    page.get_by_label("Value", exact=True).fill("south")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="In words")).to_contain_text("Customers where region is “south”.")
    page.get_by_role("button", name="Limit the size").click()
    expect(page.get_by_role("region", name="In words")).to_contain_text("only the top 100 by id")
    page.get_by_label("Name").fill("Southerners")
    page.get_by_role("button", name="Save audience").click()
    expect(page.get_by_role("heading", name="Southerners")).to_be_visible()
    saved = aside(place, lambda: Audience.objects.get(name="Southerners"))
    assert saved.definition["limit"] == {"by": {"column": "id"}, "count": 100}
