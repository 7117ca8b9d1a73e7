"""A held run on a phone: read why, look at the rows, send them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.test import override_settings
from playwright.sync_api import expect

from config.embedded import Urls
from syncs.choices import RunStatus
from syncs.models import Run
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.support.rows import database_rows
from tests.syncs.app.shop import Shop, open_shop, work_off
from tests.world import build_world
from workspaces.scoping import workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]


@pytest.fixture
def shop(services: Urls, server: str) -> Iterator[Shop]:
    """A shop whose owner's rights the test has; the worker's part is done here."""
    database_rows().delete_all()
    place = build_world().acme
    with override_settings(OUTBOUND_ALLOW=["*"]), workspace_scope(place.workspace.pk):
        yield open_shop(place, services.acme_url, uuid4().hex[:8])


def held_run(shop: Shop) -> Run:
    """Fifty delivered customers of whom twenty left and three changed."""
    shop.fill(50)
    sync = shop.sync()
    shop.run(sync)
    shop.query("DELETE FROM customers WHERE id > 30")
    shop.query("UPDATE customers SET plan = 'paid' WHERE id <= 3")
    return shop.run(sync)


def test_a_held_run_is_read_and_released_on_a_phone(open_page: Open, shop: Shop) -> None:
    run = aside(shop.place, lambda: held_run(shop))
    assert run.status == RunStatus.HELD

    page = signed_in(open_page, shop.place.owner, f"/acme/syncs/{run.sync_id}/runs/{run.pk}", 375)
    expect(page.get_by_text("20 rows would be removed: 40 % of the 50 rows known from before")).to_be_visible()
    page.get_by_role("link", name="Changed 3").click()
    expect(page.get_by_role("row").filter(has_text="c2@shop.test")).to_contain_text("paid")
    assert_sound(page)
    page.set_viewport_size({"width": 375, "height": 812})
    page.get_by_label("Reason").fill("The old accounts were closed on purpose")
    page.get_by_role("button", name="Send 23 rows").click()
    expect(page.get_by_text("The changes are being sent as they were found")).to_be_visible()
    aside(shop.place, work_off)
    page.reload()
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    expect(page.get_by_text("The old accounts were closed on purpose")).to_be_visible()
    assert Run.objects.get(pk=run.pk).succeeded_removed == 20
    assert len(shop.there()) == 30
