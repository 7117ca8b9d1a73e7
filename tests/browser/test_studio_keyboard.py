"""The studio without a mouse: an audience is built and saved by keys alone, and Tab walks every page in its order."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from audiences.models import Audience, SchemaModel
from audiences.services.audiences import create_audience
from tests.audiences.app.acting import NORTH, where
from tests.audiences.app.shop import orders, parent, warehouse
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.world import Place, World, build_world
from workspaces.scoping import workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]
MOST_STOPS = 160
# What has the focus: how a reader calls it, whether one sees where it is, and its place among all that can have it.
FOCUSED = """() => {
  const it = document.activeElement;
  if (!it || it === document.body) return null;
  const labels = it.labels?.length ? [...it.labels].map((label) => label.textContent).join(' ') : '';
  const name = it.getAttribute('aria-label') || labels || it.textContent || it.title || it.placeholder || '';
  const [style, box] = [getComputedStyle(it), it.getBoundingClientRect()];
  const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')];
  return {
    name: name.replace(/\\s+/g, ' ').trim(),
    tag: it.tagName.toLowerCase(),
    marked: style.outlineStyle !== 'none' || style.boxShadow !== 'none' || it.matches('.cm-content, .sr-only'),
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
    place: all.indexOf(it),
    jumps: it.tabIndex > 0,
  };
}"""


@pytest.fixture
def world(server: str) -> World:
    """Two companies with their people."""
    return build_world()


@pytest.fixture
def place(world: World) -> Place:
    """A workspace whose customers have orders."""
    made = world.acme
    with workspace_scope(made.workspace.pk):
        orders(made, parent(made, warehouse(made)))
    return made


def focused(page: Page) -> dict[str, Any] | None:
    found: dict[str, Any] | None = page.evaluate(FOCUSED)
    return found


def tab_to(page: Page, name: str, key: str = "Tab") -> dict[str, Any]:
    """Press Tab until something of this name has the focus."""
    passed = []
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        now = focused(page)
        if now and re.search(name, now["name"]):
            assert now["marked"], f"nobody sees that {now['name']} has the focus"
            assert now["seen"], f"{now['name']} is out of sight"
            return now
        passed.append(now and now["name"])
    raise AssertionError(f"{key} never came to {name}: {passed}")


def choose(page: Page, letters: str) -> None:
    """Choose in a list as its letters are typed."""
    page.keyboard.type(letters)
    page.keyboard.press("Tab")


def test_an_audience_is_built_and_saved_by_keys_alone(open_page: Open, place: Place) -> None:
    page = signed_in(open_page, place.owner, f"/{place.slug}/studio/audiences/new")
    page.set_default_timeout(8_000)
    words = page.get_by_role("region", name="In words")
    here = page.locator("*:focus")

    tab_to(page, "^Property$")
    page.keyboard.press("Enter")
    # What was added is what the next key is for.
    expect(here).to_have_accessible_name("Column")
    choose(page, "region")
    tab_to(page, "^Value$")
    page.keyboard.type("north")
    page.keyboard.press("Enter")
    expect(words).to_contain_text("Customers where region is “north”.")
    expect(here).to_have_accessible_name("One more value")
    page.keyboard.type("south")
    page.keyboard.press("Enter")
    expect(words).to_contain_text("“north” or “south”")

    tab_to(page, "^Event$")
    page.keyboard.press("Space")
    expect(here).to_have_accessible_name("Performed")
    tab_to(page, "^How often$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Any number of times")).to_be_visible()
    assert here.get_attribute("name") == "text:/where/conditions/1/number/operator"
    tab_to(page, "^Any number of times$")
    page.keyboard.press("Enter")
    expect(here).to_have_accessible_name("How often")

    # A condition that moves keeps the focus, and one that goes hands it on.
    tab_to(page, "^Move up$")
    page.keyboard.press("Enter")
    expect(page.locator("[data-condition]").first.locator("[data-kind]")).to_have_attribute("data-kind", "event")
    assert here.get_attribute("value") == "up|/where/conditions/0"
    tab_to(page, "^Remove$")
    page.keyboard.press("Enter")
    expect(page.locator("[data-condition]")).to_have_count(1)
    expect(here).to_have_accessible_name("Column")

    tab_to(page, "^Calculate size$")
    page.keyboard.press("Enter")
    expect(page.locator("#size")).to_contain_text("Counting")
    tab_to(page, "^Name", "Shift+Tab")
    page.keyboard.type("By keys")
    tab_to(page, "^Save audience$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Where should “By keys” go?")).to_be_visible()
    tab_to(page, "^Finish without syncs$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="By keys", exact=True)).to_be_visible()
    saved = aside(place, lambda: Audience.objects.get(name="By keys"))
    (condition,) = saved.definition["where"]["conditions"]
    assert condition["test"]["operand"]["values"] == ["north", "south"]


def test_who_may_not_is_told_what_it_takes(open_page: Open, world: World, place: Place) -> None:
    page = signed_in(open_page, world["viewer"], f"/{place.slug}/studio/traits")
    page.set_default_timeout(8_000)
    tab_to(page, "^Add trait$")
    page.keyboard.press("Enter")
    told = page.get_by_text("You need the right to configure audiences")
    expect(told).to_be_visible()
    expect(told).to_contain_text(place.owner.email)
    assert_sound(page)
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()


def walk(page: Page, path: str, *, shell: bool) -> list[str]:
    """Tab through a page, what is around it too where ``shell``; returns what is wrong on the way."""
    answer = page.goto(page.url.partition("/acme")[0] + path)
    assert answer is not None
    assert answer.ok, path
    page.wait_for_load_state("networkidle")
    tab_to(page, "^Skip to content$")
    if not shell:
        page.keyboard.press("Enter")
    wrong, last, stops = [], -1, 0
    while stops < MOST_STOPS:
        page.keyboard.press("Tab")
        now = focused(page)
        if now is None:
            break
        stops += 1
        said = f"{path}: {now['tag']} “{now['name']}”"
        wrong += [f"{said} has no name"] if not now["name"] else []
        wrong += [f"{said} does not show the focus"] if not now["marked"] else []
        wrong += [f"{said} is out of sight"] if not now["seen"] else []
        wrong += [f"{said} comes before its place"] if now["jumps"] or now["place"] < last else []
        last = now["place"]
    if stops in (0, MOST_STOPS):
        wrong.append(f"{path} ends after {stops} stops")
    return wrong


def test_tab_walks_every_page_in_its_order(open_page: Open, place: Place) -> None:
    def build() -> tuple[int, int]:
        customers = SchemaModel.objects.get(name="Customers")
        made = create_audience(actor=place.actor, parent=customers, name="North", definition=where(NORTH))
        return customers.pk, made.pk

    customers, north = aside(place, build)
    studio = f"/{place.slug}/studio"
    audience = f"{studio}/audiences/{north}"
    paths = [
        studio,
        f"{studio}/audiences",
        *(f"{audience}{tab}" for tab in ("", "/definition", "/insights", "/syncs", "/experiments", "/history")),
        f"{studio}/traits/new/{customers}",
        f"{studio}/templates/new/{customers}",
        f"{studio}/priority-lists/new/{customers}",
        f"{studio}/profiles/{customers}",
        f"{studio}/schema",
        f"{studio}/schema/{customers}",
        f"{studio}/schema/{customers}/relationships",
        f"{studio}/governance",
        f"{studio}/governance/rules",
        f"{studio}/governance/subsets",
    ]
    page = signed_in(open_page, place.owner, f"/{place.slug}/studio/audiences")
    page.set_default_timeout(15_000)
    wrong = [problem for path in paths for problem in walk(page, path, shell=path == studio)]
    assert wrong == []
