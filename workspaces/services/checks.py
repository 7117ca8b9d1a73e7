"""Checks that several services of this app share."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import connection
from slugify import slugify

from config.errors import Conflict, Denied, Invalid
from governance.audit.actors import Actor
from workspaces.choices import RESERVED_SLUGS
from workspaces.models import OrganizationMember, RetiredSlug, Workspace
from workspaces.models.organizations import valid_slug
from workspaces.permissions import Permission

MAX_SLUG = 63


def lock(name: str) -> None:
    """Let one transaction at a time pass; held until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])


def required(field: str, value: str, limit: int = 120) -> str:
    """A trimmed text that must not be empty or too long."""
    value = value.strip()
    if not value:
        raise Invalid.field(field, "Enter a name." if field == "name" else "This cannot be empty.")
    if len(value) > limit:
        raise Invalid.field(field, f"At most {limit} characters.")
    return value


def require_organization_admin(actor: Actor, organization_id: int) -> None:
    """Raise unless the actor administers this organization; to be called inside ``unscoped``."""
    if actor.is_system:
        return
    if actor.allowed is not None and Permission.MANAGE_ORGANIZATION not in actor.allowed:
        raise Denied("This API key lacks the scope manage.", code="missing_scope")
    admins = OrganizationMember.objects.filter(organization_id=organization_id, is_admin=True)
    if actor.user_id is None or not admins.filter(user_id=actor.user_id).exists():
        raise Denied("Only organization admins can do this.")


def keep_an_admin(leaving: OrganizationMember) -> None:
    """Raise if without this person the organization would have no admin."""
    lock(f"organization admins {leaving.organization_id}")
    others = OrganizationMember.objects.filter(
        organization_id=leaving.organization_id, is_admin=True, user__is_active=True, user__is_service=False
    ).exclude(pk=leaving.pk)
    if leaving.is_admin and not others.exists():
        raise Conflict(
            f"{leaving.user.display_name} is the last organization admin.",
            hint="Make someone else an organization admin first.",
            code="last_admin",
        )


def free_slug(name: str) -> str:
    """A slug made of the name that nobody has or had; to be called inside ``unscoped`` under the slug lock."""
    base = slugify(name, max_length=MAX_SLUG - 4) or "workspace"
    candidate, number = base, 1
    while candidate in RESERVED_SLUGS or is_taken(candidate):
        number += 1
        candidate = f"{base}-{number}"
    return candidate


def check_slug(slug: str, workspace_id: int | None = None) -> str:
    """The slug if it is sound and free for this workspace; to be called like :func:`free_slug`."""
    try:
        valid_slug(slug)
    except ValidationError as error:
        raise Invalid.field("slug", error.messages[0]) from error
    if slug in RESERVED_SLUGS:
        raise Invalid.field("slug", f"“{slug}” is used by Headrace itself.")
    if is_taken(slug, workspace_id):
        raise Invalid.field("slug", f"“{slug}” is or was the address of another workspace.")
    return slug


def is_taken(slug: str, workspace_id: int | None = None) -> bool:
    """Whether another workspace has or had the slug."""
    holders = {
        *Workspace.objects.filter(slug=slug).values_list("pk", flat=True),
        *RetiredSlug.objects.filter(slug=slug).values_list("workspace_id", flat=True),
    }
    return bool(holders - {workspace_id})
