"""Reads of the pages and the API about signing in."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db.models import Count, Exists, F, OuterRef, QuerySet

from workspaces.models import (
    DirectoryGroup,
    DirectoryPerson,
    EmailDomain,
    GroupMapping,
    IdentityProvider,
    Organization,
    OrganizationMember,
    ScimToken,
    SignInRules,
    SsoAttempt,
)
from workspaces.services.providers import record_value


def sign_in_rules(organization: Organization) -> SignInRules | None:
    """What the organization asks of whoever signs in, as it is now."""
    return SignInRules.objects.filter(organization=organization).first()


def people_without_second_factor() -> int:
    """How many people of the organization would have to set one up."""
    having = Authenticator.objects.filter(user=OuterRef("user")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    people = OrganizationMember.objects.filter(
        user__is_active=True, user__is_service=False, user__sso_organization=None
    )
    return people.exclude(Exists(having)).count()


def people_with_own_accounts() -> int:
    """How many people besides its admins sign in without the organization's identity provider."""
    people = OrganizationMember.objects.filter(user__is_active=True, user__is_service=False, is_admin=False)
    return people.exclude(user__sso_organization=F("organization")).count()


def identity_provider() -> IdentityProvider | None:
    """The organization's identity provider."""
    return IdentityProvider.objects.select_related("organization").first()


def sso_attempts() -> QuerySet[SsoAttempt]:
    """What came of the latest sign-ins through the identity provider."""
    return SsoAttempt.objects.order_by("-pk")[:20]


def email_domains() -> list[tuple[EmailDomain, str]]:
    """Claimed domains, each with what its TXT record has to say."""
    return [(domain, record_value(domain)) for domain in EmailDomain.objects.all()]


def group_mappings() -> QuerySet[GroupMapping]:
    """What groups of the identity provider mean here, with how many people each brings."""
    rows = GroupMapping.objects.select_related("directory_group", "group")
    return rows.annotate(size=Count("directory_group__memberships")).order_by("directory_group__name", "pk")


def directory_groups() -> QuerySet[DirectoryGroup]:
    """Groups of the identity provider that are known here."""
    return DirectoryGroup.objects.all()


def scim_token() -> ScimToken | None:
    """What the organization's identity provider proves itself with when it pushes people and groups."""
    return ScimToken.objects.select_related("organization").first()


def pushed() -> tuple[int, int]:
    """How many people and groups came by SCIM."""
    people = DirectoryPerson.objects.filter(provisioned_at__isnull=False, removed_at=None)
    return people.count(), DirectoryGroup.objects.filter(provisioned_at__isnull=False).count()
