"""A workspace admin puts syncs in order: folders, labels, a filter to keep and share, and a favourite."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from governance.audit.models import AuditEntry
from tests.browser.acting import signed_in
from tests.browser.conftest import Open
from tests.world import World, build_world
from workspaces.models import Favourite, SavedFilter
from workspaces.scoping import workspace_scope

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def acme(server: str) -> World:
    """The world with a sync, in the database that the server shares."""
    world = build_world()
    with workspace_scope(world.acme.workspace.pk):
        assert world.acme.rows["sync"]
    return world


def new_folder(page: Page, name: str) -> None:
    page.get_by_role("button", name="New folder").click()
    dialog = page.get_by_role("dialog", name="New folder")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Create folder").click()
    expect(page.get_by_role("navigation", name="Folders").get_by_role("link", name=name)).to_be_visible()


def tick_and(page: Page, sync: str, button: str) -> None:
    page.get_by_role("checkbox", name=f"Select {sync}").check()
    page.get_by_role("button", name=button, exact=True).click()


def test_syncs_are_put_in_order_and_found_again(open_page: Open, server: str, acme: World) -> None:
    sync, at = acme.acme.rows["sync"], f"{server}/acme"
    page = signed_in(open_page, acme["owner"], "/acme/syncs")
    new_folder(page, "Marketing")

    page.goto(f"{at}/syncs")
    tick_and(page, str(sync), "Move to folder")
    page.get_by_label("New folder inside it").fill("Spring campaign")
    page.get_by_role("button", name="Move").click()
    folders = page.get_by_role("navigation", name="Folders")
    folders.get_by_role("link", name="Spring campaign").click()
    expect(page.get_by_role("row", name=re.compile(str(sync)))).to_be_visible()
    folders.get_by_role("link", name="In no folder").click()
    expect(page.get_by_role("row", name=re.compile(str(sync)))).to_have_count(0)

    page.goto(f"{at}/syncs")
    tick_and(page, str(sync), "Labels")
    page.get_by_label("Key 1").fill("brand")
    page.get_by_label("Value 1").fill("ACME")
    page.get_by_role("button", name="Save labels").click()
    expect(page.get_by_role("row", name=re.compile(str(sync)))).to_contain_text("ACME")

    page.goto(f"{at}/syncs?schedule=manual")
    page.get_by_role("button", name="Saved filters").click()
    page.get_by_role("menuitem", name="Save what is set now").click()
    dialog = page.get_by_role("dialog", name="Save this filter")
    dialog.get_by_label("Name").fill("By hand")
    dialog.get_by_label("Share it with everyone in the workspace").check()
    dialog.get_by_role("button", name="Save filter").click()
    colleague = signed_in(open_page, acme["viewer"], "/acme/syncs")
    colleague.get_by_role("button", name="Saved filters").click()
    colleague.get_by_role("menuitem", name="By hand").click()
    expect(colleague).to_have_url(re.compile("schedule=manual"))

    page.goto(f"{at}/syncs/{sync.pk}")
    star = page.get_by_role("button", name="Favourite", exact=True)
    expect(star).to_have_attribute("aria-pressed", "false")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    with workspace_scope(acme.acme.workspace.pk):
        assert SavedFilter.objects.get().name == "By hand"
        assert Favourite.objects.get().object_id == sync.pk
        left = set(AuditEntry.objects.values_list("event", flat=True))
    assert {"folder.created", "model.moved", "sync.labelled", "saved_filter.created"} <= left
