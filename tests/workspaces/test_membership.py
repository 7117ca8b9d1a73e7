"""Asking to join a workspace, and the answers: through the pages and the API, as the people who would."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from tests.api.calls import caller, key_of
from tests.workspaces.test_entrance import events
from tests.world import World
from workspaces import services
from workspaces.models import GroupMember, MembershipRequest, Organization, OrganizationMember, User, UserGroup
from workspaces.scoping import unscoped, workspace_scope
from workspaces.tasks import send_membership_approved, send_membership_request

ASK = "/me/join"
REQUESTS = "/acme/settings/access/requests"


@pytest.fixture
def world(db: None, world: World) -> World:
    cache.clear()
    return world


@pytest.fixture
def stranger(world: World) -> User:
    with unscoped("a test lets somebody sign up who is in no organization"):
        return User.objects.create_user("sam@elsewhere.test")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def asked() -> list[tuple[str, str]]:
    with unscoped("the test looks at all requests"):
        rows = MembershipRequest.objects.order_by("pk")
        return list(rows.values_list("workspace__slug", "user__email"))


def told(client: Client, **sent: str) -> tuple[int, list[str], list[str]]:
    """What one who asks is told: the status, the words of the message, and what the page lists; not what was typed."""
    answer = client.post(ASK, sent, follow=True)
    words = [str(message).replace(sent["address"], "…") for message in answer.context["messages"]]
    lines = [slug.replace(sent["address"], "…") for slug, _ in answer.context["asked"]]
    return answer.status_code, words, lines


def test_a_stranger_learns_nothing_of_which_workspaces_there_are(world: World, stranger: User) -> None:
    with unscoped("an organization that invites nobody"):
        Organization.objects.filter(pk=world.globex.workspace.organization_id).update(allow_invitations=False)
    answers = [told(browser(stranger), address=name) for name in ("acme", "globex", "nosuch", "acme")]
    assert answers == [(200, ["If “…” can be joined, its admins are asked now."], ["…"])] * 4
    assert asked() == [("acme", stranger.email)]
    assert events().count("membership_request.created") == 1


def test_what_was_asked_is_taken_back_and_asked_again_at_an_old_address(world: World, stranger: User) -> None:
    client = browser(stranger)
    told(client, address="https://headrace.example/acme/syncs", message="I work on\n ads")
    with workspace_scope(world.acme.workspace.pk):
        assert MembershipRequest.objects.get().message == "I work on ads"
        services.update_workspace(actor=world.acme.actor, workspace=world.acme.workspace, name="Acme", slug="acme-inc")
    assert "acme" in client.get(ASK).content.decode()
    client.post(ASK, {"give_up": "acme"})
    assert asked() == []
    assert events()[-1] == "membership_request.deleted"
    told(client, address="acme")
    assert asked() == [("acme-inc", stranger.email)]


def test_only_organization_admins_let_strangers_in(world: World, stranger: User) -> None:
    told(browser(stranger), address="acme")
    with workspace_scope(world.acme.workspace.pk):
        request = MembershipRequest.objects.get()
        group = UserGroup.objects.get(members__member__user=world["viewer"])
    send_membership_request(request.pk)
    assert [message.to for message in mail.outbox] == [[world.owner.email]]
    assert REQUESTS in mail.outbox[0].body
    admin, owner = browser(world["admin"]), browser(world.owner)
    assert "An organization admin lets new people in" in admin.get(REQUESTS).content.decode()
    approve = f"{REQUESTS}/{request.pk}/approve"
    assert admin.post(approve, {"group": group.pk}).status_code == 403
    assert browser(world["editor"]).post(approve, {"group": group.pk}).status_code == 403
    assert browser(world["editor"]).get(REQUESTS).status_code == 403
    assert owner.post(approve, {"group": "x"}).status_code == 422
    assert owner.post(approve, {"group": group.pk}).status_code == 302
    assert asked() == []
    assert events()[-1] == "membership_request.approved"
    assert browser(stranger).get("/acme/syncs").status_code == 200
    assert browser(stranger).get("/acme/settings/roles").status_code == 200
    send_membership_approved(world.acme.workspace.pk, stranger.pk)
    assert mail.outbox[-1].to == [stranger.email]


def test_workspace_admins_let_their_organizations_people_into_groups_without_roles_elsewhere(world: World) -> None:
    place, actor = world.acme, world.acme.actor
    with unscoped("a person of the organization without any group"):
        person = User.objects.create_user("lee@acme.test")
        OrganizationMember.objects.create(organization=place.workspace.organization, user=person)
    told(browser(person), address="acme")
    other = services.create_workspace(actor=actor, organization=place.workspace.organization, name="Other")
    with workspace_scope(place.workspace.pk):
        request = MembershipRequest.objects.get()
        here = UserGroup.objects.get(members__member__user=world["viewer"])
        both = UserGroup.objects.get(members__member__user=world["editor"])
        nowhere = services.create_group(actor=actor, organization=place.workspace.organization, name="Nowhere")
    with workspace_scope(other.pk):
        from workspaces.models import Role

        role = Role.objects.get(kind="viewer")
        services.set_group_role(actor=actor, workspace=other, group=both, role=role)
    call = caller(_admins_key(world))
    (line,) = call("get", "/membership-requests").json()["data"]
    assert line["inOrganization"] is True
    assert str(here.pk) in line["groupIds"]
    assert not {str(both.pk), str(nowhere.pk)} & set(line["groupIds"])
    for group in (both, nowhere):
        assert call("post", f"/membership-requests/{request.pk}/approve", {"groupId": group.pk}).status_code == 403
    assert call("post", f"/membership-requests/{request.pk}/approve", {"groupId": here.pk}).status_code == 204
    with workspace_scope(place.workspace.pk):
        assert GroupMember.objects.filter(group=here, member__user=person).exists()
    assert call("delete", f"/membership-requests/{request.pk}").status_code == 404


def test_a_declined_person_stays_outside(world: World, stranger: User) -> None:
    told(browser(stranger), address="acme")
    with workspace_scope(world.acme.workspace.pk):
        request = MembershipRequest.objects.get()
    browser(world["admin"]).post(f"{REQUESTS}/{request.pk}/decline")
    assert (asked(), events()[-1]) == ([], "membership_request.deleted")
    assert browser(stranger).get("/acme/syncs").status_code == 404


def test_nobody_asks_without_end(world: World, stranger: User, settings: Any) -> None:
    client = browser(stranger)
    statuses = [client.post(ASK, {"address": f"try-{number}"}).status_code for number in range(22)]
    assert statuses[0] == 302
    assert statuses[-1] == 429


def _admins_key(world: World) -> str:
    from workspaces.models import ApiKey

    key = key_of(world.acme, world.owner)
    with workspace_scope(world.acme.workspace.pk):
        ApiKey.objects.filter(pk=ApiKey.objects.latest("pk").pk).update(owner=world["admin"])
    return key
