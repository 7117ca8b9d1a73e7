"""A marketer looks into an audience: whom it shares, what it is made of, and why somebody is not in it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from audiences.calculating import work
from audiences.models import Audience, Calculation
from tests.audiences.app.acting import NORTH, audience, where
from tests.audiences.app.shop import orders, parent, warehouse
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.world import Place, build_world
from workspaces.scoping import workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]


@pytest.fixture
def place(server: str) -> Place:
    """A workspace with an audience of those in the north, and one of everybody."""
    made = build_world().acme
    with workspace_scope(made.workspace.pk):
        customers = parent(made, warehouse(made))
        orders(made, customers)
        ordered = {"type": "event", "relationship": str(customers.relationships_to.get().pk)}
        audience(made, customers, "Northern buyers", where(NORTH, ordered))
        audience(made, customers, "Everybody", where())
    return made


def answered(page: Page, place: Place, waiting: str) -> None:
    """Let a worker answer what the page has just asked."""
    expect(page.locator(waiting).get_by_role("button", name="Cancel")).to_be_visible()
    aside(place, lambda: work(Calculation.objects.latest("pk").pk))


def test_insights_in_the_browser(open_page: Open, place: Place) -> None:
    made = aside(place, lambda: Audience.objects.get(name="Northern buyers"))
    page = signed_in(open_page, place.owner, f"/{place.slug}/studio/audiences/{made.pk}")
    page.set_default_timeout(8_000)
    expect(page.get_by_text("No count in this time")).to_be_visible()
    assert_sound(page)

    page.get_by_role("link", name="Insights", exact=True).click()
    page.get_by_label("Everybody").check()
    page.get_by_role("button", name="Compare").click()
    answered(page, place, "#overlap")
    expect(page.get_by_text("100% of this audience, 25% of the other")).to_be_visible()
    page.get_by_label("Break down by").select_option(label="region")
    page.get_by_role("button", name="Break down", exact=True).click()
    answered(page, place, "#breakdown")
    expect(page.get_by_role("row", name="north 1 100%")).to_be_visible()
    assert_sound(page)
    page.get_by_label("Of those who are, beside “Everybody”").select_option(label="Only in the other")
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_role("region", name="In words")).to_contain_text("are not in “Northern buyers”")

    page.goto(page.url.split("/audiences/")[0] + f"/audiences/{made.pk}/definition")
    page.get_by_role("button", name="Show insights").click()
    expect(page.get_by_role("dialog").get_by_role("heading", name="Overlap")).to_be_visible()
    assert_sound(page)


def test_somebody_is_explained_and_looked_up_in_the_browser(open_page: Open, place: Place) -> None:
    made = aside(place, lambda: Audience.objects.get(name="Northern buyers"))
    page = signed_in(open_page, place.owner, f"/{place.slug}/studio/audiences/{made.pk}/members")
    page.set_default_timeout(8_000)
    page.get_by_label("Is somebody in it?").fill("2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Grace is not in it.")).to_be_visible()
    page.get_by_role("button", name="Why is 1 in?").click()
    expect(page.get_by_text("Ada is in it.")).to_be_visible()
    page.get_by_role("button", name="Show the rows for: did Orders").click()
    expect(page.get_by_role("region", name="Rows of Orders")).to_contain_text("20.50")
    assert_sound(page)
    page.get_by_role("link", name="Profile of 1").first.click()
    expect(page.get_by_text("ada@shop.test")).to_be_visible()
    expect(page.get_by_role("link", name="Northern buyers")).to_be_visible()
    assert_sound(page)
