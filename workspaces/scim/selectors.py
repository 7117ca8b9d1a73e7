"""Reads of the SCIM endpoints."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from workspaces.models import DirectoryGroup, DirectoryMembership, DirectoryPerson
from workspaces.scim.resources import Group, User, group, user


def people() -> QuerySet[DirectoryPerson]:
    """Everybody whom the organization's identity provider knows."""
    return DirectoryPerson.objects.select_related("user").filter(removed_at=None)


def groups() -> QuerySet[DirectoryGroup]:
    """Every group of the organization's identity provider."""
    return DirectoryGroup.objects.all()


def users_of(rows: QuerySet[DirectoryPerson], *, with_groups: bool = True) -> list[User]:
    """People on the wire, in a number of statements that does not grow with theirs."""
    rows = rows.prefetch_related("emails")
    if not with_groups:
        return [user(person) for person in rows]
    memberships = DirectoryMembership.objects.select_related("group").order_by("group__name", "pk")
    rows = rows.prefetch_related(Prefetch("memberships", memberships))
    return [user(person, person.memberships.all()) for person in rows]


def groups_of(rows: QuerySet[DirectoryGroup], *, with_members: bool = True) -> list[Group]:
    """Groups on the wire."""
    found = list(rows)
    members: dict[int, list[int]] = {row.pk: [] for row in found}
    if with_members:
        pairs = DirectoryMembership.objects.filter(group__in=members).order_by("person_id")
        for group_id, person_id in pairs.values_list("group_id", "person_id"):
            members[group_id].append(person_id)
    return [group(row, members[row.pk]) for row in found]
