"""People of an organization: invited, joined, changed, removed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from config.errors import Conflict, Denied, Invalid, NotFound
from config.queue import enqueue
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.access import forget_grants, require
from workspaces.choices import INVITATION_DAYS
from workspaces.models import (
    GroupMember,
    Invitation,
    InvitationGroup,
    Organization,
    OrganizationMember,
    User,
    UserGroup,
)
from workspaces.permissions import Permission
from workspaces.scoping import unscoped
from workspaces.services.checks import keep_an_admin, lock
from workspaces.services.keys import stop_keys
from workspaces.services.sessions import close_sessions
from workspaces.tokens import invitation_id, proves


@service("invitation.created")
def invite_person(
    *,
    actor: Actor,
    organization: Organization,
    email: str,
    groups: Iterable[UserGroup] = (),
    is_admin: bool = False,
    is_viewer: bool = False,
) -> Invitation:
    """Invite someone by e-mail into groups of the organization; the link works for 30 days."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    _require_inviting(organization)
    email = _sound_email(email)
    lock(f"invitation {organization.pk} {email}")
    now = timezone.now()
    if OrganizationMember.objects.filter(organization=organization, user__email=email).exists():
        raise Invalid.field("email", f"{email} is already in {organization.name}.")
    if any(i.is_open(now) for i in Invitation.objects.filter(organization=organization, email=email)):
        raise Invalid.field("email", f"{email} has an open invitation: make a new link for it, or withdraw it first.")
    invitation = Invitation.objects.create(
        organization=organization,
        email=email,
        is_admin=is_admin,
        is_viewer=is_viewer,
        nonce=secrets.token_urlsafe(32),
        invited_by_id=actor.user_id,
        expires_at=now + timedelta(days=INVITATION_DAYS),
    )
    chosen = sorted({group.pk: group for group in groups}.values(), key=lambda group: group.name)
    InvitationGroup.objects.bulk_create(
        InvitationGroup(organization=organization, invitation=invitation, group=group) for group in chosen
    )
    organization_wide = {"is_admin": is_admin, "is_viewer": is_viewer}
    record(invitation, after={"email": email, **organization_wide, "groups": [group.name for group in chosen]})
    _mail(invitation)
    return invitation


@service("invitation.renewed")
def renew_invitation(*, actor: Actor, invitation: Invitation) -> Invitation:
    """A new link for another 30 days, mailed where mail can be sent; the old link stops."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    invitation = Invitation.objects.select_for_update(no_key=True).get(pk=invitation.pk)
    if invitation.accepted_at is not None or invitation.withdrawn_at is not None:
        raise Conflict(f"The invitation for {invitation.email} was used or withdrawn.", hint="Invite them again.")
    _require_inviting(invitation.organization)
    before = invitation.expires_at
    invitation.nonce = secrets.token_urlsafe(32)
    invitation.expires_at = timezone.now() + timedelta(days=INVITATION_DAYS)
    invitation.save(update_fields=["nonce", "expires_at"])
    record(invitation, before={"expires_at": before}, after={"expires_at": invitation.expires_at})
    _mail(invitation)
    return invitation


@service("invitation.withdrawn")
def withdraw_invitation(*, actor: Actor, invitation: Invitation) -> Invitation:
    """Stop an invitation's link."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    invitation = Invitation.objects.select_for_update(no_key=True).get(pk=invitation.pk)
    if invitation.accepted_at is not None:
        raise Conflict(f"{invitation.email} has already joined.", hint="Remove the person instead.")
    if invitation.withdrawn_at is not None:
        unchanged()
        return invitation
    invitation.withdrawn_at = timezone.now()
    invitation.save(update_fields=["withdrawn_at"])
    record(invitation, before={"email": invitation.email})
    return invitation


@service("member.joined")
def accept_invitation(*, actor: Actor, token: str) -> OrganizationMember:
    """Join the organization that invited this person, and the groups the invitation names."""
    with unscoped("an invited person is outside every scope until they joined"):
        user = User.objects.get(pk=_person_id(actor))
        invitation = _locked(token)
        if user.sso_organization_id not in (None, invitation.organization_id):
            raise Denied("An account of an identity provider works in its own organization only.")
        if user.sso_organization_id is None:
            _require_inviting(invitation.organization)
        if invitation.email != user.email:
            raise Denied(
                f"This invitation is for {invitation.email}; you are signed in as {user.email}.",
                hint="Sign out, then open the link again.",
            )
        member, _ = OrganizationMember.objects.get_or_create(organization=invitation.organization, user=user)
        member.is_admin = member.is_admin or invitation.is_admin
        member.is_viewer = member.is_viewer or invitation.is_viewer
        member.save(update_fields=["is_admin", "is_viewer"])
        places = invitation.groups.select_related("group")
        GroupMember.objects.bulk_create(
            (GroupMember(organization_id=invitation.organization_id, group=p.group, member=member) for p in places),
            ignore_conflicts=True,
        )
        invitation.accepted_at = timezone.now()
        invitation.save(update_fields=["accepted_at"])
        record(
            member,
            after={
                "email": user.email,
                "is_admin": member.is_admin,
                "is_viewer": member.is_viewer,
                "groups": sorted(p.group.name for p in places),
            },
        )
    forget_grants()
    return member


@service("member.updated")
def update_member(
    *, actor: Actor, member: OrganizationMember, is_admin: bool | None = None, is_viewer: bool | None = None
) -> OrganizationMember:
    """Make a person an organization admin or viewer, or no longer one; what is not given stays."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    member = OrganizationMember.objects.select_for_update(no_key=True).get(pk=member.pk)
    before = snapshot(member, ("is_admin", "is_viewer"))
    if is_admin is False and member.is_admin:
        if member.admin_is_mapped:
            raise Conflict(
                f"{member.user.display_name} is an organization admin by the identity provider's groups.",
                hint="Take them out of the group there, or change the group mapping.",
            )
        keep_an_admin(member)
    if member.user.is_service and (is_admin or is_viewer):
        raise Conflict("A service account cannot administer the organization.", hint="Put it into a group instead.")
    member.is_admin = member.is_admin if is_admin is None else is_admin
    member.is_viewer = member.is_viewer if is_viewer is None else is_viewer
    changed = changes(before, snapshot(member, ("is_admin", "is_viewer")))
    if not changed:
        unchanged()
        return member
    member.save(update_fields=["is_admin", "is_viewer"])
    record(member, before=changed.before, after=changed.after)
    forget_grants()
    return member


@service("member.removed")
def remove_person(*, actor: Actor, member: OrganizationMember) -> None:
    """End a person's place in the organization and stop their API keys; what they set up stays."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    member = OrganizationMember.objects.select_for_update(no_key=True).select_related("user").get(pk=member.pk)
    keep_an_admin(member)
    groups = sorted(member.groups.values_list("group__name", flat=True))
    record(
        member,
        before={
            "email": member.user.email,
            "is_admin": member.is_admin,
            "groups": groups,
            "stopped_keys": stop_keys(member.user_id, member.organization_id),
            "ended_sessions": close_sessions(member.user),
        },
    )
    member.delete()
    forget_grants()


def _require_inviting(organization: Organization) -> None:
    if not organization.allow_invitations:
        raise Invalid(
            f"{organization.name} invites nobody: people come through its identity provider.",
            hint="An organization admin can allow inviting users under Single sign-on.",
        )


def sends_mail() -> bool:
    """Whether a mail server is set; without one, links are copied by hand."""
    return not settings.EMAIL_BACKEND.endswith("filebased.EmailBackend")


def _mail(invitation: Invitation) -> None:
    """Send the link once the change is committed, where a mail server is set."""
    if sends_mail():
        from workspaces.tasks import send_invitation

        enqueue(send_invitation, invitation.pk)


def _person_id(actor: Actor) -> int:
    """Whose place it is; the system cannot join anything."""
    if actor.user_id is None:
        raise Denied("Only people join organizations.")
    return actor.user_id


def _locked(token: str) -> Invitation:
    """The proven, open invitation, locked until the end of the transaction."""
    rows = Invitation.objects.select_for_update(no_key=True, of=("self",)).select_related("organization")
    invitation = rows.filter(pk=invitation_id(token) or 0).first()
    if invitation is None or not proves(token, invitation):
        raise NotFound("This invitation link is not valid.", hint="Ask for a new one.")
    if not invitation.is_open(timezone.now()):
        raise Conflict("This invitation was used, withdrawn, or has expired.", hint="Ask for a new one.")
    return invitation


def _sound_email(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid.field("email", "Enter an e-mail address.") from error
    return email
