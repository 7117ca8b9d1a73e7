"""Audit streams: every entry arrives in order, whatever happens to receivers and workers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone

from config.errors import Denied, Invalid
from connectors import services as connectors
from connectors.models import Source
from governance.audit.chain import BEGINNING, link_of
from governance.audit.models import AuditEntry
from governance.audit.services import seal_entries
from notifications import services
from notifications.models import AuditStream, Notification
from notifications.services import streams
from notifications.streams import sending
from notifications.streams.sending import carry
from tests.notifications.receiver import Receiver
from tests.notifications.servers import SIGNING_SECRET
from tests.support.duck_files import opened
from tests.world import World
from workspaces import services as workspaces
from workspaces.models import Organization
from workspaces.scoping import organization_scope, unscoped, workspace_scope


@pytest.fixture
def organization(world: World) -> Iterator[Organization]:
    """Acme, entered, with what its world left sealed."""
    with workspace_scope(world.acme.workspace.pk):
        seal()
        yield Organization.objects.get(pk=world.acme.workspace.organization_id)


def seal() -> None:
    with unscoped("the scheduler seals for everybody"):
        seal_entries(100_000)


def a_stream(
    world: World, organization: Organization, kind: str, *, from_start: bool = True, **values: Any
) -> AuditStream:
    return services.create_stream(
        actor=world.acme.actor, organization=organization, kind=kind, name=kind, values=values, from_start=from_start
    )


def to_webhook(world: World, organization: Organization, receiver: Receiver, **options: Any) -> AuditStream:
    return a_stream(world, organization, "webhook", endpoint=receiver.url, signing_secret=SIGNING_SECRET, **options)


def run(stream: AuditStream) -> int:
    with organization_scope(stream.organization_id):
        return carry(stream.pk)


def run_in(stream: AuditStream, wait: timedelta) -> int:
    """The same, when so much time has passed."""
    with patch.object(sending, "timezone") as clock:
        clock.now.return_value = timezone.now() + wait
        return run(stream)


def wanted(organization: Organization) -> list[int]:
    with organization_scope(organization.pk):
        rows = AuditEntry.objects.filter(organization_id=organization.pk, sequence__isnull=False)
        return [sequence or 0 for sequence in rows.order_by("sequence").values_list("sequence", flat=True)]


def arrived(receiver: Receiver) -> list[int]:
    return [entry["sequence"] for taken in receiver.taken for entry in taken.body["data"]["entries"]]


def test_every_entry_arrives_signed_in_order_with_its_proof(
    world: World, organization: Organization, receiver: Receiver
) -> None:
    stream = to_webhook(world, organization, receiver)
    seal()
    assert run(stream) == len(wanted(organization))
    assert arrived(receiver) == wanted(organization)
    assert run(stream) == 0
    said = receiver.taken[0].verified(SIGNING_SECRET)
    link = BEGINNING
    for entry in said["data"]["entries"]:
        link = link_of(link, entry["sequence"], bytes.fromhex(entry["digest"]))
        assert link.hex() == entry["link"]
    workspaces.create_api_key(actor=world.acme.actor, workspace=world.acme.workspace, name="Dagster")
    seal()
    with unscoped("the scheduler tells everybody"):
        AuditStream.objects.update(told_at=timezone.now() - timedelta(minutes=1))
        assert streams.tell_due_streams(timezone.now()) == 1
        assert streams.tell_due_streams(timezone.now()) == 0
    assert run(stream) == 1
    assert receiver.taken[-1].body["data"]["entries"][0]["resource"]["label"] == "Dagster"
    assert "globex" not in "".join(taken.raw.decode().lower() for taken in receiver.taken)


def test_a_stream_from_now_on_leaves_out_what_was(world: World, organization: Organization, receiver: Receiver) -> None:
    stream = to_webhook(world, organization, receiver, from_start=False)
    seal()
    assert run(stream) == 1, "that it was created"
    assert receiver.taken[0].body["data"]["entries"][0]["event"] == "audit_stream.created"


def test_a_worker_killed_between_sending_and_noting_loses_nothing(
    world: World, organization: Organization, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = to_webhook(world, organization, receiver)
    seal()

    class Killed(BaseException):
        pass

    def die(*args: object) -> bool:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(streams, "advance", die)
        with pytest.raises(Killed):
            run(stream)
    assert run(stream) == 0, "the dead worker's hold is respected while it lasts"
    AuditStream.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert run(stream) == len(wanted(organization))
    assert arrived(receiver) == wanted(organization) * 2
    first, second = (taken.headers["webhook-id"] for taken in receiver.taken)
    assert first == second, "the copy is told by its id"


def test_a_worker_that_lost_its_hold_moves_nothing(
    world: World, organization: Organization, receiver: Receiver
) -> None:
    stream = to_webhook(world, organization, receiver)
    old = streams.claim_stream(stream.pk)
    assert old is not None
    AuditStream.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert streams.claim_stream(stream.pk) is not None
    assert not streams.advance(old, 10**6, 1)
    streams.put_stream_off(old, "late", "", after=None)
    stream.refresh_from_db()
    assert (stream.cursor, stream.last_error) == (0, "")


def test_failures_are_tried_again_and_after_days_it_pauses_with_a_notice(
    world: World, organization: Organization, receiver: Receiver
) -> None:
    stream = to_webhook(world, organization, receiver)
    seal()
    receiver.answers = [(500, {}), (429, {"Retry-After": "900"}), (500, {})]
    assert run(stream) == 0
    stream.refresh_from_db()
    assert (stream.health, stream.cursor) == ("failing", 0)
    assert run(stream) == 0
    assert len(receiver.taken) == 1, "not before its time"
    AuditStream.objects.update(available_at=timezone.now())
    run(stream)
    stream.refresh_from_db()
    assert stream.available_at > timezone.now() + timedelta(seconds=800)
    AuditStream.objects.update(available_at=timezone.now(), failing_since=timezone.now() - timedelta(days=4))
    run(stream)
    stream.refresh_from_db()
    assert stream.paused_at
    notice = Notification.objects.get(topic=f"audit-stream:{stream.pk}")
    assert (notice.person, "none is lost" in notice.message["summary"]) == (world.owner, True)
    AuditStream.objects.update(available_at=timezone.now())
    assert run(stream) == 0
    services.resume_stream(actor=world.acme.actor, stream=stream)
    seal()
    assert run(stream) == len(wanted(organization))
    stream.refresh_from_db()
    assert (stream.health, stream.failing_since, stream.last_error) == ("healthy", None, "")


def test_files_hold_everything_once_the_time_has_come(
    world: World, organization: Organization, settings: Any, tmp_path: Path
) -> None:
    settings.LOCAL_FILES_ROOTS = [str(tmp_path)]
    stream = a_stream(world, organization, "local_files", folder="logs", audit_prefix="audit", audit_minutes=600)
    seal()
    assert run(stream) == 0, "few entries wait for more"
    stream.refresh_from_db()
    oldest = AuditEntry.objects.filter(organization_id=organization.pk).earliest("at").at
    assert stream.available_at == oldest + timedelta(minutes=600)
    services.update_stream(
        actor=world.acme.actor, stream=stream, name="Files", values={"folder": "logs", "audit_minutes": 1}
    )
    seal()
    AuditStream.objects.update(available_at=timezone.now())
    assert run_in(stream, timedelta(minutes=2)) == len(wanted(organization))
    (file,) = (tmp_path / "logs").rglob("*.jsonl.gz")
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert [line["sequence"] for line in lines] == wanted(organization)
    assert file.name == f"{1:012}-{wanted(organization)[-1]:012}.jsonl.gz"


@pytest.mark.parametrize("values", [{"folder": "../out"}, {"folder": "x", "audit_prefix": "../.."}])
def test_files_never_leave_their_folder(
    world: World, organization: Organization, settings: Any, tmp_path: Path, values: dict[str, str]
) -> None:
    settings.LOCAL_FILES_ROOTS = [str(tmp_path / "allowed")]
    (tmp_path / "allowed").mkdir()
    given: dict[str, Any] = {"audit_prefix": "a", **values}
    stream = a_stream(world, organization, "local_files", **given)
    seal()
    assert run_in(stream, timedelta(hours=2)) == 0
    stream.refresh_from_db()
    assert stream.health == "failing"
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_only_organization_admins_and_credentials_stay(
    world: World, organization: Organization, receiver: Receiver
) -> None:
    stream = to_webhook(world, organization, receiver)
    with pytest.raises(Denied):
        services.pause_stream(actor=world.actor("admin"), stream=stream)
    with pytest.raises(Invalid) as refused:
        services.update_stream(
            actor=world.acme.actor, stream=stream, name="webhook", values={"endpoint": "https://elsewhere.example/"}
        )
    assert "signing_secret" in refused.value.fields, "another address asks for the secret again"
    with unscoped("the test looks at every entry"):
        entries = json.dumps([[e.before, e.after] for e in AuditEntry.objects.all()])
    assert SIGNING_SECRET not in entries
    assert "s3cret-path" not in entries


def test_pages_add_test_pause_and_delete(world: World, organization: Organization, receiver: Receiver) -> None:
    client = Client()
    client.force_login(world.owner)
    base = "/acme/organization/audit-streams"
    assert "No streams yet" in client.get(base).content.decode()
    for kind in ("webhook", "s3", "local_files"):
        assert client.get(f"{base}/new/{kind}").status_code == 200
    assert client.get(f"{base}/new/fax").status_code == 404
    form = {"name": "SIEM", "start": "start", "endpoint": receiver.url, "signing_secret": SIGNING_SECRET}
    assert client.post(f"{base}/new/webhook", {**form, "signing_secret": "short"}).status_code == 422
    assert client.post(f"{base}/new/webhook", form).status_code == 302
    stream = AuditStream.objects.get()
    here = f"{base}/{stream.pk}"
    assert SIGNING_SECRET not in client.get(here).content.decode()
    receiver.answers = [(500, {})]
    assert client.post(f"{here}/test").status_code == 302
    assert "The latest attempt failed" in client.get(here).content.decode()
    assert client.post(f"{here}/test").status_code == 302
    assert receiver.taken[-1].verified(SIGNING_SECRET)["type"] == "audit.test"
    for action, words in (("pause", "Paused."), ("resume", "Up to entry")):
        assert client.post(f"{here}/{action}").status_code == 302
        assert words in client.get(here).content.decode()
    assert client.post(here, {"name": "Logs", "endpoint": receiver.url, "signing_secret": ""}).status_code == 302
    assert "Logs" in client.get(base).content.decode()
    assert client.post(f"{here}/delete").status_code == 302
    assert not AuditStream.objects.exists()
    with organization_scope(organization.pk):
        kept = AuditEntry.objects.filter(resource_type="audit_stream").order_by("pk").values_list("event", flat=True)
    assert [event.partition(".")[2] for event in kept] == [
        "created",
        "tested",
        "tested",
        "paused",
        "resumed",
        "updated",
        "deleted",
    ]


def test_a_warehouse_holds_every_entry_once(
    world: World, organization: Organization, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LOCAL_FILES_ROOTS = [str(tmp_path)]
    file = tmp_path / "warehouse.duckdb"
    with opened(file) as made:
        made.execute("CREATE TABLE shops (id INTEGER)")
    source = connectors.create_source(
        actor=world.acme.actor, type="duckdb", values={"mode": "database", "path": file.name}, name="Company warehouse"
    )
    client = Client()
    client.force_login(world.owner)
    new = "/acme/organization/audit-streams/new/warehouse"
    form = {"name": "Warehouse", "start": "start", "source": str(source.pk), "audit_minutes": "1"}
    assert client.post(new, form).status_code == 422, "its write access was not tested"
    assert connectors.check_write_access(actor=world.acme.actor, source=source).ok
    assert "Company warehouse · Acme" in client.get(new).content.decode()
    assert client.post(new, form).status_code == 302, "and now it was"
    stream = AuditStream.objects.get()
    here = f"/acme/organization/audit-streams/{stream.pk}"
    assert client.post(f"{here}/test", follow=True).context["stream"].health == "healthy"
    assert "Company warehouse · headrace_audit.audit_log" in client.get(here).content.decode()
    seal()

    def noted(*_: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(streams, "advance", noted)
        with pytest.raises(KeyboardInterrupt):
            run_in(stream, timedelta(hours=1))
    AuditStream.objects.update(lease_until=None)
    assert run_in(stream, timedelta(hours=1)) == len(wanted(organization))
    services.pause_stream(actor=world.acme.actor, stream=stream)
    services.resume_stream(actor=world.acme.actor, stream=stream)
    seal()
    assert run_in(stream, timedelta(hours=1)) == 2
    with opened(file) as held:
        found = held.sql("SELECT * FROM headrace_audit.audit_log ORDER BY sequence")
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert [row["sequence"] for row in rows] == wanted(organization)
    link = BEGINNING
    for row in rows:
        link = link_of(link, row["sequence"], bytes.fromhex(row["digest"]))
        assert link.hex() == row["link"]
    added = next(row for row in rows if row["event"] == "audit_stream.created")
    assert (added["actor"], added["resource"], json.loads(added["after"])["kind"]) == (
        world.owner.email,
        "Warehouse",
        "warehouse",
    )
    with unscoped("the source goes away"):
        Source.objects.filter(pk=source.pk).delete()
    assert "A source that is gone" in client.get("/acme/organization/audit-streams").content.decode()
    workspaces.create_api_key(actor=world.acme.actor, workspace=world.acme.workspace, name="Later")
    seal()
    assert run_in(stream, timedelta(hours=1)) == 0
    stream.refresh_from_db()
    assert stream.last_error == "The source is gone."
