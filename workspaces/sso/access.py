"""The only ways to identity providers and to what they push, by id, name or address."""

from __future__ import annotations

from config.errors import NotFound
from workspaces.access import found_by_id
from workspaces.models import DirectoryGroup, DirectoryPerson, EmailDomain, GroupMapping, IdentityProvider, ScimToken
from workspaces.scoping import unscoped


def provider_for_email(email: str) -> IdentityProvider | None:
    """The identity provider that the people of this address's domain are sent to, if an organization captured it."""
    domain = email.rpartition("@")[2].strip().lower().rstrip(".")
    with unscoped("an address names the organization that its person signs in to"):
        captured = EmailDomain.objects.filter(domain=domain, verified_at__isnull=False).values("organization_id")
        providers = IdentityProvider.objects.select_related("organization").filter(enabled=True)
        return providers.filter(organization_id__in=captured).first() if domain else None


def provider_named(login_name: str) -> IdentityProvider:
    """The identity provider whose addresses have this name; signing in comes before any scope."""
    with unscoped("whoever signs in is outside every scope"):
        providers = IdentityProvider.objects.select_related("organization")
        found = providers.filter(login_name=login_name).first()
    if found is None:
        raise NotFound("No organization signs in here.", hint="Check the address, or sign in with your e-mail address.")
    return found


def own_provider() -> IdentityProvider:
    """The identity provider of the organization in scope."""
    found = IdentityProvider.objects.select_related("organization").first()
    if found is None:
        raise NotFound("No identity provider is set up.", hint="Set one up on the single sign-on page.")
    return found


def own_scim_token() -> ScimToken:
    """The SCIM token of the organization in scope."""
    found = ScimToken.objects.select_related("organization").first()
    if found is None:
        raise NotFound("There is no SCIM token.", hint="Make one on the single sign-on page.")
    return found


def email_domain_for(domain_id: int) -> EmailDomain:
    """A claimed domain of this organization."""
    return found_by_id(EmailDomain.objects.all(), domain_id, "domain")


def group_mapping_for(mapping_id: int) -> GroupMapping:
    """A group mapping of this organization."""
    rows = GroupMapping.objects.select_related("directory_group", "group", "organization")
    return found_by_id(rows, mapping_id, "mapping")


def directory_person_for(person_id: int) -> DirectoryPerson:
    """A person whom this organization's identity provider knows, and has not deleted."""
    rows = DirectoryPerson.objects.select_related("user", "organization").filter(removed_at=None)
    return found_by_id(rows, person_id, "user")


def directory_group_for(group_id: int) -> DirectoryGroup:
    """A group of this organization's identity provider."""
    return found_by_id(DirectoryGroup.objects.all(), group_id, "group")
