"""Organizations, workspaces, people, groups and keys, through their services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from config.errors import Conflict, Denied, Invalid, NotFound
from governance.audit.models import AuditEntry
from governance.audit.services import SERVICES
from tests.workspaces.order_calls import order_services
from tests.workspaces.sign_in_calls import sign_in_services
from tests.world import BUILDER, World
from workspaces import services
from workspaces.access import may, open_invitation
from workspaces.actors import person
from workspaces.choices import RESERVED_SLUGS, RoleKind
from workspaces.grants import Grant
from workspaces.models import (
    ApiKey,
    GroupMember,
    Invitation,
    OrganizationMember,
    RetiredSlug,
    Role,
    UserGroup,
    Workspace,
)
from workspaces.permissions import Permission
from workspaces.scoping import unscoped, workspace_scope
from workspaces.tokens import digest, invitation_id, invitation_token


def rename(world: World, slug: str, name: str = "Acme") -> Workspace:
    with workspace_scope(world.acme.workspace.pk):
        return services.update_workspace(actor=world.acme.actor, workspace=world.acme.workspace, name=name, slug=slug)


def invite(world: World, email: str, **fields: object) -> Invitation:
    with workspace_scope(world.acme.workspace.pk):
        return services.invite_person(
            actor=world.acme.actor,
            organization=world.acme.workspace.organization,
            email=email,
            **fields,  # type: ignore[arg-type]
        )


def test_a_new_organization_has_all_that_its_founder_needs(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        assert [role.kind for role in Role.objects.all()] == list(RoleKind.built_in())
        admins = UserGroup.objects.get(name="Admins")
        assert [g.member.user for g in admins.members.all()] == [world.owner]
        assert admins.roles.get().role.kind == RoleKind.ADMIN
        assert may(world.acme.actor, Permission.MANAGE_ORGANIZATION)


def test_people_found_no_second_organization(world: World) -> None:
    with pytest.raises(Denied):
        services.create_organization(
            actor=person(world["viewer"]), owner=world["viewer"], name="Mine", workspace_name="Mine"
        )


def test_people_found_organizations_where_sign_up_is_open(world: World, settings: object) -> None:
    settings.SIGNUP_OPEN = True  # type: ignore[attr-defined]
    made = services.create_organization(
        actor=person(world["viewer"]), owner=world["viewer"], name="Mine", workspace_name="Acme"
    )
    assert made.slug == "acme-2"


@pytest.mark.parametrize("slug", ["Upper Case", "-x", "x-", "a_b", "ä", "x" * 64, "accounts", "globex"])
def test_unsound_reserved_and_taken_slugs_are_refused(world: World, slug: str) -> None:
    if slug == "Upper Case":
        slug = "upper case"
    with pytest.raises(Invalid) as refused:
        rename(world, slug)
    assert "slug" in refused.value.fields


def test_a_retired_slug_stays_reserved_for_its_workspace(world: World) -> None:
    rename(world, "acme-new")
    with unscoped("the test looks at all retired slugs"):
        assert [row.slug for row in RetiredSlug.objects.all()] == ["acme"]
    with workspace_scope(world.globex.workspace.pk), pytest.raises(Invalid):
        services.update_workspace(
            actor=world.globex.actor, workspace=world.globex.workspace, name="Globex", slug="acme"
        )
    assert rename(world, "acme").slug == "acme"
    with unscoped("the test looks at all retired slugs"):
        assert [row.slug for row in RetiredSlug.objects.all()] == ["acme-new"]


@given(name=st.text(min_size=1, max_size=120).filter(str.strip))
@pytest.mark.django_db
def test_every_name_gets_a_sound_slug(name: str) -> None:
    from workspaces.models.organizations import valid_slug
    from workspaces.services.checks import free_slug

    with unscoped("slugs are unique across the installation"):
        slug = free_slug(name)
    valid_slug(slug)
    assert slug not in RESERVED_SLUGS


def test_only_organization_admins_make_workspaces(world: World) -> None:
    organization = world.acme.workspace.organization
    made = services.create_workspace(actor=world.acme.actor, organization=organization, name="Acme two")
    assert made.slug == "acme-two"
    for actor in (world.actor("admin"), world.globex.actor):
        with pytest.raises(Denied):
            services.create_workspace(actor=actor, organization=organization, name="Not theirs")


def test_an_invited_person_joins_the_named_groups(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        editors = UserGroup.objects.get(name="Editor group")
    invitation = invite(world, " New@Example.com ", groups=[editors])
    assert invitation.email == "new@example.com"
    user = services.create_person(actor=BUILDER, email="new@example.com", password=None)
    services.accept_invitation(actor=person(user), token=invitation_token(invitation))
    with workspace_scope(world.acme.workspace.pk):
        assert may(person(user), Permission.TRIGGER)
        assert not OrganizationMember.objects.get(user=user).is_admin
    with pytest.raises(Conflict):
        services.accept_invitation(actor=person(user), token=invitation_token(invitation))


def test_an_invitation_is_for_its_e_mail_address_only(world: World) -> None:
    invitation = invite(world, "new@example.com")
    with pytest.raises(Denied):
        services.accept_invitation(actor=person(world.outsider), token=invitation_token(invitation))


def test_forged_withdrawn_and_expired_links_do_not_work(world: World) -> None:
    invitation = invite(world, "new@example.com")
    token = invitation_token(invitation)
    assert open_invitation(token) == invitation
    for forged in (
        "",
        "x",
        str(invitation.pk),
        f"{invitation.pk}-{'0' * 64}",
        f"{invitation.pk + 1}-{token}",
        "9" * 40,
    ):
        assert open_invitation(forged) is None
        with pytest.raises(NotFound):
            services.accept_invitation(actor=world.globex.actor, token=forged)
    with unscoped("the test lets time pass"):
        Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert open_invitation(token) is None
    with unscoped("the test turns time back"):
        Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() + timedelta(days=1))
    with workspace_scope(world.acme.workspace.pk):
        services.withdraw_invitation(actor=world.acme.actor, invitation=invitation)
    assert open_invitation(token) is None


@given(st.text(max_size=50))
def test_any_text_is_a_token_or_none(text: str) -> None:
    assert invitation_id(text) is None or invitation_id(text) >= 0  # type: ignore[operator]


@pytest.mark.parametrize("email", ["not an address", "", "owner@acme.test", "new@acme.test"])
def test_unsound_known_and_invited_addresses_are_refused(world: World, email: str) -> None:
    assert world.acme.rows["invitation"].email == "new@acme.test"
    with pytest.raises(Invalid) as refused:
        invite(world, email)
    assert list(refused.value.fields) == ["email"]


def test_the_last_admin_stays(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        me = OrganizationMember.objects.get(user=world.owner)
        for leave in (
            lambda: services.remove_person(actor=world.acme.actor, member=me),
            lambda: services.update_member(actor=world.acme.actor, member=me, is_admin=False),
        ):
            with pytest.raises(Conflict) as refused:
                leave()
            assert refused.value.code == "last_admin"
        second = OrganizationMember.objects.get(user=world["editor"])
        services.update_member(actor=world.acme.actor, member=second, is_admin=True)
        services.remove_person(actor=world.acme.actor, member=me)
        assert not OrganizationMember.objects.filter(user=world.owner).exists()


def test_removing_a_person_stops_their_keys_everywhere_and_no_others(world: World) -> None:
    acme = world.acme.workspace
    second = services.create_workspace(actor=world.acme.actor, organization=acme.organization, name="Two")
    for workspace in (acme, second):
        with workspace_scope(workspace.pk):
            services.create_api_key(actor=BUILDER, workspace=workspace, name="Theirs", owner=world["editor"])
    with workspace_scope(acme.pk):
        member = OrganizationMember.objects.get(user=world["editor"])
        assert world.acme.rows["api_key"]
        services.remove_person(actor=world.acme.actor, member=member)
        assert not GroupMember.objects.filter(member_id=member.pk).exists()
        entry = AuditEntry.objects.filter(event="member.removed").get()
        assert entry.before is not None
        assert entry.before["stopped_keys"] == ["Theirs", "Theirs"]
    with unscoped("the test looks at all keys"):
        assert set(ApiKey.objects.filter(revoked_at=None).values_list("name", flat=True)) == {"Airflow"}


def test_a_key_is_shown_once_and_stored_as_a_digest(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        made = services.create_api_key(actor=world.acme.actor, workspace=world.acme.workspace, name="CI")
        assert len(made.secret) >= 43
        stored = ApiKey.objects.get(pk=made.key.pk)
        assert stored.digest == digest(made.secret)
        assert made.secret not in str(vars(stored))
        assert made.secret.startswith(stored.prefix)
        entry = AuditEntry.objects.get(event="api_key.created", resource_id=stored.pk)
        assert made.secret not in f"{entry.before} {entry.after}"


def test_use_of_a_key_is_noted_once_a_minute(world: World) -> None:
    now = timezone.now()
    with workspace_scope(world.acme.workspace.pk):
        key = world.acme.rows["api_key"].key
        services.touch_api_key(key=key, now=now)
        services.touch_api_key(key=ApiKey.objects.get(), now=now + timedelta(seconds=59))
        assert ApiKey.objects.get().last_used_at == now
        services.touch_api_key(key=ApiKey.objects.get(), now=now + timedelta(seconds=61))
        assert ApiKey.objects.get().last_used_at == now + timedelta(seconds=61)


DENIED: dict[str, Callable[[World], object]] = {
    "rename a workspace": lambda w: services.update_workspace(
        actor=w.actor("editor"), workspace=w.acme.workspace, name="x", slug="x"
    ),
    "invite": lambda w: services.invite_person(
        actor=w.actor("admin"), organization=w.acme.workspace.organization, email="x@example.com"
    ),
    "withdraw": lambda w: services.withdraw_invitation(actor=w.actor("admin"), invitation=w.acme.rows["invitation"]),
    "remove": lambda w: services.remove_person(actor=w.actor("admin"), member=w.acme.rows["member"]),
    "make an admin": lambda w: services.update_member(
        actor=w.actor("admin"), member=w.acme.rows["member"], is_admin=True
    ),
    "make a group": lambda w: services.create_group(
        actor=w.actor("admin"), organization=w.acme.workspace.organization, name="x"
    ),
    "rename a group": lambda w: services.update_group(
        actor=w.actor("admin"), group=w.acme.rows["group"], name="x", description=""
    ),
    "change a group's people": lambda w: services.set_group_members(
        actor=w.actor("admin"), group=w.acme.rows["group"], members=[]
    ),
    "delete a group": lambda w: services.delete_group(actor=w.actor("admin"), group=w.acme.rows["group"]),
    "give a role": lambda w: services.set_group_role(
        actor=w.actor("editor"), workspace=w.acme.workspace, group=w.acme.rows["group"], role=None
    ),
    "make a key": lambda w: services.create_api_key(actor=w.actor("editor"), workspace=w.acme.workspace, name="x"),
    "revoke a key": lambda w: services.revoke_api_key(
        actor=w.actor("editor"), key=w.acme.rows["api_key"].key, now=timezone.now()
    ),
    "change another's profile": lambda w: services.update_profile(
        actor=w.acme.actor, user=w["editor"], name="x", timezone="UTC"
    ),
}


@pytest.mark.parametrize("attempt", DENIED)
def test_services_check_rights_themselves(world: World, attempt: str) -> None:
    with workspace_scope(world.acme.workspace.pk):
        assert world.acme.rows["invitation"]
        with unscoped("the test counts all entries"):
            before = AuditEntry.objects.count()
        with pytest.raises(Denied):
            DENIED[attempt](world)
        with unscoped("the test counts all entries"):
            assert AuditEntry.objects.count() == before


def own_services(world: World) -> dict[str, Callable[[], object]]:
    """Every service of this app, called so that it changes something."""
    place, actor = world.acme, world.acme.actor
    organization, rows = place.workspace.organization, place.rows
    assert rows["invitation"]
    editor = OrganizationMember.objects.get(user=world["editor"])
    joining = services.create_person(actor=BUILDER, email="new@acme.test", password=None)
    viewer_role = Role.objects.get(kind=RoleKind.VIEWER)
    return {
        "create_organization": lambda: services.create_organization(
            actor=BUILDER, owner=world.owner, name="Third", workspace_name="Third"
        ),
        "create_workspace": lambda: services.create_workspace(actor=actor, organization=organization, name="More"),
        "update_workspace": lambda: services.update_workspace(
            actor=actor, workspace=place.workspace, name="Other", slug="other"
        ),
        "create_person": lambda: services.create_person(actor=BUILDER, email="a@example.com", password="x"),
        "update_profile": lambda: services.update_profile(
            actor=actor, user=world.owner, name="Other", timezone="Europe/Berlin"
        ),
        "sign_in": lambda: services.sign_in(actor=actor, user=world.owner),
        "sign_out": lambda: services.sign_out(actor=actor, user=world.owner),
        "refuse_sign_in": lambda: services.refuse_sign_in(actor=BUILDER, user=world.owner),
        "change_password": lambda: services.change_password(actor=actor, user=world.owner, password="n3w secret"),
        "note_new_email": lambda: services.note_new_email(actor=actor, user=world.owner, before="old@acme.test"),
        "accept_invitation": lambda: services.accept_invitation(
            actor=person(joining), token=invitation_token(rows["invitation"])
        ),
        "invite_person": lambda: services.invite_person(actor=actor, organization=organization, email="b@example.com"),
        "renew_invitation": lambda: services.renew_invitation(
            actor=actor, invitation=Invitation.objects.get(email="b@example.com")
        ),
        "update_organization": lambda: services.update_organization(
            actor=actor, organization=organization, name="Acme Inc", allow_invitations=True
        ),
        "withdraw_invitation": lambda: services.withdraw_invitation(
            actor=actor, invitation=Invitation.objects.get(email="b@example.com")
        ),
        "start_look": lambda: services.start_look(actor=actor, workspace=place.workspace, member=editor),
        "end_look": lambda: services.end_look(actor=actor, workspace=place.workspace, member=editor),
        "update_member": lambda: services.update_member(actor=actor, member=editor, is_admin=True),
        "remove_person": lambda: services.remove_person(actor=actor, member=editor),
        "create_group": lambda: services.create_group(actor=actor, organization=organization, name="New"),
        "update_group": lambda: services.update_group(
            actor=actor, group=rows["group"], name="Renamed", description="Who analyse"
        ),
        "set_group_members": lambda: services.set_group_members(
            actor=actor, group=rows["group"], members=[rows["member"]]
        ),
        "change_group_members": lambda: services.change_group_members(
            actor=actor, group=rows["group"], remove=[rows["member"]]
        ),
        "set_group_role": lambda: services.set_group_role(
            actor=actor, workspace=place.workspace, group=rows["group"], role=viewer_role
        ),
        "delete_group": lambda: services.delete_group(actor=actor, group=rows["group"]),
        "create_role": lambda: services.create_role(actor=actor, workspace=place.workspace, name="More"),
        "update_role": lambda: services.update_role(actor=actor, role=rows["role"], name="Ads", description=""),
        "change_role_grants": lambda: services.change_role_grants(
            actor=actor, role=rows["role"], give=[Grant(Permission.CREATE_SOURCE)]
        ),
        "delete_role": lambda: services.delete_role(actor=actor, role=rows["role"]),
        "create_api_key": lambda: services.create_api_key(actor=actor, workspace=place.workspace, name="Key"),
        "create_service_account": lambda: services.create_service_account(
            actor=actor, organization=place.workspace.organization, name="Program"
        ),
        "revoke_api_key": lambda: services.revoke_api_key(actor=actor, key=rows["api_key"].key, now=timezone.now()),
    }


def test_every_service_leaves_exactly_one_entry_of_its_type(world: World) -> None:
    events = {n.rpartition(".")[2]: s.event for n, s in SERVICES.items() if n.startswith("workspaces.")}
    with workspace_scope(world.acme.workspace.pk):
        calls = own_services(world) | sign_in_services(world) | order_services(world)
        assert set(calls) == set(events)
        for name, call in calls.items():
            with unscoped("the test counts all entries"):
                last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]
            call()
            with unscoped("the test counts all entries"):
                left = AuditEntry.objects.filter(pk__gt=last)
                assert [entry.event for entry in left] == [events[name]], name


def test_calls_that_change_nothing_leave_no_entry(world: World) -> None:
    group, place = world.acme.rows["group"], world.acme
    with workspace_scope(place.workspace.pk):
        before = AuditEntry.objects.count()
        services.update_workspace(actor=place.actor, workspace=place.workspace, name="Acme", slug="acme")
        services.update_group(actor=place.actor, group=group, name=group.name, description=group.description)
        services.set_group_members(actor=place.actor, group=group, members=[])
        services.set_group_role(actor=place.actor, workspace=place.workspace, group=group, role=None)
        services.update_profile(actor=place.actor, user=world.owner, name=world.owner.name, timezone="UTC")
        assert AuditEntry.objects.count() == before
