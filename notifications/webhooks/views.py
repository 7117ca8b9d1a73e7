"""Settings → Webhooks."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views import View

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from config.ui.widgets import CheckCards
from notifications import access, services
from notifications.choices import DeliveryState
from notifications.models import Webhook
from notifications.selectors import deliveries_of_webhook, webhooks
from notifications.webhooks import types
from workspaces.pages import show_errors
from workspaces.requests import WorkspaceRequest

COLUMNS = [
    Column("Status", fit=True),
    Column("Name", sort="name"),
    Column("Address"),
    Column("Events"),
    Column("Last delivery", sort="last_sent_at"),
]
DELIVERY_COLUMNS = [
    Column("Status", fit=True),
    Column("Event"),
    Column("Answer", numeric=True),
    Column("Attempts", numeric=True),
    Column("Written"),
]
ALL = {"run.*": "Every event of runs", "audit.*": "Every entry of the workspace's audit log"}


class WebhookForm(forms.Form):
    """What a webhook is called, where it goes and what it gets."""

    name = forms.CharField(label="Name", max_length=120, error_messages={"required": "Enter a name."})
    url = forms.CharField(
        label="Address",
        max_length=2_000,
        required=False,
        help_text="Begins with https://. Its path is hidden once it is saved.",
        widget=forms.TextInput(attrs={"placeholder": "https://hooks.example.com/headrace", "autocomplete": "off"}),
    )
    chosen = forms.MultipleChoiceField(label="Events", required=False, widget=CheckCards())
    patterns = forms.CharField(
        label="More events",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "audit.sync.*\naudit.source.updated"}),
        help_text="One a line; * stands for anything. The reference lists every audit event.",
    )

    def __init__(self, *args: Any, webhook: Webhook | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = {**ALL, **types.registered()}
        chosen = cast(forms.MultipleChoiceField, self.fields["chosen"])
        chosen.choices = list(choices.items())
        cast(CheckCards, chosen.widget).notes = {name: name for name in choices}
        if webhook is None:
            self.fields["url"].required = True
            self.fields["url"].error_messages["required"] = "Enter an address."
            return
        self.fields["url"].help_text = f"Now {webhook.shown_url}. Leave it empty to keep it."
        self.initial = {
            **self.initial,
            "name": webhook.name,
            "chosen": [name for name in webhook.events if name in choices],
            "patterns": "\n".join(name for name in webhook.events if name not in choices),
        }

    @property
    def events(self) -> list[str]:
        """The chosen types and the patterns together."""
        return [*self.cleaned_data["chosen"], *self.cleaned_data["patterns"].splitlines()]

    def take(self, error: Invalid) -> None:
        """Put a service's judgement next to the fields it speaks of."""
        fields = {"patterns" if name == "events" else name: words for name, words in error.fields.items()}
        show_errors(self, Invalid(error.message, fields=fields))


class WebhookView(View):
    """What the pages share."""

    request: HttpRequest

    @property
    def here(self) -> WorkspaceRequest:
        """The request with its workspace and actor."""
        return cast(WorkspaceRequest, self.request)

    def url(self, name: str, *args: Any) -> str:
        """The address of one of these routes in this workspace."""
        return reverse(f"notifications:{name}", args=[self.here.workspace.slug, *args])

    def webhook(self, pk: int) -> Webhook:
        """The webhook of the address."""
        return access.webhook_for(self.here.actor, pk)

    @property
    def crumbs(self) -> list[dict[str, str]]:
        """The way back to the list."""
        return [{"label": "Webhooks", "url": self.url("webhooks")}]


class WebhookList(WebhookView):
    """All webhooks and whether they work."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list."""
        listing = Listing(request, columns=COLUMNS, order="name")
        context = {"listing": listing, "page": listing.page(webhooks(self.here.actor, listing.query))}
        return render_page(request, "notifications/webhooks/list.html", context)


class NewWebhook(WebhookView):
    """A webhook to be; its secret is shown once, in the answer."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The empty form."""
        return self._page(WebhookForm(initial={"chosen": ["run.*"]}))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Add it."""
        form = WebhookForm(request.POST)
        if not form.is_valid():
            return self._page(form, 422)
        given = form.cleaned_data
        try:
            made = services.create_webhook(
                actor=self.here.actor, name=given["name"], url=given["url"], events=form.events
            )
        except Invalid as error:
            form.take(error)
            return self._page(form, 422)
        return self._secret(made)

    def _secret(self, made: services.MadeWebhook) -> HttpResponse:
        return show_secret(self, made)

    def _page(self, form: WebhookForm, status: int = 200) -> HttpResponse:
        context = {"form": form, "breadcrumb": self.crumbs}
        return render_page(self.request, "notifications/webhooks/new.html", context, status=status)


class WebhookPage(WebhookView):
    """One webhook: its settings, whether it works, and what was sent to it."""

    def get(self, request: HttpRequest, webhook_id: int) -> HttpResponse:
        """The page."""
        webhook = self.webhook(webhook_id)
        return self._page(webhook, WebhookForm(webhook=webhook))

    def post(self, request: HttpRequest, webhook_id: int) -> HttpResponse:
        """Save."""
        webhook = self.webhook(webhook_id)
        form = WebhookForm(request.POST, webhook=webhook)
        if not form.is_valid():
            return self._page(webhook, form, 422)
        given = form.cleaned_data
        try:
            services.update_webhook(
                actor=self.here.actor, webhook=webhook, name=given["name"], url=given["url"], events=form.events
            )
        except Invalid as error:
            form.take(error)
            return self._page(webhook, form, 422)
        return go_to(request, self.url("webhook", webhook_id), "Saved.")

    def _page(self, webhook: Webhook, form: WebhookForm, status: int = 200) -> HttpResponse:
        listing = Listing(self.request, columns=DELIVERY_COLUMNS)
        context = {
            "webhook": webhook,
            "form": form,
            "listing": listing,
            "page": listing.page(deliveries_of_webhook(webhook)),
            "breadcrumb": self.crumbs,
        }
        return render_page(self.request, "notifications/webhooks/webhook.html", context, status=status)


class WebhookAction(WebhookView):
    """The buttons of a webhook."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, webhook_id: int, action: str) -> HttpResponse:
        """Test, switch on or off, replace the secret, or delete."""
        webhook, actor = self.webhook(webhook_id), self.here.actor
        back = self.url("webhook", webhook_id)
        try:
            if action == "test":
                services.test_webhook(actor=actor, webhook=webhook)
                return go_to(request, back, "The test is on its way; it stands among the deliveries.")
            if action == "secret":
                return show_secret(self, services.replace_secret(actor=actor, webhook=webhook))
            if action == "delete":
                services.delete_webhook(actor=actor, webhook=webhook)
                return go_to(request, self.url("webhooks"), f"“{webhook.name}” was deleted.")
            services.update_webhook(actor=actor, webhook=webhook, enabled=action == "enable")
        except HeadraceError as error:
            return go_to(request, back, error.message, tone="bad")
        return go_to(request, back, "Switched on." if action == "enable" else "Switched off. Nothing is sent to it.")


class DeliveryPage(WebhookView):
    """One delivery: what was sent and what came back."""

    def get(self, request: HttpRequest, delivery_id: int) -> HttpResponse:
        """The drawer beside the list, or a page of its own."""
        delivery = access.webhook_delivery_for(self.here.actor, delivery_id)
        again = delivery.state in (DeliveryState.SENT, DeliveryState.FAILED) and delivery.webhook.enabled
        crumb = {"label": delivery.webhook.name, "url": self.url("webhook", delivery.webhook_id)}
        context = {"delivery": delivery, "may_send_again": again, "breadcrumb": [*self.crumbs, crumb]}
        part = "notifications/webhooks/parts/delivery.html"
        return render_page(request, "notifications/webhooks/delivery.html", context, part=part)

    def post(self, request: HttpRequest, delivery_id: int) -> HttpResponse:
        """Send it again."""
        delivery = access.webhook_delivery_for(self.here.actor, delivery_id)
        back = self.url("webhook", delivery.webhook_id)
        try:
            services.redeliver_webhook(actor=self.here.actor, delivery=delivery)
        except HeadraceError as error:
            return go_to(request, back, error.message, tone="bad")
        return go_to(request, back, "It is sent again.")


def show_secret(view: WebhookView, made: services.MadeWebhook) -> HttpResponse:
    """The page that shows a signing secret, this once."""
    context = {"webhook": made.webhook, "secret": made.secret, "breadcrumb": view.crumbs}
    response = render_page(view.request, "notifications/webhooks/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response
