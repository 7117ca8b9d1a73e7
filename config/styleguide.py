"""``/styleguide/``: every component of the interface with believable data, for people who write pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.htmx import render_page
from config.ui import status, widgets
from config.ui.listing import Column, Filter, Listing, Page
from workspaces.routes import public

LONG_NAME = "Kundenstammdatenabgleich für Wiederkäufer " + "mit sehr langem Namen " * 7
GERMAN = "Donaudampfschifffahrtsgesellschaftskapitän"


@dataclass(frozen=True)
class Sample:
    """A row of the sample list."""

    pk: int
    name: str
    model: str
    status: str
    rows: int | None
    rejected: int
    last_run: datetime | None


class SampleForm(forms.Form):
    """One field of every kind."""

    name = forms.CharField(label="Name", max_length=200, help_text="Shown in lists and alerts.")
    host = forms.CharField(label="Host", help_text="A name or address, without a port.")
    port = forms.IntegerField(label="Port", initial=5432, min_value=1, max_value=65535)
    mode = forms.ChoiceField(
        label="Mode",
        choices=[("upsert", "Upsert"), ("insert", "Insert"), ("update", "Update")],
        initial="upsert",
        widget=widgets.RadioCards(
            notes={
                "upsert": "Adds new rows and changes the ones that are there.",
                "insert": "Only adds rows; what is there stays as it is.",
                "update": "Only changes rows that are there.",
            }
        ),
    )
    schedule = forms.ChoiceField(
        label="Schedule", choices=[("manual", "By hand"), ("interval", "Every so often"), ("cron", "Cron")]
    )
    cron = forms.CharField(
        label="Cron expression", required=False, widget=forms.TextInput(attrs={"data-show-when": "schedule=cron"})
    )
    country = forms.ChoiceField(
        label="Country",
        choices=[("de", "Germany"), ("fr", "France"), ("jp", "Japan"), ("nz", "New Zealand")],
        widget=widgets.Combobox,
    )
    password = widgets.SecretField(label="Password", help_text="Stored encrypted; never shown again.")
    token = widgets.SecretField(label="Token", set_at=datetime(2026, 11, 19, 9, 30, tzinfo=UTC))
    headers = widgets.KeyValueField(label="Headers", required=False, initial={"X-Team": "growth"})
    columns = widgets.ListField(label="Ignored columns", required=False, initial=["internal_id"])
    notes = forms.CharField(label="Notes", required=False, widget=forms.Textarea)
    file = forms.FileField(label="Key file", required=False, widget=widgets.FileUpload)
    ignore_nulls = forms.BooleanField(label="Skip empty values", required=False, help_text="Keeps what is there.")
    enabled = forms.BooleanField(label="Run on schedule", required=False, initial=True, widget=widgets.Toggle)
    sql = forms.CharField(
        label="Query",
        initial="select id, email -- one row a customer\nfrom customers\nwhere status = 'active' and orders > 3",
        widget=widgets.CodeEditor(language="sql", dialect="postgres"),
    )


@require_safe
@public("shows components with made-up data, and only where HEADRACE_STYLEGUIDE is on")
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component on one page."""
    if not settings.STYLEGUIDE:
        raise Http404
    return render_page(request, "styleguide/index.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    samples = _samples()
    listing = Listing(
        request,
        columns=[
            Column("Status", fit=True),
            Column("Name", sort="name"),
            Column("Rows", sort="rows", numeric=True),
            Column("Rejected", sort="rejected", numeric=True),
            Column("Last run", sort="last_run"),
        ],
        filters=[
            Filter.of("status", "Status", [(key, state.word) for key, state in list(status.SYNC.items())[:6]]),
            Filter.of("owner", "Owner", [("me", "Me"), ("all", "Everyone")], single=True),
        ],
        order="-last_run",
    )
    return {
        "sections": SECTIONS,
        "listing": listing,
        "page": Page(samples, 1204, False, "", "?after=x"),
        "status_kinds": [(kind, list(states)) for kind, states in status.KINDS.items()],
        "form": SampleForm(),
        "invalid_form": _invalid_form(),
        "workspace": {"name": "Acme growth", "slug": "acme", "get_absolute_url": "/styleguide/"},
        "workspaces": [
            {"name": "Acme growth", "slug": "acme", "url": "/styleguide/"},
            {"name": f"{GERMAN} GmbH", "slug": "gmbh", "url": "/styleguide/"},
        ],
        "nav": _nav(),
        "tabs": [
            {"label": "Runs", "url": "#runs", "active": True, "count": 12045},
            {"label": "Configuration", "url": "#configuration"},
            {"label": "Schedule", "url": "#schedule"},
            {"label": "Alerts", "url": "#alerts", "count": 2},
        ],
        "breadcrumb": [{"label": "Syncs", "url": "#"}, {"label": "Klaviyo", "url": "#"}],
        "steps": [
            {"label": "Source", "state": "done", "choice": "Sample data: B2C eCommerce", "url": "#"},
            {"label": "Model", "state": "done", "choice": GERMAN, "url": "#"},
            {"label": "Destination", "state": "current"},
            {"label": "Mapping", "state": "todo"},
            {"label": "Schedule", "state": "todo"},
        ],
        "stages": [
            {"label": "Queried", "state": "done", "detail": "50,000 rows in 2.1 s"},
            {"label": "Planned", "state": "done", "detail": "1,241 changes"},
            {"label": "Sent", "state": "active", "detail": "812 of 1,241"},
            {"label": "Settled", "state": "waiting"},
        ],
        "chart": _chart(),
        "before": _config("0 * * * *", "Acme customers", 100),
        "after": {**_config("*/30 * * * *", "Acme customers", 250), "ignore_nulls": True},
        "sql_before": "select id, email\nfrom customers\nwhere active",
        "sql_after": "select id, email, phone\nfrom customers\nwhere active and consent",
        "response": {
            "status": 422,
            "errors": [{"row": 3, "field": "email", "message": "is not an address", "value": None}],
            "meta": {"request_id": "9f2c", "took_ms": 31.5, "retry": False, "tags": []},
        },
        "now": timezone.now() - timedelta(minutes=3),
        "long_name": LONG_NAME,
        "german": GERMAN,
    }


SECTIONS = (
    ("type", "Type and colour"),
    ("actions", "Actions"),
    ("states", "States"),
    ("lists", "Lists"),
    ("details", "Details"),
    ("numbers", "Numbers"),
    ("differences", "Differences and JSON"),
    ("forms", "Forms"),
    ("floating", "Menus and dialogs"),
    ("waiting", "Waiting and empty"),
)


def _samples() -> list[Any]:
    now = timezone.now()
    return [
        Sample(1, "Customers to Klaviyo", "Active customers", "healthy", 48_210, 0, now - timedelta(minutes=4)),
        Sample(2, "VIP customers with items in the cart", "VIP carts", "in_progress", 1_204, 0, now),
        Sample(3, "Orders to Acme app", "Orders", "warning", 203_118, 37, now - timedelta(hours=2)),
        Sample(4, LONG_NAME, GERMAN, "failed", 990, 990, now - timedelta(days=1)),
        Sample(5, "Newsletter list", "Subscribers", "disabled", 12, 0, now - timedelta(days=40)),
        Sample(6, "Win-back", "Lapsed customers", "pending", None, 0, None),
    ]


def _invalid_form() -> SampleForm:
    answers = {"name": "", "host": "db.internal:5432", "port": "99999", "mode": "upsert", "schedule": "cron"}
    form = SampleForm({f"bad-{name}": answer for name, answer in answers.items()}, prefix="bad")
    form.add_error("host", "Leave the port out; it has its own field.")
    return form


def _nav() -> list[dict[str, Any]]:
    def item(label: str, icon: str, *, active: bool = False) -> dict[str, Any]:
        return {"label": label, "url": "#", "icon": icon, "active": active}

    return [
        {
            "label": "",
            "items": [
                item("Overview", "home"),
                item("Sources", "source"),
                item("Models", "model"),
                item("Destinations", "destination"),
                item("Syncs", "sync", active=True),
            ],
        },
        {"label": "Governance", "items": [item("Audit log", "audit")]},
        {"label": "Workspace", "items": [item("Settings", "settings")]},
    ]


def _chart() -> dict[str, Any]:
    added = [412, 380, 510, 620, 590, 480, 700, 820, 760, 640, 905, 1010, 980, 1204]
    return {
        "labels": [f"{day} Nov" for day in range(9, 23)],
        "series": [
            {"name": "Added", "data": added},
            {"name": "Changed", "data": [round(value * 0.4) for value in added]},
            {"name": "Removed", "data": [round(value * 0.1) for value in added]},
        ],
    }


def _config(cron: str, name: str, batch: int) -> dict[str, Any]:
    return {
        "name": name,
        "schedule": {"type": "cron", "expression": cron},
        "mapping": [{"from": "email", "to": "email"}, {"from": "first_name", "to": "firstName"}],
        "batch_size": batch,
        "destination": "klaviyo",
        "delete_behaviour": "ignore",
        "limits": {"requests_per_second": 10, "concurrency": 4, "timeout_seconds": 30, "retries": 5},
        "owner": "ada@acme.example",
    }


urlpatterns = [path("", styleguide, name="styleguide")]
