"""Pages of look-ups, what is held, retention and evidence: who may, what they show, and that it verifies."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from governance.audit.models import AuditEntry
from governance.audit.services import redact_values
from governance.privacy import services
from governance.privacy.choices import CaseState
from governance.privacy.models import PersonCase
from governance.privacy.services.work import claim_case, delete_expired_cases, keep_findings
from governance.privacy.working import work
from tests.api.calls import caller, key_of
from tests.world import BUILDER, World
from workspaces.scoping import unscoped, workspace_scope

FINDING = {
    "holder": "syncs", "place": 1, "label": "Customers to CRM", "url": "/acme/syncs/1", "destination": "CRM",
    "model": "Customers", "model_id": 1, "source_id": 1, "primary_key": "id", "keys": ["1"], "problems": [],
    "held": [
        {"key": "1", "values": {"email": "ada@x.test"}, "present": True, "operation": "", "reason": "", "message": ""}
    ],
    "sent": [],
}  # fmt: skip


def a_case(world: World, **finding: object) -> PersonCase:
    """A case that found one row."""
    with workspace_scope(world.acme.workspace.pk):
        case = services.start_look_up(actor=world.acme.actor, value="ada@x.test", scope="*")
        held = claim_case(case.pk)
        assert held is not None
        keep_findings(held, [{**FINDING, "place": world.acme.rows["sync"].pk, "model_id": world.acme.rows["model"].pk,
                              "source_id": world.acme.rows["source"].pk, **finding}])  # fmt: skip
        case.refresh_from_db()
        return case


def url_of(case: PersonCase) -> str:
    return f"/acme/governance/people/{case.pk}"


def test_only_admins_look_people_up_and_the_log_does_not_say_whom(world: World, client: Client) -> None:
    client.force_login(world["editor"])
    assert client.get("/acme/governance/people").status_code == 403
    client.force_login(world["admin"])
    assert client.post("/acme/governance/people", {"value": " ", "scope": ""}).status_code == 422
    answer = client.post("/acme/governance/people", {"value": "ada@x.test", "scope": "*"})
    with workspace_scope(world.acme.workspace.pk):
        case = PersonCase.objects.get()
        assert answer["Location"] == url_of(case)
        work(case.pk)
        entry = AuditEntry.objects.get(event="person.looked_up")
        assert "ada" not in repr((entry.before, entry.after, entry.resource_label))
    page = client.get(url_of(case)).content.decode()
    assert "Nothing is held of this person" in page


def test_values_are_masked_for_an_admin_without_the_row_data_right(world: World, client: Client) -> None:
    case = a_case(world)
    client.force_login(world["admin"])
    assert "ada@x.test</span>" in client.get(url_of(case)).content.decode()
    with workspace_scope(world.acme.workspace.pk):
        from governance.privacy.findings import shown_findings
        from workspaces.actors import person

        [shown] = shown_findings(person(world["viewer"]), case)
    assert (shown["masked"], shown["held"][0]["values"]) == (True, {"email": "••••"})
    with unscoped("the test counts entries"):
        assert AuditEntry.objects.filter(event="person.viewed", resource_id=case.pk).count() == 1


def test_a_result_is_gone_after_its_time_and_a_request_needs_a_reason_without_the_person(world: World) -> None:
    case = a_case(world)
    with workspace_scope(world.acme.workspace.pk):
        from config.errors import Invalid

        for reason in ("", "Mail of Ada@X.test"):
            with pytest.raises(Invalid):
                services.request_erasure(actor=world.acme.actor, case=case, reason=reason)
    with unscoped("as the scheduler"):
        assert delete_expired_cases(timezone.now()) == 0
        assert delete_expired_cases(timezone.now() + timedelta(hours=9)) == 1


def test_confirming_takes_the_words_and_is_done_once(world: World, client: Client) -> None:
    case = a_case(world)
    client.force_login(world["admin"])
    url = url_of(case)
    client.post(f"{url}/erasure", {"reason": "Asked for it", "ticket": "T-7"})
    client.post(f"{url}/confirm", {"confirm_name": "yes"})
    with workspace_scope(world.acme.workspace.pk):
        assert PersonCase.objects.get().state == CaseState.REQUESTED
    client.post(f"{url}/confirm", {"confirm_name": f"forget {case.pk}"})
    client.post(f"{url}/withdraw")
    with workspace_scope(world.acme.workspace.pk):
        assert PersonCase.objects.get().state == CaseState.CONFIRMED


def test_evidence_verifies_by_itself_also_after_an_erasure_and_tells_what_was_changed(
    world: World, client: Client, tmp_path: Path
) -> None:
    case = a_case(world)
    client.force_login(world["admin"])
    first = client.post(f"{url_of(case)}/evidence")
    assert verified(first.getvalue(), tmp_path / "first")[0] == 0
    with workspace_scope(world.acme.workspace.pk):
        redact_values(
            actor=BUILDER,
            organization_id=world.acme.workspace.organization_id,
            texts=[world.acme.rows["model"].name],
        )
    model = world.acme.rows["model"]
    second = client.post(f"/acme/governance/evidence/model/{model.pk}").getvalue()
    status, words = verified(second, tmp_path / "second")
    assert (status, "1 with erased values" in words) == (0, True)
    entries = tmp_path / "second" / "audit" / "entries.jsonl"
    entries.write_bytes(entries.read_bytes().replace(b"model.created", b"model.crested"))
    status, words = verified(None, tmp_path / "second")
    assert status == 1
    assert "it does not say what it said" in words
    assert client.post("/acme/governance/evidence/model/999999").status_code == 404
    with unscoped("the test reads the log"):
        assert AuditEntry.objects.filter(event="evidence.exported").count() == 2


def verified(archive: bytes | None, folder: Path) -> tuple[int, str]:
    """Unpack, and run the archive's own check with nothing but Python."""
    if archive is not None:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            opened.extractall(folder)
            manifest = json.loads(opened.read("manifest.json"))
            assert set(manifest["sha256"]) | {"manifest.json"} == set(opened.namelist())
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "verify.py")], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_retention_is_set_by_admins_and_what_is_held_has_a_page(world: World, client: Client) -> None:
    client.force_login(world["admin"])
    assert client.post("/acme/settings/retention", {"run_days": "0"}).status_code == 422
    assert client.post("/acme/settings/retention", {"request_days": "3", "preview_hours": "2"}).status_code == 302
    with unscoped("the test reads the log"):
        entry = AuditEntry.objects.get(event="retention.changed")
        assert entry.after == {"request_days": 3, "preview_hours": 2}
    assert world.acme.rows["sync"]
    assert "Run history" in client.get("/acme/governance/held").content.decode()
    source = world.acme.rows["source"]
    assert f"What is held of {source}" in client.get(f"/acme/governance/held/{source.pk}").content.decode()
    assert client.get(f"/acme/governance/held/{world.globex.rows['source'].pk}").status_code == 404


def test_a_program_looks_up_asks_confirms_and_reads_the_report(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        call = caller(key_of(world.acme, world.owner))
    started = call("post", "/people-look-ups", {"value": "ada@x.test"}).json()
    assert (started["state"], started["hint"]) == ("waiting", "a•••@x•••.test")
    case = a_case(world)
    address = f"/people-look-ups/{case.pk}"
    found = call("get", address).json()
    assert (found["state"], found["counts"]["held"]) == ("found", 1)
    assert found["findings"][0]["held"][0]["values"] == {"email": "ada@x.test"}
    assert {entry["event"] for entry in found["decisions"]} >= {"sync.created"} or found["decisions"] == []
    with unscoped("the test counts entries"):
        assert AuditEntry.objects.filter(event="person.viewed", resource_id=case.pk).count() == 1
    assert call("post", f"{address}/erasure", {"reason": "Mail of Ada@X.test"}).status_code == 422
    asked = call("post", f"{address}/erasure", {"reason": "Asked for it", "ticket": "T-7"}).json()
    assert (asked["state"], asked["reason"], asked["ticket"]) == ("requested", "Asked for it", "T-7")
    assert call("delete", f"{address}/erasure").json()["state"] == "found"
    call("post", f"{address}/erasure", {"reason": "Asked for it"})
    assert call("post", f"{address}/erasure/confirm", {"confirm": "yes"}).status_code == 422
    assert call("get", f"{address}/erasure/report").status_code == 409
    confirmed = call("post", f"{address}/erasure/confirm", {"confirm": f"forget {case.pk}"})
    assert confirmed.json()["state"] == "confirmed"
    assert call("delete", address).status_code == 409
    nobody = f"/people-look-ups/{started['id']}"
    with workspace_scope(world.acme.workspace.pk):
        work(int(started["id"]))
        assert call("get", nobody).json()["state"] == "found"
        call("post", f"{nobody}/erasure", {"reason": "Asked for it"})
        call("post", f"{nobody}/erasure/confirm", {"confirm": f"forget {started['id']}"})
        work(int(started["id"]))
    report = call("get", f"{nobody}/erasure/report").json()
    assert (report["case"], report["total"]) == (int(started["id"]), 0)
    assert {one["id"] for one in call("get", "/people-look-ups").json()["data"]} == {started["id"], str(case.pk)}
    assert {"value": "*", "name": "Any column"} in call("get", "/people-look-ups/scopes").json()


def test_a_program_reads_what_is_held_and_sets_retention(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        call = caller(key_of(world.acme, world.owner))
    assert isinstance(call("get", "/holdings").json()["data"], list)
    assert call("get", "/holdings", sourceId=999_999).status_code == 404
    assert call("post", "/holdings/delete", {"holder": "nobody", "deletable": "x"}).status_code == 404
    usual = {"requestDays": None, "rowDays": None, "runDays": None, "previewHours": None}
    assert call("get", "/data-retention").json() == usual
    chosen = {**usual, "requestDays": 3, "previewHours": 2}
    assert call("put", "/data-retention", chosen).json() == chosen
    assert call("get", "/data-retention").json() == chosen
    assert call("put", "/data-retention", {**chosen, "runDays": 0}).status_code == 422
    admin = caller(key_of(world.acme, world["admin"]))
    assert admin("get", "/data-retention").status_code == 200
