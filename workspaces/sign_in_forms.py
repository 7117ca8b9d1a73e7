"""Forms of the pages about signing in: they shape input, services judge it."""

from __future__ import annotations

from typing import Any

from django import forms

from config.errors import HeadraceError, Invalid
from config.ui.widgets import FileUpload, SecretInput, Toggle
from workspaces.choices import SsoProtocol
from workspaces.models import DirectoryGroup, IdentityProvider, SignInRules, UserGroup
from workspaces.services import Rules, Trust
from workspaces.sso import oidc, outbound, saml

ADMINS = "admins"
# What both protocols ask.
SAID = ("email_attribute", "name_attribute", "groups_attribute", "only_own_domains")


class RulesForm(forms.Form):
    """What is asked of whoever enters."""

    second_factor = forms.BooleanField(
        label="Ask for a second factor",
        required=False,
        widget=Toggle,
        help_text="From their next sign-in on, people without an authenticator app or passkey set one up before they "
        "enter. People who come from the identity provider are asked there.",
    )
    idle_minutes = forms.IntegerField(
        label="Sign out after minutes without use",
        required=False,
        min_value=1,
        help_text="Between 5 and 43,200. Empty: two weeks.",
    )
    lifetime_hours = forms.IntegerField(
        label="Sign out after hours in any case",
        required=False,
        min_value=1,
        help_text="Between 1 and 8,760. Empty: never.",
    )
    networks = forms.CharField(
        label="Networks that people and API keys may come from",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "class": "mono", "spellcheck": "false"}),
        help_text="One a line, such as 203.0.113.0/24 or 2001:db8::/32. Empty lets in from everywhere.",
    )
    networks_for_scim = forms.BooleanField(
        label="Also for SCIM",
        required=False,
        widget=Toggle,
        help_text="The identity provider, which pushes people and groups from its own addresses, must then come from "
        "these networks too: list its addresses, or removed people stay.",
    )
    sso_required = forms.BooleanField(
        label="Require single sign-on",
        required=False,
        widget=Toggle,
        help_text="People enter through the identity provider only. Organization admins keep their own sign-in, so "
        "that a broken provider locks nobody out for good: give them a second factor.",
    )

    @classmethod
    def values(cls, rules: SignInRules | None) -> dict[str, Any]:
        """What is stored, as the form shows it."""
        if rules is None:
            return {}
        return {
            "second_factor": rules.second_factor_since is not None,
            "idle_minutes": rules.idle_minutes,
            "lifetime_hours": rules.lifetime_hours,
            "networks": "\n".join(rules.networks),
            "networks_for_scim": rules.networks_for_scim,
            "sso_required": rules.sso_required,
        }

    def rules(self, current: SignInRules | None) -> Rules:
        """What was entered."""
        data = self.cleaned_data
        networks = tuple(line for line in data["networks"].replace(",", "\n").splitlines() if line.strip())
        return Rules(
            data["second_factor"],
            data["idle_minutes"],
            data["lifetime_hours"],
            networks,
            data["sso_required"],
            data["networks_for_scim"],
        )


class _ProviderForm(forms.Form):
    """What both protocols ask: how the provider names what it says about a person."""

    email_attribute = forms.CharField(
        label="Attribute with the e-mail address",
        max_length=200,
        initial="email",
        help_text="Its name, or the last part of it.",
    )
    name_attribute = forms.CharField(label="Attribute with the name", max_length=200, initial="name")
    groups_attribute = forms.CharField(
        label="Attribute with the groups", max_length=200, initial="groups", help_text="May be missing."
    )
    only_own_domains = forms.BooleanField(
        label="Only addresses in proven domains",
        required=False,
        initial=True,
        widget=Toggle,
        help_text="Refuses people whose e-mail address is in another. Holds once a domain is proven; turn it off "
        "where guests of your directory sign in too.",
    )

    def __init__(self, *args: Any, provider: IdentityProvider | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provider = provider


class SamlForm(_ProviderForm):
    """SAML: the provider's metadata, or its parts by hand."""

    metadata_url = forms.URLField(
        label="Address of the provider's metadata", required=False, assume_scheme="https", help_text="Read once, now."
    )
    metadata_file = forms.FileField(label="Or its metadata as a file", required=False, widget=FileUpload)
    entity_id = forms.CharField(label="Or by hand: entity ID (issuer)", max_length=1024, required=False)
    sso_url = forms.CharField(label="Sign-on address", max_length=1024, required=False)
    slo_url = forms.CharField(
        label="Sign-out address",
        max_length=1024,
        required=False,
        help_text="Single logout by HTTP redirect. Empty: signing out here leaves people signed in at the provider.",
    )
    certificates = forms.CharField(
        label="Signing certificates",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
        help_text="PEM (Base64). While the provider changes its certificate, add the new one below the old one.",
    )
    accepts_unasked = forms.BooleanField(
        label="Accept sign-ins that begin at the provider",
        required=False,
        widget=Toggle,
        help_text="Needed for tiles in the provider's own portal. Somebody could then sign others in as themselves.",
    )
    field_order = (
        "metadata_url",
        "metadata_file",
        "entity_id",
        "sso_url",
        "slo_url",
        "certificates",
        "accepts_unasked",
    )

    @classmethod
    def values(cls, provider: IdentityProvider | None) -> dict[str, Any]:
        """What is stored."""
        if provider is None or not provider.is_saml:
            return {}
        names = ("entity_id", "sso_url", "slo_url", "accepts_unasked", *SAID)
        return {**{n: getattr(provider, n) for n in names}, "certificates": "".join(provider.certificates)}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        try:
            found = self._metadata(data)
            data["certificates"] = found.certificates if found else saml.pems_in(data.get("certificates", ""))
            if found:
                data |= {"entity_id": found.entity_id, "sso_url": found.sso_url, "slo_url": found.slo_url}
        except Invalid as error:
            for name, message in error.fields.items():
                self.add_error(name if name in self.fields else "metadata_url", message)
        except HeadraceError as error:
            self.add_error("metadata_url", f"{error.message} {getattr(error, 'words', '')}".strip())
        return data

    def _metadata(self, data: dict[str, Any]) -> saml.Metadata | None:
        if upload := data.get("metadata_file"):
            return saml.read_metadata(upload.read(saml.MOST_BYTES + 1))
        return saml.read_metadata(outbound.fetch(data["metadata_url"])) if data.get("metadata_url") else None

    def trust(self) -> Trust:
        """What was entered."""
        data = self.cleaned_data
        names = (
            "entity_id",
            "sso_url",
            "slo_url",
            "certificates",
            "accepts_unasked",
            *SAID,
        )
        return Trust(protocol=SsoProtocol.SAML, **{name: data[name] for name in names})


class OidcForm(_ProviderForm):
    """OpenID Connect: the issuer, and our registration there."""

    issuer = forms.URLField(
        label="Issuer",
        max_length=1024,
        assume_scheme="https",
        help_text="The provider describes itself below this address.",
    )
    client_id = forms.CharField(label="Client ID", max_length=400)
    client_secret = forms.CharField(label="Client secret", max_length=1000, required=False, widget=SecretInput)
    scopes = forms.CharField(
        label="Scopes",
        max_length=400,
        required=False,
        help_text=f"Empty: {oidc.DEFAULT_SCOPES}. Some providers send groups only with a scope of their own.",
    )
    field_order = ("issuer", "client_id", "client_secret", "scopes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.provider is not None and self.provider.sealed:
            self.fields["client_secret"].widget = SecretInput(set_at=self.provider.updated_at)

    @classmethod
    def values(cls, provider: IdentityProvider | None) -> dict[str, Any]:
        """What is stored; never the secret."""
        if provider is None or provider.is_saml:
            return {}
        names = ("issuer", "client_id", "scopes", *SAID)
        return {name: getattr(provider, name) for name in names}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("issuer"):
            try:
                oidc.discover(data["issuer"])
            except HeadraceError as error:
                self.add_error("issuer", f"{error.message} {getattr(error, 'words', '')}".strip())
        return data

    def trust(self) -> Trust:
        """What was entered."""
        names = (
            "issuer",
            "client_id",
            "client_secret",
            "scopes",
            *SAID,
        )
        return Trust(protocol=SsoProtocol.OIDC, **{name: self.cleaned_data[name] for name in names})


class DomainForm(forms.Form):
    """A domain to claim."""

    domain = forms.CharField(label="Domain", max_length=253)


class MappingForm(forms.Form):
    """A group of the provider, and what it means here."""

    directory_group: forms.ModelChoiceField[DirectoryGroup] = forms.ModelChoiceField(
        label="Group at the provider", queryset=None, empty_label="Choose a group"
    )
    target = forms.ChoiceField(label="Group here")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["directory_group"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = DirectoryGroup.objects.all()
        target = self.fields["target"]
        assert isinstance(target, forms.ChoiceField)
        groups = [(str(group.pk), group.name) for group in UserGroup.objects.all()]
        target.choices = [(ADMINS, "Organization admins"), *groups]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        target = data.get("target")
        data["group"] = None if target in (None, ADMINS) else UserGroup.objects.filter(pk=int(target)).first()
        return data
