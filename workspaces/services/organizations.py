"""Organizations and workspaces."""

from __future__ import annotations

from django.conf import settings

from config.errors import Denied
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.access import forget_grants, require
from workspaces.choices import RoleKind
from workspaces.models import (
    GroupMember,
    GroupRole,
    Organization,
    OrganizationMember,
    RetiredSlug,
    Role,
    SignInRules,
    User,
    UserGroup,
    Workspace,
)
from workspaces.permissions import Permission
from workspaces.scoping import unscoped
from workspaces.services.checks import check_slug, free_slug, lock, require_organization_admin, required
from workspaces.services.sessions import require_a_proven_provider

SLUG_LOCK = "workspace slugs"
SETTINGS = ("name", "allow_invitations", "sso_may_create_workspaces")


@service("organization.created")
def create_organization(
    *, actor: Actor, owner: User, name: str, workspace_name: str, slug: str = "", region: str = ""
) -> Workspace:
    """A new organization with its first workspace, the four roles and an "Admins" group.

    ``owner`` becomes organization admin and the group's first member. People may
    do this once per installation unless the operator keeps sign-up open.
    """
    name = required("organization", name)
    if owner.sso_organization_id is not None:
        raise Denied("An account of an identity provider works in its own organization only.")
    with unscoped("a new organization has no scope yet"):
        lock(SLUG_LOCK)
        if not (actor.is_system or settings.SIGNUP_OPEN) and Organization.objects.exists():
            raise Denied("This installation already has an organization.", hint="Ask its admin to invite you.")
        organization = Organization.objects.create(name=name)
        member = OrganizationMember.objects.create(organization=organization, user=owner, is_admin=True)
        workspace = _build_workspace(organization, workspace_name, slug, region)
        group = UserGroup.objects.create(organization=organization, name="Admins")
        GroupMember.objects.create(organization=organization, group=group, member=member)
        GroupRole.objects.create(
            workspace=workspace,
            organization=organization,
            group=group,
            role=Role.objects.get(workspace=workspace, kind=RoleKind.ADMIN),
        )
        record(
            organization,
            after={"name": name, "owner": owner.email, "workspace": workspace.name, "slug": workspace.slug},
        )
    forget_grants()
    return workspace


@service("organization.updated")
def update_organization(
    *,
    actor: Actor,
    organization: Organization,
    name: str,
    allow_invitations: bool,
    sso_may_create_workspaces: bool = True,
) -> Organization:
    """Change the organization's name, how people come in, and who of them may make workspaces."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    if allow_invitations != organization.allow_invitations:  # whoever is invited signs in with a password of their own
        require(actor, Permission.MANAGE_SIGN_IN)
    before = snapshot(organization, SETTINGS)
    organization.name, organization.allow_invitations = required("name", name), allow_invitations
    organization.sso_may_create_workspaces = sso_may_create_workspaces
    changed = changes(before, snapshot(organization, SETTINGS))
    if not changed:
        unchanged()
        return organization
    organization.save(update_fields=list(SETTINGS))
    record(organization, before=changed.before, after=changed.after)
    return organization


@service("organization.updated")
def allow_inviting(*, actor: Actor, organization: Organization, allowed: bool) -> Organization:
    """Let people be invited who sign in with accounts of their own, or let people come by the identity provider alone.

    Without it nobody is invited, and all but organization admins sign in there.
    """
    require(actor, Permission.MANAGE_SIGN_IN)
    lock(f"sign-in rules {organization.pk}")
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    rules = SignInRules.objects.filter(organization=organization).first() or SignInRules(organization=organization)
    if not allowed:
        require_a_proven_provider(organization)
    before = {"allow_invitations": organization.allow_invitations, "sso_required": rules.sso_required}
    after = {"allow_invitations": allowed, "sso_required": not allowed}
    changed = changes(before, after)
    if not changed:
        unchanged()
        return organization
    organization.allow_invitations, rules.sso_required = allowed, not allowed
    organization.save(update_fields=["allow_invitations"])
    rules.save()
    record(organization, before=changed.before, after=changed.after)
    return organization


@service("workspace.created")
def create_workspace(
    *, actor: Actor, organization: Organization, name: str, slug: str = "", region: str = ""
) -> Workspace:
    """One more workspace of an organization, with the four roles; its admins are the organization's."""
    with unscoped("a new workspace has no scope yet"):
        require_organization_admin(actor, organization.pk)
        _require_own_account(actor, organization.pk)
        lock(SLUG_LOCK)
        workspace = _build_workspace(organization, name, slug, region)
        record(workspace, after=snapshot(workspace, ("name", "slug", "region")))
    forget_grants()
    return workspace


@service("workspace.updated")
def update_workspace(*, actor: Actor, workspace: Workspace, name: str, slug: str) -> Workspace:
    """Change the name or the slug; the old slug redirects and stays reserved."""
    require(actor, Permission.MANAGE_WORKSPACE)
    with unscoped("slugs are unique across the installation"):
        lock(SLUG_LOCK)
        workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
        before = snapshot(workspace, ("name", "slug"))
        workspace.name = required("name", name)
        workspace.slug = check_slug(slug.strip().lower(), workspace.pk)
        changed = changes(before, snapshot(workspace, ("name", "slug")))
        if not changed:
            unchanged()
            return workspace
        if workspace.slug != before["slug"]:
            RetiredSlug.objects.filter(slug=workspace.slug).delete()
            RetiredSlug.objects.create(workspace=workspace, slug=before["slug"])
        workspace.save(update_fields=["name", "slug"])
        record(workspace, before=changed.before, after=changed.after)
    return workspace


def no_workspaces_by_sso() -> Denied:
    """What people of an identity provider hear where those make no workspaces."""
    return Denied(
        "SSO users are not allowed to create workspaces",
        hint="An organization admin changes that under Organization, General.",
    )


def _require_own_account(actor: Actor, organization_id: int) -> None:
    """Raise for a person of the identity provider where those make no workspaces."""
    if actor.user_id is None:
        return
    provided = User.objects.filter(pk=actor.user_id, sso_organization__sso_may_create_workspaces=False)
    if provided.filter(sso_organization=organization_id).exists():
        raise no_workspaces_by_sso()


def _build_workspace(organization: Organization, name: str, slug: str, region: str = "") -> Workspace:
    name = required("workspace", name)
    chosen = check_slug(slug.strip().lower()) if slug.strip() else free_slug(name)
    workspace = Workspace.objects.create(organization=organization, name=name, slug=chosen, region=region.strip()[:60])
    Role.objects.bulk_create(Role(workspace=workspace, name=kind.label, kind=kind) for kind in RoleKind.built_in())
    return workspace
