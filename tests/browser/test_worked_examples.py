"""Whom a shop reaches, built and sent by clicking: the loyal, those who left a checkout, and those who just bought."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from audiences import services
from audiences.choices import Cardinality, ModelKind
from audiences.models import Audience
from audiences.services.rules import create_destination_rule
from audiences.services.traits import create_trait
from config.embedded import Urls
from connectors import services as connectors
from syncs import tasks
from syncs.models import Preview, Sync
from tests.audiences.app.acting import with_key
from tests.audiences.app.shop import table
from tests.browser import studio
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.syncs.app.shop import Shop

pytestmark = [pytest.mark.browser, pytest.mark.services]
# As people name things: a long word, three scripts, one of them from the right, and a family.
LOYAL = "Treueprogrammteilnehmerinnen 忠実な客 عملاء أوفياء 👩‍👩‍👧"
# 1 bought this week, 2 is a member, 3 is worth much; 3 to 8 began to check out, and of them 8 bought.
HAPPENED = """
ALTER TABLE customers ADD COLUMN mails BOOLEAN DEFAULT true;
UPDATE customers SET plan = 'loyalty' WHERE id = 2;
UPDATE customers SET email = NULL WHERE id = 6;
UPDATE customers SET mails = false WHERE id = 7;
CREATE TABLE orders AS SELECT id, customer_id, total, channel, now()::TIMESTAMP - past AS ordered_at FROM (VALUES
    (1, 1, 20.0, 'web', INTERVAL 3 DAY), (2, 3, 1500.0, 'shop', INTERVAL 100 DAY), (3, 4, 50.0, 'web', INTERVAL 90 DAY),
    (4, 6, 300.0, 'web', INTERVAL 60 DAY), (5, 7, 400.0, 'web', INTERVAL 60 DAY), (6, 8, 500.0, 'web', INTERVAL 1 HOUR)
) o(id, customer_id, total, channel, past);
CREATE TABLE checkouts AS SELECT i AS id, i AS customer_id, now()::TIMESTAMP - INTERVAL 2 HOUR AS started_at
    FROM range(3, 9) r(i);
"""


@pytest.fixture
def shop(server: str, services: Urls) -> Iterator[Shop]:
    """Customers with orders, checkouts and what they are worth; one tool gets nobody who opted out."""
    with studio.shop_of(studio.new_world(), services.acme_url) as made:
        made.fill(8)
        made.query(HAPPENED)
        connectors.refresh_schema(actor=made.actor, source=made.source)
        describe(made)
        yield made


def describe(shop: Shop) -> None:
    made: dict[str, Any] = {"actor": shop.actor, "source": shop.source}
    named = services.Settings(name="Customers", primary_key=("id",), primary_label="email")
    customers = services.create_schema_model(
        **made, kind=ModelKind.PARENT, definition=table("customers"), settings=named
    )
    tie = services.Tie(other=customers, cardinality=Cardinality.MANY_TO_ONE, keys=(("customer_id", "id"),))
    for name, moment in (("orders", "ordered_at"), ("checkouts", "started_at")):
        settings = services.Settings(name=name.capitalize(), primary_key=("id",), timestamp=moment)
        services.create_schema_model(**made, kind=ModelKind.EVENT, definition=table(name), settings=settings, tie=tie)
    orders = str(customers.relationships_to.get(from_model__name="Orders").pk)
    worth = {"method": "aggregation", "relationship": orders, "function": "sum", "column": {"column": "total"}}
    create_trait(actor=shop.actor, model=customers, name="Lifetime value", definition=worth)
    reads = {"operator": "equals", "operand": {"kind": "values", "values": [True]}}
    where = {"type": "group", "conditions": [{"type": "property", "field": {"column": "mails"}, "test": reads}]}
    create_destination_rule(
        actor=shop.actor, parent=customers, destination=shop.destination, name="Consent", definition={"where": where}
    )


def new_audience(page: Page) -> None:
    page.goto(page.url.partition("/acme")[0] + "/acme/studio/audiences/new")


def add(page: Page, kind: str) -> Locator:
    """One more condition at the top; returns its block."""
    blocks = page.locator(".condition-top > .condition-list > li > .condition")
    before = blocks.count()
    page.get_by_role("button", name=kind, exact=True).last.click()
    expect(blocks).to_have_count(before + 1)
    return blocks.nth(before)


def settled(page: Page, words: str) -> None:
    expect(page.get_by_role("region", name="In words")).to_contain_text(words)


def happened(page: Page, event: str, amount: int, unit: str, *, did: bool = True) -> Locator:
    """An event within a time up to now."""
    block = add(page, "Event")
    block.get_by_label("Event", exact=True).select_option(label=event)
    settled(page, f"did {event}")
    if not did:
        block.get_by_label("Performed").select_option(label="did not do")
        settled(page, f"did not do {event}")
    block.get_by_role("button", name="When").click()
    block.get_by_label("Unit").select_option(label=unit)
    settled(page, f"previous 30 {unit}")
    block.get_by_label("How many").fill(str(amount))
    page.keyboard.press("Enter")
    settled(page, f"previous {amount} {unit}")
    return block


def worth_more_than(page: Page, amount: int) -> None:
    block = add(page, "Trait")
    block.get_by_label("Compared how").select_option(label="is more than")
    block.get_by_label("Value", exact=True).fill(str(amount))
    page.keyboard.press("Enter")
    settled(page, f"Lifetime value is more than {amount:,}")


def is_(page: Page, block: Locator, column: str, value: str) -> None:
    block.get_by_label("Column").select_option(label=column)
    block.get_by_label("Value", exact=True).fill(value)
    page.keyboard.press("Enter")
    settled(page, f"{column} is “{value}”")


def save(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Save audience").click()
    page.get_by_role("link", name="Finish without syncs").click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def counted(page: Page, shop: Shop, members: int) -> None:
    page.get_by_role("button", name="Calculate size").click()
    expect(page.get_by_text("Counting in")).to_be_visible()
    studio.answer(shop)
    expect(page.get_by_text(f"{members} of 8 Customers")).to_be_visible()


def test_the_loyal_are_built_once_and_kept_in_step_at_two_tools(open_page: Open, shop: Shop) -> None:
    other = aside(shop.place, lambda: studio.second_list(shop))
    page = signed_in(open_page, shop.place.owner, "/acme/studio/audiences")
    page.set_default_timeout(8_000)
    new_audience(page)
    happened(page, "Orders", 2, "weeks")
    is_(page, add(page, "Property"), "plan", "loyalty")
    worth_more_than(page, 1000)
    page.get_by_label("How they join").first.select_option(label="Any of these (OR)")
    settled(page, "or Lifetime value is more than 1,000")
    counted(page, shop, 4)
    page.get_by_role("button", name="Preview members").click()
    members = page.get_by_role("dialog")
    for address in ("c1@shop.test", "c2@shop.test", "c3@shop.test", "c8@shop.test"):
        expect(members.get_by_text(address)).to_be_visible()
    page.keyboard.press("Escape")
    save(page, LOYAL)
    studio.add_sync(page, "Other tool", other)
    studio.open_audience(page, shop, LOYAL)
    studio.add_sync(page, "Shop database", shop.table)
    studio.let_go(shop)

    studio.open_audience(page, shop, LOYAL, "Syncs")
    mail = page.get_by_role("row").filter(has_text="Other tool")
    expect(mail).to_contain_text("Never")
    studio.run(page, shop, LOYAL, "Other tool")
    assert studio.on_lists(shop, other, shop.table) == [[1, 2, 3, 8], []]
    studio.open_audience(page, shop, LOYAL, "Syncs")
    expect(mail).to_contain_text("4 rows")
    mail.get_by_role("link", name="Other tool").click()
    page.locator("[popovertarget=sync-menu], [commandfor=sync-menu]").first.click()
    page.get_by_role("menuitem", name="Pause").click()
    expect(page.get_by_text("Paused: no run starts")).to_be_visible()
    studio.open_audience(page, shop, LOYAL, "Syncs")
    expect(mail).to_contain_text("Paused")
    expect(mail.get_by_role("button", name="Run")).to_have_count(0)
    assert_sound(page)


def try_one_row(page: Page, shop: Shop) -> None:
    """What a tool says to one member, before all are sent."""
    page.get_by_role("link", name="Configuration", exact=True).click()
    page.get_by_role("link", name="Test a row").click()
    page.get_by_role("link", name="3", exact=True).click()
    page.get_by_role("button", name="Send this row").click()
    expect(page.get_by_role("heading", name=re.compile("took the row"))).to_be_visible()


def foresee(page: Page, shop: Shop) -> None:
    """What a run would send, without sending it."""

    def find_out() -> None:
        preview = Preview.objects.latest("pk")
        tasks.work_on_preview.fn(preview.workspace_id, preview.pk)

    page.locator("[popovertarget=sync-menu], [commandfor=sync-menu]").first.click()
    page.get_by_role("menuitem", name="Preview a run").click()
    expect(page.get_by_role("progressbar", name="Progress of the preview")).to_be_visible()
    aside(shop.place, find_out)
    expect(page.get_by_role("row").filter(has_text="c3@shop.test").first).to_be_visible()


def test_a_checkout_left_behind_is_tried_at_a_sandbox_before_it_counts(open_page: Open, shop: Shop) -> None:
    sandbox = aside(shop.place, lambda: studio.second_list(shop))
    page = signed_in(open_page, shop.place.owner, "/acme/studio/audiences")
    page.set_default_timeout(8_000)
    new_audience(page)
    happened(page, "Checkouts", 24, "hours")
    happened(page, "Orders", 24, "hours", did=False)
    worth_more_than(page, 200)
    block = add(page, "Property")
    block.get_by_label("Column").select_option(label="email")
    block.get_by_label("Compared how").select_option(label="has a value")
    settled(page, "email has a value")
    counted(page, shop, 2)
    page.get_by_label("Whom to count and show").select_option(index=1)
    page.get_by_role("button", name="Calculate size").click()
    expect(page.get_by_text("Counting in")).to_be_visible()
    studio.answer(shop)
    expect(page.locator("#size")).to_contain_text(re.compile(r"1 .*Shop database|Shop database .*1"))
    save(page, "Left at the checkout")

    studio.add_sync(page, "Other tool", sandbox)
    studio.open_audience(page, shop, "Left at the checkout", "Syncs")
    page.get_by_role("link", name="Other tool").click()
    try_one_row(page, shop)
    assert studio.on_lists(shop, sandbox, shop.table) == [[3], []]
    assert aside(shop.place, lambda: Sync.objects.get().last_run) is None

    studio.open_audience(page, shop, "Left at the checkout")
    studio.add_sync(page, "Shop database", shop.table)
    studio.let_go(shop)
    foresee(page, shop)
    assert_sound(page)
    assert studio.on_lists(shop, shop.table) == [[]]
    for tool in ("Other tool", "Shop database"):
        studio.run(page, shop, "Left at the checkout", tool)
    assert studio.on_lists(shop, sandbox, shop.table) == [[3, 7], [3]]
    shop.query("INSERT INTO orders VALUES (7, 3, 80, 'web', now()::TIMESTAMP)")
    studio.run(page, shop, "Left at the checkout", "Shop database")
    assert studio.on_lists(shop, sandbox, shop.table) == [[3, 7], []]


def test_who_just_bought_is_known_at_once(open_page: Open, shop: Shop) -> None:
    page = signed_in(open_page, shop.place.owner, "/acme/studio/audiences")
    page.set_default_timeout(8_000)
    new_audience(page)
    event = happened(page, "Orders", 5, "minutes")
    event.get_by_role("button", name="Property", exact=True).click()
    is_(page, event, "channel", "web")
    worth_more_than(page, 300)
    save(page, "Just bought")
    audience = aside(shop.place, lambda: Audience.objects.get().pk)
    program = aside(shop.place, lambda: with_key(shop, "read", "rows"))

    def members() -> list[int]:
        path = f"/api/v1/audiences/{audience}/memberships"
        return [customer for customer in (1, 4, 8) if program.get(f"{path}/{customer}").json()["isMember"]]

    assert aside(shop.place, members) == []
    shop.query("INSERT INTO orders VALUES (7, 8, 10, 'web', now()::TIMESTAMP), (8, 4, 10, 'web', now()::TIMESTAMP)")
    assert aside(shop.place, members) == [8]
    shop.query("UPDATE orders SET channel = 'shop' WHERE id = 7")
    assert aside(shop.place, members) == []
