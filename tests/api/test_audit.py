"""The audit log over the REST API: pages, filters, and who may read what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.audit import events
from governance.audit.models import AuditEntry
from governance.audit.services import seal_organization
from tests.api.calls import Call, caller, key_of
from tests.world import World, build_world
from workspaces.choices import RoleKind
from workspaces.models import GroupRole, Role
from workspaces.scoping import unscoped, workspace_scope

# What an auditor expects to find of each thing, by the words of the event.
TRACKED = {
    "api_key": "created revoked",
    "approval_policy": "changed",
    "credentials": "rotated",
    "destination": "created updated deleted alerting_changed",
    "draft": "submitted approved denied saved deleted",
    "invitation": "created withdrawn",
    "membership_request": "created deleted",
    "member": "joined updated removed",
    "group_role": "changed",
    "model": "created updated deleted column_changed previewed",
    "role": "created updated deleted",
    "session": "signed_in signed_out",
    "source": "created updated deleted previewed labelled",
    "sync": "created updated deleted scheduled enabled disabled labelled alerting_changed",
    "run": "started cancelled exported",
}


@pytest.fixture
def world(db: None) -> World:
    return build_world()


@pytest.fixture
def owner(world: World) -> Call:
    return caller(key_of(world.acme, world.owner))


def data(call: Call, **query: Any) -> list[dict[str, Any]]:
    answer = call("get", "/audit-entries", **query)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["data"])


def test_pages_follow_one_another_and_hold_everything_once(world: World, owner: Call) -> None:
    ids: list[str] = []
    after = None
    while True:
        answer = owner("get", "/audit-entries", limit=3, **({"after": after} if after else {})).json()
        ids += [entry["id"] for entry in answer["data"]]
        after = answer["next"]
        if after is None:
            break
        assert len(answer["data"]) == 3
    with workspace_scope(world.acme.workspace.pk):
        there = [str(pk) for pk in AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)]
    assert len(ids) > 6
    assert ids == there


def test_filters_narrow_and_an_entry_says_everything_with_its_proof(world: World, owner: Call) -> None:
    made = world.acme.rows["api_key"].key
    with unscoped("the sealer sees every organization"):
        assert seal_organization(world.acme.workspace.organization_id)
    [entry] = data(owner, resourceType="api_key", resourceId=made.pk)
    assert (entry["event"], entry["resource"]["label"]) == ("api_key.created", made.name)
    assert (entry["actor"]["kind"], entry["actor"]["userId"]) == ("person", str(world.owner.pk))
    assert entry["after"]["name"] == made.name
    assert (len(entry["digest"]), len(entry["link"])) == (64, 64)
    assert owner("get", f"/audit-entries/{entry['id']}").json() == entry
    beside = data(owner, correlationId=entry["correlationId"])
    assert {one["correlationId"] for one in beside} == {entry["correlationId"]}
    assert entry["id"] in {one["id"] for one in beside}
    names = sorted({one["event"] for one in data(owner)})[:2]
    assert {one["event"] for one in data(owner, event=names)} == set(names)
    assert len(names) == 2
    assert {one["actor"]["label"] for one in data(owner, person=world.owner.pk)} == {world.owner.email}
    assert data(owner, q="airfl", event="api_key.created") == [entry]
    with workspace_scope(world.acme.workspace.pk):
        at = AuditEntry.objects.get(pk=entry["id"]).at
    for since, until, found in ((0, 1, True), (1, 2, False), (-1, 0, False)):
        begin, end = (at + timedelta(microseconds=n) for n in (since, until))
        shown = data(owner, since=begin.isoformat(), until=end.isoformat())
        assert (entry["id"] in {one["id"] for one in shown}) is found
    assert owner("get", "/audit-entries", resourceId=1).status_code == 422
    assert owner("get", "/audit-entries", since="yesterday").status_code == 422


def test_an_organizations_log_takes_an_organization_admin_and_holds_no_other_organization(
    world: World, owner: Call
) -> None:
    assert world.globex.rows["api_key"], "another organization has a log too"
    organization = str(world.acme.workspace.organization_id)
    everything = data(owner, organization="true", limit=1_000)
    assert {one["organizationId"] for one in everything} == {organization}
    assert data(owner, organization="true", workspaceId=world.globex.workspace.pk) == []
    admin = caller(key_of(world.acme, world["admin"]))
    assert admin("get", "/audit-entries", organization="true").status_code == 403
    assert {one["workspaceId"] for one in data(admin)} == {str(world.acme.workspace.pk)}
    with unscoped("the admin's group loses its role"):
        viewing = Role.objects.get(kind=RoleKind.VIEWER, workspace__slug="acme")
        GroupRole.objects.filter(group__members__member__user=world["admin"]).update(role=viewing)
    assert admin("get", "/audit-entries").status_code == 403
    with unscoped("the test looks for another's entry"):
        foreign = AuditEntry.objects.filter(workspace_id=world.globex.workspace.pk).first()
    assert foreign is not None
    assert owner("get", f"/audit-entries/{foreign.pk}").status_code == 404


def test_every_tracked_thing_has_its_events() -> None:
    known = {event.name for event in events.all_types()}
    assert {f"{kind}.{word}" for kind, words in TRACKED.items() for word in words.split()} - known == set()
