"""One sequence: its runs, steps, schedule and history, and what can be done to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from config.errors import HeadraceError, NotFound
from config.htmx import go_to, render_page, wants_part
from config.ui.listing import Column, Listing
from syncs import access, services
from syncs.choices import OPEN_STEPS, SequenceStepState
from syncs.forms.schedule import ScheduleForm
from syncs.models import Sequence, SequenceRun, SequenceRunStep
from syncs.schedules import Schedule
from syncs.selectors import destinations_of, list_sequence_runs, sequence_steps, steps_of_run
from syncs.sentences import sequence_sentence
from syncs.views.base import PageView, activity_context
from syncs.views.scheduling import first_problem, proposal
from workspaces.favourites import opened

TABS = (
    ("sequence", "Runs"),
    ("sequence_steps", "Steps"),
    ("sequence_schedule", "Schedule"),
    ("sequence_activity", "Activity"),
)
RUN_COLUMNS = [
    Column("Status", fit=True),
    Column("Run"),
    Column("Started"),
    Column("Took", numeric=True),
    Column("Steps"),
]
STEP_COLUMNS = [
    Column("Place", fit=True, hidden_label=True),
    Column("Sync"),
    Column("Status", fit=True),
    Column("Started"),
    Column("Took", numeric=True),
    Column("Delivered", numeric=True),
    Column("Rejected", numeric=True),
    Column("Rule"),
]
PLAN_COLUMNS = [
    Column("Place", fit=True, hidden_label=True),
    Column("Sync"),
    Column("Model"),
    Column("Destination"),
    Column("When it has ended"),
    Column("Own schedule"),
]


class SequencePage(PageView):
    """What the tabs share."""

    route = "sequence"

    def may_run(self, sequence: Sequence) -> bool:
        """Whether this person may run, change and delete it."""
        return access.may_run_sequence(self.actor, destinations_of([sequence.pk]))

    def page(
        self,
        sequence: Sequence,
        template: str,
        context: dict[str, Any],
        *,
        status: int = 200,
        part: str = "",
    ) -> HttpResponse:
        """Render one tab."""
        may_run = self.may_run(sequence)
        tabs = [
            {"label": label, "url": self.url(route, sequence.pk), "active": route == self.route}
            for route, label in TABS
        ]
        running = sequence.last_run if sequence.last_run and sequence.last_run.live else None
        whole = {
            "sequence": sequence,
            "star": opened(self.here, "sequence", sequence),
            "running": running,
            "sentence": sequence_sentence(sequence, sequence.steps.count()),
            "may_run": may_run,
            "rename_url": self.url("sequence_rename", sequence.pk) if may_run else "",
            "tabs": tabs,
            "breadcrumb": [self.crumb("Sequences", "sequences")],
            **context,
        }
        return render_page(self.request, template, whole, part=part, status=status)


class SequenceRuns(SequencePage):
    """What is running now, and the runs before it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The first tab."""
        sequence = access.sequence_for(self.actor, pk)
        listing = Listing(request, columns=RUN_COLUMNS)
        page = listing.page(list_sequence_runs(self.actor, sequence))
        latest = sequence.last_run
        live = bool(latest and latest.live)
        context = {
            "listing": listing,
            "page": page,
            "run": latest,
            "steps": drawn(steps_of_run(latest)) if latest and live else [],
            "step_columns": STEP_COLUMNS,
            "ended": wants_part(request) and not live,
        }
        return self.page(sequence, "syncs/sequences/runs.html", context, part="syncs/sequences/parts/runs.html")


class SequenceSteps(SequencePage):
    """The syncs in their order, with what ends the sequence at each."""

    route = "sequence_steps"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab."""
        sequence = access.sequence_for(self.actor, pk)
        context = {"steps": sequence_steps(sequence), "columns": PLAN_COLUMNS}
        return self.page(sequence, "syncs/sequences/steps.html", context)


class SequenceSchedule(SequencePage):
    """When the sequence runs by itself."""

    route = "sequence_schedule"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form with what is stored."""
        sequence = access.sequence_for(self.actor, pk)
        return self._form(sequence, ScheduleForm.of(sequence), sequence.schedule)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save; ``words`` only shows what would happen."""
        sequence = access.sequence_for(self.actor, pk)
        form = ScheduleForm(request.POST)
        if request.POST.get("action") == "jobs":
            form.read_jobs()
            return self._form(sequence, form, sequence.schedule)
        schedule = form.chosen()
        if request.POST.get("action") == "words":
            return self._form(sequence, ScheduleForm.of(sequence), schedule, problem=first_problem(form))
        if schedule is None:
            return self._form(sequence, form, sequence.schedule, status=422)
        try:
            services.set_sequence_schedule(actor=self.actor, sequence=sequence, schedule=schedule)
        except HeadraceError as error:
            form.add_error(None, f"{error.message} {error.hint}".strip())
            return self._form(sequence, form, sequence.schedule, status=422)
        return go_to(request, self.url("sequence", pk), "Saved.")

    def _form(
        self, sequence: Sequence, form: ScheduleForm, schedule: Schedule | None, *, status: int = 200, problem: str = ""
    ) -> HttpResponse:
        del form.fields["name"]
        sentence = sequence_sentence(sequence, sequence.steps.count(), schedule) if schedule else ""
        context = {"form": form, **proposal(sequence, schedule, sentence, problem)}
        return self.page(sequence, "syncs/sequences/schedule.html", context, status=status)


class SequenceActivity(SequencePage):
    """What the audit log says of the sequence."""

    route = "sequence_activity"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab, newest first."""
        sequence = access.sequence_for(self.actor, pk)
        return self.page(sequence, "syncs/sequences/activity.html", activity_context(request, "sequence", sequence))


class SequenceRunView(SequencePage):
    """A view of one run of a sequence."""

    def found(self, pk: int, run: int) -> SequenceRun:
        """The run of the address."""
        row = access.sequence_run_for(self.actor, run)
        if row.sequence_id != pk:
            raise NotFound("There is no such run of this sequence.")
        return row


class SequenceRunPage(SequenceRunView):
    """One run of a sequence: state and time of each step."""

    def get(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        """The page, which follows a run that is going on."""
        row = self.found(pk, run)
        context = {
            "sequence": row.sequence,
            "run": row,
            "steps": drawn(steps_of_run(row)),
            "step_columns": STEP_COLUMNS,
            "may_run": self.may_run(row.sequence),
            "breadcrumb": [
                self.crumb("Sequences", "sequences"),
                self.crumb(str(row.sequence), "sequence", row.sequence_id),
            ],
        }
        return render_page(request, "syncs/sequences/run.html", context)


class CancelSequenceRun(SequenceRunView):
    """The cancel button."""

    def post(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        """Ask the run to stop."""
        row = self.found(pk, run)
        here = self.url("sequence_run", pk, run)
        try:
            services.cancel_sequence_run(actor=self.actor, run=row)
        except HeadraceError as error:
            return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, here, "The sequence stops: the sync that runs now before its next batch.")


class SequenceAction(PageView):
    """The buttons of a sequence: each is one service and one sentence."""

    def post(self, request: HttpRequest, pk: int, action: str) -> HttpResponse:
        """Do it and go to where its effect shows."""
        sequence = access.sequence_for(self.actor, pk)
        here = self.url("sequence", pk)
        try:
            match action:
                case "run":
                    services.start_sequence(actor=self.actor, sequence=sequence)
                    return go_to(request, here, "The sequence has started.")
                case "disable":
                    services.disable_sequence(actor=self.actor, sequence=sequence)
                    return go_to(request, here, "The schedule is off. The sequence still runs when somebody asks.")
                case "enable":
                    services.enable_sequence(actor=self.actor, sequence=sequence)
                    return go_to(request, here, "The schedule is on.")
        except HeadraceError as error:
            return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")
        raise Http404


class RenameSequence(PageView):
    """The inline rename of the page header."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rename and stay on the page."""
        sequence = access.sequence_for(self.actor, pk)
        try:
            services.update_sequence(actor=self.actor, sequence=sequence, name=request.POST.get("name", ""))
        except HeadraceError as error:
            return go_to(request, self.url("sequence", pk), error.message, tone="bad")
        return go_to(request, self.url("sequence", pk), "Renamed.")


class DeleteSequence(PageView):
    """Removal, after the name was typed."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the list."""
        sequence = access.sequence_for(self.actor, pk)
        if request.POST.get("confirm_name", "").strip() != sequence.name:
            return go_to(request, self.url("sequence", pk), "Type the name of the sequence to delete it.", tone="bad")
        try:
            services.delete_sequence(actor=self.actor, sequence=sequence)
        except HeadraceError as error:
            return go_to(request, self.url("sequence", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("sequences"), f"Sequence “{sequence}” was deleted. Its syncs stay.")


def drawn(steps: Iterable[SequenceRunStep]) -> list[dict[str, Any]]:
    """Steps of a run with what the table says of them."""
    return [
        {
            "row": step,
            "seconds": step.duration.total_seconds() if step.duration is not None else None,
            "now": step.state == SequenceStepState.RUNNING or bool(step.reason and step.state in OPEN_STEPS),
        }
        for step in steps
    ]
