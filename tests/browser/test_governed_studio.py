"""An admin divides the customers and protects a destination; a marketer builds within what their role holds."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from audiences.models import Audience, DestinationRule, SchemaModel, Subset, SubsetCategory
from audiences.services import subsets
from tests.audiences.app.acting import is_, marketer, where
from tests.audiences.app.shop import orders, parent, warehouse
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.connectors.app.connections import a_destination
from tests.world import World, build_world
from workspaces import services as people
from workspaces.scoping import workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]


@pytest.fixture
def world(server: str) -> World:
    """Customers in two regions, a destination, and a role for one team."""
    made = build_world()
    place = made.acme
    with workspace_scope(place.workspace.pk):
        customers = parent(place, warehouse(place))
        orders(place, customers)
        a_destination(place)
        people.create_role(actor=place.actor, workspace=place.workspace, name="Northern team")
        category = subsets.create_subset_category(actor=place.actor, parent=customers, name="Region")
        definition = where(is_("region", "south"))
        subsets.create_subset(actor=place.actor, category=category, name="South", definition=definition)
    return made


def test_a_subset_and_a_rule_are_made(open_page: Open, world: World) -> None:
    place = world.acme
    page = signed_in(open_page, place.owner, f"/{place.slug}/studio/governance")
    page.set_default_timeout(8_000)
    expect(page.get_by_text("look like personal data")).to_be_visible()
    page.get_by_label("Privacy of Customers, email").select_option("redacted")
    expect(page.get_by_text("1 column changed.")).to_be_visible()
    expect(page.get_by_text("1 column looks like personal data")).to_be_visible()
    # The newest decision moved to the top, and took nobody else's level with it.
    expect(page.get_by_label("Privacy of Customers, region")).to_have_value("unreviewed")
    page.get_by_text("What the levels mean").click()
    assert_sound(page)

    page.get_by_role("link", name="Subsets", exact=True).click()
    page.get_by_role("link", name="Region").click()
    page.get_by_role("link", name="Add subset").first.click()
    page.get_by_label("Name").fill("North")
    page.get_by_role("checkbox", name=re.compile("Northern team")).check()
    page.get_by_role("button", name="Property", exact=True).click()
    page.get_by_label("Column").select_option(label="region")
    page.get_by_label("Value", exact=True).fill("north")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="In words")).to_contain_text("region is “north”")
    assert_sound(page)
    page.get_by_role("button", name="Save subset").click()
    expect(page.get_by_text("“North” was added.")).to_be_visible()
    page.get_by_label("Required").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Required").first).to_be_visible()
    assert_sound(page)
    held = aside(place, lambda: [grant.role.name for grant in Subset.objects.get(name="North").grants.all()])
    assert held == ["Northern team"]

    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Subsets").click()
    page.get_by_role("link", name="Destination rules", exact=True).click()
    page.get_by_role("link", name="Add destination rule").first.click()
    page.get_by_label("Name").fill("Only whom we know")
    page.locator("select[name=to]").select_option(index=1)
    page.get_by_role("button", name="Property", exact=True).click()
    page.get_by_label("Column").select_option(label="name")
    page.get_by_label("Value", exact=True).fill("Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="In words")).to_contain_text("name is “Ada”")
    assert_sound(page)
    page.get_by_role("button", name="Save rule").click()
    expect(page.get_by_role("link", name="Only whom we know")).to_be_visible()
    assert aside(place, lambda: DestinationRule.objects.get().enabled)


def test_a_marketer_builds_within_their_subset(open_page: Open, world: World) -> None:
    place = world.acme

    def required() -> object:
        category = SubsetCategory.objects.get()
        customers = SchemaModel.objects.get(name="Customers")
        subsets.create_subset(
            actor=place.actor, category=category, name="North", definition=where(is_("region", "north"))
        )
        subsets.update_subset_category(actor=place.actor, category=category, required=True)
        return marketer(world, customers, "North")

    user = aside(place, required)
    page = signed_in(open_page, user, f"/{place.slug}/studio/audiences/new")  # type: ignore[arg-type]
    page.set_default_timeout(8_000)
    expect(page.get_by_text("the only one that your roles hold")).to_be_visible()
    page.get_by_text("Something missing?").click()
    expect(page.get_by_text("that none of your roles holds")).to_be_visible()
    assert_sound(page)
    page.get_by_role("button", name="Preview members").click()
    expect(page.get_by_role("dialog").get_by_text("Grace", exact=True)).to_be_visible()
    expect(page.get_by_role("dialog").get_by_text("Linus", exact=True)).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_label("Name").fill("Mine")
    page.get_by_role("button", name="Save audience").click()
    expect(page.get_by_role("heading", name="Mine")).to_be_visible()
    chosen = aside(place, lambda: [row.subset.name for row in Audience.objects.get().chosen.all()])
    assert chosen == ["North"]
