"""Settings and the audit log in the browser: sound at every width, and usable with their scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, Page, expect

from tests.browser.acting import signed_in
from tests.browser.chromium import Complaints, assert_sound
from tests.browser.conftest import Open, opening
from tests.world import World, build_world

pytestmark = pytest.mark.browser

PAGES = (
    "settings",
    "settings/profile",
    "settings/access",
    "settings/access/people",
    "settings/access/people/{member}",
    "settings/access/who",
    "settings/roles",
    "settings/roles/{role}",
    "settings/roles/{role}/on/source",
    "organization",
    "organization/people",
    "organization/people/invite",
    "organization/people/{member}",
    "organization/invitations",
    "organization/groups",
    "organization/groups/{group}",
    "organization/groups/{group}/roles",
    "organization/workspaces",
    "settings/areas",
    "settings/areas/studio",
    "settings/storage",
    "settings/cloud-providers/new/aws",
    "settings/api-keys",
    "settings/api-keys/new",
    "audit-log",
    "audit-log/{entry}",
)


@pytest.fixture(scope="module")
def acme(server: str) -> World:
    """The world, in the database that the server shares."""
    world = build_world()
    for name in ("invitation", "api_key", "audit_entry", "source"):
        assert world.acme.rows[name]
    return world


@pytest.fixture
def page(open_page: Open, acme: World) -> Page:
    """A page of the owner's browser."""
    return signed_in(open_page, acme.owner)


@pytest.fixture(scope="module")
def reading(chromium: Browser, server: str, acme: World) -> Iterator[tuple[Page, Complaints]]:
    """One window for all pages that are only looked at, and what they complain of."""
    complaints = Complaints()
    with opening(chromium, server, complaints) as go:
        yield signed_in(go, acme.owner), complaints


def visit(page: Page, path: str) -> None:
    page.goto(re.sub(r"(//[^/]+)/.*", rf"\1/acme/{path}", page.url))


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_accessible_and_fit_their_window(reading: tuple[Page, Complaints], acme: World, path: str) -> None:
    page, complaints = reading
    complaints.seen.clear()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")
    rows = acme.acme.rows
    ids = {name: rows[name].pk for name in ("member", "group", "role")} | {"entry": rows["audit_entry"].pk}
    visit(page, path.format(**ids))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_sound(page)
    assert complaints.seen == []


def test_a_key_is_made_copied_and_revoked(page: Page) -> None:
    visit(page, "settings/api-keys")
    page.get_by_role("link", name="New API key").click()
    page.get_by_label("Name").fill("Dagster")
    page.get_by_label("Acts as").select_option("Me")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_text(re.compile(r"^hr_\S{43}$"))).to_be_visible()
    assert_sound(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("link", name="I have copied it").click()
    row = page.get_by_role("row", name=re.compile("Dagster"))
    expect(row).to_contain_text("read run")
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("main")).to_contain_text("Dagster")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row", name=re.compile("Dagster"))).to_contain_text("Revoked")


def test_a_reverse_tunnel_is_added_and_its_key_downloaded_once(page: Page) -> None:
    with override_settings(TUNNEL_ADDRESS="tunnels.example.com:2222"):
        visit(page, "settings/tunnels")
        page.get_by_role("link", name="Add a reverse tunnel").click()
        page.get_by_label("Name").fill("Office in Graz")
        page.get_by_role("button", name="Add the tunnel").click()
        with page.expect_download() as kept:
            page.get_by_role("link", name="Download t-").click()
        assert kept.value.path().read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
        expect(page.get_by_label("Command")).to_contain_text(f"-i {kept.value.suggested_filename} -p 2222")
        assert_sound(page)
        page.set_viewport_size({"width": 1440, "height": 900})
        page.get_by_role("link", name="I have kept it").click()
        expect(page.get_by_text("Not connected").first).to_be_visible()
        expect(page.get_by_text("PRIVATE KEY")).to_have_count(0)
        assert_sound(page)


def test_an_entry_opens_beside_the_log_and_filters_keep_the_address(page: Page) -> None:
    visit(page, "audit-log")
    page.get_by_role("link", name="created an API key").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("api_key.created")
    page.keyboard.press("Escape")
    page.get_by_role("searchbox").fill("Analysts")
    expect(page).to_have_url(re.compile("q=Analysts"))
    expect(page.get_by_role("table")).not_to_contain_text("Airflow")
    expect(page.get_by_role("table")).to_contain_text("created the group")


def test_the_palette_leads_to_a_page(page: Page) -> None:
    visit(page, "settings")
    page.keyboard.press("Control+k")
    with page.expect_response(re.compile(r"palette\?q=peop")):
        page.keyboard.insert_text("peop")
    page.get_by_role("option", name="People", exact=True).click()
    expect(page).to_have_url(re.compile("/acme/organization/people$"))
