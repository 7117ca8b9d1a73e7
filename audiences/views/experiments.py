"""Experiments: the tab of an audience, the groups of a sync, and the list of all."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from audiences import access
from audiences.choices import CalculationKind
from audiences.definitions import schema_with_audiences
from audiences.forms.experiments import ExperimentForm, SyncGroupsForm
from audiences.models import Audience, Calculation, Experiment, SyncGroup
from audiences.query.schema import Surface
from audiences.selectors.experiments import groups_of_sync, running_experiment
from audiences.selectors.settings import settings_here
from audiences.selectors.sync_templates import sync_templates_for
from audiences.services import experiments as services
from audiences.services.syncing import open_for_syncs
from audiences.syncing import audience_of
from audiences.views.audience_tab import AudienceTab
from audiences.views.base import PageView
from audiences.views.intents import forget_intent, intended_group, keep_intent
from audiences.views.syncs import MISSING
from config.errors import HeadraceError, NotFound
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from config.ui.search import matching
from syncs.access import may_change, sync_for, syncs_in_view
from syncs.models import Sync
from syncs.views.sync_detail import SyncPage
from workspaces.access import may

COLUMNS = [
    Column("Audience", sort="audience__name"),
    Column("Groups"),
    Column("Syncs", numeric=True),
    Column("Began", sort="launched_at"),
    Column("Ended", sort="ended_at"),
]


class ExperimentList(PageView):
    """The experiments of all audiences that this person sees, for whose groups there are or were syncs."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        listing = Listing(request, columns=COLUMNS, order="-launched_at")
        seen = access.audiences_in_view(self.actor)
        rows = Experiment.objects.filter(audience__in=seen).select_related("audience__workspace")
        rows = rows.filter(Q(launched_at__isnull=False) | Q(groups__syncs__isnull=False)).prefetch_related("groups")
        rows = rows.annotate(sync_count=Count("groups__syncs__sync", distinct=True))
        page = listing.page(matching(rows, listing.query, "audience__name", "groups__name").distinct())
        context = {"listing": listing, "page": page}
        return render_page(request, "audiences/experiments/list.html", context)


class ExperimentTab(AudienceTab):
    """The groups of an audience."""

    route = "audience_experiments"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The groups with their members and syncs, or what an experiment is for."""
        audience = access.audience_for(self.actor, pk)
        experiment = running_experiment(audience)
        return self._page(audience, experiment, self._form(audience, experiment))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Enable the groups, or change them."""
        audience = access.audience_for(self.actor, pk)
        access.require_build(self.actor, audience.parent_model_id)
        experiment = running_experiment(audience)
        form = self._form(audience, experiment, request.POST)
        if not form.is_valid():
            return self._page(audience, experiment, form, status=422)
        stratify = form.advanced.cleaned_data["stratify"]
        try:
            if experiment is None:
                services.enable_experiment(actor=self.actor, audience=audience, groups=form.groups(), stratify=stratify)
            else:
                anyway = form.advanced.cleaned_data.get("anyway", False)
                services.change_experiment(
                    actor=self.actor, audience=audience, groups=form.groups(), stratify=stratify, anyway=anyway
                )
        except HeadraceError as error:
            return self._page(audience, experiment, form, f"{error.message} {error.hint}".strip(), 422)
        words = "Saved. It holds from the next runs on." if experiment else "Now add a sync for a group."
        return go_to(request, self.url("audience_experiments", pk), words)

    def _form(self, audience: Audience, experiment: Experiment | None, data: Any = None) -> ExperimentForm:
        model = schema_with_audiences(audience.parent_model.source).models.get(str(audience.parent_model_id))
        columns = [
            (column.name, column.title)
            for column in (model.columns if model else ())
            if column.may(Surface.FILTERS) and model and column.name not in model.primary_key
        ]
        return ExperimentForm(data, columns=columns, experiment=experiment)

    def _page(
        self,
        audience: Audience,
        experiment: Experiment | None,
        form: ExperimentForm,
        problem: str = "",
        status: int = 200,
    ) -> HttpResponse:
        calculation = _counted(audience, experiment)
        lines = self._lines(audience, experiment, calculation)
        context = {
            **self.around(audience),
            "experiment": experiment,
            "form": form,
            "problem": problem,
            "calculation": calculation,
            "lines": lines,
            "sent": any(line["syncs"] for line in lines),
            "everybody": self._syncs(audience).exclude(experiment_groups__isnull=False).count(),
            "may_add": may(self.actor, access.ADD_SYNC, parent_model_id=audience.parent_model_id),
            "missing": MISSING,
        }
        part = "audiences/experiments/groups.html"
        return render_page(self.request, "audiences/experiments/tab.html", context, part=part, status=status)

    def _lines(
        self, audience: Audience, experiment: Experiment | None, calculation: Calculation | None
    ) -> list[dict[str, Any]]:
        """The groups, each with its members and the syncs that are for it."""
        if experiment is None:
            return []
        counts = calculation.counts if calculation else {}
        syncs: dict[int, list[Sync]] = defaultdict(list)
        chosen = SyncGroup.objects.filter(group__experiment=experiment, sync__in=self._syncs(audience))
        for row in chosen.select_related("sync__destination"):
            syncs[row.group_id].append(row.sync)
        return [
            {"group": group, "members": counts.get(str(group.pk)), "syncs": syncs[group.pk]}
            for group in experiment.groups.all()
        ]

    def _syncs(self, audience: Audience) -> Any:
        return syncs_in_view(self.actor).filter(model_id=audience.model_id or 0)


class ExperimentAction(PageView):
    """Count the groups, begin a sync for one, or end the experiment."""

    def post(self, request: HttpRequest, pk: int, action: str) -> HttpResponse:
        """Do it and go back to the tab, or on to the sync."""
        audience = access.audience_for(self.actor, pk)
        here = self.url("audience_experiments", pk)
        try:
            if action == "count":
                services.count_groups(actor=self.actor, audience=audience)
                return go_to(request, here)
            if action == "disable":
                services.disable_experiment(actor=self.actor, audience=audience)
                return go_to(request, here, "The experiment has ended. What was logged of it stays.")
            if action == "sync":
                return self._begin(request, audience)
        except HeadraceError as error:
            return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")
        raise NotFound("There is no such action.")

    def _begin(self, request: HttpRequest, audience: Audience) -> HttpResponse:
        """On to the templates with the group ticked, or to the wizard, which knows no groups."""
        experiment, asked = running_experiment(audience), request.POST.get("group", "")
        groups = {str(group.pk): group for group in experiment.groups.all()} if experiment else {}
        if asked not in groups:
            raise NotFound("There is no such group in this experiment.")
        if settings_here().templates_required or sync_templates_for(self.actor, audience):
            return go_to(request, self.url("audience_templates", audience.pk) + f"?group={groups[asked].pk}")
        model = open_for_syncs(actor=self.actor, audience=audience)
        keep_intent(request, model.pk, groups[asked].pk)
        return go_to(request, reverse("syncs:sync_new", args=[self.here.workspace.slug]) + f"?model={model.pk}")


class SyncGroupsPage(SyncPage):
    """The tab of an audience's sync: which groups it is for."""

    route = "audiences:sync_groups"

    def get(self, request: HttpRequest, sync_id: int) -> HttpResponse:
        """The groups that it is for."""
        sync = sync_for(self.actor, sync_id)
        return self._page(sync, None)

    def post(self, request: HttpRequest, sync_id: int) -> HttpResponse:
        """Choose them."""
        sync = sync_for(self.actor, sync_id)
        form = self._form(sync, request.POST)
        if not form.is_valid():
            return self._page(sync, form, status=422)
        ids = [int(pk) for pk in form.cleaned_data["groups"]]
        try:
            services.choose_sync_groups(actor=self.actor, sync=sync, group_ids=ids)
        except HeadraceError as error:
            return self._page(sync, form, f"{error.message} {error.hint}".strip(), 422)
        return go_to(request, self.tab_url(self.route, sync.pk), "Saved. It holds from the next run on.")

    def _form(self, sync: Sync, data: Any = None) -> SyncGroupsForm:
        if not sync.model.of_audience:
            raise NotFound("This sync sends no audience.")
        experiment = running_experiment(audience_of(sync.model_id))
        groups = experiment.groups.all() if experiment else ()
        choices = [(str(group.pk), f"{group.name}, {group.percent} %") for group in groups]
        chosen = [str(group.pk) for group in groups_of_sync(sync)]
        return SyncGroupsForm(data, choices=choices, initial={"groups": chosen})

    def _page(self, sync: Sync, form: SyncGroupsForm | None, problem: str = "", status: int = 200) -> HttpResponse:
        form = form or self._form(sync)
        audience = access.audience_for(self.actor, audience_of(sync.model_id).pk)
        context = {
            "form": form,
            "problem": problem,
            "audience": audience,
            "experiment": running_experiment(audience),
            "chosen": groups_of_sync(sync),
            "may_choose": may_change(self.actor, sync),
        }
        return self.page(sync, "audiences/experiments/sync.html", context, status)


def take_intent(request: HttpRequest, sync: Sync) -> None:
    """A sync was added: where somebody began it at a group, it is for that one."""
    group_id = intended_group(request, sync.model_id)
    if group_id is not None:
        services.choose_sync_groups(actor=request.actor, sync=sync, group_ids=[group_id])  # type: ignore[attr-defined]
        forget_intent(request)


def _counted(audience: Audience, experiment: Experiment | None) -> Calculation | None:
    """The newest count of the groups."""
    if experiment is None:
        return None
    question = {"experiment": experiment.pk}
    rows = Calculation.objects.filter(audience=audience, kind=CalculationKind.GROUPS, question=question)
    return rows.select_related("parent_model__source").first()
