"""A night on call: one alert for a revoked key, the key replaced, and a held run released on a phone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import override_settings
from playwright.sync_api import Page, expect

from connectors import services as connectors
from governance.audit.actors import Actor
from syncs import scheduler, services
from syncs.choices import ModelMethod, RunStatus
from syncs.configuration import Proposal
from syncs.definitions import Definition
from syncs.models import Run, Sync
from syncs.schedules import Schedule
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.connectors.app.connections import files_folder, http_settings
from tests.notifications.servers import Mailbox, mail_server
from tests.support.http import serving
from tests.support.rows import database_rows
from tests.syncs.app.shop import wait_until
from tests.syncs.app.workers import WORKER, process
from tests.world import Place, build_world
from workspaces.scoping import workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]
RUN_MS = 60_000
OLD_KEY, NEW_KEY = "Bearer key-of-yesterday-000", "Bearer key-of-tonight-111"


@dataclass
class Crm:
    """The other side: takes requests that carry its present key, and keeps what it was sent."""

    key: str = OLD_KEY
    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def crm_server() -> Iterator[Crm]:
    crm = Crm()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            allowed = self.headers.get("Authorization") == crm.key
            if allowed:
                crm.requests.append({"method": self.command, "path": self.path, "body": raw.decode()})
            body = json.dumps({} if allowed else {"message": "This API key was revoked."}).encode()
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.answer()

        def do_PUT(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer()

        def log_message(self, format: str, *args: Any) -> None:
            """Tests say what they saw."""

    with serving(Handler) as crm.port:
        yield crm


@dataclass
class Night:
    """Everything that is awake."""

    place: Place
    crm: Crm
    mailbox: Mailbox
    sync: Sync
    server: str
    file: Path

    def customers(self, rows: int, plan: str = "free") -> None:
        """What the model returns from now on."""
        lines = [f"{i},c{i}@shop.test,{plan}" for i in range(1, rows + 1)]
        self.file.write_text("\n".join(["id,email,plan", *lines]) + "\n")

    def mails(self, number: int) -> list[str]:
        """The subjects, once there are so many."""
        wait_until(lambda: len(self.mailbox.mails) >= number, f"{number} mails; there are {self.mailbox.subjects}")
        return self.mailbox.subjects

    def link_of(self, number: int) -> str:
        """The path that a mail leads to."""
        body = self.mailbox.mails[number].get_content()
        found = re.search(r"http://\S+/acme/syncs/\S+", body)
        assert found is not None, body
        return urlsplit(found[0]).path


@pytest.fixture
def night(server: str) -> Iterator[Night]:
    """A workspace with a sync to the other side, real workers and a real mail server."""
    database_rows().delete_all()
    with crm_server() as crm, mail_server() as mailbox, override_settings(OUTBOUND_ALLOW=["*"], BASE_URL=server):
        place = build_world().acme
        mail = f"smtp://127.0.0.1:{mailbox.port}"
        with process(WORKER, HEADRACE_EMAIL_URL=mail, HEADRACE_BASE_URL=server):
            night = Night(place, crm, mailbox, Sync(), server, files_folder() / "night.csv")
            night.customers(10)
            # Playwright keeps a loop in this thread; reading a model's columns needs one of its own.
            with ThreadPoolExecutor(max_workers=1) as elsewhere:
                night.sync = elsewhere.submit(a_sync, night).result()
            yield night


def a_sync(night: Night) -> Sync:
    """A model of the file, sent to the other side with its key; to be called in a thread that ends."""
    try:
        with workspace_scope(night.place.workspace.pk):
            return made_by(night.place.actor, night)
    finally:
        connection.close()


def made_by(actor: Actor, night: Night) -> Sync:
    source = connectors.create_source(
        actor=actor,
        type="duckdb",
        values={"mode": "files", "files": [{"name": "customers", "value": night.file.name}]},
        name="Shop files",
    )
    headers = [{"name": "Authorization", "value": OLD_KEY, "secret": True}]
    destination = connectors.create_destination(
        actor=actor,
        type="http_request",
        values=http_settings(base_url=f"http://127.0.0.1:{night.crm.port}", headers=headers),
        name="CRM",
    )
    model = services.create_model(
        actor=actor,
        source=source,
        name="Customers",
        definition=Definition(method=ModelMethod.SQL, sql="SELECT * FROM customers"),
        primary_key="id",
    )
    triggers = {
        "added": {"endpoint": "/added"},
        "changed": {"endpoint": "/changed"},
        "removed": {"endpoint": "/removed"},
    }
    return services.create_sync(
        actor=actor,
        model=model,
        destination=destination,
        proposal=Proposal(sync_type="requests", settings=triggers),
        schedule=Schedule.by_cron("0 3 * * *"),
    )


def test_one_alert_wakes_somebody_who_replaces_the_key_and_later_releases_a_held_run(
    open_page: Open, night: Night
) -> None:
    desk = signed_in(open_page, night.place.owner)
    choose_who_is_told(desk, night)
    assert run_now(desk, night) == "Completed"
    at_three_the_key_is_revoked(desk, night)
    phone = signed_in(open_page, night.place.owner, width=375)
    replace_the_key(phone, night)
    a_run_is_held_and_released(phone, night)


def choose_who_is_told(page: Page, night: Night) -> None:
    """The owner, of everything, on the destination's page; then the sync says who is told."""
    page.goto(f"{night.server}/acme/destinations/{night.sync.destination_id}")
    page.get_by_role("link", name="Alerts").click()
    page.get_by_label("Recipient, line 1").select_option(f"person-{night.place.owner.pk}")
    look(page, "destination-alerting")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. It holds from the next look on.")).to_be_visible()


def at_three_the_key_is_revoked(page: Page, night: Night) -> None:
    """The schedule's runs fail three nights long, and one mail says so."""
    night.crm.key = NEW_KEY
    night.customers(10, plan="paid")
    for _ in range(3):
        run_at_three(night)
    subjects = night.mails(1)
    assert subjects == ["Critical: Customers → CRM – runs fail"]
    body = night.mailbox.mails[0].get_content()
    assert "This API key was revoked." in body
    assert "Replace the credentials" in body
    assert "key-of" not in body
    assert "shop.test" not in body.replace(night.place.owner.email, "")
    page.goto(f"{night.server}/acme/syncs/{night.sync.pk}/alerts")
    expect(page.get_by_role("heading", name="1 alert")).to_be_visible()
    expect(page.get_by_role("region", name="State of each trigger")).to_contain_text("3 runs in a row failed")
    look(page, "sync-alerts")
    page.goto(f"{night.server}/acme/")
    expect(page.get_by_role("region", name="Active alerts")).to_contain_text("Critical")
    look(page, "overview")
    page.goto(f"{night.server}/acme/syncs")
    expect(page.get_by_role("region", name="Syncs")).to_contain_text("1 critical")
    look(page, "syncs")


def replace_the_key(page: Page, night: Night) -> None:
    """From the mail's link, on a phone, to the destination's settings, and back to the run button."""
    page.goto(night.server + night.link_of(0))
    expect(page.get_by_text("This API key was revoked.").first).to_be_visible()
    page.goto(f"{night.server}/acme/destinations/{night.sync.destination_id}/configuration")
    page.get_by_label("Value 1").first.fill(NEW_KEY)
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Saved. Test the connection to see whether it works.")).to_be_visible()
    assert run_now(page, night) == "Completed"
    assert night.mails(2)[1].startswith("Recovered: Customers → CRM")
    assert "The alert lasted" in night.mailbox.mails[1].get_content()


def a_run_is_held_and_released(page: Page, night: Night) -> None:
    """Most rows leave the model: nothing is sent until somebody has looked at it."""
    night.customers(2, plan="paid")
    before = len(night.crm.requests)
    assert run_now(page, night) == "Held"
    assert night.mails(3)[2] == "Warning: Customers → CRM – a run is held"
    assert "8 rows would be removed" in night.mailbox.mails[2].get_content()
    assert len(night.crm.requests) == before
    page.goto(night.server + night.link_of(2))
    look(page, "held")
    page.get_by_role("button", name=re.compile("^Send 8 rows")).click()
    expect(page.get_by_text("Completed").first).to_be_visible(timeout=RUN_MS)
    assert night.mails(4)[3].startswith("Recovered: Customers → CRM")
    assert [r["path"] for r in night.crm.requests[before:]] == ["/removed"] * 8
    assert len(night.mailbox.mails) == 4


def run_now(page: Page, night: Night) -> str:
    """Press the button and wait for how it ends, or is held."""
    page.goto(f"{night.server}/acme/syncs/{night.sync.pk}")
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url(re.compile(r"/runs/\d+"))
    ended = page.locator(".pill").filter(has_text=re.compile("^(Completed|Completed with errors|Aborted|Held)$")).first
    expect(ended).to_be_visible(timeout=RUN_MS)
    return ended.inner_text().strip()


def run_at_three(night: Night) -> None:
    """Let the scheduler have the next night, and wait until its run has failed."""

    def began() -> int:
        due = Sync.objects.get(pk=night.sync.pk).next_run_at
        assert due is not None
        assert (due.hour, due.minute) == (3, 0)
        assert scheduler.start_due(due) == 1
        return Run.objects.filter(sync=night.sync).latest("pk").pk

    run = aside(night.place, began)

    def status() -> str:
        return aside(night.place, lambda: Run.objects.get(pk=run).status)

    wait_until(lambda: status() == RunStatus.FAILED, "the run of the night to fail")


def look(page: Page, name: str) -> None:
    """Hold the page to its windows, themes and rules; keep a picture where somebody wants to look at it."""
    size: Any = page.viewport_size
    assert_sound(page)
    page.set_viewport_size(size)
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}-{size['width']}.png", full_page=True)
