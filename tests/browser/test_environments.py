"""From development to production and on: deploy, enable, trigger from Airflow, and remove whom the key belonged to."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import psycopg
import pytest
from django.test import override_settings
from playwright.sync_api import Page, expect

from config.embedded import Urls
from tests.api.test_clients import AIRFLOW, told_by
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.invariants.tree import CHECKOUT
from tests.syncs.app.shop import wait_until
from tests.syncs.app.workers import SCHEDULER, WORKER, process

pytestmark = [pytest.mark.browser, pytest.mark.services]

PASSWORD = "river-stone-42-blue"
T = TypeVar("T")


@dataclass(frozen=True)
class Prepared:
    """What is there before anybody opens a page."""

    sync: int
    slug: str
    key: str
    member: int
    source: str
    destination: str
    table: str


def elsewhere(work: Callable[[], T]) -> T:
    """Use the database on a thread without Playwright's event loop."""

    def done() -> T:
        from django.db import connection

        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(done).result()


@pytest.fixture
def prepared(server: str, services: Urls) -> Prepared:
    """A sync in development; production with its connections, and the API key of a person who will leave."""
    return elsewhere(lambda: _build(services))


def _build(urls: Urls) -> Prepared:
    from tests.api.calls import key_of
    from tests.governance.environments.stages import open_stages
    from tests.world import build_world, join
    from workspaces.choices import RoleKind
    from workspaces.models import OrganizationMember

    world = build_world()
    world.owner.set_password(PASSWORD)
    world.owner.save()
    with override_settings(OUTBOUND_ALLOW=["*"]):
        stages = open_stages(world, urls.acme_url)
        with stages.dev.side.scope():
            sync = stages.dev.shop.sync()
        with stages.prod.side.scope():
            leaving = join(stages.prod.place.workspace, "leaving", RoleKind.ADMIN)
            member = OrganizationMember.objects.get(user=leaving)
            stages.prod.shop.fill(2)
    shop = stages.prod.shop
    return Prepared(
        sync=sync.pk,
        slug=sync.slug,
        key=key_of(stages.prod.place, leaving),
        member=member.pk,
        source=shop.source.name,
        destination=shop.destination.name,
        table=f"public.{shop.table}",
    )


def test_a_sync_goes_to_production_and_outlives_whose_key_ran_it(
    open_page: Open, server: str, services: Urls, prepared: Prepared, tmp_path: Path
) -> None:
    with override_settings(OUTBOUND_ALLOW=["*"]):
        page = open_page("/accounts/login/")
        page.set_default_timeout(15_000)
        sign_in(page)
        page.goto(f"{server}/acme/syncs/{prepared.sync}")
        deploy(page, prepared)
        page.get_by_role("link", name=re.compile("in Prod$")).last.click()
        expect(page.get_by_text("Disabled: it does not run by itself")).to_be_visible()
        page.get_by_role("button", name="Enable", exact=True).click()
        expect(page.get_by_text("The schedule is on.")).to_be_visible()
        trigger_from_airflow(server, prepared, tmp_path)
        page.goto(f"{server}/acme-prod/organization/people/{prepared.member}")
        page.get_by_role("button", name=re.compile("^Remove")).first.click()
        expect(page.get_by_role("dialog").first).to_contain_text("API keys that stop (1): Test.")
        page.get_by_role("dialog").get_by_role("button", name=re.compile("^Remove")).click()
        expect(page.get_by_text("was removed")).to_be_visible()
        answer = httpx.get(f"{server}/api/v1/syncs", headers={"Authorization": f"Bearer {prepared.key}"})
    assert answer.status_code == 401
    with psycopg.connect(services.acme_url) as connection:
        assert connection.execute(f"SELECT count(*) FROM {prepared.table}").fetchone() == (2,)
    assert elsewhere(_told) == {
        "source.linked": 2,
        "destination.linked": 2,
        "deployment.started": 1,
        "deployment.finished": 1,
        "model.deployed": 1,
        "sync.deployed": 1,
        "sync.enabled": 1,
        "run.started": 1,
        "member.removed": 1,
    }


def sign_in(page: Page) -> None:
    page.locator("input[name=login]").fill("owner@acme.test")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(re.compile("/acme"))


def deploy(page: Page, prepared: Prepared) -> None:
    page.get_by_role("link", name="Deploy to another workspace").click()
    page.get_by_role("radio", name=re.compile("Prod")).check()
    assert_sound(page)
    page.get_by_role("button", name="Continue").click()
    for noun, name in (("Source", prepared.source), ("Destination", prepared.destination)):
        page.get_by_role("combobox", name=re.compile(f"^{noun} in Prod")).first.select_option(label=name)
        page.get_by_role("button", name="Link", exact=True).first.click()
        expect(page.get_by_text("Linked.")).to_be_visible()
    assert_sound(page)
    page.get_by_role("combobox", name=re.compile("^Table")).select_option(prepared.table)
    page.get_by_role("button", name="Deploy to Prod").click()
    expect(page.get_by_text("Deployed").first).to_be_visible()
    assert_sound(page)


def trigger_from_airflow(server: str, prepared: Prepared, folder: Path) -> None:
    """Run it with the unmodified hook where that is installed, else with the requests that it makes."""
    with process(WORKER), process(SCHEDULER):
        if not (CHECKOUT / ".venv" / "orchestrators" / "bin" / "python").exists():
            trigger_by_request(server, prepared)
            return
        address = server.removeprefix("http://")
        variables = {
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW_CONN_HIGHTOUCH_DEFAULT": f"http://:{prepared.key}@{address}/",
        }
        told = told_by("orchestrators", AIRFLOW, prepared.slug, **variables)
    assert told == {"status": "success", "sync": prepared.slug}


def trigger_by_request(server: str, prepared: Prepared) -> None:
    headers = {"Authorization": f"Bearer {prepared.key}"}
    with httpx.Client(base_url=f"{server}/api/v1", headers=headers) as api:
        (sync,) = api.get("/syncs", params={"slug": prepared.slug}).json()["data"]
        run = api.post("/syncs/trigger", json={"syncSlug": prepared.slug}).json()["id"]

        def ended() -> bool:
            (found,) = api.get(f"/syncs/{sync['id']}/runs", params={"runId": run}).json()["data"]
            return bool(found["status"] == "success")

        wait_until(ended, "the run succeeds", seconds=90)


def _told() -> dict[str, int]:
    from collections import Counter

    from governance.audit.models import AuditEntry
    from workspaces.scoping import unscoped

    wanted = ("linked", "deployment.", ".deployed", "sync.enabled", "run.started", "member.removed")
    with unscoped("counts what both workspaces' logs tell"):
        names = AuditEntry.objects.values_list("event", flat=True)
        return dict(Counter(name for name in names if any(part in name for part in wanted)))
