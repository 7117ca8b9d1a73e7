"""A marketer makes “lifetime value” of what customers ordered, and an audience of who is worth more than some."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from audiences.calculating import work
from audiences.models import Audience, Calculation, Trait
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


def test_a_trait_is_made_and_used_in_the_browser(open_page: Open, place: Place) -> None:
    page = signed_in(open_page, place.owner, f"/{place.slug}/studio/traits")
    page.set_default_timeout(8_000)
    page.get_by_role("link", name="Add trait").first.click()
    page.get_by_role("link", name="Customers").click()
    words = page.get_by_role("region", name="In words")
    expect(words).to_contain_text("the sum of total of Orders")
    assert_sound(page)

    page.get_by_role("radio", name="SQL formula").check()
    page.get_by_label("Insert a reference").select_option(label="name")
    expect(page.get_by_label("One value from the row")).to_have_value('{{"name"}}')
    page.get_by_role("radio", name="Aggregation").first.check()
    expect(words).to_contain_text("the sum of total of Orders")
    page.get_by_role("button", name="Preview results").click()
    expect(page.get_by_role("dialog").get_by_text("27.50")).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_label("Name").fill("Lifetime value")
    page.get_by_role("button", name="Create trait").click()
    expect(page.get_by_role("heading", name="Lifetime value")).to_be_visible()

    page.goto(f"{page.url.split('/studio')[0]}/studio/audiences/new")
    page.get_by_role("button", name="Trait", exact=True).click()
    page.get_by_label("Compared how").select_option(label="is more than")
    page.get_by_label("Value", exact=True).fill("20")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="In words")).to_contain_text(
        "Customers where Lifetime value is more than 20."
    )
    page.get_by_label("Name").fill("Worth a letter")
    page.get_by_role("button", name="Save audience").click()
    expect(page.get_by_role("heading", name="Worth a letter")).to_be_visible()

    made = aside(place, lambda: Audience.objects.get(name="Worth a letter"))
    trait = aside(place, lambda: Trait.objects.get(name="Lifetime value"))
    assert made.definition["where"]["conditions"][0]["trait"] == str(trait.pk)
    page.goto(f"{page.url.split('/studio')[0]}/studio/audiences/{made.pk}/definition")
    page.get_by_role("button", name="Calculate size").click()
    expect(page.get_by_text("Counting in")).to_be_visible()
    aside(place, lambda: work(Calculation.objects.latest("pk").pk))
    expect(page.get_by_text("of 4 Customers")).to_be_visible()
    assert_sound(page)
