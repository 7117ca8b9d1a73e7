"""What tests of the studio do with a mouse, and what arrives at the tools that its audiences are sent to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from django.test import override_settings
from playwright.sync_api import Page, expect

from audiences.calculating import work
from audiences.models import Audience, Calculation, Recording
from audiences.recording import work as write_down
from connectors import services as connectors
from syncs.models import Sync
from tests.browser.acting import aside
from tests.support.rows import database_rows
from tests.syncs.app.shop import Shop, open_shop, postgres_settings, work_off
from tests.world import World, build_world
from workspaces.scoping import workspace_scope


def new_world() -> World:
    """Acme with its people, made anew."""
    database_rows().delete_all()
    return build_world()


@contextmanager
def shop_of(world: World, acme_url: str) -> Iterator[Shop]:
    """A shop of Acme's, whose workspace is entered for the while."""
    place = world.acme
    with override_settings(OUTBOUND_ALLOW=["*"]), workspace_scope(place.workspace.pk):
        yield open_shop(place, acme_url, uuid4().hex[:8])


def second_list(shop: Shop) -> str:
    """Another tool of the same kind; returns the name of its list."""
    shop.at_destination(f"CREATE TABLE other_{shop.table} (LIKE {shop.table} INCLUDING ALL)")
    connectors.create_destination(
        actor=shop.actor, type="postgres", name="Other tool", values=postgres_settings(shop.address)
    )
    return f"other_{shop.table}"


def on_lists(shop: Shop, *tables: str) -> list[list[int]]:
    """Who is on these lists."""
    with psycopg.connect(shop.address) as connection:
        return [[row[0] for row in connection.execute(f"SELECT id FROM {name} ORDER BY 1")] for name in tables]


def section(page: Page, name: str) -> None:
    """Open a tab of the audience."""
    tabs = page.get_by_role("navigation", name="Sections of the audience")
    tabs.get_by_role("link", name=re.compile(f"^{name}")).click()


def open_audience(page: Page, shop: Shop, name: str, tab: str = "") -> None:
    """Go to an audience, and to one of its tabs."""
    home = aside(shop.place, lambda: Audience.objects.get(name=name).get_absolute_url())
    page.goto(page.url.partition("/acme")[0] + home)
    if tab:
        section(page, tab)


def send_to(page: Page, destination: str, target: str) -> None:
    """From the choice of a destination to the schedule."""
    page.get_by_role("link", name=re.compile(destination)).click()
    page.get_by_label("Table").select_option(f"public.{target}")
    expect(page.get_by_label("Match records by this field, line 1")).to_be_checked()
    page.get_by_role("radio", name=re.compile("^Delete the record")).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Finish", exact=True).click()
    expect(page.get_by_role("button", name="Run now")).to_be_visible()


def add_sync(page: Page, destination: str, target: str) -> None:
    """From an audience to a sync that keeps a list in step with it."""
    section(page, "Syncs")
    page.get_by_role("button", name="Add sync").click()
    send_to(page, destination, target)


def run(page: Page, shop: Shop, audience: str, tool: str) -> None:
    """Run the audience's sync to a tool from its tab."""
    open_audience(page, shop, audience, "Syncs")
    page.get_by_role("row").filter(has_text=tool).get_by_role("button", name="Run").click()
    page.wait_for_url(re.compile(r"/runs/\d+$"))
    carry_out(shop)


def answer(shop: Shop) -> None:
    """Let a worker count, or answer what was asked last."""
    aside(shop.place, lambda: work(Calculation.objects.latest("pk").pk))


def carry_out(shop: Shop) -> None:
    """Let workers carry out what waits: runs, and what is written down after them."""

    def work_all() -> None:
        work_off()
        for recording in Recording.objects.filter(state="waiting").order_by("pk"):
            write_down(recording.pk)

    aside(shop.place, work_all)


def let_go(shop: Shop) -> None:
    """Syncs without guardrails: a few rows more or less are most of what a small list has."""

    def unguarded() -> None:
        for sync in Sync.objects.all():
            shop.unguarded(sync)

    aside(shop.place, unguarded)
