"""A draft editor's mapping on its way to the destination: asked for, mailed, reviewed, published, run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import override_settings
from playwright.sync_api import expect

from config.embedded import Urls
from governance.audit.models import AuditEntry
from syncs import tasks
from syncs.models import Preview, Sync
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.notifications.servers import Mailbox, mail_server
from tests.notifications.support import work_off as send_messages
from tests.support.rows import database_rows
from tests.syncs.app.shop import Shop, open_shop
from tests.world import World, build_world
from workspaces.scoping import workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """The operator's mail server."""
    with mail_server() as box:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        yield box


@pytest.fixture
def acme(server: str) -> World:
    """Acme with its people, made anew."""
    database_rows().delete_all()
    return build_world()


@pytest.fixture
def shop(services: Urls, acme: World) -> Iterator[Shop]:
    place = acme.acme
    with override_settings(OUTBOUND_ALLOW=["*"]), workspace_scope(place.workspace.pk):
        yield open_shop(place, services.acme_url, uuid4().hex[:8])


def delivered_once(shop: Shop) -> Sync:
    shop.fill(3)
    sync = shop.sync()
    shop.run(sync)
    return sync


def find_out() -> None:
    for preview in Preview.objects.exclude(draft=None):
        tasks.work_on_preview.fn(preview.workspace_id, preview.pk)


def test_a_mapping_is_asked_for_mailed_reviewed_published_and_run(
    open_page: Open, shop: Shop, acme: World, mailbox: Mailbox
) -> None:
    sync = aside(shop.place, lambda: delivered_once(shop))
    page = signed_in(open_page, acme["drafter"], f"/acme/syncs/{sync.pk}/edit")
    page.locator("select[name='map-2-column']").select_option("email")
    expect(page.get_by_role("button", name="Publish now")).to_have_count(0)
    page.get_by_role("button", name="Submit for approval").click()
    page.get_by_label("Editor", exact=True).check()
    page.get_by_label("Comment").fill("The plan is mailed now")
    assert_sound(page)
    page.get_by_role("button", name="Submit for approval").click()
    expect(page.get_by_text("Finding out").first).to_be_attached()

    aside(shop.place, send_messages)
    assert [mail["To"] for mail in mailbox.mails] == [acme["editor"].email]
    body = mailbox.mails[0].get_body(("plain",))
    assert body is not None
    assert "The plan is mailed now" in body.get_content()
    path = next(word for word in body.get_content().split() if "/governance/requests/" in word).partition("/acme/")[2]

    aside(shop.place, find_out)
    review = signed_in(open_page, acme["editor"], f"/acme/{path}", width=375)
    expect(review.get_by_text("Column email").first).to_be_visible()
    expect(review.get_by_text("To change").first).to_be_visible()
    expect(review.get_by_role("row").filter(has_text="c2@shop.test").first).to_be_visible()
    assert_sound(review)
    review.get_by_role("button", name="Approve and publish").click()
    expect(review.get_by_text("Approved. The sync is live.")).to_be_visible()

    run = aside(shop.place, lambda: shop.run(Sync.objects.get(pk=sync.pk)))
    assert (run.planned_changed, run.planned) == (3, 3)
    assert [plan for _, _, plan in shop.there()] == ["c1@shop.test", "c2@shop.test", "c3@shop.test"]
    aside(shop.place, send_messages)
    assert [mail["To"] for mail in mailbox.mails[1:]] == [acme["drafter"].email]
    told = [(e.event, e.actor_label) for e in AuditEntry.objects.order_by("pk") if e.event.startswith("draft.")]
    drafter, editor = acme["drafter"].email, acme["editor"].email
    assert told == [("draft.saved", drafter), ("draft.submitted", drafter), ("draft.approved", editor)]
    published = AuditEntry.objects.filter(event="sync.updated").first()
    assert published is not None
    assert published.after is not None
    assert published.after["approved_by"] == [editor]
