"""The mapper in the browser: values from everywhere, inner fields, suggestions, JSON; by keyboard and on a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.test import override_settings
from playwright.sync_api import Locator, Page, expect

from config.embedded import Urls
from syncs.models import Sync
from tests.browser.acting import signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.syncs.app.shop import Shop, open_shop
from tests.world import World, build_world
from workspaces.scoping import unscoped, workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]


@pytest.fixture(scope="module")
def acme(server: str) -> World:
    """The world, in the database that the server shares."""
    return build_world()


@pytest.fixture
def at_shop(acme: World, services: Urls) -> Iterator[Shop]:
    """A shop whose customers have orders, and a table with other names for the same things."""
    with override_settings(OUTBOUND_ALLOW=["*"]), workspace_scope(acme.acme.workspace.pk):
        shop = open_shop(acme.acme, services.acme_url, uuid4().hex[:8])
        shop.query(
            "CREATE OR REPLACE TABLE customers AS SELECT 1 AS id, 'Ada Lovelace' AS full_name, "
            "'Ada@Example.com' AS email_address, 'London' AS city, "
            """'[{"sku": "a-1", "quantity": 2}, {"sku": "b-2", "quantity": 1}]'::JSON AS items"""
        )
        shop.at_destination(f"DROP TABLE {shop.table}")
        shop.at_destination(
            f"CREATE TABLE {shop.table} (id bigint PRIMARY KEY, email text, name text, plan text, age int, "
            "profile jsonb, lines jsonb)"
        )
        yield shop


@pytest.fixture
def page(open_page: Open, server: str, at_shop: Shop) -> Page:
    """The owner, about to configure a sync of the customers to the table."""
    opened = signed_in(open_page, at_shop.place.owner)
    opened.goto(f"{server}/acme/syncs/new/{at_shop.model().pk}/{at_shop.destination.pk}")
    opened.get_by_label("Table").select_option(f"public.{at_shop.table}")
    expect(opened.get_by_label("Destination field, line 1")).to_have_value("id")
    return opened


def line_to(page: Page, field: str) -> Locator:
    """A new line for this field."""
    page.locator("#mapping").get_by_role("button", name="Add a line").click()
    line = page.locator("#mapping .mapping-line:visible").last
    line.get_by_label(re.compile("^Destination field")).select_option(field)
    return line


def add_field(dialog: Locator, name: str) -> Locator:
    """A new field inside an object or array."""
    dialog.get_by_role("button", name="Add a field").click()
    line = dialog.locator(".mapping-line:visible").last
    line.get_by_label(re.compile("^Destination field")).fill(name)
    return line


def test_values_from_everywhere_are_mapped(page: Page, at_shop: Shop) -> None:
    page.get_by_role("button", name="Suggest mappings").click()
    expect(page.get_by_text("2 mappings suggested by name.")).to_be_visible()
    expect(page.get_by_label("Destination field, line 2")).to_have_value("email")
    write_template(page)
    make_object(page)
    make_array(page)
    line_to(page, "age").get_by_label(re.compile("^Column")).select_option("city")
    expect(page.get_by_text("Text goes into a number field")).to_be_visible()
    page.locator("#mapping .mapping-line:visible").last.get_by_role("button", name="Remove this line").click()
    assert_sound(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile("/schedule"))
    with workspace_scope(at_shop.place.workspace.pk):
        mappings = {m["to"]: m["value"] for m in Sync.objects.latest("pk").mappings}
    assert mappings["plan"] == "{{ row['email_address'] | upcase }}"
    assert [(m["to"], m["value"]) for m in mappings["profile"]] == [("city", "city"), ("source", "shop")]
    assert mappings["lines"]["column"] == "items"
    assert [(m["to"], m["kind"], m["value"]) for m in mappings["lines"]["mappings"]] == [("code", "property", "sku")]


def write_template(page: Page) -> None:
    """Snippets make the template; the result shows for a sample row; what is wrong is said before it is taken."""
    line_to(page, "plan").locator(".mapping-value").click()
    dialog = page.get_by_role("dialog", name="Where the value comes from")
    dialog.get_by_role("radio", name="Template", exact=True).check(force=True)
    dialog.get_by_role("button", name="email_address").click()
    dialog.get_by_text("Sample row", exact=True).click()
    dialog.get_by_role("button", name="Load a row of the model").click()
    expect(dialog.get_by_role("status")).to_contain_text("Ada@Example.com")
    editor = dialog.locator(".code-host .cm-content")
    editor.fill("{{ row['email_address'] | shout }}")
    expect(dialog.get_by_role("status")).to_contain_text("filter “shout” that does not exist")
    dialog.get_by_role("button", name="Apply").click()
    expect(dialog.get_by_role("alert")).to_contain_text("shout")
    dialog.locator(".code-host .cm-content").fill("{{ row['email_address'] | upcase }}")
    expect(dialog.get_by_role("status")).to_contain_text("ADA@EXAMPLE.COM")
    assert_sound(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    dialog.get_by_role("button", name="Apply").click()
    expect(dialog).to_be_hidden()


def make_object(page: Page) -> None:
    line = line_to(page, "profile")
    line.locator(".mapping-value").click()
    dialog = page.get_by_role("dialog", name="Where the value comes from")
    dialog.get_by_role("radio", name="Object", exact=True).check(force=True)
    first = dialog.locator(".mapping-line:visible").first
    first.get_by_label(re.compile("^Destination field")).fill("city")
    first.get_by_label(re.compile("^Column")).select_option("city")
    add_field(dialog, "source").locator(".mapping-value").click()
    inner = page.get_by_role("dialog", name="Where the inner value comes from")
    inner.get_by_role("radio", name="Static value", exact=True).check(force=True)
    inner.get_by_label("Value", exact=True).fill("shop")
    inner.get_by_role("button", name="Apply").click()
    expect(inner).to_be_hidden()
    dialog.get_by_role("button", name="Apply").click()
    expect(line.get_by_role("button", name="city, source")).to_be_visible()


def make_array(page: Page) -> None:
    line_to(page, "lines").locator(".mapping-value").click()
    dialog = page.get_by_role("dialog", name="Where the value comes from")
    dialog.get_by_role("radio", name="Array", exact=True).check(force=True)
    dialog.get_by_label("Column with the array").select_option("items")
    dialog.locator(".mapping-line:visible").first.locator(".mapping-value").click()
    inner = page.get_by_role("dialog", name="Where the inner value comes from")
    inner.get_by_role("radio", name="Property", exact=True).check(force=True)
    inner.get_by_label(re.compile("^Property of each element")).fill("sku")
    inner.get_by_label(re.compile("^Property of each element")).press("Enter")
    expect(inner).to_be_hidden()
    dialog.locator(".mapping-line:visible").first.get_by_label(re.compile("^Destination field")).fill("code")
    dialog.get_by_role("button", name="Apply").click()
    expect(dialog).to_be_hidden()


def test_a_configuration_is_filled_in_from_json(page: Page, at_shop: Shop) -> None:
    page.get_by_text("Edit as JSON").click()
    page.get_by_role("button", name="Show the form as JSON").click()
    text = json.loads(page.locator("textarea[name=json]").input_value())
    assert [m["to"] for m in text["mappings"]] == ["id"]
    foreign = {
        "mode": "upsert",
        "type": "object",
        "fromId": "id",
        "object": f"public.{at_shop.table}",
        "mappings": [{"to": "id", "from": "id"}, {"to": "email", "from": "mail"}],
    }
    page.locator(".as-json .cm-content").fill(json.dumps(foreign))
    page.get_by_role("button", name="Fill the form from it").click()
    expect(page.get_by_text("mappings.1: The model has no column “mail”.")).to_be_visible()
    page.locator(".as-json .cm-content").fill(json.dumps(foreign).replace('"mail"', '"email_address"'))
    page.get_by_role("button", name="Fill the form from it").click()
    expect(page.get_by_text("The form above is as the JSON says.")).to_be_visible()
    expect(page.get_by_label("Column, line 2")).to_have_value("email_address")
    assert_sound(page)
    with unscoped("counting what a test made"):
        assert not Sync.objects.filter(destination=at_shop.destination, mappings__contains=[{"to": "email"}]).exists()
