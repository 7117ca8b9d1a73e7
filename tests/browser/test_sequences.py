"""Putting a sequence in order by dragging and by keyboard, which only a browser can do."""

from __future__ import annotations

import pytest
from django.test import override_settings
from playwright.sync_api import Page, expect

from config.embedded import Urls
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open

pytestmark = [pytest.mark.browser, pytest.mark.services]

PASSWORD = "river-stone-42-blue"
NAMES = ["Accounts", "Contacts", "Deals"]


@pytest.fixture
def sequence_id(server: str, services: Urls) -> int:
    """A sequence of three syncs in acme, whose owner may sign in; made on a thread without Playwright's event loop."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(_build, services).result()


def _build(services_urls: Urls) -> int:
    from django.db import connection

    from syncs import services
    from syncs.services import StepProposal
    from tests.syncs.app.shop import open_shop
    from tests.world import build_world
    from workspaces.scoping import workspace_scope

    world = build_world()
    world.owner.set_password(PASSWORD)
    world.owner.save()
    with override_settings(OUTBOUND_ALLOW=["*"]), workspace_scope(world.acme.workspace.pk):
        shop = open_shop(world.acme, services_urls.acme_url, "ordered")
        model = shop.model()
        steps = []
        for name in NAMES:
            sync = services.update_sync(actor=shop.actor, sync=shop.sync(model), name=name)
            steps.append(StepProposal(sync.pk))
        sequence = services.create_sequence(actor=shop.actor, name="Nightly", steps=steps)
    connection.close()
    return sequence.pk


def order(page: Page) -> list[str]:
    """The syncs of the lines that show, from the top."""
    chosen = page.locator("ol.steps > li:not([hidden]) .step-sync select")
    return [text.split(" (")[0] for text in chosen.evaluate_all("all => all.map(s => s.selectedOptions[0].text)")]


def test_steps_are_dragged_and_moved_by_keyboard(open_page: Open, sequence_id: int) -> None:
    page = open_page("/accounts/login/")
    page.locator("input[name=login]").fill("owner@acme.test")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url("**/acme/**")
    page.goto(page.url.partition("/acme")[0] + f"/acme/sequences/{sequence_id}/edit")
    said = page.locator("[data-order-target=said]")

    handles = page.locator("[data-order-handle]:visible")
    expect(handles).to_have_count(3)
    handles.nth(0).drag_to(handles.nth(1), target_position={"x": 5, "y": 25}, steps=10)
    expect(said).to_have_text("Now step 2 of 3.")
    assert order(page) == ["Contacts", "Accounts", "Deals"]

    page.get_by_role("button", name="Move step 3 up").focus()
    page.keyboard.press("Enter")
    expect(said).to_have_text("Now step 2 of 3.")
    assert order(page) == ["Contacts", "Deals", "Accounts"]
    assert_sound(page)

    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/steps")
    assert page.locator("tbody .name").all_text_contents() == ["Contacts", "Deals", "Accounts"]
