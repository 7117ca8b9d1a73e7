"""Audiences sent by clicking: boots left in carts to two tools, and a region under everything that governs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from audiences import services as studio
from audiences.calculating import work
from audiences.choices import Cardinality, ModelKind
from audiences.models import Audience, Calculation, SchemaModel
from audiences.services import subsets
from audiences.services.rules import create_destination_rule
from config.embedded import Urls
from connectors import services as connectors
from governance.approvals.services import set_policy
from syncs import tasks
from syncs.models import Preview, Sync
from tests.audiences.app.acting import is_, marketer, where
from tests.audiences.app.shop import table
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.browser.studio import add_sync, new_world, on_lists, second_list, shop_of
from tests.syncs.app.shop import Shop
from tests.world import World
from workspaces import services as people
from workspaces.grants import Grant
from workspaces.models import Role, User
from workspaces.permissions import Permission

pytestmark = [pytest.mark.browser, pytest.mark.services]
HAPPENED = """
CREATE OR REPLACE TABLE carts AS SELECT i AS id, i AS customer_id,
    CASE WHEN i < 4 THEN 'boots' ELSE 'sandals' END AS type,
    now()::TIMESTAMP - INTERVAL 1 DAY AS added_at FROM range(1, 6) r(i);
CREATE OR REPLACE TABLE purchases (id BIGINT, customer_id BIGINT, bought_at TIMESTAMP);
INSERT INTO purchases VALUES (1, 1, now()::TIMESTAMP - INTERVAL 1 HOUR);
"""
OPTED_OUT = {
    "type": "property",
    "field": {"column": "plan"},
    "test": {"operator": "not_equals", "operand": {"kind": "values", "values": ["opted out"]}},
}


@pytest.fixture
def acme(server: str) -> World:
    """Acme with its people, made anew."""
    return new_world()


@pytest.fixture
def shop(services: Urls, acme: World) -> Iterator[Shop]:
    with shop_of(acme, services.acme_url) as made:
        yield made


def describe(shop: Shop) -> SchemaModel:
    """Customers, what they put into carts, and what they bought."""
    shop.fill(6)
    shop.query(HAPPENED)
    connectors.refresh_schema(actor=shop.actor, source=shop.source)
    made: dict[str, Any] = {"actor": shop.actor, "source": shop.source}
    named = studio.Settings(name="Customers", primary_key=("id",), primary_label="email")
    customers = studio.create_schema_model(**made, kind=ModelKind.PARENT, definition=table("customers"), settings=named)
    tie = studio.Tie(other=customers, cardinality=Cardinality.MANY_TO_ONE, keys=(("customer_id", "id"),))
    for name, moment in (("carts", "added_at"), ("purchases", "bought_at")):
        settings = studio.Settings(name=name.capitalize(), primary_key=("id",), timestamp=moment)
        studio.create_schema_model(**made, kind=ModelKind.EVENT, definition=table(name), settings=settings, tie=tie)
    return customers


def build(page: Page) -> None:
    """Boots in the cart, and nothing bought."""
    page.goto(page.url.partition("/acme")[0] + "/acme/studio/audiences/new")
    words = page.get_by_role("region", name="In words")
    page.get_by_role("button", name="Event", exact=True).click()
    page.get_by_label("Event", exact=True).select_option(label="Carts")
    expect(words).to_contain_text("did Carts")
    page.get_by_role("button", name="Property", exact=True).first.click()
    page.get_by_label("Column").select_option(label="type")
    page.get_by_label("Value", exact=True).fill("boots")
    page.keyboard.press("Enter")
    expect(words).to_contain_text("boots")
    page.get_by_role("button", name="Event", exact=True).click()
    page.get_by_label("Event", exact=True).nth(1).select_option(label="Purchases")
    page.get_by_label("Performed").nth(1).select_option(label="did not do")
    expect(words).to_contain_text("did not do Purchases")
    page.get_by_label("Name").fill("Boots left behind")
    page.get_by_role("button", name="Save audience").click()
    expect(page.get_by_role("heading", name="Where should “Boots left behind” go?")).to_be_visible()
    page.get_by_role("link", name="Finish without syncs").click()


def run_all(shop: Shop) -> None:
    for sync in Sync.objects.all():
        shop.run(shop.unguarded(sync))


def test_cart_abandoners_are_on_two_lists_until_they_buy(open_page: Open, shop: Shop) -> None:
    aside(shop.place, lambda: describe(shop))
    other = aside(shop.place, lambda: second_list(shop))
    page = signed_in(open_page, shop.place.owner, "/acme/studio/audiences")
    page.set_default_timeout(8_000)
    build(page)
    add_sync(page, "Shop database", shop.table)
    root, home = page.url.partition("/acme")[0], aside(shop.place, lambda: Audience.objects.get().get_absolute_url())
    page.goto(root + home)
    add_sync(page, "Other tool", other)
    aside(shop.place, lambda: run_all(shop))
    assert on_lists(shop, shop.table, other) == [[2, 3], [2, 3]]
    shop.query("INSERT INTO purchases VALUES (2, 3, now()::TIMESTAMP)")
    aside(shop.place, lambda: run_all(shop))
    assert on_lists(shop, shop.table, other) == [[2], [2]]
    page.goto(f"{root}{home}/syncs")
    expect(page.get_by_role("row").filter(has_text="Healthy")).to_have_count(2)
    assert_sound(page)


def govern(shop: Shop, acme: World) -> User:
    """Customers in two regions, of which a marketer's role holds one; changes of syncs need approval."""
    customers = describe(shop)
    shop.query("ALTER TABLE customers ADD COLUMN region VARCHAR DEFAULT 'north'")
    shop.query("UPDATE customers SET region = 'south' WHERE id > 4")
    studio.refresh_schema_columns(actor=shop.actor, model=customers)
    category = subsets.create_subset_category(actor=shop.actor, parent=customers, name="Region")
    north: dict[str, Any] = {"actor": shop.actor, "category": category, "name": "North"}
    subsets.create_subset(**north, definition=where(is_("region", "north")))
    subsets.update_subset_category(actor=shop.actor, category=category, required=True)
    user = marketer(acme, customers, "North")
    role = Role.objects.get(holders__group__members__member__user=user)
    give = [Grant(Permission.DRAFT_TO_DESTINATION, shop.destination.pk)]
    people.change_role_grants(actor=shop.actor, role=role, give=give)
    set_policy(actor=shop.actor, required=True)
    return user


def find_out() -> None:
    for preview in Preview.objects.exclude(draft=None):
        tasks.work_on_preview.fn(preview.workspace_id, preview.pk)


def count() -> None:
    work(Calculation.objects.filter(kind="layers").latest("pk").pk)


def test_a_governed_audience_is_asked_for_approved_sent_and_explained(open_page: Open, shop: Shop, acme: World) -> None:
    user = aside(shop.place, lambda: govern(shop, acme))
    page = signed_in(open_page, user, "/acme/studio/audiences/new")
    page.set_default_timeout(8_000)
    page.get_by_label("Name").fill("My region")
    page.get_by_role("button", name="Save audience").click()
    page.get_by_role("link", name="Finish without syncs").click()
    expect(page.get_by_role("heading", name="My region")).to_be_visible()
    page.get_by_role("navigation", name="Sections of the audience").get_by_role("link", name="Syncs").click()
    page.get_by_role("button", name="Add sync").click()
    page.get_by_role("link", name=re.compile("Shop database")).click()
    page.get_by_label("Table").select_option(f"public.{shop.table}")
    expect(page.get_by_label("Match records by this field, line 1")).to_be_checked()
    page.get_by_role("radio", name=re.compile("^Delete the record")).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Submit for approval").click()
    page.get_by_label("Comment").fill("For the spring letter")
    page.get_by_role("button", name="Submit for approval").click()
    expect(page.get_by_text("Finding out").first).to_be_attached()
    aside(shop.place, find_out)

    request = page.url.partition("/acme/")[2]
    review = signed_in(open_page, shop.place.owner, f"/acme/{request}")
    expect(review.get_by_role("row").filter(has_text="c4@shop.test").first).to_be_visible()
    expect(review.get_by_text("c5@shop.test")).to_have_count(0)
    review.get_by_role("button", name="Approve and publish").click()
    expect(review.get_by_text("Approved. The sync is live.")).to_be_visible()

    sync = aside(shop.place, lambda: shop.unguarded(Sync.objects.get()))
    aside(shop.place, lambda: shop.run(sync))
    assert on_lists(shop, shop.table) == [[1, 2, 3, 4]]
    shop.query("UPDATE customers SET region = 'south' WHERE id = 4")
    aside(shop.place, lambda: shop.run(sync))
    assert on_lists(shop, shop.table) == [[1, 2, 3]]
    aside(shop.place, lambda: tighten(shop))
    aside(shop.place, lambda: shop.run(sync))
    assert on_lists(shop, shop.table) == [[1, 2]]

    page.goto(page.url.partition("/acme")[0] + f"/acme/studio/syncs/{sync.pk}/waterfall")
    page.get_by_role("button", name="Count").click()
    expect(page.get_by_text("Counting in")).to_be_visible()
    aside(shop.place, count)
    stopped = page.get_by_role("row").filter(has_text="Let through by the destination's rules")
    expect(stopped).to_contain_text("stopped by a rule of the destination")
    expect(page.get_by_role("row", name=re.compile("^Meet the conditions"))).to_contain_text("6")
    expect(page.get_by_role("row", name=re.compile("^In the audience's subsets"))).to_contain_text("3")
    assert_sound(page)
    stopped.get_by_role("link", name="1", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("c3@shop.test")).to_be_visible()
    assert_sound(page)


def tighten(shop: Shop) -> None:
    """From now on the tool gets nobody who opted out."""
    shop.query("UPDATE customers SET plan = 'opted out' WHERE id = 3")
    create_destination_rule(
        actor=shop.actor,
        parent=SchemaModel.objects.get(kind=ModelKind.PARENT),
        destination=shop.destination,
        name="Consent",
        definition={"where": {"type": "group", "conditions": [OPTED_OUT]}},
    )
