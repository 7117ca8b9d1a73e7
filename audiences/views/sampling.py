"""The Sampling tab of a schema model, and what other pages show of samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from audiences import access
from audiences.choices import SampleEvery
from audiences.forms.sampling import SamplingForm, posted_models, values_of
from audiences.models import Audience, SampledModel, Sampling, SchemaModel
from audiences.selectors.sampling import current_sample, lines_of
from audiences.selectors.schema import studio_schema
from audiences.services import sampling as services
from audiences.views.base import ModelPage
from config.errors import HeadraceError
from config.htmx import go_to
from connectors import access as connections
from connectors.choices import Kind
from connectors.models import Source


class SamplingPage(ModelPage):
    """How a parent is sampled; of another model, in whose sample it is."""

    route = "schema_sampling"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What is chosen, and how the latest runs went."""
        model = access.schema_model_for(self.actor, pk)
        if not model.is_parent:
            rows = SampledModel.objects.filter(model=model).select_related("sampling__parent_model__workspace")
            return self.page(model, "audiences/sampling/related.html", {"rows": rows})
        sampling = services.sampling_of(model)
        return self._form(sampling, _form_of(sampling))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save, and take a sample where that is asked for."""
        model = access.schema_model_for(self.actor, pk)
        form = SamplingForm(request.POST)
        sampling = services.sampling_of(model)
        offered = [line.model.pk for line in lines_of(sampling, studio_schema(model.source))]
        chosen = posted_models(request.POST, offered)
        if not form.is_valid():
            return self._form(sampling, form, chosen, 422)
        words = "Saved."
        try:
            services.change_sampling(actor=self.actor, parent=model, models=chosen, **values_of(form))
            if request.POST.get("do") == "run" and form.cleaned_data["enabled"]:
                services.run_sampling(actor=self.actor, parent=model)
                words = "Saved. The sample is being taken."
        except HeadraceError as error:
            for name, message in getattr(error, "fields", {}).items() or [
                ("", f"{error.message} {error.hint}".strip())
            ]:
                form.add_error(name if name in form.fields else None, message)
            return self._form(services.sampling_of(model), form, chosen, error.status)
        return go_to(request, self.url(self.route, pk), words)

    def _form(
        self, sampling: Sampling, form: SamplingForm, chosen: Mapping[int, str] | None = None, status: int = 200
    ) -> HttpResponse:
        model = sampling.parent_model
        lines = lines_of(sampling, studio_schema(model.source))
        if chosen is None:
            chosen = {line.model.pk: line.every for line in lines if line.sampled}
        context = {
            "sampling": sampling,
            "form": form,
            "lines": lines,
            "offers": [
                (line, line.model.pk in chosen, chosen.get(line.model.pk, line.every))
                for line in lines
                if line.model.pk != model.pk
            ],
            "every": SampleEvery.choices,
            "url": self.url(self.route, model.pk),
            **_write_access(self, model.source),
        }
        return self.page(
            model, "audiences/sampling/tab.html", context, part="audiences/sampling/runs.html", status=status
        )


def _form_of(sampling: Sampling) -> SamplingForm:
    initial = {"enabled": sampling.enabled, "percent": sampling.percent, "every": sampling.every}
    return SamplingForm(initial=initial)


def _write_access(view: ModelPage, source: Source) -> dict[str, Any]:
    """Whether samples can be written into the source, and how that is set up."""
    make = connections.definition_of(Kind.SOURCE, source.type).write_setup_sql
    address = [view.here.workspace.slug, source.pk]
    return {
        "row": source,
        "can_write": connections.can_host_planner(source),
        "write_sql": make(source.config) if make else "",
        "write_check_url": reverse("connectors:source_write_check", args=address),
        "may_use": connections.may_use(view.actor, source),
    }


def sample_toggle(request: HttpRequest, model: SchemaModel, saved: bool = False) -> dict[str, Any]:
    """What the toggle “Use sampled data” needs: the sample that there is, and whether it is asked."""
    sample = current_sample(model)
    asked = wants_sample(request) if request.method == "POST" else saved
    return {"sample": sample, "use_sample": sample is not None and asked}


def wanted_sample(request: HttpRequest, audience: Audience) -> bool | None:
    """What a posted page says of the toggle; nothing where it offers none, or was not posted."""
    if request.method != "POST" or current_sample(audience.parent_model) is None:
        return None
    return wants_sample(request)


def wants_sample(request: HttpRequest) -> bool:
    """Whether a page asks for sampled data."""
    return request.POST.get("sampled") == "1"
