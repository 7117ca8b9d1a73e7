"""``manage.py operator EMAIL``: who may open the operator's console, and an admin for an organization without one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.errors import HeadraceError
from governance.audit.actors import system
from workspaces import services
from workspaces.models import OrganizationMember, User, Workspace
from workspaces.scoping import unscoped, workspace_scope
from workspaces.selectors import invitation_link
from workspaces.services.operators import set_operator


class Command(BaseCommand):
    help = (
        "Let a person into the operator's console at /admin/, or out of it with --revoke; "
        "with --admin-of, make them an admin of an organization instead, such as one whose admins have all left."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whom."""
        parser.add_argument("email", help="The person's e-mail address; they have an account already.")
        either = parser.add_mutually_exclusive_group()
        either.add_argument("--revoke", action="store_true", help="Take the right away.")
        either.add_argument("--admin-of", metavar="WORKSPACE", help="Address of a workspace of the organization.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Change it, with an entry in the audit log."""
        if options["admin_of"]:
            self.stdout.write(_make_admin(options["email"], options["admin_of"]))
            return
        # An organization's identity provider may name anybody's address, so its accounts do not count.
        user = User.objects.with_email(options["email"])
        if user is None or user.is_service:
            raise CommandError("There is no account with this e-mail address. Let the person sign up first.")
        set_operator(actor=system("manage.py operator"), user=user, operator=not options["revoke"])
        self.stdout.write(f"{user} {'is no operator any more' if options['revoke'] else 'may open /admin/'}.")


def _make_admin(email: str, slug: str) -> str:
    """Make a person of the organization its admin, or make them an invitation to be one; what was done."""
    actor = system("manage.py operator")
    with unscoped("the operator names a workspace of any organization"):
        workspace = Workspace.objects.select_related("organization").filter(slug=slug).first()
    if workspace is None:
        raise CommandError(f"There is no workspace “{slug}”.")
    organization = workspace.organization
    try:
        with workspace_scope(workspace.pk):
            member = OrganizationMember.objects.filter(user__email__iexact=email).select_related("user").first()
            if member is not None:
                services.update_member(actor=actor, member=member, is_admin=True)
                return f"{member.user} is an admin of {organization} now."
            invited = services.invite_person(actor=actor, organization=organization, email=email, is_admin=True)
            link = invitation_link(invited)
            return f"{email} becomes an admin of {organization} by this link, which works once:\n{link}"
    except HeadraceError as error:
        raise CommandError(f"{error.message} {error.hint}".strip()) from error
