"""Groups that are pushed, and what they mean here: at once, both ways, beside what was done by hand."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.workspaces.scim.support import Pusher, groups_of, place_of
from tests.workspaces.scim.test_users import last_entry, sign_in
from tests.world import BUILDER, World
from workspaces import services
from workspaces.models import OrganizationMember, UserGroup
from workspaces.scoping import unscoped, workspace_scope


@pytest.fixture
def grace(acme: Pusher) -> dict[str, str]:
    return acme.add_user()


def test_mapped_memberships_follow_every_push(acme: Pusher, grace: dict[str, str]) -> None:
    path = f"Groups/{acme.add_group('Makers', grace)['id']}"
    assert groups_of("grace@acme.test") == []
    mapping = acme.map("Makers", "Editor group")
    assert groups_of("grace@acme.test") == ["Editor group"]
    acme.patch(path, {"op": "remove", "path": f'members[value eq "{grace["id"]}"]'})
    assert groups_of("grace@acme.test") == []
    acme.patch(path, {"op": "add", "path": "members", "value": [{"value": grace["id"]}]})
    assert groups_of("grace@acme.test") == ["Editor group"]
    acme.patch(path, {"op": "Remove", "path": "members", "value": [{"value": grace["id"]}]})
    assert groups_of("grace@acme.test") == [], "as Microsoft Entra removes members"
    acme.send("PUT", path, {"displayName": "Makers", "members": [{"value": grace["id"]}]})
    assert groups_of("grace@acme.test") == ["Editor group"]
    with workspace_scope(acme.place.workspace.pk):
        services.unmap_group(actor=BUILDER, mapping=mapping)
    assert groups_of("grace@acme.test") == []
    acme.map("Makers", "Editor group")
    assert acme.send("DELETE", path).status_code == 204
    assert groups_of("grace@acme.test") == []
    assert last_entry().before == {"name": "Makers", "mapped_to": ["Editor group"], "members": ["grace@acme.test"]}


def test_operations_on_members_count_in_their_order(acme: Pusher) -> None:
    ada, bob, cyd = (acme.add_user(f"{name}@acme.test")["id"] for name in ("ada", "bob", "cyd"))
    path = f"Groups/{acme.add_group('Makers')['id']}"

    def after(*operations: dict[str, object]) -> list[str]:
        answer = acme.patch(path, *operations)
        assert answer.status_code == 200, answer.content
        return [member["value"] for member in answer.said.get("members", [])]

    add: dict[str, object] = {"op": "add", "path": "members", "value": [{"value": ada}, {"VALUE": bob}]}
    assert after(add, {"op": "add", "path": "members", "value": {"value": cyd}}) == [ada, bob, cyd]
    assert after({"op": "remove", "path": f'members[value eq "{bob}"]'}, add) == [ada, bob, cyd]
    assert after(add, {"op": "remove", "path": f'members[value eq "{bob}" or value eq "{cyd}"]'}) == [ada]
    assert after({"op": "replace", "path": "members", "value": [{"value": cyd}]}) == [cyd]
    assert after({"op": "replace", "value": {"displayName": "M", "members": [{"value": ada}]}}) == [ada]
    assert after({"op": "remove", "path": 'members[value eq "0"]'}) == [ada]
    assert after({"op": "remove", "path": "members"}) == []
    for wrong in ([{"value": "0"}], [{"value": "x"}], [{"value": 1.5}], ["x"], [{"display": "x"}]):
        answer = acme.patch(path, {"op": "add", "path": "members", "value": wrong})
        assert (answer.status_code, answer.said["scimType"]) == (400, "invalidValue"), wrong


def test_what_was_done_by_hand_stays(acme: Pusher, grace: dict[str, str]) -> None:
    with workspace_scope(acme.place.workspace.pk):
        for name in ("Editor group", "Viewer group"):
            group = UserGroup.objects.get(name=name)
            services.change_group_members(actor=BUILDER, group=group, add=[place_of("grace@acme.test")])
    path = f"Groups/{acme.add_group('Makers', grace)['id']}"
    for name in ("Editor group", "Drafter group"):
        acme.map("Makers", name)
    assert groups_of("grace@acme.test") == ["Drafter group", "Editor group", "Viewer group"]
    acme.patch(path, {"op": "remove", "path": "members"})
    assert groups_of("grace@acme.test") == ["Editor group", "Viewer group"]


def test_organization_admins_follow_a_group_but_never_leave_nobody(
    acme: Pusher, world: World, grace: dict[str, str]
) -> None:
    path = f"Groups/{acme.add_group('Bosses', grace)['id']}"
    acme.map("Bosses", None)
    assert place_of("grace@acme.test").is_admin
    remove = {"op": "remove", "path": "members"}
    acme.patch(path, remove)
    assert not place_of("grace@acme.test").is_admin
    acme.patch(path, {"op": "add", "path": "members", "value": [{"value": grace["id"]}]})
    with unscoped("the test leaves grace alone"):
        OrganizationMember.objects.filter(organization=acme.organization, admin_is_mapped=False).update(is_admin=False)
    assert acme.patch(path, remove).status_code == 200
    assert place_of("grace@acme.test").is_admin, "the last one stays"


def test_a_group_that_is_pushed_follows_no_sign_in(acme: Pusher, world: World, grace: dict[str, str]) -> None:
    acme.add_group("Makers", grace)
    acme.map("Makers", "Editor group")
    sign_in(world, "1", "grace@acme.test", groups=["00g7-uuid"])
    assert groups_of("grace@acme.test") == ["Editor group"]
    sign_in(world, "2", "other@acme.test", groups=["Makers"])
    assert groups_of("other@acme.test") == []


def test_a_group_known_from_sign_ins_is_taken_over_with_its_mapping(acme: Pusher, world: World) -> None:
    sign_in(world, "1", "grace@acme.test", groups=["Makers"])
    acme.map("Makers", "Editor group")
    found = acme.send("GET", 'Groups?filter=displayName eq "makers"&excludedAttributes=members').said["Resources"]
    assert "members" not in found[0]
    assert acme.add_group("Makers")["id"] == found[0]["id"]
    assert groups_of("grace@acme.test") == [], "who is in it is pushed from now on"
    again = acme.send("POST", "Groups", {"displayName": "Makers"})
    assert (again.status_code, again.said["scimType"]) == (409, "uniqueness")


def test_a_renamed_group_keeps_what_it_means(acme: Pusher, grace: dict[str, str]) -> None:
    path = f"Groups/{acme.add_group('Makers', grace)['id']}"
    acme.map("Makers", "Editor group")
    said = acme.patch(path, {"op": "replace", "value": {"id": path[7:], "displayName": "Builders"}}).said
    assert said["displayName"] == "Builders"
    assert groups_of("grace@acme.test") == ["Editor group"]
    other = acme.add_group("Makers")
    taken = acme.patch(f"Groups/{other['id']}", {"op": "replace", "path": "displayName", "value": "Builders"})
    assert taken.status_code == 409


def test_users_say_which_groups_they_are_in(acme: Pusher, grace: dict[str, str]) -> None:
    group = acme.add_group("Makers", grace)
    said = acme.send("GET", f"Users/{grace['id']}").said["groups"]
    assert [(g["value"], g["display"]) for g in said] == [(group["id"], "Makers")]
    assert acme.names('Users?filter=groups.display eq "makers"') == ["grace@acme.test"]
    assert acme.names(f'Groups?filter=members.value eq "{grace["id"]}"') == ["Makers"]


def test_many_members_cost_no_more_statements_than_few(acme: Pusher) -> None:
    path = f"Groups/{acme.add_group('Makers')['id']}"
    acme.map("Makers", "Editor group")
    people = [acme.add_user(f"p{n}@acme.test") for n in range(12)]

    def cost(members: list[dict[str, str]]) -> int:
        value = [{"value": m["id"]} for m in members]
        with CaptureQueriesContext(connection) as queries:
            assert acme.patch(path, {"op": "replace", "path": "members", "value": value}).status_code == 200
        return len(queries)

    few = cost(people[:2])
    cost([])
    assert cost(people) == few
    assert groups_of("p11@acme.test") == ["Editor group"]
