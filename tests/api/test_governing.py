"""The organization, spaces, the rule about approvals, the audit log as a whole and evidence, over the REST API."""

from __future__ import annotations

import io
import zipfile

import pytest

from governance.audit.models import AuditEntry
from tests.api.calls import Call, caller, key_of
from tests.world import World, build_world
from workspaces.scoping import organization_scope, unscoped


@pytest.fixture
def world(db: None) -> World:
    """The named world; nothing here needs other processes."""
    return build_world()


@pytest.fixture
def call(world: World) -> Call:
    """Calls as the organization's admin."""
    return caller(key_of(world.acme, world.owner))


@pytest.fixture
def admin(world: World) -> Call:
    """Calls as an admin of the workspace alone."""
    return caller(key_of(world.acme, world["admin"]))


def latest(event: str) -> AuditEntry:
    with unscoped("entries of the organization, too"):
        return AuditEntry.objects.filter(event=event).latest("pk")


def test_the_organization_is_changed_in_parts_by_its_admins(call: Call, admin: Call) -> None:
    before = call("get", "/organization").json()
    changed = call("patch", "/organization", {"ssoMayCreateWorkspaces": False}).json()
    assert changed == {**before, "ssoMayCreateWorkspaces": False}
    assert latest("organization.updated").after == {"sso_may_create_workspaces": False}
    assert call("patch", "/organization", {"name": ""}).status_code == 422
    assert admin("patch", "/organization", {"name": "Ours"}).status_code == 403


def test_spaces_are_switched_with_the_workspace(admin: Call) -> None:
    assert admin("get", "/workspace").json()["spacesEnabled"] is False
    answer = admin("patch", "/workspace", {"spacesEnabled": True, "name": "Acme GmbH"}).json()
    assert (answer["spacesEnabled"], answer["name"]) == (True, "Acme GmbH")
    assert admin("post", "/spaces", {"name": "Sales"}).status_code == 200
    refused = admin("patch", "/workspace", {"spacesEnabled": False})
    assert (refused.status_code, refused.json()["message"]) == (409, "There are spaces in this workspace.")


def test_the_rule_about_approvals_is_read_by_members_and_set_by_admins(world: World, admin: Call) -> None:
    rule = {"required": False, "selfApproval": True, "approvers": 1, "channelId": None}
    assert admin("get", "/approval-policy").json() == rule
    assert admin("patch", "/approval-policy", {"required": True, "approvers": 2}).json() == {
        **rule,
        "required": True,
        "approvers": 2,
    }
    assert latest("approval_policy.changed").after == {"required": True, "approvers": 2}
    wrong = admin("patch", "/approval-policy", {"channelId": 999})
    assert (wrong.status_code, set(wrong.json()["details"])) == (422, {"channelId"})
    with unscoped("the key of an admin who became a viewer"):
        from workspaces.models import GroupRole, Role

        viewer = Role.objects.get(kind="viewer", workspace=world.acme.workspace)
        GroupRole.objects.filter(group__members__member__user=world["admin"]).update(role=viewer)
    assert admin("get", "/approval-policy").status_code == 200
    assert admin("patch", "/approval-policy", {"required": False}).status_code == 403


def test_the_log_is_kept_for_so_long_and_verified(world: World, call: Call, admin: Call) -> None:
    from governance.audit.services import seal_organization
    from governance.log.upkeep import verify

    assert call("patch", "/audit-log", {"retentionDays": 7}).json()["details"].keys() == {"retentionDays"}
    assert call("patch", "/audit-log", {"retentionDays": 400}).json()["retentionDays"] == 400
    organization = world.acme.workspace.organization_id
    with organization_scope(organization):
        seal_organization(organization)
    started = call("post", "/audit-log/verification")
    assert (started.status_code, started.json()["verifying"]) == (202, True)
    again = call("post", "/audit-log/verification")
    assert (again.status_code, again.json()["message"]) == (409, "The log is being verified.")
    verify(organization)
    found = call("get", "/audit-log").json()
    assert found["verifying"] is False
    assert found["verdict"]["ok"] is True
    assert found["entries"] > 0
    assert found["checkpoint"]
    assert admin("get", "/audit-log").status_code == 403


def test_evidence_is_taken_away_as_an_archive_and_that_is_recorded(world: World, admin: Call) -> None:
    source = world.acme.rows["source"]
    answer = admin("post", "/evidence", {"type": "source", "id": source.pk})
    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert {"history.csv", "manifest.json", "verify.py"} <= set(archive.namelist())
    assert (latest("evidence.exported").after or {})["type"] == "source"
    assert admin("post", "/evidence", {"type": "source", "id": 10**9}).status_code == 404
    case = world.acme.rows["person_case"]
    still = admin("post", f"/people-look-ups/{case.pk}/evidence")
    assert (still.status_code, still.json()["message"]) == (409, "The look-up is still searching.")
    with unscoped("the search ends"):
        type(case).objects.filter(pk=case.pk).update(state="found")
    taken = admin("post", f"/people-look-ups/{case.pk}/evidence")
    with zipfile.ZipFile(io.BytesIO(b"".join(taken.streaming_content))) as archive:
        assert "case.json" in archive.namelist()
