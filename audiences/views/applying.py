"""Sending an audience by templates: choosing them, filling in what they leave open, and leaving them again."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from audiences import access
from audiences.models import Audience, ExperimentGroup, SyncTemplate
from audiences.selectors.experiments import running_experiment
from audiences.selectors.settings import settings_here
from audiences.selectors.sync_templates import sync_templates_for
from audiences.services import following as services
from audiences.services.syncing import open_for_syncs
from audiences.sync_templates import locks_of
from audiences.views.base import PageView, StudioAddress, id_in
from audiences.views.beginning import steps_of
from config.errors import HeadraceError, NotFound
from config.htmx import go_to, render_page
from connectors import catalog
from connectors.access import allowed
from connectors.choices import Kind
from connectors.secrets import decrypt
from connectors.selectors import destinations
from governance.approvals.access import open_draft
from governance.approvals.choices import Way
from syncs.access import may_configure, may_draft, sync_for
from syncs.drafts import SYNC
from syncs.drafts.state import CONFIGURATION, schedule_in
from syncs.forms.syncs import SyncForm
from syncs.locks import Locks, words_of
from syncs.models import Model, Sync
from syncs.views.base import PageView as SyncsPageView
from syncs.views.publication import Publication, for_new, way_of
from syncs.views.sync_wizard import Configure
from workspaces.access import may
from workspaces.permissions import Permission


class ApplyTemplates(PageView):
    """Which templates an audience is sent by; also the last, optional step of a new audience."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The templates of its parent model."""
        return self._page(access.audience_for(self.actor, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Add a sync for each that was ticked."""
        audience = access.audience_for(self.actor, pk)
        chosen = {id_in(sent) for sent in request.POST.getlist("template")}
        templates = [row for row in sync_templates_for(self.actor, audience) if row.pk in chosen]
        way = way_of(request)
        try:
            if adjusted := id_in(request.POST.get("adjust", "")):
                open_for_syncs(actor=self.actor, audience=audience)
                groups = sent_ids(request, f"groups-{adjusted}")
                to = self.url("audience_template", pk, adjusted)
                return go_to(request, f"{to}?{urlencode({'group': groups}, doseq=True)}" if groups else to)
            made = services.apply_sync_templates(
                actor=self.actor,
                audience=audience,
                templates=templates,
                way=kept(way, len(templates)),
                groups={row.pk: sent_ids(request, f"groups-{row.pk}") for row in templates},
            )
        except HeadraceError as error:
            return self._page(audience, error, chosen, 422)
        return added(self, audience, made, way)

    def _page(
        self,
        audience: Audience,
        problem: HeadraceError | None = None,
        chosen: set[int] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        rows = sync_templates_for(self.actor, audience)
        groups = groups_of(audience)
        wanted = sent_ids(self.request, "group")
        lines = [self._line(row, groups, wanted) for row in rows]
        required = settings_here().templates_required
        chosen_before = {"parent": audience.parent_model.name, "define": audience.name}
        back = self.url("audience_definition", audience.pk)
        context = {
            "audience": audience,
            "lines": lines,
            "chosen": chosen or set(),
            "problem": problem,
            "new": "new" in self.request.GET,
            "steps": steps_of("sync", chosen_before, self.here.workspace.slug, back),
            "required": required,
            "destinations": [] if required else self._destinations(),
            "may_connect": may(self.actor, Permission.CREATE_DESTINATION),
            "may_make": access.may_make_templates(self.actor, audience.parent_model.source_id),
            "publication": publication_of(self, audience, rows),
            "some": any(line["may"] and not line["done"] and not line["blank"] for line in lines),
            "groups": groups,
            "wanted": wanted[0] if wanted else "",
            "breadcrumb": [
                {"label": "Audiences", "url": self.url("audiences")},
                {"label": audience.name, "url": audience.get_absolute_url()},
            ],
        }
        return render_page(self.request, "audiences/sync_templates/apply.html", context, status=status)

    def _destinations(self) -> list[dict[str, Any]]:
        """Where this person may set up a sync without a template."""
        return [
            {"destination": each, "entry": catalog.known_entry(Kind.DESTINATION, each.type)}
            for each in destinations()
            if allowed(self.actor, each, Permission.DRAFT_TO_DESTINATION)
        ]

    def _line(self, template: SyncTemplate, groups: list[ExperimentGroup], wanted: list[int]) -> dict[str, Any]:
        """A template: ``done`` where another sync by it would send the same members the same way."""
        name = f"groups-{template.pk}"
        return {
            "blank": [words_of(path) for path in template.left_blank],
            "done": template.used and not template.left_blank and not groups,  # type: ignore[attr-defined]
            "groups_name": name,
            "groups": set(sent_ids(self.request, name) or wanted),
            "template": template,
            "entry": catalog.known_entry(Kind.DESTINATION, template.destination.type),
            "schedule": schedule_in(template.state),
            "open": [words_of(path) for path in template.unlocked],
            "may": allowed(self.actor, template.destination, Permission.DRAFT_TO_DESTINATION),
        }


class AddFromTemplate(StudioAddress, Configure):
    """The configuration of a sync by a template before it is made: what is unlocked can be filled in."""

    template = "audiences/sync_templates/fill_in.html"
    audience: Audience
    row: SyncTemplate

    def load(self, *pks: int) -> None:
        """The audience and template of the address."""
        self.audience = access.audience_for(self.actor, pks[0])
        self.row = access.sync_template_for(self.actor, pks[1])
        if self.row.parent_model_id != self.audience.parent_model_id:
            raise NotFound("There is no such template for this audience.")
        self.destination = self.row.destination
        if self.audience.model is None:
            raise NotFound("The audience was never sent. Choose the template in its list of templates.")
        self.model = self.audience.model

    @cached_property
    def locks(self) -> Locks:
        """What the template locks."""
        return locks_of(self.row)

    def stored(self) -> dict[str, Any]:
        """The template's configuration."""
        return {name: self.row.state[name] for name in CONFIGURATION}

    def save(self, form: SyncForm, way: Way) -> list[Sync]:  # type: ignore[override]
        """Make the sync."""
        self.way = way
        own = {self.row.pk: form.proposal()}
        return services.apply_sync_templates(
            actor=self.actor,
            audience=self.audience,
            templates=[self.row],
            way=kept(way, 1),
            own=own,
            groups={self.row.pk: sent_ids(self.request, "group")},
        )

    def leave(self, sync: Any) -> HttpResponse:
        """On to the sync, or to where approval is asked for."""
        return added(self, self.audience, sync, self.way)

    def publication(self) -> Publication:
        """What can become of it."""
        return publication_of(self, self.audience, [self.row])

    def around(self) -> dict[str, Any]:
        """No step of the wizard: model, destination and schedule are the template's."""
        return {
            "spaces": [],
            "from_template": self.row,
            "audience": self.audience,
            "groups": groups_of(self.audience),
            "chosen_groups": sent_ids(self.request, "group"),
            "after": "audiences/sync_templates/parts/groups.html",
            "actions": "syncs/parts/publication.html",
            "now": "Add sync",
        }

    def breadcrumb(self) -> list[dict[str, str]]:
        """The way back, by the audience."""
        return [
            {"label": "Audiences", "url": self.studio("audiences")},
            {"label": self.audience.name, "url": self.audience.get_absolute_url()},
            {"label": "Add syncs", "url": self.studio("audience_templates", self.audience.pk)},
        ]

    def _secret_times(self) -> dict[str, str]:
        return dict.fromkeys(decrypt(self.row.sealed_settings), self.row.updated_at.isoformat())


class DetachSync(PageView):
    """Letting a sync go its own way."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Detach, and stay with the sync."""
        sync = sync_for(self.actor, pk)
        return _done(
            request, sync, lambda: services.detach_sync(actor=self.actor, sync=sync), "Detached: it goes its own way."
        )


class FollowTemplate(PageView):
    """Bringing a sync up to date with its template."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Live where that is possible, else as a draft."""
        sync, way = sync_for(self.actor, pk), way_of(request)
        words = "It follows the template again." if way is Way.NOW else "The change waits as a draft."
        return _done(request, sync, lambda: services.follow_template(actor=self.actor, sync=sync, way=way), words)


def groups_of(audience: Audience) -> list[ExperimentGroup]:
    """The groups of the audience's experiment that a sync can be for."""
    experiment = running_experiment(audience)
    return list(experiment.groups.all()) if experiment else []


def sent_ids(request: HttpRequest, name: str) -> list[int]:
    """The ids that were ticked, or that the address names."""
    sent = request.POST if request.method == "POST" else request.GET
    return [found for found in map(id_in, sent.getlist(name)) if found]


def publication_of(view: SyncsPageView, audience: Audience, templates: Any) -> Publication:
    """What can become of syncs of an audience: live at once where the person may publish every one of them."""
    model = audience.model or Model(pk=0, source=audience.parent_model.source, parent_model_id=audience.parent_model_id)
    may = all(
        may_configure(view.actor, model, each.destination_id)
        for each in templates
        if may_draft(view.actor, model, each.destination_id)
    )
    return for_new(view.actor, may_publish=may)


def kept(way: Way, number: int) -> Way:
    """A single sync is submitted on the page where reviewers are chosen; several are submitted at once."""
    return Way.DRAFT if way is Way.SUBMIT and number == 1 else way


def added(view: SyncsPageView, audience: Audience, made: list[Sync], way: Way) -> HttpResponse:
    """On from adding syncs: a single request goes on to who is asked."""
    slug = view.here.workspace.slug
    syncs = reverse("audiences:audience_syncs", args=[slug, audience.pk])
    draft = open_draft(SYNC, made[0].pk) if len(made) == 1 else None
    if draft is not None and way is Way.SUBMIT:
        return go_to(view.request, reverse("approvals:submit", args=[slug, draft.pk]))
    count = f"{len(made)} syncs" if len(made) > 1 else f"The sync to {made[0].destination}"
    were = "were" if len(made) > 1 else "was"
    words = {Way.NOW: f"{were} added.", Way.SUBMIT: f"wait{'' if len(made) > 1 else 's'} for approval."}
    return go_to(view.request, syncs, f"{count} {words.get(way, f'{were} added as drafts.')}")


def _done(request: HttpRequest, sync: Sync, act: Any, words: str) -> HttpResponse:
    here = reverse("syncs:sync_configuration", args=[sync.workspace.slug, sync.pk])
    try:
        act()
    except HeadraceError as error:
        return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")
    return go_to(request, here, words)
