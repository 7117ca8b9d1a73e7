"""A marketer builds an audience by clicking, sees it in words, is told what is unfinished, and saves it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from audiences.models import Audience
from tests.audiences.app.shop import orders, parent, warehouse
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.world import Place, build_world
from workspaces.scoping import workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]


@pytest.fixture
def place(server: str) -> Place:
    """A workspace whose customers have orders."""
    made = build_world().acme
    with workspace_scope(made.workspace.pk):
        orders(made, parent(made, warehouse(made)))
    return made


def test_an_audience_is_built_in_the_browser(open_page: Open, place: Place) -> None:
    page = signed_in(open_page, place.owner, f"/{place.slug}/studio/audiences/new")
    page.set_default_timeout(8_000)
    words = page.get_by_role("region", name="In words")
    expect(words).to_contain_text("All Customers.")

    page.get_by_role("button", name="Property", exact=True).click()
    expect(page.get_by_text("1 to finish")).to_be_visible()
    assert_sound(page)
    page.get_by_label("Column").select_option(label="region")
    page.get_by_label("Value", exact=True).fill("north")
    page.keyboard.press("Enter")
    expect(words).to_contain_text("Customers where region is “north”.")
    expect(page.get_by_label("One more value")).to_have_value("")

    page.get_by_role("button", name="Event", exact=True).click()
    page.get_by_role("button", name="When").click()
    expect(words).to_contain_text("did Orders within the previous 30 days")
    page.get_by_label("How they join").first.select_option("any")
    expect(words).to_contain_text("or that did Orders")
    page.get_by_role("button", name="Put into a group").first.click()
    expect(page.get_by_role("group", name="Group of conditions")).to_have_count(2)
    assert_sound(page)

    page.get_by_label("Name").fill("Northerners")
    page.get_by_role("button", name="Save audience").click()
    page.get_by_role("link", name="Finish without syncs").click()
    expect(page.get_by_role("heading", name="Northerners", exact=True)).to_be_visible()
    page.get_by_role("link", name="Definition", exact=True).click()
    page.get_by_role("button", name="Preview members").click()
    expect(page.get_by_role("dialog").get_by_text("Grace", exact=True)).to_be_visible()

    saved = aside(place, lambda: Audience.objects.get(name="Northerners"))
    assert saved.definition["where"]["match"] == "any"
