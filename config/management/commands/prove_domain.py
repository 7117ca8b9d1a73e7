"""``manage.py prove_domain DOMAIN``: the operator's word that a claimed domain belongs to who claimed it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance.audit.actors import system
from workspaces.models import EmailDomain
from workspaces.scoping import organization_scope, unscoped
from workspaces.services import verify_email_domain


class Command(BaseCommand):
    help = "Prove a domain that an organization has claimed for single sign-on, where it cannot add a TXT record."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which."""
        parser.add_argument("domain", help="The domain, as it stands on the single sign-on page.")
        parser.add_argument("--organization", default="", help="Whose claim counts, where several made one: its name.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prove it, with an entry in the organization's audit log."""
        with unscoped("the operator looks for the claim across organizations"):
            rows = EmailDomain.objects.select_related("organization").filter(domain=options["domain"].strip().lower())
            wanted = options["organization"]
            claims = [row for row in rows if wanted in ("", row.organization.name)]
        if not claims:
            raise CommandError("Nobody has claimed this domain. An organization admin does on the single sign-on page.")
        if len(claims) > 1:
            names = ", ".join(f"“{row.organization.name}”" for row in claims)
            raise CommandError(f"{names} claim this domain: say whose it is with --organization.")
        claim = claims[0]
        with organization_scope(claim.organization_id):
            verify_email_domain(actor=system("manage.py prove_domain"), domain=claim, texts=lambda name: [])
        self.stdout.write(f"{claim.domain} belongs to “{claim.organization.name}”.")
