"""Two audiences in order of priority, one of them divided, each on its own list: who is where, before and after."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from audiences.choices import LogPlace
from audiences.models import Audience
from config.embedded import Urls
from tests.audiences.app.crowd import audience_of, parent_of
from tests.audiences.app.test_snapshots import logged
from tests.browser import studio
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.syncs.app.shop import Shop

pytestmark = [pytest.mark.browser, pytest.mark.services]
LAPSED, VIPS = set(range(1, 31)), set(range(21, 41))


@pytest.fixture
def shop(server: str, services: Urls) -> Iterator[Shop]:
    """Forty customers: thirty who lapsed, twenty who are important, and ten who are both."""
    with studio.shop_of(studio.new_world(), services.acme_url) as made:
        made.fill(40)
        people = parent_of(made)
        audience_of(made, people, "Lapsed", 1, 30)
        audience_of(made, people, "VIPs", 21, 40)
        yield made


def write_everything_down(page: Page, shop: Shop) -> None:
    """Snapshots and holdouts of every audience of the source."""
    page.get_by_role("link", name="Audience logs").click()
    page.get_by_label("Audience snapshots").check()
    page.get_by_label("Audience holdout group logs").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("It holds for every run that ends from now on")).to_be_visible()
    assert_sound(page)


def divide(page: Page, shop: Shop) -> None:
    """The lapsed in halves, of which one is sent."""
    studio.open_audience(page, shop, "Lapsed", "Experiments")
    page.get_by_label("Name of group 1").fill("Letter")
    page.get_by_role("button", name="Enable experiment groups").click()
    page.get_by_role("button", name="Count the members").click()
    expect(page.get_by_text("Counting in")).to_be_visible()
    studio.answer(shop)
    letter = page.get_by_role("row").filter(has_text="Letter")
    expect(letter).to_contain_text("No sync yet")
    assert_sound(page)
    letter.get_by_role("button", name="Add sync").click()
    expect(page.get_by_text("Lapsed: the group “Letter”")).to_be_attached()
    studio.send_to(page, "Shop database", shop.table)
    studio.open_audience(page, shop, "Lapsed", "Experiments")
    expect(letter.get_by_role("link", name=re.compile("Shop database"))).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Holdout")).to_contain_text("the control")


def rank(page: Page) -> None:
    """Whoever is both is a VIP alone."""
    page.goto(page.url.partition("/acme")[0] + "/acme/studio/priority-lists")
    page.get_by_role("link", name="Add priority list").first.click()
    page.get_by_label("Name").fill("One letter a week")
    for place, name in enumerate(("VIPs", "Lapsed")):
        field = page.get_by_role("combobox", name="Audience").nth(place)
        field.fill(name)
        page.get_by_role("option", name=name).click()
    assert_sound(page)
    page.get_by_role("button", name="Add priority list").click()
    expect(page.get_by_text("“One letter a week” holds from the next runs on.")).to_be_visible()


def groups_by_the_log(page: Page, shop: Shop, folder: Path) -> dict[str, set[int]]:
    """Who was in which group, as the file on the audience's page tells."""
    studio.open_audience(page, shop, "Lapsed", "History")
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download").click()
    file = folder / "members.csv"
    begun.value.save_as(file)
    groups: dict[str, set[int]] = {}
    for line in csv.DictReader(file.read_text(encoding="utf-8").splitlines()):
        groups.setdefault(line["experiment_group"], set()).add(int(line["row_id"]))
    return groups


def held_out(shop: Shop) -> list[tuple[int, int]]:
    """The holdout log: the run, and whom it did not send."""

    def read() -> list[tuple[int, int]]:
        audience = Audience.objects.get(name="Lapsed")
        columns = "sync_run_id, row_id::BIGINT"
        return [
            (int(run), int(row)) for run, row in logged(shop, LogPlace.STORAGE, audience, "audience_holdout", columns)
        ]

    return aside(shop.place, read)


def test_a_new_order_moves_people_between_lists_and_the_log_agrees(open_page: Open, shop: Shop, tmp_path: Path) -> None:
    other = aside(shop.place, lambda: studio.second_list(shop))
    page = signed_in(open_page, shop.place.owner, f"/acme/sources/{shop.source.pk}")
    page.set_default_timeout(8_000)
    write_everything_down(page, shop)
    divide(page, shop)
    studio.open_audience(page, shop, "VIPs")
    studio.add_sync(page, "Other tool", other)
    rank(page)
    studio.let_go(shop)

    studio.run(page, shop, "Lapsed", "Shop database")
    studio.run(page, shop, "VIPs", "Other tool")
    sent, important = map(set, studio.on_lists(shop, shop.table, other))
    held = held_out(shop)
    assert important == VIPS
    assert sent | {row for _, row in held} == LAPSED - VIPS
    assert sent
    assert not sent & {row for _, row in held}
    groups = groups_by_the_log(page, shop, tmp_path)
    assert groups["Letter"] & sent == sent
    assert {row for _, row in held} <= groups["Holdout"]
    assert_sound(page)

    page.goto(page.url.partition("/acme")[0] + "/acme/studio/priority-lists")
    page.get_by_role("link", name="One letter a week").click()
    page.get_by_role("button", name="Move audience 2 up").click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Saved. It holds from the next runs on.")).to_be_visible()
    studio.run(page, shop, "VIPs", "Other tool")
    studio.run(page, shop, "Lapsed", "Shop database")
    now_sent, now_important = map(set, studio.on_lists(shop, shop.table, other))
    newest = max(run for run, _ in held_out(shop))
    now_held = {row for run, row in held_out(shop) if run == newest}
    assert now_important == VIPS - LAPSED
    assert now_sent | now_held == LAPSED
    assert now_sent == groups_by_the_log(page, shop, tmp_path)["Letter"]
    assert sent < now_sent
    row = page.get_by_role("row").filter(has_text="Run 2")
    expect(row.get_by_role("cell").nth(5)).to_have_text(str(len(now_held)))
