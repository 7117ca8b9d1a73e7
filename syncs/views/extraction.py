"""The extraction of a destination's audiences into a warehouse: on or off, and how it went."""

from __future__ import annotations

from typing import Any, Self

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from config.errors import HeadraceError
from config.htmx import go_to
from connectors.choices import Kind
from connectors.models import Destination, Source
from connectors.views.detail import DetailView
from syncs import services
from syncs.engine.logs.audiences import VIEW, table_of
from syncs.models import AudienceExtraction
from syncs.selectors.extraction import extraction_of, extraction_targets


class ExtractionForm(forms.Form):
    """The source to write into; without one it is switched off."""

    use_required_attribute = False

    source = forms.ChoiceField(
        label="Write into",
        required=False,
        help_text="Sources whose write access passed its test, on their Configuration tab, and that you may manage.",
    )

    @classmethod
    def of(cls, row: AudienceExtraction | None, sources: list[Source], data: Any = None) -> Self:
        """The form with what is stored."""
        form = cls(data, initial={"source": row.source_id if row else None})
        field = form.fields["source"]
        assert isinstance(field, forms.ChoiceField)
        offered = {str(source.pk): str(source) for source in sources}
        if row and row.source:
            offered.setdefault(str(row.source_id), str(row.source))
        field.choices = [("", "Off"), *offered.items()]
        return form


class DataExtraction(DetailView):
    """The tab."""

    kind = Kind.DESTINATION

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How it is set up, and how it went."""
        destination = self._destination(pk)
        return self._page(destination, self._form(destination))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save, or write a snapshot now."""
        destination = self._destination(pk)
        here = reverse("syncs:destination_extraction", args=[self.here.workspace.slug, pk])
        if request.POST.get("action") == "run":
            try:
                services.extract_now(actor=self.here.actor, destination=destination)
            except HeadraceError as error:
                return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")
            return go_to(request, here, "A snapshot is being written.")
        form = self._form(destination, request.POST)
        if not form.is_valid():
            return self._page(destination, form, 422)
        chosen = form.cleaned_data["source"]
        try:
            source = Source.objects.get(pk=chosen) if chosen else None
            services.change_extraction(actor=self.here.actor, destination=destination, source=source)
        except HeadraceError as error:
            form.add_error("source", f"{error.message} {error.hint}".strip())
            return self._page(destination, form, error.status)
        return go_to(request, here, "Saved. The first snapshot is being written." if chosen else "Switched off.")

    def _destination(self, pk: int) -> Destination:
        row = self.row(pk)
        assert isinstance(row, Destination)
        return row

    def _form(self, destination: Destination, data: Any = None) -> ExtractionForm:
        row = extraction_of(destination)
        return ExtractionForm.of(row, extraction_targets(self.here.actor, destination), data)

    def _page(self, destination: Destination, form: ExtractionForm, status: int = 200) -> HttpResponse:
        context = {
            "form": form,
            "extraction": extraction_of(destination),
            "table": table_of(destination.type, destination.pk).name,
            "view": VIEW,
        }
        return self.page(destination, "extraction", "syncs/destination_extraction.html", context, status)
