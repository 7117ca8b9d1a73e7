"""The columns that the members of an audience have in this audience alone."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.builder.blocks import group_blocks, suggested_in
from audiences.builder.edits import Tree
from audiences.builder.fitting import fitted_group
from audiences.builder.offers import Offers
from audiences.definitions import only_seen, schema_with_audiences
from audiences.models import Audience, Trait
from audiences.query.codec import load_group
from audiences.query.conditions import FormulaTrait
from audiences.query.errors import InvalidTree
from audiences.query.schema import StudioSchema
from audiences.query.sentences import Speaker
from audiences.query.statements import Output
from audiences.selectors.traits import enrichment_output
from audiences.services import enrichments as services
from audiences.trait_checks import problems_of_output
from audiences.views.audience_tab import AudienceTab
from audiences.views.base import id_in
from audiences.views.building import MENUS, posted_tree, values_offered
from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column

HEADINGS = [
    Column("Name"),
    Column("What it is"),
    Column("Only those"),
    Column("Remove", hidden_label=True, fit=True),
]


class EnrichmentsPage(AudienceTab):
    """The columns of an audience, and the form of one."""

    route = "audience_enrichments"
    part = "audiences/enrichments/parts/form.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The list, and what the parent model's traits bring anyway."""
        audience = access.audience_for(self.actor, pk)
        schema = schema_with_audiences(audience.parent_model.source)
        shared = Trait.objects.filter(model=audience.parent_model, is_template=False, archived_at=None)
        context = {
            **self.around(audience),
            "columns": [_described(schema, audience, each) for each in audience.enrichments],
            "shared": shared,
            "headings": HEADINGS,
        }
        return render_page(request, "audiences/enrichments/list.html", context)


class NewEnrichment(AudienceTab):
    """A new column: a trait or template of the parent model, and conditions on top."""

    route = "audience_enrichments"
    template = "audiences/enrichments/new.html"
    part = "audiences/enrichments/parts/form.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Nothing chosen yet."""
        audience = access.audience_for(self.actor, pk)
        access.require_build(self.actor, audience.parent_model_id)
        return self._form(audience, {}, "")

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, or add."""
        audience = access.audience_for(self.actor, pk)
        access.require_build(self.actor, audience.parent_model_id)
        tree = posted_tree(request.POST)
        chosen = request.POST.get("trait", "")
        if request.POST.get("do") != "save":
            return self._form(audience, tree, chosen)
        try:
            services.add_enrichment(
                actor=self.actor,
                audience=audience,
                name=request.POST.get("name", ""),
                trait=id_in(chosen) or None,
                where=tree.get("where") or None,
            )
        except HeadraceError as error:
            return self._form(audience, tree, chosen, error)
        return go_to(request, self.url(self.route, pk), "The members have a column more.")

    def _form(self, audience: Audience, tree: Tree, chosen: str, error: HeadraceError | None = None) -> HttpResponse:
        schema = schema_with_audiences(audience.parent_model.source)
        offers = Offers(only_seen(schema, self.actor), schema.models.get(str(audience.parent_model_id)))
        groups = offers.traits()
        first = groups[0].choices[0].value if groups else ""
        saved = schema.traits.get(chosen or first)
        where: Tree = {}
        narrowed = None
        if saved is not None and not isinstance(saved.definition, FormulaTrait):
            below = offers.below(saved.definition.relationship)
            given = tree.get("where")
            where = fitted_group(given if isinstance(given, dict) else {}, below)
            narrowed = group_blocks(where, "/where", below, _problems(schema, audience, saved.id, where))
        said = Speaker(schema).trait(saved.definition, offers.model) if saved else ""
        fields = error.fields if isinstance(error, Invalid) else {}
        context = {
            **self.around(audience),
            "traits": groups,
            "chosen": saved.id if saved else "",
            "said": said,
            "narrowed": narrowed,
            "tree": orjson.dumps({"where": where}).decode(),
            "name": self.request.POST.get("name", ""),
            "name_error": fields.get("name", ""),
            "problem": f"{error.message} {error.hint}".strip() if error and "name" not in fields else "",
            "words": MENUS,
            "suggestions": values_offered(
                self.actor, audience.parent_model.source_id, suggested_in(narrowed).values() if narrowed else ()
            ),
        }
        return render_page(self.request, self.template, context, part=self.part, status=error.status if error else 200)


class RemoveEnrichment(AudienceTab):
    """Taking a column away."""

    def post(self, request: HttpRequest, pk: int, enrichment_id: str) -> HttpResponse:
        """Remove and go back to the list."""
        audience = access.audience_for(self.actor, pk)
        try:
            services.remove_enrichment(actor=self.actor, audience=audience, enrichment=enrichment_id)
        except HeadraceError as error:
            return go_to(request, self.url("audience_enrichments", pk), error.message, tone="bad")
        return go_to(request, self.url("audience_enrichments", pk), "The column was removed.")


def _problems(schema: StudioSchema, audience: Audience, trait: str, where: Tree) -> Any:
    try:
        output = Output("value", trait=trait, where=load_group(where))
    except InvalidTree as error:
        return [_moved(each, ("where", *each.path)) for each in error.problems]
    found = problems_of_output(schema, str(audience.parent_model_id), output)
    return [_moved(each, each.path[2:]) for each in found]


def _moved(problem: Any, path: tuple[str | int, ...]) -> Any:
    return type(problem)(path, problem.code, problem.message)


def _described(schema: StudioSchema, audience: Audience, stored: dict[str, Any]) -> dict[str, Any]:
    """A column as the list shows it."""
    model = schema.models.get(str(audience.parent_model_id))
    output = enrichment_output(stored)
    saved = schema.traits.get(str(stored.get("trait")))
    tree = output.definition if output and output.definition else saved.definition if saved else None
    said = Speaker(schema).trait(tree, model) if tree else "a trait that is not there any more"
    also = ""
    if output and output.where.conditions and tree is not None and not isinstance(tree, FormulaTrait):
        hops = schema.step(tree.relationship, model.id) if model else None
        also = Speaker(schema).group(output.where, schema.models.get(hops[-1].model) if hops else None)
    wrong = problems_of_output(schema, str(audience.parent_model_id), output) if output else []
    return {**stored, "said": said, "also": also, "trait_of": saved, "problem": wrong[0].message if wrong else ""}
