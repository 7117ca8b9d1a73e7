"""Settings → Cloud providers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views import View

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.sealing import seal, unseal
from config.ui.listing import Column, Listing
from connectors import clouds, services
from connectors.choices import Cloud
from connectors.forms import SettingsForm, Shown
from connectors.models import CloudCredential
from workspaces.requests import WorkspaceRequest

COLUMNS = [
    Column("Name", sort="name"),
    Column("Provider", sort="provider"),
    Column("Access"),
    Column("Used by", numeric=True),
    Column("Secret set", sort="secret_set_at"),
]


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider as the first step shows it."""

    cloud: Cloud
    about: str


OFFERS = (
    Offer(Cloud.AWS, "A role of your account, or an access key. For S3 storage and the S3 destination."),
    Offer(Cloud.GCP, "The JSON key of a service account. For Google Cloud Storage."),
    Offer(Cloud.AZURE, "An app registration with a client secret. For Azure Blob Storage."),
    Offer(Cloud.DBT_CLOUD, "An API token. For syncs that run when a job has completed."),
    Offer(Cloud.FIVETRAN, "An API key. For syncs that run when a connection has synced."),
)


class NameForm(forms.Form):
    """What a credential is called."""

    name = forms.CharField(
        label="Display name",
        max_length=services.MAX_CREDENTIAL_NAME,
        help_text="As people find it when they choose a credential.",
        error_messages={"required": "Enter a display name."},
    )


class CloudView(View):
    """What the pages share."""

    request: HttpRequest

    @property
    def here(self) -> WorkspaceRequest:
        """The request with its workspace and actor."""
        return cast(WorkspaceRequest, self.request)

    def url(self, name: str, *args: Any) -> str:
        """The address of a route in this workspace."""
        return reverse(f"connectors:{name}", args=[self.here.workspace.slug, *args])

    @property
    def crumbs(self) -> list[dict[str, str]]:
        """The way back to the list."""
        return [{"label": "Cloud providers", "url": self.url("cloud_credentials")}]


class CredentialList(CloudView):
    """All credentials, and how many things work with each."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list."""
        listing = Listing(request, columns=COLUMNS, order="name")
        page = listing.page(clouds.credentials(self.here.actor, listing.query))
        uses = clouds.uses() if page.rows else {}
        lines = [{"credential": row, "uses": len(uses.get(row.pk, ()))} for row in page.rows]
        context = {"listing": listing, "page": page, "lines": lines}
        return render_page(request, "connectors/clouds/list.html", context)


class ChooseProvider(CloudView):
    """Which provider a credential is for."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """All of them."""
        offers = [{"offer": offer, "url": self.url("cloud_credential_add", offer.cloud.value)} for offer in OFFERS]
        return render_page(request, "connectors/clouds/choose.html", {"offers": offers, "breadcrumb": self.crumbs})


class NewCredential(CloudView):
    """A credential to be."""

    def get(self, request: HttpRequest, provider: str) -> HttpResponse:
        """The empty form."""
        cloud = _cloud(provider)
        return self._page(cloud, NameForm(), SettingsForm(clouds.new_fields(cloud)))

    def post(self, request: HttpRequest, provider: str) -> HttpResponse:
        """Make it. A Google key is read first, and made a credential of once the person has confirmed whose it is."""
        cloud = _cloud(provider)
        name = NameForm(request.POST)
        if cloud is Cloud.GCP and request.POST.get("sealed"):
            return self._confirmed(name, request.POST["sealed"])
        form = SettingsForm(clouds.new_fields(cloud), request.POST, request.FILES)
        if not (name.is_valid() & form.is_valid()):
            return self._page(cloud, name, form, 422)
        if cloud is Cloud.GCP:
            return self._read(name, form)
        return self._make(cloud, name, form, form.values)

    def _read(self, name: NameForm, form: SettingsForm) -> HttpResponse:
        facts, wrong = clouds.google_facts(form.values["key"])
        if wrong:
            form.take_errors({"key": wrong})
            return self._page(Cloud.GCP, name, form, 422)
        # The browser carries the key to the next step, where only Headrace can read it.
        sealed = seal(json.dumps({"workspace": self.here.workspace.pk, "key": form.values["key"]}))
        context = {"name_form": name, "facts": facts, "sealed": sealed, "breadcrumb": self.crumbs}
        return render_page(self.request, "connectors/clouds/confirm.html", context)

    def _confirmed(self, name: NameForm, sealed: str) -> HttpResponse:
        form = SettingsForm(clouds.new_fields(Cloud.GCP))
        try:
            carried = json.loads(unseal(sealed))
        except (HeadraceError, ValueError):
            carried = {}
        if carried.get("workspace") != self.here.workspace.pk or not name.is_valid():
            return self._page(Cloud.GCP, name, form, 422)
        return self._make(Cloud.GCP, name, form, {"key": carried["key"]})

    def _make(self, cloud: Cloud, name: NameForm, form: SettingsForm, values: dict[str, Any]) -> HttpResponse:
        try:
            made = services.create_cloud_credential(
                actor=self.here.actor,
                provider=cloud.value,
                name=name.cleaned_data["name"],
                values=values,
                proof=self.request.POST.get("proof", ""),
            )
        except Invalid as error:
            _take(error, name, form)
            return self._page(cloud, name, form, 422)
        return go_to(self.request, self.url("cloud_credential", made.pk), "Added. Choose it where it is to be used.")

    def _page(self, cloud: Cloud, name: NameForm, form: SettingsForm, status: int = 200) -> HttpResponse:
        context = {"cloud": cloud, "name_form": name, "form": form, "breadcrumb": self.crumbs}
        if cloud is Cloud.AWS and clouds.roles_offered():
            context |= self._trust()
        return render_page(self.request, "connectors/clouds/new.html", context, status=status)

    def _trust(self) -> dict[str, str]:
        """What the role of the other account has to trust; an ID that was shown stays until the form is sent."""
        proof = self.request.POST.get("proof", "")
        external_id = clouds.proven_external_id(proof) if proof else ""
        if not external_id:
            external_id, proof = clouds.new_external_id()
        return {"account_id": settings.AWS_ACCOUNT_ID, "external_id": external_id, "proof": proof}


class CredentialPage(CloudView):
    """One credential: who it is, what uses it, and how to replace its secret."""

    def get(self, request: HttpRequest, credential_id: int) -> HttpResponse:
        """The page."""
        credential = clouds.credential_for(self.here.actor, credential_id)
        return self._page(credential, NameForm(initial={"name": credential.name}), _form(credential))

    def post(self, request: HttpRequest, credential_id: int) -> HttpResponse:
        """Save."""
        credential = clouds.credential_for(self.here.actor, credential_id)
        name, form = NameForm(request.POST), _form(credential, request)
        if not (name.is_valid() & form.is_valid()):
            return self._page(credential, name, form, 422)
        try:
            services.update_cloud_credential(
                actor=self.here.actor, credential=credential, name=name.cleaned_data["name"], values=form.values
            )
        except Invalid as error:
            _take(error, name, form)
            return self._page(credential, name, form, 422)
        return go_to(request, self.url("cloud_credential", credential_id), "Saved.")

    def _page(self, credential: CloudCredential, name: NameForm, form: SettingsForm, status: int = 200) -> HttpResponse:
        used = clouds.uses().get(credential.pk, [])
        slug = self.here.workspace.slug
        context = {
            "credential": credential,
            "name_form": name,
            "form": form,
            "uses": [{"use": use, "url": reverse(use.route, args=[slug, *use.args])} for use in used],
            "facts": _facts(credential),
            "breadcrumb": self.crumbs,
        }
        return render_page(self.request, "connectors/clouds/credential.html", context, status=status)


class DeleteCredential(CloudView):
    """Removal, after confirmation."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, credential_id: int) -> HttpResponse:
        """Delete and go back to the list."""
        credential = clouds.credential_for(self.here.actor, credential_id)
        try:
            services.delete_cloud_credential(actor=self.here.actor, credential=credential)
        except HeadraceError as error:
            there = self.url("cloud_credential", credential_id)
            return go_to(request, there, f"{error.message} {error.hint}", tone="bad")
        return go_to(request, self.url("cloud_credentials"), f"“{credential.name}” was deleted.")


_LABELS = {
    "role_arn": "Role ARN",
    "access_key_id": "Access key ID",
    "client_email": "Client email",
    "client_id": "Client ID",
    "project_id": "Project",
    "tenant_id": "Tenant ID",
}


def _facts(credential: CloudCredential) -> list[tuple[str, str]]:
    return [(label, credential.config[name]) for name, label in _LABELS.items() if credential.config.get(name)]


def _form(credential: CloudCredential, request: HttpRequest | None = None) -> SettingsForm:
    fields = clouds.fields_of(credential)
    set_at = {field.name: credential.secret_set_at.isoformat() for field in fields if field.secret}
    shown = Shown(credential.config, set_at)
    return SettingsForm(fields, request.POST if request else None, request.FILES if request else None, shown=shown)


def _cloud(provider: str) -> Cloud:
    try:
        return Cloud(provider)
    except ValueError:
        raise Http404 from None


def _take(error: Invalid, name: NameForm, form: SettingsForm) -> None:
    """Put a service's judgement next to the fields it speaks of."""
    if message := error.fields.get("name"):
        name.add_error("name", message)
    others = {path: words for path, words in error.fields.items() if path != "name"}
    if form.is_bound:
        form.take_errors(others)
