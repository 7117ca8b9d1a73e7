"""Templates of audience syncs: the list, one template with the syncs that follow it, and its editor."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.choices import ModelKind
from audiences.models import SchemaModel, SyncTemplate
from audiences.selectors.settings import settings_here
from audiences.selectors.sync_templates import followers_of, with_counts
from audiences.services import sync_templates as services
from audiences.sync_templates import stand_in
from audiences.template_tabs import TABS
from audiences.views.base import PageView, StudioAddress, id_in
from audiences.views.templates import template_tabs
from config.errors import HeadraceError
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from config.ui.search import matching
from connectors import access as connections
from connectors import catalog, selectors
from connectors.choices import Kind
from connectors.secrets import decrypt
from governance.approvals.choices import Way
from syncs.blanks import Blanks
from syncs.configuration import Proposal, check_proposal, definition_of
from syncs.drafts.showing import sync_parts
from syncs.drafts.state import CONFIGURATION, guardrails_in, put_sync_state, schedule_in
from syncs.engine.guardrails import Guardrails
from syncs.forms.guardrails import GuardrailsForm
from syncs.forms.locking import Locking, chosen_open
from syncs.forms.schedule import ScheduleForm
from syncs.forms.syncs import SyncForm
from syncs.locks import words_of
from syncs.models import Sync
from syncs.schedules import Schedule
from syncs.views.publication import Publication, for_new
from syncs.views.sync_wizard import MAPPING_HEADINGS, Configure

COLUMNS = [
    Column("Name", sort="name"),
    Column("Audiences of", sort="parent_model__name"),
    Column("Destination", sort="destination__name"),
    Column("Syncs", sort="followers", numeric=True),
    Column("Last change", sort="updated_at"),
]
FOLLOWERS = [Column("Sync"), Column("Follows"), Column("Its own")]
LINES = [*MAPPING_HEADINGS[:-1], Column("Locked", fit=True), MAPPING_HEADINGS[-1]]
MISSING = (
    "It takes the right to configure the schema of the source and to draft syncs to the destination, both within one "
    "group. A workspace admin can give them."
)


class DetailsForm(forms.Form):
    """What a template is called."""

    use_required_attribute = False

    name = forms.CharField(max_length=200, help_text="By purpose: “Loyalty e-mail list”, “Suppression in ads”.")
    description = forms.CharField(required=False, widget=forms.Textarea({"rows": 2}))


class SyncTemplateList(PageView):
    """All templates of audience syncs."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list."""
        listing = Listing(request, columns=COLUMNS, order="name")
        rows = matching(with_counts(access.sync_templates_in_view(self.actor)), listing.query, "name", "description")
        page = listing.page(rows)
        context = {
            "listing": listing,
            "page": page,
            "lines": [
                {"template": row, "entry": catalog.known_entry(Kind.DESTINATION, row.destination.type)}
                for row in page.rows
            ],
            "tabs": template_tabs(self.here.workspace.slug, TABS[1]),
            "may_make": access.may_make_templates(self.actor),
            "missing": MISSING,
            "required": settings_here().templates_required,
        }
        return render_page(request, "audiences/sync_templates/list.html", context)


class NewSyncTemplate(PageView):
    """The first steps of a new template: whose audiences, and where they go."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Whatever is not chosen yet."""
        parents = self._parents()
        parent = parents.get(id_in(request.GET.get("parent", "")))
        context = {
            "parents": list(parents.values()),
            "parent": parent,
            "rows": self._destinations(parent) if parent else [],
            "breadcrumb": [{"label": "Sync templates", "url": self.url("sync_templates")}],
            "missing": MISSING,
        }
        return render_page(request, "audiences/sync_templates/choose.html", context)

    def _parents(self) -> dict[int, SchemaModel]:
        rows = SchemaModel.objects.select_related("source").filter(kind=ModelKind.PARENT, archived_at=None)
        return {row.pk: row for row in rows.order_by("name") if access.may_configure(self.actor, row.source_id)}

    def _destinations(self, parent: SchemaModel) -> list[dict[str, Any]]:
        return [
            {
                "destination": each,
                "entry": catalog.known_entry(Kind.DESTINATION, each.type),
                "url": self.url("sync_template_define", parent.pk, each.pk),
            }
            for each in selectors.destinations()
            if access.may_make_templates(self.actor, parent.source_id, each.pk)
        ]


class DefineTemplate(StudioAddress, Configure):
    """The editor of a new template: the form of any sync, with a lock beside each field."""

    template = "audiences/sync_templates/editor.html"
    parent: SchemaModel
    row: SyncTemplate | None = None

    def load(self, *pks: int) -> None:
        """The parent model and destination of the address."""
        self.parent = access.parent_for_templates(self.actor, pks[0], pks[1])
        self.destination = connections.destination_for(self.actor, pks[1])
        self._stand_in()

    def _stand_in(self) -> None:
        self.model, self.model_columns = stand_in(self.parent)

    @cached_property
    def columns(self) -> dict[str, str]:
        """The columns that every audience of the parent model has."""
        return {column.name: column.effective_type for column in self.model_columns}

    @cached_property
    def details(self) -> DetailsForm:
        """What it is called."""
        return DetailsForm(self._sent, initial=self._described())

    @cached_property
    def schedule(self) -> ScheduleForm:
        """When its syncs run."""
        like = put_sync_state(Sync(), self.row.state) if self.row else Sync()
        form = (ScheduleForm(self._sent) if self._sent else ScheduleForm.of(like)).without_jobs()
        del form.fields["name"]
        return form

    @cached_property
    def guardrails(self) -> GuardrailsForm:
        """When runs of its syncs are held."""
        if self._sent:
            return GuardrailsForm(self._sent)
        return GuardrailsForm.of(guardrails_in(self.row.state) if self.row else Guardrails())

    @property
    def _sent(self) -> Any:
        return self.request.POST if self.request.method == "POST" else None

    def _described(self) -> dict[str, str]:
        return {"name": self.row.name, "description": self.row.description} if self.row else {}

    def locking(self) -> Locking:
        """The locks to turn."""
        if self._sent and "lockable" in self.request.POST:
            form = SyncForm(
                self.request.POST,
                kind=self.kind,
                columns=self.columns,
                fields=(),
                choices_url="",
                locking=Locking.choosing(self.kind, ()),
            )
            return Locking.choosing(
                self.kind, chosen_open(self.request.POST, form.lines.forms if self.kind.mapping else ())
            )
        return Locking.choosing(self.kind, self.row.unlocked if self.row else ())

    def check(self, proposal: Proposal) -> None:
        """Raise where a save would."""
        blanks = Blanks(self.locking().open)
        check_proposal(self.model, self.destination, proposal, columns=self.model_columns, blanks=blanks)

    def save(self, form: SyncForm, way: Way) -> Any:
        """Store the template."""
        if not self.details.is_valid():
            raise HeadraceError("Give the template a name.")
        return self.store(self.pattern(form), way)

    def pattern(self, form: SyncForm) -> services.Pattern:
        """What was typed."""
        schedule = self.schedule.chosen()
        if schedule is None or not self.guardrails.is_valid():
            raise HeadraceError("Correct the schedule and the guardrails below.")
        return services.Pattern(
            proposal=form.proposal(),
            schedule=schedule,
            guardrails=self.guardrails.guardrails(),
            unlocked=self.locking().open,
        )

    def store(self, pattern: services.Pattern, way: Way) -> SyncTemplate:
        """Add the template."""
        return services.create_sync_template(
            actor=self.actor,
            parent=self.parent,
            destination=self.destination,
            pattern=pattern,
            **self.details.cleaned_data,
        )

    def leave(self, sync: Any) -> HttpResponse:
        """On to the template."""
        return go_to(self.request, sync.get_absolute_url(), f"The template “{sync.name}” was saved.")

    def publication(self) -> Publication:
        """A template itself is no draft; the syncs that follow it may become some."""
        return for_new(self.actor, may_publish=True)

    def mapping_headings(self) -> list[Column]:
        """With the locks."""
        return LINES

    def value_url(self) -> str:
        """The dialog of values, for the columns of the parent model."""
        return self.studio("sync_template_value", self.parent.pk, self.destination.pk)

    def around(self) -> dict[str, Any]:
        """Name, schedule and guardrails around the form of a sync."""
        return {
            "row": self.row,
            "parent": self.parent,
            "details": self.details,
            "schedule_form": self.schedule,
            "guardrails_form": self.guardrails,
            "spaces": [],
            "before": "audiences/sync_templates/parts/details.html",
            "after": "audiences/sync_templates/parts/timing.html",
            "actions": "audiences/sync_templates/parts/actions.html",
            "may_see_rows": False,
            "followers": self.row.derived.count() if self.row else 0,
        }

    def breadcrumb(self) -> list[dict[str, str]]:
        """The way back."""
        crumbs = [{"label": "Sync templates", "url": self.studio("sync_templates")}]
        return [*crumbs, {"label": self.row.name, "url": self.row.get_absolute_url()}] if self.row else crumbs


class EditTemplate(DefineTemplate):
    """The same form for a saved template."""

    def load(self, *pks: int) -> None:
        """The template of the address."""
        self.row = access.sync_template_for(self.actor, pks[0])
        access.require_template_change(self.actor, self.row)
        self.parent, self.destination = self.row.parent_model, self.row.destination
        self._stand_in()

    def stored(self) -> dict[str, Any]:
        """The saved configuration."""
        assert self.row is not None
        stored = {name: self.row.state[name] for name in CONFIGURATION}
        return stored if self.request.GET.get("type", stored["sync_type"]) == stored["sync_type"] else {}

    def store(self, pattern: services.Pattern, way: Way) -> SyncTemplate:
        """Change it, and what follows it."""
        assert self.row is not None
        return services.update_sync_template(
            actor=self.actor, template=self.row, pattern=pattern, way=way, **self.details.cleaned_data
        )

    def _secret_times(self) -> dict[str, str]:
        assert self.row is not None
        if self.kind.key != self.row.state["sync_type"]:
            return {}
        return dict.fromkeys(decrypt(self.row.sealed_settings), self.row.updated_at.isoformat())


class SyncTemplatePage(PageView):
    """One template: what it decides, and the syncs that follow it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page."""
        template = access.sync_template_for(self.actor, pk)
        found, hidden = followers_of(self.actor, template)
        source = template.parent_model.source_id
        schedule: Schedule = schedule_in(template.state)
        context = {
            "template": template,
            "entry": catalog.known_entry(Kind.DESTINATION, template.destination.type),
            "kind": definition_of(template.destination).sync_type(template.state["sync_type"]),
            "parts": sync_parts(template.destination, None, template.state, resealed=False),
            "schedule": schedule,
            "unlocked": [words_of(path) for path in template.unlocked],
            "blank": [words_of(path) for path in template.left_blank],
            "followers": found,
            "hidden": hidden,
            "columns": FOLLOWERS,
            "required": settings_here().templates_required,
            "may_change": access.may_make_templates(self.actor, source, template.destination_id),
            "missing": MISSING,
            "breadcrumb": [{"label": "Sync templates", "url": self.url("sync_templates")}],
        }
        return render_page(request, "audiences/sync_templates/detail.html", context)


class CloneTemplate(PageView):
    """A copy."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Copy, and open the copy's editor."""
        template = access.sync_template_for(self.actor, pk)
        try:
            copy = services.clone_sync_template(actor=self.actor, template=template)
        except HeadraceError as error:
            return go_to(request, template.get_absolute_url(), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, copy.get_absolute_url(), f"“{copy.name}” is a copy of “{template.name}”.")


class DeleteTemplate(PageView):
    """Removal, after the name was typed."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the list."""
        template = access.sync_template_for(self.actor, pk)
        if request.POST.get("confirm_name", "").strip() != template.name:
            words = "Type the name of the template to delete it."
            return go_to(request, template.get_absolute_url(), words, tone="bad")
        try:
            services.delete_sync_template(actor=self.actor, template=template)
        except HeadraceError as error:
            return go_to(request, template.get_absolute_url(), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("sync_templates"), f"“{template.name}” was deleted.")
