"""One sync: its runs, configuration, schedule and history, and what can be done to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from config.errors import HeadraceError
from config.htmx import go_to, render_page, wants_part
from config.ui.listing import Column, Filter, Listing
from connectors import catalog
from connectors.access import can_host_planner, may_manage
from connectors.choices import MODE_WORDS, Kind
from connectors.fields_table import described_settings
from connectors.sdk.destination import FirstRun, Mode, Removal
from connectors.sdk.types import Operation
from governance.approvals.access import open_draft
from syncs import access, services
from syncs.choices import PendingReset
from syncs.codec import load
from syncs.configuration import definition_of
from syncs.configuration_json import written
from syncs.drafts import SYNC
from syncs.drafts.state import CONFIGURATION, put_sync_state, whole_of
from syncs.engine import operations_sent
from syncs.engine.guardrails import Guardrails
from syncs.engine.spec import RunSpec
from syncs.forms.guardrails import described
from syncs.forms.mapping import KINDS, line_of, summary_of
from syncs.forms.schedule import ScheduleForm
from syncs.forms.syncs import FIRST_RUN_WORDS, REMOVAL_WORDS
from syncs.locks import SCHEDULE, locks_of
from syncs.models import Run, Sync
from syncs.origins import origin_of
from syncs.resync import clears, resync_criteria, tracks_removals
from syncs.retries import can_retry, unsettled_rows
from syncs.schedules import Schedule
from syncs.selectors import list_runs, sequences_with
from syncs.selectors.alerts import rollups
from syncs.selectors.matches import newest_matches, reports_matches
from syncs.views.base import PageView, activity_context, pill_key, sync_pill
from syncs.views.publication import for_sync, leave, revision_of, way_of
from syncs.views.scheduling import first_problem, proposal
from syncs.views.sync_wizard import sentence_of, steps_of
from workspaces.favourites import opened

TABS = (
    ("sync", "Runs"),
    ("sync_configuration", "Configuration"),
    ("sync_schedule", "Schedule"),
    ("sync_alerts", "Alerts"),
    ("sync_logs", "Sync logs"),
    ("sync_versions", "Versions"),
    ("sync_activity", "Activity"),
)
OPERATION_COLUMNS = {operation: Column(operation.value.capitalize(), numeric=True) for operation in Operation}
RUN_COLUMNS = [
    Column("Status", fit=True),
    Column("Run"),
    Column("Started"),
    Column("Took", numeric=True),
    Column("Queried", numeric=True),
    *OPERATION_COLUMNS.values(),
    Column("Successful", numeric=True),
    Column("Rejected", numeric=True),
]
HIDDEN_RUNS = Filter.of("hide", "Hide runs", [("empty", "with nothing to send"), ("fruitless", "without a success")])


class SyncPage(PageView):
    """What the tabs share."""

    route = "sync"

    def page(
        self, sync: Sync, template: str, context: dict[str, Any] | None = None, status: int = 200, part: str = ""
    ) -> HttpResponse:
        """Render one tab."""
        configure = access.may_configure(self.actor, sync.model, sync.destination_id)
        publication, origin = for_sync(self.actor, sync), origin_of(sync.model)
        rollup = rollups([sync.pk])[sync.pk]
        tabs: list[dict[str, Any]] = [
            {"label": label, "url": self.tab_url(route, sync.pk), "active": route == self.route}
            for route, label in (TABS[0], *(origin.tabs if origin else ()), *TABS[1:])
            if route != "sync_logs" or can_host_planner(sync.model.source)
        ]
        if rollup.active:
            next(tab for tab in tabs if tab["label"] == "Alerts")["count"] = rollup.active
        may_trigger = sync.published and access.may_trigger(self.actor, sync)
        running = sync.last_run if sync.last_run and sync.last_run.live else None
        whole = {
            "sync": sync,
            "star": opened(self.here, "sync", sync),
            "rollup": rollup,
            "pill": sync_pill(sync),
            "running": running,
            "sentence": sentence_of(sync),
            "mode_words": MODE_WORDS[Mode(sync.mode)],
            "schedule": sync.schedule,
            "source_entry": catalog.known_entry(Kind.SOURCE, sync.model.source.type),
            "destination_entry": catalog.known_entry(Kind.DESTINATION, sync.destination.type),
            "resync_criteria": resync_criteria(sync),
            "clears": clears(sync),
            "match": newest_matches([sync]).get(sync.pk),
            "reports": reports_matches(sync),
            "tracks_removals": tracks_removals(sync),
            "unsettled": unsettled_rows(sync),
            "may_retry": not running and may_trigger and can_retry(sync),
            "may_configure": configure and sync.published,
            "may_edit": access.may_draft(self.actor, sync.model, sync.destination_id),
            "publication": publication,
            "draft": publication.draft,
            "may_trigger": may_trigger,
            "may_release": may_manage(self.actor, sync.destination),
            "rename_url": self.url("sync_rename", sync.pk) if access.may_change(self.actor, sync) else "",
            "tabs": tabs,
            "breadcrumb": [self.crumb("Syncs", "syncs")],
            **(context or {}),
        }
        return render_page(self.request, template, whole, part=part, status=status)

    def tab_url(self, route: str, pk: int) -> str:
        """The address of a tab: of this app, or of another (``app:name``) that makes the sync's rows."""
        return reverse(route if ":" in route else f"syncs:{route}", args=[self.here.workspace.slug, pk])


class SyncRuns(SyncPage):
    """The runs of the sync, newest first."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The first tab."""
        sync = access.sync_for(self.actor, pk)
        listing = Listing(request, columns=RUN_COLUMNS, filters=[HIDDEN_RUNS])
        hidden = listing.chosen("hide")
        runs = list_runs(self.actor, sync=sync, hide_empty="empty" in hidden, hide_unsuccessful="fruitless" in hidden)
        page = listing.page(runs)
        shown = _operations(sync, page.rows)
        listing.columns = [c for c in listing.columns if c.label not in {x.label for x in OPERATION_COLUMNS.values()}]
        before = [column.label for column in listing.columns].index("Successful")
        listing.columns[before:before] = [OPERATION_COLUMNS[operation] for operation in shown]
        lines = [
            {
                "run": run,
                "pill": pill_key(run.words.run_page),
                "planned": [getattr(run, f"planned_{operation}") for operation in shown],
            }
            for run in page.rows
        ]
        # Once the run that was watched has ended, the part fetches the rest of the page: status and buttons change.
        ended = wants_part(request) and not (sync.last_run and sync.last_run.live)
        context = {
            "listing": listing,
            "page": page,
            "lines": lines,
            "ended": ended,
            "sequences": sequences_with(self.actor, sync),
        }
        return self.page(sync, "syncs/syncs/runs.html", context, part="syncs/syncs/parts/runs.html")


def _operations(sync: Sync, runs: Sequence[Run]) -> list[Operation]:
    """The operations that the sync sends, and those that runs of an earlier configuration sent."""
    sent = operations_sent(load(RunSpec, sync.last_run.spec)) if sync.last_run else frozenset(Operation)
    return [o for o in Operation if o in sent or any(getattr(run, f"planned_{o}") for run in runs)]


class SyncConfiguration(SyncPage):
    """How rows become records, to read; the form to change it has its own page."""

    route = "sync_configuration"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab."""
        sync = access.sync_for(self.actor, pk)
        kind = definition_of(sync.destination).sync_type(sync.sync_type)
        context = {
            "kind": kind,
            "mode": kind.mode(Mode(sync.mode)),
            "removal_words": REMOVAL_WORDS[Removal(sync.removal)],
            "first_run_words": FIRST_RUN_WORDS[FirstRun(sync.first_run)],
            "settings": described_settings(kind.settings, sync.settings),
            "may_try": access.may_try(self.actor, sync),
            "locks": (locks := locks_of(sync)),
            "behind": locks.behind(whole_of(sync)) if locks else [],
            "as_json": written(kind, {name: getattr(sync, name) for name in CONFIGURATION}),
            "guardrails": described(load(Guardrails, sync.guardrails)),
            "mappings": [
                {**mapping, "words": KINDS[mapping["kind"]], "summary": summary_of(mapping["kind"], line_of(mapping))}
                for mapping in sync.mappings
            ],
        }
        return self.page(sync, "syncs/syncs/configuration.html", context)


class SyncSchedule(SyncPage):
    """When the sync runs by itself; also the last step of adding one."""

    route = "sync_schedule"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form with what is stored."""
        sync = self._drafted(access.sync_for(self.actor, pk))
        return self._page(sync, self._stored(sync), sync.schedule)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save; a new sync may be run right away. ``words`` only shows what would happen."""
        sync = self._drafted(access.sync_for(self.actor, pk))
        form = ScheduleForm(request.POST)
        if request.POST.get("action") == "jobs":
            form.read_jobs()
            return self._page(sync, form, sync.schedule)
        schedule = form.chosen()
        if request.POST.get("action") == "words":
            return self._page(sync, self._stored(sync), schedule, problem=first_problem(form))
        if schedule is None:
            return self._page(sync, form, sync.schedule, status=422)
        try:
            return self._save(sync, form, schedule)
        except HeadraceError as error:
            form.add_error(None, f"{error.message} {error.hint}".strip())
            return self._page(sync, form, sync.schedule, status=422)

    def _drafted(self, sync: Sync) -> Sync:
        """The sync (unsaved) as its draft has it, for those who may edit that."""
        draft = open_draft(SYNC, sync.pk)
        may_edit = access.may_draft(self.actor, sync.model, sync.destination_id)
        return put_sync_state(sync, draft.proposed) if draft and may_edit else sync

    def _stored(self, sync: Sync) -> ScheduleForm:
        return ScheduleForm.of(sync, name=sync.name or f"{sync.model} to {sync.destination}")

    def _save(self, sync: Sync, form: ScheduleForm, schedule: Schedule) -> HttpResponse:
        if "new" in self.request.GET and form.cleaned_data["name"]:
            services.update_sync(actor=self.actor, sync=sync, name=form.cleaned_data["name"])
        if self.request.POST.get("action") != "run":
            draft = services.change_sync(
                actor=self.actor,
                sync=sync,
                change=services.SyncChange(schedule=schedule),
                way=way_of(self.request),
                revision=revision_of(self.request),
            )
            slug, to = self.here.workspace.slug, self.url("sync", sync.pk)
            return leave(self.request, slug, draft, way_of(self.request), to=to, live="Saved.")
        # The run comes first: an interval then counts from it, instead of starting a run of its own.
        run = services.start_run(actor=self.actor, sync=sync)
        services.set_schedule(actor=self.actor, sync=sync, schedule=schedule)
        return go_to(self.request, self.url("run", sync.pk, run.pk), "Sync saved. The first run has started.")

    def _page(
        self, sync: Sync, form: ScheduleForm, proposed: Schedule | None, *, status: int = 200, problem: str = ""
    ) -> HttpResponse:
        sentence = sentence_of(sync, proposed) if proposed else ""
        sequences = sequences_with(self.actor, sync)
        locks = locks_of(sync)
        context: dict[str, Any] = {
            "form": form,
            "sequences": sequences,
            "locked": locks.reason if locks and not locks.is_open(SCHEDULE) else "",
            **proposal(sync, proposed, sentence, problem),
        }
        if "new" not in self.request.GET:
            del form.fields["name"]
            return self.page(sync, "syncs/syncs/schedule.html", context, status)
        chosen = {
            "model": (str(sync.model), sync.model.get_absolute_url()),
            "destination": (str(sync.destination), ""),
            "configure": (MODE_WORDS[Mode(sync.mode)], self.url("sync_edit", sync.pk)),
        }
        return self.page(
            sync, "syncs/syncs/finish.html", {**context, "steps": steps_of("schedule", chosen, sync.model)}, status
        )


class SyncActivity(SyncPage):
    """What the audit log says of the sync."""

    route = "sync_activity"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab, newest first."""
        sync = access.sync_for(self.actor, pk)
        return self.page(sync, "syncs/syncs/activity.html", activity_context(request, "sync", sync))


class SyncAction(PageView):
    """The buttons of a sync: each is one service and one sentence."""

    def post(self, request: HttpRequest, pk: int, action: str) -> HttpResponse:
        """Do it and go to where its effect shows."""
        sync = access.sync_for(self.actor, pk)
        here = self.url("sync", pk)
        try:
            if action in ("run", "resync", "clear"):
                run = services.start_run(
                    actor=self.actor, sync=sync, full_resync=action == "resync", clear=action == "clear"
                )
                return go_to(request, self.url("run", sync.pk, run.pk), "The run has started.")
            if action == "retry":
                run = services.retry_rows(actor=self.actor, sync=sync)
                return go_to(request, self.url("run", sync.pk, run.pk), "The rows are being tried again.")
            return go_to(request, here, self._do(sync, action))
        except HeadraceError as error:
            return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")

    def _do(self, sync: Sync, action: str) -> str:
        match action:
            case "reset":
                services.reset_sync(actor=self.actor, sync=sync, reset=PendingReset.RESET)
                return "The next run remembers the rows and sends nothing."
            case "keep":
                services.reset_sync(actor=self.actor, sync=sync, reset=PendingReset.NONE)
                return "The next run sends what changed, as usual."
            case "pause":
                services.pause_sync(actor=self.actor, sync=sync)
                return "Paused. No run starts until it is resumed."
            case "resume":
                services.resume_sync(actor=self.actor, sync=sync)
                return "Resumed."
            case "disable":
                services.disable_schedule(actor=self.actor, sync=sync)
                return "The schedule is off. The sync still runs when somebody or something asks."
            case "enable":
                services.enable_schedule(actor=self.actor, sync=sync)
                return "The schedule is on."
            case _:
                raise Http404


class RenameSync(PageView):
    """The inline rename of the page header."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rename and stay on the page."""
        sync = access.sync_for(self.actor, pk)
        try:
            services.update_sync(actor=self.actor, sync=sync, name=request.POST.get("name", ""))
        except HeadraceError as error:
            return go_to(request, self.url("sync", pk), error.message, tone="bad")
        return go_to(request, self.url("sync", pk), "Renamed.")


class DeleteSync(PageView):
    """Removal, after the name was typed."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the list."""
        sync = access.sync_for(self.actor, pk)
        if request.POST.get("confirm_name", "").strip() != str(sync):
            return go_to(request, self.url("sync", pk), "Type the name of the sync to delete it.", tone="bad")
        try:
            services.delete_sync(actor=self.actor, sync=sync)
        except HeadraceError as error:
            return go_to(request, self.url("sync", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("syncs"), f"Sync “{sync}” was deleted. What it delivered stays.")
