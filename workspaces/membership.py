"""Who may ask to join a workspace, who is asked, and into which groups they may let people."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from config.errors import NotFound
from governance.audit.actors import Actor
from workspaces.access import may, people_who_may, workspaces_of
from workspaces.models import GroupRole, MembershipRequest, OrganizationMember, RetiredSlug, User, UserGroup, Workspace
from workspaces.permissions import Permission
from workspaces.scoping import unscoped, workspace_scope

MOST_TOLD = 50


def workspace_to_ask_for(user: User, slug: str) -> Workspace | None:
    """The workspace with this address, where the person is outside and may come in at all."""
    with unscoped("who asks is not in the workspace yet"):
        slug = slug.strip().strip("/").lower()
        retired = RetiredSlug.objects.filter(slug=slug).values("workspace_id")
        rows = Workspace.objects.select_related("organization").filter(deleting_at=None)
        found = rows.filter(slug=slug).first() or rows.filter(pk__in=retired).first()
        if found is None or workspaces_of(user.pk).filter(pk=found.pk).exists():
            return None
        if user.sso_organization_id not in (None, found.organization_id):
            return None
        inside = OrganizationMember.objects.filter(organization=found.organization_id, user=user).exists()
        return found if inside or found.organization.allow_invitations else None


def requests_here() -> QuerySet[MembershipRequest]:
    """Who asks to join the current workspace, and whether they are in its organization already."""
    member = OrganizationMember.objects.filter(organization=OuterRef("workspace__organization"), user=OuterRef("user"))
    return MembershipRequest.objects.select_related("user", "workspace__organization").annotate(inside=Exists(member))


def membership_request_for(request_id: int, *, lock: bool = False) -> MembershipRequest:
    """What somebody outside asks of this workspace."""
    rows = MembershipRequest.objects.select_related("user", "workspace__organization")
    found = (rows.select_for_update(no_key=False, of=("self",)) if lock else rows).filter(pk=request_id).first()
    if found is None:
        raise NotFound("There is no such request here.")
    return found


def groups_to_let_into(actor: Actor, asked: MembershipRequest) -> list[UserGroup]:
    """The groups with a role here.

    Without rights on the organization: for its people, those without roles in other workspaces.
    """
    groups = UserGroup.objects.filter(roles__workspace=asked.workspace_id).order_by("name")
    if may(actor, Permission.MANAGE_ORGANIZATION):
        return list(groups)
    organization_id = asked.workspace.organization_id
    if not OrganizationMember.objects.filter(organization=organization_id, user=asked.user_id).exists():
        return []
    with unscoped("groups of the organization may have roles in its other workspaces"):
        elsewhere = GroupRole.objects.filter(organization=organization_id).exclude(workspace=asked.workspace_id)
        taken = set(elsewhere.values_list("group_id", flat=True))
    return [group for group in groups if group.pk not in taken]


def admins_to_tell(asked: MembershipRequest) -> list[str]:
    """The e-mail addresses of those who can answer."""
    with workspace_scope(asked.workspace_id):
        rows = people_who_may({Permission.MANAGE_WORKSPACE: None}).filter(user__is_service=False)
        inside = OrganizationMember.objects.filter(organization=asked.workspace.organization_id, user=asked.user_id)
        people = rows if inside.exists() else rows.filter(is_admin=True)
        return [member.user.email for member in people[:MOST_TOLD]]
