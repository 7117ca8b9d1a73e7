"""The organization's log, exports, retention and verification, as people and operators use them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from config.streaming import StreamedResponse
from governance.audit.chain import BEGINNING, link_of
from governance.audit.models import AuditChain, AuditEntry
from governance.audit.services import seal_entries
from governance.log.upkeep import enqueue_purges, purge, verify
from tests.world import World
from workspaces import services
from workspaces.scoping import unscoped, workspace_scope

LOG = "/acme/organization/audit-log"


@pytest.fixture
def owner(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


def body(client: Client, address: str) -> str:
    """A page's list, or a whole file."""
    response = client.get(address)
    assert response.status_code == 200, address
    return (response.getvalue() if response.streaming else response.content).decode()


def rows(client: Client, query: str = "") -> str:
    return body(client, f"{LOG}?{query}").partition("<tbody>")[2]


@pytest.fixture
def second(world: World) -> str:
    """Another workspace of acme, with a key of its own; its slug."""
    organization = world.acme.workspace.organization
    made = services.create_workspace(actor=world.acme.actor, organization=organization, name="Staging", slug="staging")
    with workspace_scope(made.pk):
        services.create_api_key(actor=world.acme.actor, workspace=made, name="Prefect")
    assert world.acme.rows["api_key"]
    assert world.globex.rows["api_key"]
    return made.slug


def age(days: int) -> None:
    """Make everything that is there older, as only a test may."""
    with unscoped("the test lets time pass"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER audit_keep")
        cursor.execute("UPDATE audit_auditentry SET at = at - make_interval(days => %s)", [days])
        cursor.execute("ALTER TABLE audit_auditentry ENABLE TRIGGER audit_keep")


def test_the_organizations_log_shows_all_its_workspaces_and_no_other_organization(
    world: World, owner: Client, second: str
) -> None:
    everything = rows(owner)
    assert "Prefect" in everything
    assert "Airflow" in everything
    assert "globex" not in everything.lower()
    with unscoped("the test looks ids up"):
        staging = AuditEntry.objects.get(event="workspace.created", resource_label="Staging")
        foreign = AuditEntry.objects.filter(workspace_id=world.globex.workspace.pk).first()
        home = str(world.acme.workspace.pk)
    assert foreign is not None
    only = rows(owner, f"workspace={staging.workspace_id}")
    assert "Prefect" in only
    assert "Airflow" not in only
    assert "Prefect" not in rows(owner, f"workspace={home}&q=pref")
    assert "Prefect" in rows(owner, "q=pref")
    assert "Staging" in body(owner, f"{LOG}/{staging.pk}")
    assert owner.get(f"{LOG}/{foreign.pk}").status_code == 404
    assert "Prefect" not in body(owner, "/acme/audit-log")
    for name, status in (("admin", 403), ("viewer", 403)):
        client = Client()
        client.force_login(world[name])
        assert client.get(LOG).status_code == status


def test_filters_by_key_resource_words_and_days(world: World, owner: Client) -> None:
    made = world.acme.rows["api_key"]
    with workspace_scope(world.acme.workspace.pk):
        entry = AuditEntry.objects.get(event="api_key.created", resource_id=made.key.pk)
        AuditEntry.objects.create(
            workspace_id=entry.workspace_id,
            organization_id=entry.organization_id,
            event="sync.updated",
            actor_kind="api_key",
            actor_id=made.key.pk,
            actor_label="Airflow",
            resource_type="sync",
            resource_id=77,
            resource_label="Käufer → Newsletter-Liste",
            after={"sql": "SELECT\nlifetime_value FROM orders", "n": 2**80},
            correlation_id="e" * 32,
        )

    def found(query: str) -> bool:
        return "Käufer" in body(owner, f"/acme/audit-log?{query}").partition("<tbody>")[2]

    for query in ("q=KÄUF", "q=lifetime", "q=value", "q=news+liste", "q=sync.upd", "resource=sync:77", "type=sync"):
        assert found(query), query
    for query in ("q=äufer", "q=%25", "q='", "q=updated+nothing", "resource=sync:78", "resource=x", "q=%F0%9F%90%98"):
        assert not found(query), query
    assert found(f"key={made.key.pk}")
    assert not found(f"key={made.key.pk + 1}&q=zzz")
    assert not found(f"person={world.owner.pk}"), "a key's deeds are the key's"
    today = timezone.now().date()
    assert found(f"since={today - timedelta(days=1)}&until={today + timedelta(days=1)}")
    assert not found(f"since={today + timedelta(days=2)}")
    assert not found(f"until={today - timedelta(days=2)}")
    page = body(owner, f"/acme/audit-log?resource=sync:77&since={today}")
    assert "Remove filter Only: Sync 77" in page


def test_an_export_holds_what_the_page_shows_and_its_proof_and_is_audited(world: World, owner: Client) -> None:
    assert world.acme.rows["api_key"]
    with unscoped("the test seals as the scheduler does"):
        seal_entries(100_000)
        AuditEntry.objects.create(
            workspace_id=world.acme.workspace.pk,
            organization_id=world.acme.workspace.organization_id,
            event="sync.updated",
            actor_kind="person",
            actor_label="=cmd|'/c calc'!A1",
            resource_type="sync",
            resource_label='"quoted", and\nbroken',
            correlation_id="f" * 32,
        )
    table = list(csv.DictReader(io.StringIO(body(owner, "/acme/audit-log/export?format=csv&type=api_key&type=sync"))))
    assert {line["event"] for line in table} == {"api_key.created", "sync.updated"}
    assert (table[0]["actor"], table[0]["resource"]) == ("'=cmd|'/c calc'!A1", '"quoted", and\nbroken')
    whole = json.loads(body(owner, f"{LOG}/export?format=json"))
    sealed = sorted((e for e in whole if e["sequence"]), key=lambda e: e["sequence"])
    link = BEGINNING
    for one in sealed:
        link = link_of(link, one["sequence"], bytes.fromhex(one["digest"]))
        assert link.hex() == one["link"]
    assert len(sealed) >= 5
    assert json.loads(body(owner, "/acme/audit-log/export?format=json&q=nothing-like-it")) == []
    assert owner.get("/acme/audit-log/export?format=xml").status_code == 404
    with workspace_scope(world.acme.workspace.pk):
        exports = [e.after for e in AuditEntry.objects.filter(event="audit_log.exported").order_by("pk")]
    assert exports[0] == {"format": "csv", "filters": {"type": ["api_key", "sync"]}, "whole_organization": False}
    assert exports[1] == {"format": "json", "filters": {}, "whole_organization": True}


def test_an_answer_is_streamed_piece_by_piece_under_asgi() -> None:
    made: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield str(number).encode()

    async def read() -> list[tuple[bytes, int]]:
        return [(piece, len(made)) async for piece in StreamedResponse(pieces())]

    assert async_to_sync(read)() == [(b"0", 1), (b"1", 2), (b"2", 3)]


def test_retention_is_set_purged_and_verified(world: World, owner: Client) -> None:
    organization = world.acme.workspace.organization_id
    page = f"{LOG}/integrity"
    assert "not been verified" in body(owner, page)
    assert owner.post(page, {"days": "7"}).status_code == 422
    assert owner.post(page, {"days": "90"}).status_code == 302
    assert owner.post(page, {"days": "90"}).status_code == 302
    age(100)
    services.update_profile(actor=world.acme.actor, user=world.owner, name="Owner now", timezone="UTC")
    with unscoped("the test seals as the scheduler does"):
        seal_entries(100_000)
        before = AuditEntry.objects.filter(organization_id=organization).count()
        assert enqueue_purges() == 1
    assert purge(organization) == before - 1
    assert purge(organization) == 0
    with unscoped("the test looks what is left"):
        left = list(AuditEntry.objects.filter(organization_id=organization).order_by("pk"))
        assert [e.event for e in left] == ["person.updated", "audit_log.purged"]
        assert left[1].actor_label == "retention"
        assert (left[1].after or {})["entries"] == before - 1
    verify(organization)
    shown = body(owner, page)
    assert "2 entries are as written" in shown
    with unscoped("the test looks at the chain"):
        chain = AuditChain.objects.get(organization_id=organization)
    checkpoint = f"{chain.sequence}:{bytes(chain.head).hex()}"
    assert checkpoint in shown
    for text, words in (
        (checkpoint, "lies on the chain, at entry"),
        (f"{chain.sequence}:{'0' * 64}", "was rewritten"),
        (f"{chain.sequence + 1}:{'0' * 64}", "cut off"),
        (f"{chain.start_sequence}:{bytes(chain.start_head).hex()}", "lies on the chain"),
        (f"1:{'0' * 64}", "nothing can be said"),
    ):
        assert words in owner.post(f"{page}/checkpoint", {"checkpoint": text}).content.decode(), text
    assert owner.post(f"{page}/checkpoint", {"checkpoint": "nonsense"}).status_code == 422


def test_a_verification_is_asked_for_once_and_tells_what_is_wrong(world: World, owner: Client) -> None:
    organization = world.acme.workspace.organization_id
    address = f"{LOG}/integrity/verification"
    assert owner.post(address).status_code == 302
    assert "Verifying, 0" in body(owner, address)
    assert owner.post(address).status_code == 302
    with unscoped("the test looks what was recorded"):
        asked = AuditEntry.objects.filter(organization_id=organization, event="audit_log.verification_started")
        assert asked.count() == 1
    verify(organization)
    assert "as written" in body(owner, address)
    age(1)
    verify(organization)
    assert "does not say what it said" in body(owner, address)


def test_the_command_says_ok_or_the_first_broken_entry(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    organization = world.acme.workspace.organization_id
    call_command("verify_audit")
    said = capsys.readouterr().out
    assert f"Acme ({organization}): OK" in said
    assert "Globex" in said
    checkpoint = said.split(f"Acme ({organization})")[1].split("Checkpoint ")[1].split()[0]
    call_command("verify_audit", organization=organization, checkpoint=[checkpoint], json=True)
    assert json.loads(capsys.readouterr().out)[0]["ok"] is True
    wrong = checkpoint.partition(":")[0] + ":" + "0" * 64
    for options, words in (
        ({"organization": organization, "checkpoint": [wrong]}, "not as it was written: Acme"),
        ({"checkpoint": [checkpoint]}, "name it with"),
        ({"checkpoint": ["x"]}, "A checkpoint is"),
        ({"organization": 10**9}, "no organization"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("verify_audit", **options)
