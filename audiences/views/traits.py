"""Traits: the list, the editor, templates, usage, and what can be done with one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.builder.trait_form import METHODS
from audiences.definitions import schema_with_audiences
from audiences.models import SchemaModel, Trait
from audiences.query.schema import StudioSchema
from audiences.selectors.traits import (
    saved_trait,
    schema_with_traits,
    syncs_of_trait,
    traits_in_view,
    uses_of_saved,
    uses_of_trait,
)
from audiences.services import traits as services
from audiences.services.trait_previews import preview_trait
from audiences.views.base import PageView, id_in
from audiences.views.building import posted_tree
from audiences.views.sampling import sample_toggle, wants_sample
from audiences.views.trait_building import TraitBuilding, related_name, tree_of, words_of
from config.errors import HeadraceError, Invalid, NotFound
from config.htmx import go_to, render_page
from config.ui.listing import Column, Filter, Listing, Option
from config.ui.search import matching
from governance.audit.actors import Actor
from syncs.views.base import activity_context
from syncs.views.previewing import headings

COLUMNS = [
    Column("Name", sort="name"),
    Column("Belongs to", sort="model__name"),
    Column("Calculation"),
    Column("Calculated from"),
    Column("Last change", sort="updated_at"),
    Column("Actions", hidden_label=True, fit=True),
]
USES = [Column("Name"), Column("Kind"), Column("How")]
SHOWN = (("traits", "Traits"), ("templates", "Templates"), ("archived", "Archived"))
TABS = (("trait", "Configuration"), ("trait_usage", "Usage"), ("trait_activity", "Activity"))
Action = Callable[..., Trait]
ACTIONS: dict[str, tuple[Action, str]] = {
    "archive": (services.archive_trait, "Archived. Nothing offers it any more; what uses it goes on working."),
    "restore": (services.restore_trait, "Taken back from the archive."),
    "suggest": (services.suggest_trait_values, "Its values are being looked for; filters offer them in a moment."),
}


class TraitPageView(PageView):
    """What all pages of traits share."""

    def list_crumb(self) -> dict[str, str]:
        """The way back."""
        return {"label": "Traits", "url": self.url("traits")}


class TraitList(TraitPageView):
    """Traits, templates or what is archived."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        shown = request.GET.get("shown", "traits")
        shown = shown if shown in dict(SHOWN) else "traits"
        models = SchemaModel.objects.filter(archived_at=None)
        narrow = Filter("model", "Belongs to", tuple(Option(str(each.pk), each.name) for each in models))
        listing = Listing(request, columns=COLUMNS, filters=[narrow], order="name")
        rows = traits_in_view(self.actor, archived=shown == "archived")
        if shown != "archived":
            rows = rows.filter(is_template=shown == "templates")
        if chosen := listing.chosen_ids("model"):
            rows = rows.filter(model_id__in=chosen)
        page = listing.page(matching(rows, listing.query, "name", "description"))
        context = {
            "listing": listing,
            "page": page,
            "lines": lines(self.actor, page.rows),
            "shown": shown,
            "tabs": [
                {"label": label, "url": f"{self.url('traits')}?shown={key}", "active": key == shown}
                for key, label in SHOWN
            ],
            "has_models": bool(narrow.options),
            "may_build": access.may_build(self.actor),
        }
        return render_page(request, "audiences/traits/list.html", context)


def lines(actor: Actor, rows: Iterable[Trait]) -> list[dict[str, Any]]:
    """What the table says of each trait; each source's schema is read once."""
    schemas: dict[int, StudioSchema] = {}
    allowed: dict[int, bool] = {}
    found = []
    for row in rows:
        source = row.model.source
        if source.pk not in schemas:
            schemas[source.pk] = schema_with_traits(source)
        if row.model_id not in allowed:
            allowed[row.model_id] = access.may_define_traits(actor, row.model)
        known = saved_trait(row)
        tree = known.definition if known else None
        found.append(
            {
                "trait": row,
                "method": METHODS[row.method][0] if row.method in METHODS else row.method,
                "words": words_of(schemas[source.pk], row.model, tree),
                "from": related_name(schemas[source.pk], row.model_id, tree),
                "may_change": allowed[row.model_id],
            }
        )
    return found


def archived_parts(schema: StudioSchema, trait: Trait) -> list[str]:
    """The names of archived traits that a trait is made of."""
    known = saved_trait(trait)
    used = uses_of_saved(schema, known).traits if known else set()
    return sorted(each.name for pk, each in schema.traits.items() if pk in used and each.archived)


class ChooseTraitModel(TraitPageView):
    """The first step of a new trait: which rows get the value."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The models of which this person may define traits, parent models first."""
        rows = SchemaModel.objects.select_related("source").filter(archived_at=None)
        models = [model for model in rows if access.may_define_traits(self.actor, model)]
        order = {"parent": 0, "related": 1, "event": 2}
        context = {
            "models": sorted(models, key=lambda model: (order[model.kind], model.name.casefold())),
            "template_asked": bool(request.GET.get("template")),
            "breadcrumb": [self.list_crumb()],
        }
        return render_page(request, "audiences/traits/choose_model.html", context)


class EditorPage(TraitPageView):
    """A page with the trait editor: every change is posted and answered with the editor as it is then."""

    template = "audiences/traits/editor.html"
    part = "audiences/traits/parts/editor.html"

    def show(self, building: TraitBuilding, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """The page, or the editor alone where that is asked for."""
        whole = {
            "breadcrumb": [self.list_crumb()],
            "name": self.request.POST.get("name", ""),
            "description": self.request.POST.get("description", ""),
            "suggest": self.request.POST.get("suggest") == "on",
            "may_change": True,
            **building.context(),
            "preview_url": self.url("trait_preview", building.model.pk),
            "may_view_rows": access.may_view_rows(self.actor, building.model),
            **sample_toggle(self.request, building.model),
            **context,
        }
        return render_page(self.request, self.template, whole, part=self.part, status=status)

    def refused(self, building: TraitBuilding, error: HeadraceError) -> HttpResponse:
        """The editor with what is wrong."""
        fields = error.fields if isinstance(error, Invalid) else {}
        problem = "" if "name" in fields else f"{error.message} {error.hint}".strip()
        return self.show(building, {"name_error": fields.get("name", ""), "problem": problem}, error.status)

    def said(self) -> dict[str, Any]:
        """What the form says of the trait beside its logic."""
        data = self.request.POST
        return {
            "name": data.get("name", ""),
            "description": data.get("description", ""),
            "suggest": data.get("suggest") == "on",
        }


class NewTrait(EditorPage):
    """The editor of a new trait, or of a new template with ``?template=1``."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The first method that makes sense."""
        return self.show(self._building(pk, {}), {})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, or save."""
        building = self._building(pk, posted_tree(request.POST))
        if request.POST.get("do") != "save":
            return self.show(building, {})
        try:
            trait = services.create_trait(
                actor=self.actor,
                model=building.model,
                definition=building.definition,
                is_template=building.is_template,
                **self.said(),
            )
        except HeadraceError as error:
            return self.refused(building, error)
        return go_to(request, trait.get_absolute_url(), f"“{trait.name}” was saved.")

    def _building(self, pk: int, tree: Any) -> TraitBuilding:
        model = access.model_to_put_traits_on(self.actor, pk)
        return TraitBuilding(self.actor, model, tree, is_template=bool(self.request.GET.get("template")))


class ChooseTemplate(TraitPageView):
    """The templates that a trait can be made from."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Each with what it calculates."""
        rows = traits_in_view(self.actor, archived=False, templates=True)
        context = {"lines": lines(self.actor, rows), "breadcrumb": [self.list_crumb()]}
        return render_page(request, "audiences/traits/choose_template.html", context)


class NewFromTemplate(EditorPage):
    """The editor of a new trait that follows a template."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The template's logic, with nothing added."""
        return self.show(self._building(pk, {}), {})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, or save."""
        building = self._building(pk, posted_tree(request.POST))
        if request.POST.get("do") != "save":
            return self.show(building, {})
        assert building.template is not None
        try:
            trait = services.create_trait_from(
                actor=self.actor,
                template=building.template,
                extra=building.fitted["extra"],
                blanks=building.blanks,
                **self.said(),
            )
        except HeadraceError as error:
            return self.refused(building, error)
        return go_to(request, trait.get_absolute_url(), f"“{trait.name}” was saved.")

    def _building(self, pk: int, tree: Any) -> TraitBuilding:
        template = access.trait_for(self.actor, pk)
        if not template.is_template or template.archived_at is not None:
            raise NotFound("There is no such template in this workspace.")
        model = access.model_to_put_traits_on(self.actor, template.model_id)
        tree.pop("definition", None)
        return TraitBuilding(self.actor, model, tree, template=template)


class TraitTab(EditorPage):
    """What the tabs of a trait share."""

    route = "trait"

    def around(self, trait: Trait) -> dict[str, Any]:
        """The head of the page."""
        may_change = access.may_define_traits(self.actor, trait.model)
        return {
            "trait": trait,
            "tabs": [
                {"label": label, "url": self.url(name, trait.pk), "active": name == self.route} for name, label in TABS
            ],
            "breadcrumb": [self.list_crumb()],
            "may_change": may_change,
            "rename_url": self.url("trait_rename", trait.pk) if may_change else "",
            "uses": uses_of_trait(self.actor, trait),
            "derived": trait.derived.filter(overrides=False).count() if trait.is_template else 0,
        }


class TraitPage(TraitTab):
    """The editor of a saved trait."""

    template = "audiences/traits/configuration.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What is saved."""
        trait = access.trait_for(self.actor, pk)
        return self._page(trait, self._building(trait, None))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, take logic of its own, follow the template again, or save."""
        trait = access.trait_for(self.actor, pk)
        access.require_traits(self.actor, trait.model)
        do = request.POST.get("do", "")
        if do == "discard":
            return go_to(request, self.url("trait", pk), "Back to what is saved.", tone="neutral")
        building = self._building(trait, posted_tree(request.POST))
        if do == "own":
            building = self._building(trait, {"definition": building.definition})
        elif do == "follow":
            building = self._building(trait, {"extra": {}, "blanks": {}})
        elif do == "save":
            return self._save(trait, building)
        return self._page(trait, building)

    def _save(self, trait: Trait, building: TraitBuilding) -> HttpResponse:
        data = self.request.POST
        logic: dict[str, Any] = {"definition": building.definition}
        if building.follows:
            logic = {"extra": building.fitted["extra"], "blanks": building.blanks, "follow": trait.overrides}
        try:
            services.update_trait(
                actor=self.actor,
                trait=trait,
                description=data.get("description", ""),
                suggest=data.get("suggest") == "on",
                seen=data.get("version", ""),
                **logic,
            )
        except HeadraceError as error:
            problem, version = f"{error.message} {error.hint}".strip(), self.version(trait, error)
            context = {**self.around(trait), "problem": problem, "version": version}
            return self.show(building, context, error.status)
        return go_to(self.request, self.url("trait", trait.pk), "Saved.")

    def _building(self, trait: Trait, tree: Any) -> TraitBuilding:
        if tree is None:
            tree = tree_of(trait, schema_with_audiences(trait.model.source))
        return TraitBuilding(self.actor, trait.model, tree, trait, trait.template, trait.is_template)

    def _page(self, trait: Trait, building: TraitBuilding) -> HttpResponse:
        posted = self.request.method == "POST"
        data = self.request.POST
        description = data.get("description", "") if posted else trait.description
        suggest = data.get("suggest") == "on" if posted else trait.suggest
        changed = building.changed or description != trait.description or suggest != trait.suggest
        context = {
            **self.around(trait),
            "version": self.version(trait),
            "description": description,
            "suggest": suggest,
            "changed": changed,
            "lost": archived_parts(building.schema, trait),
        }
        return self.show(building, context)


class TraitUsage(TraitTab):
    """What uses a trait."""

    route = "trait_usage"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Audiences, traits and syncs, as far as this person sees them."""
        trait = access.trait_for(self.actor, pk)
        context = {**self.around(trait), "syncs": syncs_of_trait(self.actor, trait), "headings": USES}
        context["asks_to_archive"] = "archive" in request.GET and context["may_change"] and not trait.archived_at
        return render_page(request, "audiences/traits/usage.html", context)


class TraitActivity(TraitTab):
    """What the audit log says of a trait."""

    route = "trait_activity"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab, newest first."""
        trait = access.trait_for(self.actor, pk)
        context = {**self.around(trait), **activity_context(request, "trait", trait)}
        return render_page(request, "audiences/traits/activity.html", context)


class TraitPreviewPage(PageView):
    """The first values of a trait that was posted, or of a saved one."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The table."""
        model = access.schema_model_for(self.actor, pk)
        trait, template = self._posted(model, "trait"), self._posted(model, "template")
        if trait is not None and "tree" not in request.POST:
            tree = tree_of(trait, schema_with_audiences(model.source))
        else:
            tree = posted_tree(request.POST)
        follows = template or (trait.template if trait else None)
        building = TraitBuilding(self.actor, model, tree, trait, follows)
        try:
            found = preview_trait(
                actor=self.actor,
                model=model,
                definition=building.definition,
                name=trait.name if trait else "",
                sampled=wants_sample(request),
            )
        except HeadraceError as error:
            return render_page(request, "audiences/traits/parts/preview.html", {"problem": error})
        context = {
            "preview": found.rows,
            "unfit": found.unfit,
            "from_sample": wants_sample(request),
            "preview_columns": headings(found.rows.columns),
        }
        return render_page(request, "audiences/traits/parts/preview.html", context)

    def _posted(self, model: SchemaModel, name: str) -> Trait | None:
        asked = id_in(self.request.POST.get(name, ""))
        if not asked:
            return None
        trait = access.trait_for(self.actor, asked)
        if trait.model_id != model.pk:
            raise NotFound("There is no such trait of this model.")
        return trait


class RenameTrait(PageView):
    """The inline rename of the page header."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rename and stay on the page."""
        trait = access.trait_for(self.actor, pk)
        try:
            services.update_trait(actor=self.actor, trait=trait, name=request.POST.get("name", ""))
        except HeadraceError as error:
            return go_to(request, self.url("trait", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("trait", pk), "Renamed.")


class CloneTrait(PageView):
    """A copy."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Copy, and open the copy."""
        trait = access.trait_for(self.actor, pk)
        try:
            copy = services.clone_trait(actor=self.actor, trait=trait)
        except HeadraceError as error:
            return go_to(request, self.url("trait", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("trait", copy.pk), f"“{copy.name}” is a copy of “{trait.name}”.")


class TraitAction(PageView):
    """Archiving, restoring, and looking for values."""

    def post(self, request: HttpRequest, pk: int, action: str) -> HttpResponse:
        """Do it and stay on the page, or on the list."""
        if action not in ACTIONS:
            raise NotFound("There is no such action.")
        act, words = ACTIONS[action]
        trait = access.trait_for(self.actor, pk)
        try:
            act(actor=self.actor, trait=trait)
        except HeadraceError as error:
            return go_to(request, self.url("trait", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("trait", pk), words)


class DeleteTrait(PageView):
    """Removal, after the name was typed."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the list."""
        trait = access.trait_for(self.actor, pk)
        if request.POST.get("confirm_name", "").strip() != trait.name:
            return go_to(request, self.url("trait", pk), "Type the name of the trait to delete it.", tone="bad")
        try:
            services.delete_trait(actor=self.actor, trait=trait)
        except HeadraceError as error:
            return go_to(request, self.url("trait", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("traits"), f"“{trait.name}” was deleted.")
