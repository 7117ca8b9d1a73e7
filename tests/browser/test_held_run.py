"""A held run on a phone: read why, look at the rows, send them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from playwright.sync_api import Page, expect

from config.embedded import Urls
from syncs.choices import RunStatus
from syncs.models import Run
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.syncs.app.shop import Shop, open_shop, work_off
from tests.world import build_world
from workspaces.scoping import workspace_scope

T = TypeVar("T")
pytestmark = [pytest.mark.browser, pytest.mark.services]


@pytest.fixture
def shop(services: Urls, server: str) -> Iterator[Shop]:
    """A shop whose owner's rights the test has; the worker's part is done here."""
    call_command("flush", interactive=False, verbosity=0)
    place = build_world().acme
    with override_settings(OUTBOUND_ALLOW=["*"]), workspace_scope(place.workspace.pk):
        yield open_shop(place, services.acme_url, uuid4().hex[:8])


def aside(shop: Shop, work: Callable[[], T]) -> T:
    """Do it on a thread of its own: Playwright's event loop, which has this one, lets no other loop run."""

    def done() -> T:
        try:
            with workspace_scope(shop.place.workspace.pk):
                return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(done).result()


def held_run(shop: Shop) -> Run:
    """Fifty delivered customers of whom twenty left and three changed."""
    shop.fill(50)
    sync = shop.sync()
    shop.run(sync)
    shop.query("DELETE FROM customers WHERE id > 30")
    shop.query("UPDATE customers SET plan = 'paid' WHERE id <= 3")
    return shop.run(sync)


def signed_in(open_page: Open, shop: Shop, path: str, width: int) -> Page:
    """A page of the shop's owner."""
    client = Client()
    client.force_login(shop.place.owner)
    page = open_page("/accounts/login/", width=width)
    root = page.url.removesuffix("/accounts/login/")
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": f"{root}/"}])
    page.goto(root + path)
    return page


def test_a_held_run_is_read_and_released_on_a_phone(open_page: Open, shop: Shop) -> None:
    run = aside(shop, lambda: held_run(shop))
    assert run.status == RunStatus.HELD

    page = signed_in(open_page, shop, f"/acme/syncs/{run.sync_id}/runs/{run.pk}", 375)
    expect(page.get_by_text("20 rows would be removed: 40 % of the 50 rows known from before")).to_be_visible()
    page.get_by_role("link", name="Changed 3").click()
    expect(page.get_by_role("row").filter(has_text="c2@shop.test")).to_contain_text("paid")
    assert_sound(page)
    page.set_viewport_size({"width": 375, "height": 812})
    page.get_by_label("Reason").fill("The old accounts were closed on purpose")
    page.get_by_role("button", name="Send 23 rows").click()
    expect(page.get_by_text("The changes are being sent as they were found")).to_be_visible()
    aside(shop, work_off)
    page.reload()
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    expect(page.get_by_text("The old accounts were closed on purpose")).to_be_visible()
    assert Run.objects.get(pk=run.pk).succeeded_removed == 20
    assert len(shop.there()) == 30
