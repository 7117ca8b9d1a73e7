"""How an organization's people sign in: its rules, its identity provider, and what the provider says of them."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower, Upper

from workspaces.choices import SsoProtocol
from workspaces.models.organizations import Organization
from workspaces.models.people import User, UserGroup
from workspaces.scoping import OrganizationModel


class SignInRules(OrganizationModel):
    """What an organization asks of whoever enters one of its workspaces; without a row it asks nothing more.

    Read with the workspace itself (``workspaces.access.workspace_for``), so that a
    change holds from the next request on and costs no statement of its own.
    """

    organization: models.OneToOneField[Organization, Organization] = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="sign_in_rules"
    )
    # Sessions that began earlier are let be until they end; nothing asks for a second factor while it is empty.
    second_factor_since = models.DateTimeField(null=True, blank=True)
    idle_minutes = models.PositiveIntegerField(null=True, blank=True)
    lifetime_hours = models.PositiveIntegerField(null=True, blank=True)
    # Networks (CIDR) that people and API keys may come from; empty lets everybody in.
    networks = models.JSONField(default=list, blank=True)
    # Whether the identity provider, pushing people and groups, has to come from them too.
    networks_for_scim = models.BooleanField(default=False)
    sso_required = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"Sign-in rules of {self.organization_id}"


class IdentityProvider(OrganizationModel):
    """The one identity provider that an organization trusts, by SAML or by OpenID Connect.

    ``login_name`` begins the addresses that are registered at the provider, so it never
    changes. ``sealed`` holds the OpenID Connect client secret. ``tested_at`` is emptied
    by every change of what the trust stands on.
    """

    organization: models.OneToOneField[Organization, Organization] = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="identity_provider"
    )
    login_name = models.SlugField(max_length=63, unique=True)
    protocol = models.CharField(max_length=4, choices=SsoProtocol.choices)
    enabled = models.BooleanField(default=False)
    # SAML: who the provider says it is, where people are sent, and what it signs with (PEM).
    entity_id = models.CharField(max_length=1024, blank=True)
    sso_url = models.URLField(max_length=1024, blank=True)
    certificates = models.JSONField(default=list, blank=True)
    # Where it is told that people signed out here, and the (sealed) key that we sign such messages with.
    slo_url = models.URLField(max_length=1024, blank=True)
    signing_key = models.TextField(blank=True)
    signing_certificate = models.TextField(blank=True)
    accepts_unasked = models.BooleanField(default=False)
    # OpenID Connect
    issuer = models.URLField(max_length=1024, blank=True)
    client_id = models.CharField(max_length=400, blank=True)
    sealed = models.TextField(blank=True)
    scopes = models.CharField(max_length=400, blank=True)
    # What both say about a person.
    email_attribute = models.CharField(max_length=200, default="email")
    name_attribute = models.CharField(max_length=200, default="name")
    groups_attribute = models.CharField(max_length=200, default="groups")
    # Once a domain is proven, the provider's word counts for addresses in proven domains alone.
    only_own_domains = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    tested_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.login_name

    @property
    def is_saml(self) -> bool:
        return self.protocol == SsoProtocol.SAML


class SsoAttempt(OrganizationModel):
    """What came of one answer of the identity provider, for whoever has to find out why a person cannot sign in."""

    at = models.DateTimeField(auto_now_add=True)
    is_test = models.BooleanField(default=False)
    # Empty where it worked; else a code of ``workspaces.sso.diagnosis``.
    failure = models.CharField(max_length=40, blank=True)
    words = models.CharField(max_length=1000, blank=True)
    # Subject, e-mail, name, groups and the names of all attributes as the provider sent them; no tokens.
    said = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.failure or "signed in"


class EmailDomain(OrganizationModel):
    """A domain whose people are sent to the identity provider, once the organization proved that it is theirs."""

    domain = models.CharField(max_length=253)
    nonce = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["domain"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "domain"], name="email_domain_once"),
            models.UniqueConstraint(
                fields=["domain"], condition=models.Q(verified_at__isnull=False), name="email_domain_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.domain


class ScimToken(OrganizationModel):
    """What the organization's identity provider proves itself with when it pushes people and groups.

    One at a time: a new one replaces it. Stored like an API key: ``digest`` is the
    SHA-256 of 256 random bits, ``prefix`` tells tokens apart.
    """

    organization: models.OneToOneField[Organization, Organization] = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="scim_token"
    )
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.prefix


class DirectoryPerson(OrganizationModel):
    """A person as the organization's identity provider knows them.

    ``subject`` is who they are when they sign in, and empty until they first do; the
    other names are those that SCIM knows them by. From ``provisioned_at`` on they follow
    what is pushed, and sign-ins change nothing about them. Who is deleted there stays
    as ``removed_at``, so that coming back brings back the same account.

    Their account belongs to this organization alone (``User.sso_organization``).
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="directory_person")
    subject = models.CharField(max_length=400, blank=True)
    user_name = models.CharField(max_length=400, blank=True)
    external_id = models.CharField(max_length=400, blank=True)
    display_name = models.CharField(max_length=400, blank=True)
    formatted_name = models.CharField(max_length=400, blank=True)
    given_name = models.CharField(max_length=400, blank=True)
    family_name = models.CharField(max_length=400, blank=True)
    # Whether the provider says they may sign in; the operator has a say of their own (``User.barred_at``).
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    provisioned_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "subject"], condition=~models.Q(subject=""), name="directory_subject_once"
            ),
            models.UniqueConstraint(
                "organization",
                Lower("user_name"),
                condition=models.Q(provisioned_at__isnull=False, removed_at__isnull=True),
                name="directory_user_name_once",
            ),
        ]
        indexes = [
            models.Index("organization", Upper("user_name"), name="directory_user_name"),
            models.Index(fields=["organization", "external_id"], name="directory_external_id"),
        ]

    def __str__(self) -> str:
        return self.user_name or self.subject or str(self.pk)


class DirectoryEmail(OrganizationModel):
    """One of a person's addresses at the identity provider; Headrace itself uses one of them, ``User.email``."""

    person = models.ForeignKey(DirectoryPerson, on_delete=models.CASCADE, related_name="emails")
    address = models.CharField(max_length=254)
    kind = models.CharField(max_length=60, blank=True)
    is_primary = models.BooleanField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index("organization", Upper("address"), name="directory_email_address")]

    def __str__(self) -> str:
        return self.address


class DirectoryGroup(OrganizationModel):
    """A group of the identity provider; what it means here stands in :class:`GroupMapping`.

    Known from what people bring along when they sign in, or pushed by SCIM; from
    ``provisioned_at`` on who is in it follows what is pushed alone.
    """

    name = models.CharField(max_length=400)
    external_id = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    provisioned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="directory_group_once")]

    def __str__(self) -> str:
        return self.name


class DirectoryMembership(OrganizationModel):
    """One person in one group of the identity provider."""

    group = models.ForeignKey(DirectoryGroup, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(DirectoryPerson, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "person"], name="directory_membership_once")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.group_id}"


class GroupMapping(OrganizationModel):
    """Members of a provider's group join this group of ours; without a group, they become organization admins."""

    directory_group = models.ForeignKey(DirectoryGroup, on_delete=models.CASCADE, related_name="mappings")
    group = models.ForeignKey(UserGroup, null=True, blank=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["directory_group", "group"], name="group_mapping_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.directory_group_id} to {self.group_id or 'organization admins'}"
