"""Adding a sequence and changing its steps."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column
from syncs import access, services
from syncs.forms.sequences import SequenceForm
from syncs.models import Sequence, Sync
from syncs.views.base import PageView
from workspaces.access import visible_by
from workspaces.permissions import Permission

HEADINGS = [
    Column("Order", fit=True),
    Column("Sync"),
    Column("When it has ended"),
    Column("Move", fit=True, hidden_label=True),
]


class SequenceEditor(PageView):
    """What adding and changing share."""

    def offered(self) -> QuerySet[Sync]:
        """The syncs this person may run."""
        syncs = access.syncs_in_view(self.actor).select_related("model", "destination").order_by("name", "slug")
        return visible_by(syncs, self.actor, {Permission.TRIGGER: "destination_id"})

    def page(self, form: SequenceForm, sequence: Sequence | None = None, status: int = 200) -> HttpResponse:
        """The form, empty or as it was sent."""
        back = [self.crumb("Sequences", "sequences")]
        if sequence:
            back.append(self.crumb(str(sequence), "sequence", sequence.pk))
        context = {"form": form, "sequence": sequence, "breadcrumb": back, "headings": HEADINGS}
        return render_page(self.request, "syncs/sequences/edit.html", context, status=status)

    def refused(self, form: SequenceForm, error: HeadraceError, sequence: Sequence | None = None) -> HttpResponse:
        """The form with what a service said of it."""
        field = "name" if isinstance(error, Invalid) and "name" in error.fields else None
        form.name.add_error(field, f"{error.message} {error.hint}".strip())
        return self.page(form, sequence, 422)


class NewSequence(SequenceEditor):
    """A sequence that does not exist yet."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """An empty form."""
        return self.page(SequenceForm(syncs=self.offered()))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Add it, and go on to its schedule."""
        form = SequenceForm(request.POST, syncs=self.offered())
        if not form.is_valid():
            return self.page(form, status=422)
        try:
            sequence = services.create_sequence(
                actor=self.actor, name=form.name.cleaned_data["name"], steps=form.steps()
            )
        except HeadraceError as error:
            return self.refused(form, error)
        return go_to(request, self.url("sequence_schedule", sequence.pk), "Sequence added. Choose when it runs.")


class EditSequence(SequenceEditor):
    """The steps of a sequence."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form with what is stored."""
        sequence = access.sequence_for(self.actor, pk)
        return self.page(SequenceForm(syncs=self.offered(), sequence=sequence), sequence)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save; a run that is going on keeps the steps it began with."""
        sequence = access.sequence_for(self.actor, pk)
        form = SequenceForm(request.POST, syncs=self.offered())
        if not form.is_valid():
            return self.page(form, sequence, 422)
        try:
            services.update_sequence(
                actor=self.actor, sequence=sequence, name=form.name.cleaned_data["name"], steps=form.steps()
            )
        except HeadraceError as error:
            return self.refused(form, error, sequence)
        return go_to(request, self.url("sequence_steps", pk), "Saved.")
