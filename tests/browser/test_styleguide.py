"""Every component, at every width and in both themes: accessible, inside its window, and working."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import EVERY_LOOK, Complaints, assert_sound, axe_violations
from tests.browser.conftest import Open, opening

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def guide(chromium: Browser, server: str) -> Iterator[tuple[Page, Complaints]]:
    """One window for all tests that leave the page as they found it: it is the largest that there is."""
    complaints = Complaints()
    with opening(chromium, server, complaints) as go:
        page = go("/styleguide/")
        expect(page.locator(".code-host").first).to_be_visible()  # by then its keys are listened to
        yield page, complaints


@pytest.fixture
def page(guide: tuple[Page, Complaints]) -> Iterator[Page]:
    """That window, at its top; errors in the console fail the test at its end."""
    page, complaints = guide
    complaints.seen.clear()
    page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); }")
    yield page
    expect(page.locator(":modal, :popover-open")).to_have_count(0)
    assert complaints.seen == []


def test_every_component_is_accessible_and_fits_its_window(open_page: Open) -> None:
    page = open_page("/styleguide/")
    expect(page.locator(".code-host").first).to_be_visible()
    assert_sound(page, EVERY_LOOK)


def test_a_dialog_opens_is_accessible_and_closes_with_escape(page: Page) -> None:
    page.get_by_role("button", name="Open a dialog").click()
    dialog = page.get_by_role("dialog", name="Run everything again?")
    expect(dialog).to_be_visible()
    assert axe_violations(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_menu_opens_and_moves_by_arrow_keys(page: Page) -> None:
    opener = page.get_by_role("button", name="Export")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="As CSV")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="As JSON")).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_a_menu_opens_beside_its_button(page: Page) -> None:
    opener = page.get_by_role("button", name="Export")
    opener.click()
    box, anchor = page.locator("#sample-menu").bounding_box(), opener.bounding_box()
    assert box is not None
    assert anchor is not None
    assert abs(box["x"] - anchor["x"]) < 2
    assert min(abs(box["y"] - anchor["y"] - anchor["height"]), abs(box["y"] + box["height"] - anchor["y"])) < 8
    page.keyboard.press("Escape")


def test_the_palette_opens_by_keyboard_and_goes_to_a_page_of_the_rail(page: Page) -> None:
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search sources, models, destinations, syncs and pages")
    expect(field).to_be_focused()
    field.fill("dest")
    expect(page.get_by_role("listbox", name="Results").get_by_role("option")).to_have_text(["Destinations"])
    assert axe_violations(page) == []
    page.keyboard.press("Escape")


def test_the_workspace_switcher_opens_by_its_two_keys(page: Page) -> None:
    page.keyboard.press("s")
    page.keyboard.press("w")
    expect(page.get_by_role("menu", name="Workspaces")).to_be_visible()
    page.keyboard.press("Escape")


def test_the_theme_is_kept_for_the_next_page(open_page: Open) -> None:
    page = open_page("/styleguide/")
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("menuitemradio", name="Dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_rail_is_a_drawer_on_a_phone(open_page: Open) -> None:
    page = open_page("/styleguide/", 375)
    rail = page.get_by_role("complementary", name="Main")
    expect(rail).to_be_hidden()
    page.get_by_role("link", name="Open menu").click()
    expect(rail).to_be_visible()
    assert axe_violations(page) == []
    page.keyboard.press("Escape")
    expect(rail).to_be_hidden()


def test_ticked_rows_bring_the_bulk_bar_with_their_number(page: Page) -> None:
    page.get_by_role("checkbox", name="Select Newsletter list").check()
    page.get_by_role("checkbox", name="Select Win-back").check()
    expect(page.get_by_text("2 rows selected")).to_be_visible()
    page.get_by_role("button", name="Clear selection").click()
    expect(page.get_by_text("rows selected")).to_be_hidden()


def test_a_dangerous_button_waits_for_the_name(page: Page) -> None:
    page.locator("#floating").get_by_role("button", name="Delete sync").click()
    dialog = page.get_by_role("dialog", name="Delete this sync?")
    submit = dialog.get_by_role("button", name="Delete sync")
    expect(submit).to_be_disabled()
    dialog.get_by_role("textbox").fill("Customers to Klaviyo")
    expect(submit).to_be_enabled()
    page.keyboard.press("Escape")


def test_the_editor_writes_into_its_textarea(page: Page) -> None:
    page.locator(".code-host").first.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("select 42")
    assert _value(page, "#id_sql") == "select 42"


def test_a_searchable_select_takes_what_is_typed(page: Page) -> None:
    field = page.get_by_role("combobox", name="Country").first
    field.click()
    field.fill("new")
    page.keyboard.press("Enter")
    assert _value(page, "#id_country") == "nz"


def test_a_field_shows_only_with_the_choice_it_belongs_to(page: Page) -> None:
    cron = page.locator("#id_cron")
    expect(cron).to_be_hidden()
    page.locator("#id_schedule").select_option("cron")
    expect(cron).to_be_visible()


def _value(page: Page, selector: str) -> str:
    value: str = page.locator(selector).evaluate("element => element.value")
    return value
