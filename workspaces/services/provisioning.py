"""People and groups as the identity provider pushes them by SCIM.

Whoever is pushed follows what is pushed, from the first push on. Changes come as a
function from what is there to what shall be, called while nobody else can change the
directory, so that two pushes at once cannot undo each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.utils import timezone

from config.errors import Conflict, HeadraceError, Invalid
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from workspaces.access import forget_grants
from workspaces.models import (
    DirectoryEmail,
    DirectoryGroup,
    DirectoryMembership,
    DirectoryPerson,
    IdentityProvider,
    Organization,
    OrganizationMember,
    User,
)
from workspaces.services.checks import keep_an_admin
from workspaces.services.directory import apply_mappings, check_address, describe, ensure_member, lock_directory
from workspaces.services.keys import stop_keys
from workspaces.services.sessions import close_sessions
from workspaces.sso.access import directory_group_for, directory_person_for

NAMES = ("user_name", "external_id", "display_name", "formatted_name", "given_name", "family_name")
LONGEST = 400
MOST_EMAILS = 50
MOST_NAMED = 50


class Taken(Conflict):
    """Somebody or something else has this name already."""

    code = "taken"


class Outdated(HeadraceError):
    """It was changed since the caller read it."""

    code = "outdated"
    status = 412


@dataclass(frozen=True, slots=True)
class PushedEmail:
    """One address of a person, as it was pushed."""

    address: str
    kind: str = ""
    is_primary: bool | None = None


@dataclass(frozen=True, slots=True)
class PushedPerson:
    """A person as the identity provider wants them to be."""

    user_name: str
    emails: tuple[PushedEmail, ...]
    external_id: str = ""
    display_name: str = ""
    formatted_name: str = ""
    given_name: str = ""
    family_name: str = ""
    active: bool = True

    @property
    def email(self) -> str:
        """The address that Headrace uses: the primary one, else that of work, else the first."""
        best = sorted(self.emails, key=lambda e: (not e.is_primary, e.kind.lower() != "work"))
        return best[0].address.strip().lower() if best else ""

    @property
    def name(self) -> str:
        """What the person is called."""
        parts = f"{self.given_name} {self.family_name}".strip()
        return (self.display_name or self.formatted_name or parts or self.user_name)[:120]


@dataclass(frozen=True, slots=True)
class PushedGroup:
    """A group as the identity provider wants it to be; ``members`` are ids of directory people."""

    name: str
    external_id: str = ""
    members: frozenset[int] = frozenset()


@service("directory_person.provisioned")
def provision_person(*, actor: Actor, organization: Organization, pushed: PushedPerson) -> DirectoryPerson:
    """Take over a pushed person: somebody who signed in before with the same address, or a new one."""
    _check_person(pushed)
    _check_address(organization, pushed)
    lock_directory(organization.pk)
    people = _people(organization)
    if people.filter(removed_at=None, provisioned_at__isnull=False, user_name__iexact=pushed.user_name).exists():
        raise Taken(f"There is already a user with the name {pushed.user_name}.")
    person = _known_before(people, pushed)
    before: dict[str, object] = {}
    if person is None:
        user = User.objects.create_user(pushed.email, None, name=pushed.name, sso_organization=organization)
        person = DirectoryPerson(organization=organization, user=user)
    else:
        before = describe(person)
    person.provisioned_at, person.removed_at = timezone.now(), None
    _write_person(person, pushed)
    after = describe(person) | _set_active(person, pushed.active)
    ensure_member(person)
    apply_mappings(organization, [person])
    changed = changes(before, after)
    record(person, before=changed.before or None, after=changed.after, label=person.user.email)
    forget_grants()
    return person


@service("directory_person.updated")
def update_person(
    *,
    actor: Actor,
    organization: Organization,
    person_id: int,
    change: Callable[[DirectoryPerson], PushedPerson],
    versions: frozenset[str] = frozenset(),
) -> DirectoryPerson:
    """Change a person as the provider says; inactive ends their sessions and keys and bars them from signing in.

    With ``versions`` only if one of them is the current one; raises :class:`Outdated`.
    """
    lock_directory(organization.pk)
    person = directory_person_for(person_id)
    _check_version(person, versions)
    pushed = change(person)
    if person.provisioned_at is not None and pushed == pushed_person(person):
        unchanged()
        return person
    _check_person(pushed)
    if pushed.email != person.user.email:
        _check_address(organization, pushed)
    others = _people(organization).filter(removed_at=None, provisioned_at__isnull=False).exclude(pk=person.pk)
    if others.filter(user_name__iexact=pushed.user_name).exists():
        raise Taken(f"There is already a user with the name {pushed.user_name}.")
    before = _describe_fully(person)
    person.provisioned_at = person.provisioned_at or timezone.now()
    _write_person(person, pushed)
    ended = _set_active(person, pushed.active)
    changed = changes(before, _describe_fully(person) | ended)
    record(person, before=changed.before, after=changed.after, label=person.user.email)
    forget_grants()
    return person


@service("directory_person.removed")
def remove_directory_person(
    *, actor: Actor, organization: Organization, person_id: int, versions: frozenset[str] = frozenset()
) -> None:
    """End a person's place, sessions and keys for good; what they set up stays, and who comes back is the same."""
    lock_directory(organization.pk)
    person = directory_person_for(person_id)
    _check_version(person, versions)
    before = describe(person)
    ended = _set_active(person, False)
    OrganizationMember.objects.filter(organization=organization, user=person.user).delete()
    person.memberships.all().delete()
    person.removed_at = timezone.now()
    person.save(update_fields=["removed_at", "updated_at"])
    record(person, before=before | ended, label=person.user.email)
    forget_grants()


@service("directory_group.provisioned")
def provision_group(*, actor: Actor, organization: Organization, pushed: PushedGroup) -> DirectoryGroup:
    """Take over a pushed group: one that somebody brought along when they signed in, or a new one."""
    _check_group(pushed)
    lock_directory(organization.pk)
    group = DirectoryGroup.objects.filter(organization=organization, name=pushed.name).first()
    if group is not None and group.provisioned_at is not None:
        raise Taken(f"There is already a group with the name {pushed.name}.")
    group = group or DirectoryGroup(organization=organization)
    after = _write_group(organization, group, pushed)
    record(group, after={"name": group.name, **after}, label=group.name)
    forget_grants()
    return group


@service("directory_group.updated")
def update_directory_group(
    *,
    actor: Actor,
    organization: Organization,
    group_id: int,
    change: Callable[[DirectoryGroup], PushedGroup],
    versions: frozenset[str] = frozenset(),
) -> DirectoryGroup:
    """Change a group as the provider says; mapped memberships follow at once, what was done by hand stays."""
    lock_directory(organization.pk)
    group = directory_group_for(group_id)
    _check_version(group, versions)
    pushed = change(group)
    if group.provisioned_at is not None and pushed == pushed_group(group):
        unchanged()
        return group
    _check_group(pushed)
    others = DirectoryGroup.objects.filter(organization=organization, name=pushed.name).exclude(pk=group.pk)
    if others.exists():
        raise Taken(f"There is already a group with the name {pushed.name}.")
    before: dict[str, object] = {"name": group.name, "external_id": group.external_id}
    moved = _write_group(organization, group, pushed)
    changed = changes(before, {"name": group.name, "external_id": group.external_id} | moved)
    record(group, before=changed.before, after=changed.after, label=group.name)
    forget_grants()
    return group


@service("directory_group.removed")
def remove_directory_group(
    *, actor: Actor, organization: Organization, group_id: int, versions: frozenset[str] = frozenset()
) -> None:
    """Forget a group with its mappings; who was somewhere by it alone leaves at once."""
    lock_directory(organization.pk)
    group = directory_group_for(group_id)
    _check_version(group, versions)
    people = [m.person for m in group.memberships.select_related("person__user")]
    mapped = group.mappings.order_by("group__name").values_list("group__name", flat=True)
    ended = [name or "organization admins" for name in mapped]
    record(group, before={"name": group.name, "mapped_to": ended, "members": _named(people)}, label=group.name)
    group.delete()
    apply_mappings(organization, people)
    forget_grants()


def version_of(row: DirectoryPerson | DirectoryGroup) -> str:
    """What tells one state of a row from the next."""
    return f"{row.updated_at:%Y%m%d%H%M%S%f}"


def pushed_person(person: DirectoryPerson) -> PushedPerson:
    """A person as they were pushed last."""
    emails = tuple(PushedEmail(e.address, e.kind, e.is_primary) for e in person.emails.all())
    names = {name: getattr(person, name) for name in NAMES}
    return PushedPerson(**names, emails=emails, active=person.active)


def pushed_group(group: DirectoryGroup) -> PushedGroup:
    """A group as it was pushed last."""
    members = group.memberships.values_list("person_id", flat=True)
    return PushedGroup(group.name, group.external_id, frozenset(members))


def _people(organization: Organization) -> QuerySet[DirectoryPerson]:
    return DirectoryPerson.objects.select_related("user").filter(organization=organization)


def _known_before(people: QuerySet[DirectoryPerson], pushed: PushedPerson) -> DirectoryPerson | None:
    """Whom the pushed person was here before: signed in by single sign-on, or deleted at the provider since."""
    signed_in = people.filter(provisioned_at=None)
    removed = people.filter(removed_at__isnull=False).order_by("-removed_at")
    names = {pushed.user_name, pushed.external_id} - {""}
    by_subject = signed_in.filter(subject__in=names).first()
    if by_subject is not None:
        return by_subject
    by_address = list(signed_in.filter(user__email__iexact=pushed.email)[:2])
    if len(by_address) == 1:
        return by_address[0]
    return removed.filter(user_name__iexact=pushed.user_name).first()


def _write_person(person: DirectoryPerson, pushed: PushedPerson) -> None:
    for name in NAMES:
        setattr(person, name, getattr(pushed, name))
    person.save()
    person.user.email, person.user.name = pushed.email, pushed.name
    person.user.save(update_fields=["email", "name"])
    if pushed_person(person).emails != pushed.emails:
        person.emails.all().delete()
        DirectoryEmail.objects.bulk_create(
            DirectoryEmail(organization_id=person.organization_id, person=person, **asdict(email))
            for email in pushed.emails
        )


def _set_active(person: DirectoryPerson, active: bool) -> dict[str, object]:
    """Let a person in or shut them out at once; what ended, for the audit entry."""
    user = person.user
    if person.active == active:
        return {}
    person.active = active
    person.save(update_fields=["active"])
    members = OrganizationMember.objects.select_for_update(no_key=True)
    member = members.filter(organization_id=person.organization_id, user=user).first()
    if not active and member is not None:
        keep_an_admin(member)
    user.is_active = active and user.barred_at is None
    user.save(update_fields=["is_active"])
    if active:
        ensure_member(person)
        apply_mappings(person.organization, [person])
        return {"active": True}
    stopped = stop_keys(user.pk, person.organization_id)
    return {"active": False, "stopped_keys": stopped, "ended_sessions": close_sessions(user)}


def _write_group(organization: Organization, group: DirectoryGroup, pushed: PushedGroup) -> dict[str, object]:
    """Write a group and who is in it; who joined and who left, for the audit entry."""
    group.name, group.external_id = pushed.name, pushed.external_id
    group.provisioned_at = group.provisioned_at or timezone.now()
    group.save()
    current = set(group.memberships.values_list("person_id", flat=True))
    joined = _members_among(organization, pushed.members - current)
    left = list(_people(organization).filter(pk__in=current - pushed.members))
    group.memberships.filter(person__in=left).delete()
    DirectoryMembership.objects.bulk_create(
        DirectoryMembership(organization=organization, group=group, person=person) for person in joined
    )
    if group.mappings.exists():
        apply_mappings(organization, [*joined, *left])
    return {key: _named(people) for key, people in (("joined", joined), ("left", left)) if people}


def _members_among(organization: Organization, ids: frozenset[int]) -> list[DirectoryPerson]:
    found = list(_people(organization).filter(pk__in=ids, removed_at=None).order_by("pk"))
    if missing := sorted(ids - {person.pk for person in found}):
        raise Invalid.field("members", f"There is no user with the id {missing[0]}.")
    return found


def _describe_fully(person: DirectoryPerson) -> dict[str, object]:
    names = {name: getattr(person, name) for name in NAMES}
    emails = list(person.emails.order_by("pk").values_list("address", flat=True))
    return {**describe(person), **names, "emails": emails}


def _named(people: Iterable[DirectoryPerson]) -> object:
    """Their addresses where they are few, else how many there are."""
    emails = sorted(person.user.email for person in people)
    return emails if len(emails) <= MOST_NAMED else f"{len(emails)} people"


def _check_version(row: DirectoryPerson | DirectoryGroup, expected: frozenset[str]) -> None:
    if expected and version_of(row) not in expected:
        raise Outdated("It was changed in the meantime.", hint="Read it again, then repeat the change.")


def _check_person(pushed: PushedPerson) -> None:
    for name in NAMES:
        if len(getattr(pushed, name)) > LONGEST:
            raise Invalid.field(name, f"At most {LONGEST} characters.")
    if not pushed.user_name.strip():
        raise Invalid.field("userName", "A user needs a userName or an e-mail address.")
    if not pushed.emails:
        raise Invalid.field("emails", "A user needs an e-mail address.")
    if len(pushed.emails) > MOST_EMAILS:
        raise Invalid.field("emails", f"At most {MOST_EMAILS} addresses.")
    for email in pushed.emails:
        if len(email.kind) > 60 or len(email.address) > 254:
            raise Invalid.field("emails", "An address or its type is too long.")
        try:
            validate_email(email.address.strip())
        except ValidationError:
            raise Invalid.field("emails", f"“{email.address[:100]}” is not an e-mail address.") from None


def _check_address(organization: Organization, pushed: PushedPerson) -> None:
    """The same rule as that of sign-ins: nobody gets an account who could not use it."""
    provider = IdentityProvider.objects.filter(organization=organization).first()
    if provider is not None:
        check_address(provider, pushed.email)


def _check_group(pushed: PushedGroup) -> None:
    if not pushed.name.strip():
        raise Invalid.field("displayName", "A group needs a displayName.")
    if len(pushed.name) > LONGEST or len(pushed.external_id) > LONGEST:
        raise Invalid.field("displayName", f"At most {LONGEST} characters.")
