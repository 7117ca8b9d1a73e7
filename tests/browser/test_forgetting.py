"""An auditor starts from one e-mail address: evidence, a log that verifies after a purge, and a person forgotten."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.test import override_settings
from playwright.sync_api import Page, expect

from config.embedded import Urls
from governance.audit.models import AuditEntry
from governance.audit.services import seal_entries
from governance.log import services as log
from governance.log.upkeep import purge, verify
from governance.privacy.models import PersonCase
from governance.privacy.working import work
from syncs.models import Run, Sync
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.governance.test_privacy import verified
from tests.support.rows import database_rows
from tests.syncs.app.shop import Shop, open_shop, work_off
from tests.world import build_world
from workspaces.scoping import unscoped, workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]
EMAIL = "c2@shop.test"


@pytest.fixture
def shop(services: Urls, server: str) -> Iterator[Shop]:
    """A shop of twenty customers, sent twice: the second time one of them had changed."""
    database_rows().delete_all()
    place = build_world().acme
    with override_settings(OUTBOUND_ALLOW=["*"]), workspace_scope(place.workspace.pk):
        yield open_shop(place, services.acme_url, uuid4().hex[:8])


def sent_twice(shop: Shop) -> Sync:
    shop.fill(20)
    sync = shop.unguarded(shop.sync())
    shop.run(sync)
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 2")
    shop.run(sync)
    return sync


def look_up(page: Page, shop: Shop) -> PersonCase:
    """Search for the person by the form; a worker does it meanwhile."""
    page.get_by_label("E-mail address or key").fill(EMAIL)
    page.get_by_role("button", name="Search", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(EMAIL)
    case = PersonCase.objects.latest("pk")
    aside(shop.place, lambda: work(case.pk))
    page.reload()
    return case


def export(page: Page, folder: Path) -> tuple[int, str]:
    """Take the evidence along and let it verify itself."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Export evidence").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(folder)
    return verified(None, folder)


def purge_the_beginning(shop: Shop) -> None:
    """What the nightly purge does on a day when all before the export is past its time."""
    organization = shop.place.workspace.organization_id
    exported = AuditEntry.objects.get(event="evidence.exported")
    with patch.object(log, "timezone") as clock:
        clock.now.return_value = exported.at + timedelta(days=30)
        with unscoped("the scheduler seals for everybody"):
            seal_entries()
        purge(organization)


def verify_the_log(page: Page, shop: Shop) -> None:
    page.get_by_role("button", name="Verify now").click()
    aside(shop.place, lambda: verify(shop.place.workspace.organization_id))
    page.reload()
    expect(page.get_by_text("OK.", exact=True)).to_be_visible()


def forget(page: Page, shop: Shop, case: PersonCase) -> None:
    page.get_by_role("button", name="Forget this person").click()
    page.get_by_label("Reason").fill("Request of the person, art. 17 GDPR")
    page.get_by_label("Ticket").fill("DPO-12")
    page.get_by_role("button", name="Ask for it").click()
    page.get_by_role("button", name="Confirm", exact=True).click()
    page.get_by_label("Type forget").fill(f"forget {case.pk}")
    page.get_by_role("button", name="Forget", exact=True).click()
    expect(page.get_by_text("Confirmed. The erasure has begun.")).to_be_visible()
    aside(shop.place, lambda: work(case.pk))
    page.reload()
    expect(page.get_by_role("heading", name="What was erased")).to_be_visible()


def test_from_one_address_to_evidence_a_verified_log_and_a_run_that_proves_it(
    open_page: Open, shop: Shop, tmp_path: Path
) -> None:
    sync = aside(shop.place, lambda: sent_twice(shop))
    page = signed_in(open_page, shop.place.owner, "/acme/governance/people")
    case = look_up(page, shop)
    expect(page.get_by_role("heading", name=str(sync))).to_be_visible()
    assert_sound(page)
    found = page.url
    assert export(page, tmp_path)[0] == 0

    page.goto(found.replace(f"governance/people/{case.pk}", "organization/audit-log/integrity"))
    page.get_by_label("Days to keep entries").fill("30")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    aside(shop.place, lambda: purge_the_beginning(shop))
    page.goto(found.replace(f"governance/people/{case.pk}", "organization/audit-log/integrity"))
    verify_the_log(page, shop)
    expect(page.get_by_text("Deleted by retention")).to_be_visible()

    page.goto(found)
    forget(page, shop, case)
    assert_sound(page)
    page.goto(found.replace(f"governance/people/{case.pk}", f"syncs/{sync.pk}"))
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run 3")
    aside(shop.place, work_off)
    page.reload()
    expect(page.get_by_text("1 row of forgotten people was left out.")).to_be_visible()
    run = Run.objects.filter(sync=sync).latest("pk")
    assert (run.queried, run.forgotten, run.planned) == (20, 1, 0)

    with unscoped("what the log tells in the end"):
        told = list(AuditEntry.objects.order_by("pk").values_list("event", flat=True))
        assert told[told.index("evidence.exported") :] == [
            "evidence.exported",
            "audit_log.retention_changed",
            "audit_log.purged",
            "audit_log.verification_started",
            "person.erasure_requested",
            "person.erasure_confirmed",
            "person.erased",
            "run.started",
        ]
        assert EMAIL not in repr(list(AuditEntry.objects.values()))
