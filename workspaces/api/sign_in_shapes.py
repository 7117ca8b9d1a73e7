"""What the REST API takes and gives of how the organization's people sign in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework import serializers

from config.api import id_text
from config.errors import Invalid
from workspaces.choices import SsoProtocol
from workspaces.models import DirectoryGroup, EmailDomain, GroupMapping, IdentityProvider, SignInRules, SsoAttempt
from workspaces.services import RECORD_PREFIX, Rules, Trust, record_value
from workspaces.sign_in_forms import OidcForm, RulesForm, SamlForm
from workspaces.sso import oidc, saml
from workspaces.sso.diagnosis import EXPLANATIONS

FORMS: Mapping[str, type[SamlForm | OidcForm]] = {SsoProtocol.SAML: SamlForm, SsoProtocol.OIDC: OidcForm}


def text(most: int = 1024, **options: Any) -> serializers.CharField:
    """Words that may be left out."""
    return serializers.CharField(max_length=most, **{"required": False, "default": "", "allow_blank": True, **options})


class IdentityProviderBody(serializers.Serializer[Any]):
    """The whole connection; what is left out is empty or as usual. A client secret that is left out stays."""

    protocol = serializers.ChoiceField(choices=SsoProtocol.values)
    metadataUrl = text(help_text="SAML: the address of the provider's metadata, read once, now.")
    metadata = text(saml.MOST_BYTES, help_text="SAML: the metadata itself, instead of its address.")
    entityId = text(help_text="SAML without metadata: the provider's entity ID (issuer).")
    ssoUrl = text(help_text="SAML without metadata: the sign-on address.")
    sloUrl = text(help_text="SAML without metadata: the sign-out address. Empty: signing out stays here.")
    certificates = serializers.ListField(
        child=serializers.CharField(max_length=20_000),
        required=False,
        default=list,
        max_length=20,
        help_text="SAML without metadata: what the provider signs with (PEM).",
    )
    acceptsUnasked = serializers.BooleanField(
        required=False, default=False, help_text="SAML: accept sign-ins that begin at the provider."
    )
    issuer = text(help_text="OpenID Connect: the address below which the provider describes itself.")
    clientId = text(400, help_text="OpenID Connect.")
    clientSecret = text(1000, write_only=True, help_text="OpenID Connect; goes in and never comes out.")
    scopes = text(400, help_text=f"OpenID Connect. Empty: {oidc.DEFAULT_SCOPES}.")
    emailAttribute = text(200, default="email", allow_blank=False)
    nameAttribute = text(200, default="name", allow_blank=False)
    groupsAttribute = text(200, default="groups", allow_blank=False)
    onlyOwnDomains = serializers.BooleanField(
        required=False, default=True, help_text="Refuse people whose address is in no proven domain, once there is one."
    )


class IdentityProviderSwitch(serializers.Serializer[Any]):
    """What to switch."""

    enabled = serializers.BooleanField(
        required=False, help_text="Let people sign in through it; takes a test sign-in since the last change."
    )
    invitationsAllowed = serializers.BooleanField(
        required=False,
        help_text="Let people be invited who sign in with accounts of their own. Without it nobody is invited, and all "
        "but organization admins come by the provider.",
    )


class CertificateOut(serializers.Serializer[Any]):
    """A certificate that the provider signs with."""

    subject = serializers.CharField()
    fingerprint = serializers.CharField()
    expiresAt = serializers.DateTimeField()


class AtProviderOut(serializers.Serializer[Any]):
    """What to enter at the identity provider."""

    entityId = serializers.CharField()
    acsUrl = serializers.CharField()
    sloUrl = serializers.CharField()
    redirectUri = serializers.CharField()
    scimUrl = serializers.CharField()


class IdentityProviderOut(serializers.Serializer[Any]):
    """The identity provider of the organization, without the client secret."""

    protocol = serializers.CharField()
    enabled = serializers.BooleanField()
    invitationsAllowed = serializers.BooleanField()
    testedAt = serializers.DateTimeField(allow_null=True, help_text="Emptied by each change of the connection.")
    testUrl = serializers.CharField(help_text="An organization admin opens it in a browser to test the connection.")
    loginUrl = serializers.CharField(help_text="Where people sign in.")
    atProvider = AtProviderOut()
    entityId = serializers.CharField(allow_blank=True)
    ssoUrl = serializers.CharField(allow_blank=True)
    sloUrl = serializers.CharField(allow_blank=True)
    certificates = CertificateOut(many=True)
    acceptsUnasked = serializers.BooleanField()
    issuer = serializers.CharField(allow_blank=True)
    clientId = serializers.CharField(allow_blank=True)
    hasClientSecret = serializers.BooleanField()
    scopes = serializers.CharField(allow_blank=True)
    emailAttribute = serializers.CharField()
    nameAttribute = serializers.CharField()
    groupsAttribute = serializers.CharField()
    onlyOwnDomains = serializers.BooleanField()


class SsoAttemptOut(serializers.Serializer[Any]):
    """What came of one answer of the identity provider."""

    id = serializers.CharField()
    at = serializers.DateTimeField()
    isTest = serializers.BooleanField()
    failure = serializers.CharField(allow_blank=True, help_text="Empty where it worked.")
    message = serializers.CharField(allow_blank=True)
    hint = serializers.CharField(allow_blank=True)
    words = serializers.CharField(allow_blank=True, help_text="What the provider or a library said.")
    said = serializers.DictField(help_text="What the provider sent about the person; no tokens.")


class SignInRulesBody(serializers.Serializer[Any]):
    """What is asked of everybody who enters a workspace of the organization, from the next request on."""

    secondFactor = serializers.BooleanField(required=False, default=False)
    idleMinutes = serializers.IntegerField(required=False, default=None, allow_null=True)
    lifetimeHours = serializers.IntegerField(required=False, default=None, allow_null=True)
    networks = serializers.ListField(
        child=serializers.CharField(max_length=60),
        required=False,
        default=list,
        help_text="CIDR. Empty lets in from everywhere; else the caller's own address must be in one.",
    )
    networksForScim = serializers.BooleanField(required=False, default=False)
    ssoRequired = serializers.BooleanField(required=False, default=False)


class EmailDomainBody(serializers.Serializer[Any]):
    """A domain to claim."""

    domain = serializers.CharField(max_length=253)


class EmailDomainOut(serializers.Serializer[Any]):
    """A claimed domain, and the TXT record that proves it."""

    id = serializers.CharField()
    domain = serializers.CharField()
    verifiedAt = serializers.DateTimeField(allow_null=True)
    recordName = serializers.CharField()
    recordValue = serializers.CharField()


class DirectoryGroupOut(serializers.Serializer[Any]):
    """A group of the identity provider, known from sign-ins or pushed by SCIM."""

    id = serializers.CharField()
    name = serializers.CharField()
    pushed = serializers.BooleanField()


class GroupMappingBody(serializers.Serializer[Any]):
    """A group of the identity provider and what its members join; ``groupId`` of null makes organization admins."""

    directoryGroupId = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    groupId = serializers.IntegerField(min_value=1, max_value=2**63 - 1, allow_null=True)


class GroupMappingOut(serializers.Serializer[Any]):
    """What a group of the identity provider means here; without a group, its members become organization admins."""

    id = serializers.CharField()
    directoryGroupId = serializers.CharField()
    directoryGroupName = serializers.CharField()
    groupId = serializers.CharField(allow_null=True)


class ScimTokenOut(serializers.Serializer[Any]):
    """What the identity provider proves itself with when it pushes; ``token`` is only in the answer that made it."""

    token = serializers.CharField(required=False)
    prefix = serializers.CharField()
    madeAt = serializers.DateTimeField()
    lastUsedAt = serializers.DateTimeField(allow_null=True)


def trust_in(values: Mapping[str, Any], provider: IdentityProvider | None) -> Trust:
    """The connection that a body describes, read by the form of the page; raises :class:`Invalid`."""
    entered = {_snake(name): value for name, value in values.items()}
    entered["certificates"] = "\n".join(entered["certificates"])
    metadata = entered.pop("metadata")
    files = {"metadata_file": SimpleUploadedFile("metadata.xml", metadata.encode())} if metadata else None
    form = FORMS[values["protocol"]](entered, files, provider=provider)
    _judge(form, {"metadata_url": "metadata"} if metadata else {})
    return form.trust()


def rules_in(values: Mapping[str, Any], current: SignInRules | None) -> Rules:
    """The rules that a body asks for."""
    entered = {_snake(name): value for name, value in values.items()}
    form = RulesForm({**entered, "networks": "\n".join(entered["networks"])})
    _judge(form)
    return form.rules(current)


def _judge(form: forms.Form, names: Mapping[str, str] | None = None) -> None:
    if not form.is_valid():
        wrong = {
            (names or {}).get(name, name.replace("__all__", "")): " ".join(map(str, words))
            for name, words in form.errors.items()
        }
        raise Invalid("Some of it is not right.", fields=wrong)


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", name).lower()


def provider_json(provider: IdentityProvider, slug: str) -> dict[str, Any]:
    """The identity provider; ``slug`` is of the workspace that a test sign-in comes back to."""
    return {
        "protocol": provider.protocol,
        "enabled": provider.enabled,
        "invitationsAllowed": provider.organization.allow_invitations,
        "testedAt": provider.tested_at,
        "testUrl": settings.BASE_URL + reverse("sso_test", args=[provider.login_name, slug]),
        "loginUrl": saml.login_url(provider),
        "atProvider": {
            "entityId": saml.entity_id(provider),
            "acsUrl": saml.acs_url(provider),
            "sloUrl": saml.slo_url(provider),
            "redirectUri": oidc.redirect_uri(provider),
            "scimUrl": f"{settings.BASE_URL}/api/scim/v2",
        },
        "entityId": provider.entity_id,
        "ssoUrl": provider.sso_url,
        "sloUrl": provider.slo_url,
        "certificates": [
            {"subject": found.subject, "fingerprint": found.fingerprint, "expiresAt": found.expires_at}
            for found in map(saml.certificate, provider.certificates)
        ],
        "acceptsUnasked": provider.accepts_unasked,
        "issuer": provider.issuer,
        "clientId": provider.client_id,
        "hasClientSecret": bool(provider.sealed),
        "scopes": provider.scopes,
        "emailAttribute": provider.email_attribute,
        "nameAttribute": provider.name_attribute,
        "groupsAttribute": provider.groups_attribute,
        "onlyOwnDomains": provider.only_own_domains,
    }


def attempt_json(attempt: SsoAttempt) -> dict[str, Any]:
    """What came of an answer, with what to do about it."""
    known = EXPLANATIONS.get(attempt.failure)
    return {
        "id": str(attempt.pk),
        "at": attempt.at,
        "isTest": attempt.is_test,
        "failure": attempt.failure,
        "message": known.title if known else "",
        "hint": known.remedy if known else "",
        "words": attempt.words,
        "said": attempt.said,
    }


def rules_json(rules: SignInRules | None) -> dict[str, Any]:
    """The rules; without any, nothing is asked."""
    rules = rules or SignInRules()
    return {
        "secondFactor": rules.second_factor_since is not None,
        "idleMinutes": rules.idle_minutes,
        "lifetimeHours": rules.lifetime_hours,
        "networks": rules.networks,
        "networksForScim": rules.networks_for_scim,
        "ssoRequired": rules.sso_required,
    }


def domain_json(domain: EmailDomain) -> dict[str, Any]:
    """A domain with its record."""
    return {
        "id": str(domain.pk),
        "domain": domain.domain,
        "verifiedAt": domain.verified_at,
        "recordName": RECORD_PREFIX + domain.domain,
        "recordValue": record_value(domain),
    }


def directory_group_json(group: DirectoryGroup) -> dict[str, Any]:
    """A group of the identity provider."""
    return {"id": str(group.pk), "name": group.name, "pushed": group.provisioned_at is not None}


def mapping_json(mapping: GroupMapping) -> dict[str, Any]:
    """A mapping."""
    return {
        "id": str(mapping.pk),
        "directoryGroupId": str(mapping.directory_group_id),
        "directoryGroupName": mapping.directory_group.name,
        "groupId": id_text(mapping.group_id),
    }
