"""People and groups as the identity provider knows them, and what its groups mean here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import Q, QuerySet

from config.errors import Conflict, Invalid
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from workspaces.access import forget_grants, require
from workspaces.models import (
    DirectoryEmail,
    DirectoryGroup,
    DirectoryMembership,
    DirectoryPerson,
    EmailDomain,
    GroupMapping,
    GroupMember,
    IdentityProvider,
    Organization,
    OrganizationMember,
    User,
    UserGroup,
)
from workspaces.permissions import Permission
from workspaces.scoping import unscoped
from workspaces.services.checks import lock

ADMINS = "organization admins"


class ForeignAddress(Conflict):
    """The identity provider names an address outside the domains that the organization has proven."""

    code = "foreign_address"


class Deactivated(Conflict):
    """The identity provider has deactivated this person."""

    code = "deactivated"


@service("directory_person.updated")
def admit_person(
    *, actor: Actor, provider: IdentityProvider, subject: str, email: str, name: str, groups: Iterable[str] | None
) -> User:
    """The account of a person for whom the provider vouches: made at their first sign-in, brought up to date later.

    The subject alone says who they are. Whoever was pushed by SCIM before they first
    came is known by their names then, see :func:`_first_sign_in_of`; what is pushed stays
    as it was pushed. Raises :class:`Deactivated` and :class:`ForeignAddress`.
    """
    organization = provider.organization
    with unscoped("whoever signs in is outside every scope"):
        check_address(provider, email)
        lock_directory(organization.pk)
        people = DirectoryPerson.objects.select_related("user").filter(organization=organization)
        person = people.filter(subject=subject).first() or _first_sign_in_of(people, subject, email)
        before: dict[str, object] = {}
        if person is None:
            person = new_person(organization, email=email, name=name, subject=subject)
        elif not person.user.is_active:
            raise Deactivated("Your account was deactivated by your organization.")
        else:
            before = describe(person)
            _take_over(person, subject, email, name)
        if groups is not None:
            _set_groups_said(person, groups)
        ensure_member(person)
        apply_mappings(organization, [person])
        changed = changes(before, describe(person))
        if changed:
            record(person, before=changed.before or None, after=changed.after, label=person.user.email)
        else:
            unchanged()
    forget_grants()
    return person.user


@service("group_mapping.added")
def map_group(
    *, actor: Actor, organization: Organization, directory_group: DirectoryGroup, group: UserGroup | None
) -> GroupMapping:
    """Let the members of a provider's group join a group of ours, or become organization admins, from now on."""
    require(actor, Permission.MANAGE_SIGN_IN)
    lock_directory(organization.pk)
    if GroupMapping.objects.filter(directory_group=directory_group, group=group).exists():
        raise Invalid.field("group", "These two are mapped already.")
    mapping = GroupMapping.objects.create(organization=organization, directory_group=directory_group, group=group)
    apply_mappings(organization, _people_in(directory_group))
    record(mapping, after=_both_sides(mapping), label=directory_group.name)
    forget_grants()
    return mapping


@service("group_mapping.removed")
def unmap_group(*, actor: Actor, mapping: GroupMapping) -> None:
    """End a mapping; who was in the group by it alone leaves at once."""
    require(actor, Permission.MANAGE_SIGN_IN)
    lock_directory(mapping.organization_id)
    people = _people_in(mapping.directory_group)
    record(mapping, before=_both_sides(mapping), label=mapping.directory_group.name)
    mapping.delete()
    apply_mappings(mapping.organization, people)
    forget_grants()


# --- what services of this room share ---------------------------------------


def check_address(provider: IdentityProvider, email: str) -> None:
    """Raise :class:`ForeignAddress` where the provider may speak for proven domains only, and this is in none."""
    if not provider.only_own_domains:
        return
    with unscoped("whoever signs in is outside every scope"):
        proven = EmailDomain.objects.filter(organization=provider.organization_id, verified_at__isnull=False)
        domains = set(proven.values_list("domain", flat=True))
    if domains and email.rpartition("@")[2].lower() not in domains:
        raise ForeignAddress(f"{email} is in none of the organization's domains.")


def lock_directory(organization_id: int) -> None:
    """One change to an organization's directory at a time."""
    lock(f"directory {organization_id}")


def new_person(organization: Organization, *, email: str, name: str, subject: str) -> DirectoryPerson:
    """A person with an account that only this organization's provider opens."""
    user = User.objects.create_user(email, None, name=name[:120], sso_organization=organization)
    person = DirectoryPerson.objects.create(
        organization=organization, user=user, subject=subject, user_name=user.email, display_name=name
    )
    DirectoryEmail.objects.create(
        organization=organization, person=person, address=user.email, kind="work", is_primary=True
    )
    return person


def ensure_member(person: DirectoryPerson) -> OrganizationMember:
    """The person's place in the organization; whoever was removed comes back by signing in again."""
    member, _ = OrganizationMember.objects.get_or_create(organization_id=person.organization_id, user_id=person.user_id)
    return member


def apply_mappings(organization: Organization, people: Iterable[DirectoryPerson]) -> None:
    """Bring the provider's part of these people's memberships in line with its groups; what was done by hand stays.

    The number of statements does not grow with the number of people.
    """
    members = {m.user_id: m for m in _members(organization, people)}
    mapped: dict[int, set[int | None]] = {m.pk: set() for m in members.values()}
    mappings = GroupMapping.objects.filter(
        organization=organization, directory_group__memberships__person__user__in=members
    ).values_list("directory_group__memberships__person__user_id", "group_id")
    for user_id, group_id in mappings:
        if user_id in members:
            mapped[members[user_id].pk].add(group_id)
    _apply_groups(organization, mapped)
    for member in members.values():
        _apply_admin(member, None in mapped[member.pk])


def describe(person: DirectoryPerson) -> dict[str, object]:
    """What the audit log shows of a person."""
    groups = person.memberships.order_by("group__name").values_list("group__name", flat=True)
    return {
        "email": person.user.email,
        "name": person.user.name,
        "subject": person.subject,
        "user_name": person.user_name,
        "active": person.active,
        "groups": list(groups),
    }


def _both_sides(mapping: GroupMapping) -> dict[str, str]:
    return {"from": mapping.directory_group.name, "to": mapping.group.name if mapping.group else ADMINS}


def _first_sign_in_of(people: QuerySet[DirectoryPerson], subject: str, email: str) -> DirectoryPerson | None:
    """The person who was pushed and signs in for the first time, by the strongest name that fits one person only."""
    expected = people.filter(subject="", provisioned_at__isnull=False)
    for known_by in (Q(external_id=subject), Q(user_name__iexact=subject), Q(user__email__iexact=email)):
        for among in (expected.filter(removed_at=None), expected):
            found = list(among.filter(known_by)[:2])
            if len(found) == 1:
                return found[0]
    return None


def _take_over(person: DirectoryPerson, subject: str, email: str, name: str) -> None:
    """Bring a person up to date with what they came with; who is pushed only gets their subject."""
    if person.provisioned_at is not None:
        if person.subject != subject:
            person.subject = subject
            person.save(update_fields=["subject", "updated_at"])
        return
    if (person.user.email, person.user.name) == (email, name[:120]):
        return
    person.user.email, person.user.name = email, name[:120]
    person.user.save(update_fields=["email", "name"])
    person.user_name, person.display_name = email, name
    person.save(update_fields=["user_name", "display_name", "updated_at"])
    person.emails.update(address=email)


def _set_groups_said(person: DirectoryPerson, groups: Iterable[str]) -> None:
    """Take over the groups of a sign-in, but for those that are pushed."""
    names = set(groups)
    organization_id = person.organization_id
    person.memberships.exclude(group__name__in=names).filter(group__provisioned_at=None).delete()
    DirectoryGroup.objects.bulk_create(
        (DirectoryGroup(organization_id=organization_id, name=name) for name in sorted(names)), ignore_conflicts=True
    )
    joined = DirectoryGroup.objects.filter(organization_id=organization_id, name__in=names, provisioned_at=None)
    DirectoryMembership.objects.bulk_create(
        (DirectoryMembership(organization_id=organization_id, group=group, person=person) for group in joined),
        ignore_conflicts=True,
    )


def _members(organization: Organization, people: Iterable[DirectoryPerson]) -> list[OrganizationMember]:
    users = [person.user_id for person in people]
    rows = OrganizationMember.objects.select_related("user").filter(organization=organization, user__in=users)
    return list(rows.select_for_update(no_key=True, of=("self",)).order_by("pk"))


def _apply_groups(organization: Organization, mapped: Mapping[int, set[int | None]]) -> None:
    """The groups of ours that each of these members is in by the provider: added where missing, ended where over."""
    wanted = {(member, group) for member, groups in mapped.items() for group in groups if group is not None}
    rows = {(row.member_id, row.group_id): row for row in GroupMember.objects.filter(member__in=mapped)}
    over = [row for pair, row in rows.items() if row.by_provider and pair not in wanted]
    GroupMember.objects.filter(pk__in=[row.pk for row in over if not row.by_hand]).delete()
    GroupMember.objects.filter(pk__in=[row.pk for row in over if row.by_hand]).update(by_provider=False)
    missing = sorted(pair for pair in wanted if pair not in rows or not rows[pair].by_provider)
    # Somebody may be put into the group by hand meanwhile, which only adds the provider's part.
    GroupMember.objects.bulk_create(
        (
            GroupMember(organization=organization, group_id=group, member_id=member, by_hand=False, by_provider=True)
            for member, group in missing
        ),
        update_conflicts=True,
        unique_fields=["group", "member"],
        update_fields=["by_provider"],
    )


def _apply_admin(member: OrganizationMember, mapped: bool) -> None:
    """Follow the mapping to organization admins; the last admin stays one, by hand from then on."""
    if mapped and not member.is_admin:
        member.is_admin = member.admin_is_mapped = True
    elif not mapped and member.admin_is_mapped:
        lock(f"organization admins {member.organization_id}")
        others = OrganizationMember.objects.filter(
            organization_id=member.organization_id, is_admin=True, user__is_active=True, user__is_service=False
        ).exclude(pk=member.pk)
        member.is_admin, member.admin_is_mapped = not others.exists(), False
    else:
        return
    member.save(update_fields=["is_admin", "admin_is_mapped"])


def _people_in(group: DirectoryGroup) -> list[DirectoryPerson]:
    return [m.person for m in group.memberships.select_related("person")]
