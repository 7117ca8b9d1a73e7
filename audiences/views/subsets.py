"""Subsets: their categories, the builder of each, and which roles build from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.forms.governance import CategoryForm, NewCategoryForm
from audiences.models import SchemaModel, Subset, SubsetCategory, SubsetGrant
from audiences.personal import CONSENT_TO_EMAIL
from audiences.services import subsets as services
from audiences.views.base import id_in
from audiences.views.building import posted_tree
from audiences.views.governance import GovernancePage
from audiences.views.governing import ChooseGoverned, GovernedBuilder, SubsetBuilding
from config.errors import HeadraceError, Invalid
from config.htmx import go_to
from connectors.sdk.types import ColumnType
from workspaces import services as people
from workspaces.access import may
from workspaces.choices import RoleKind
from workspaces.grants import Grant
from workspaces.models import Role, RoleGrant
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.rights import roles_with_holders

CONSENT = "Consent management"


class ChooseCategoryParent(ChooseGoverned):
    """What a new category divides."""

    route = "subset_categories"
    following = "subset_category_define"
    title = "Add subset category"


class NewCategory(GovernancePage):
    """A new category of a parent model."""

    route = "subset_categories"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form."""
        return self._page(pk, NewCategoryForm())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save, and go on with its subsets."""
        parent = access.parent_to_govern(self.actor, pk)
        if "consent" in request.POST:
            return self._begin_consent(parent)
        form = NewCategoryForm(request.POST)
        if form.is_valid():
            try:
                made = services.create_subset_category(actor=self.actor, parent=parent, **form.cleaned_data)
                return go_to(request, made.get_absolute_url(), f"“{made}” was added. Now add its subsets.")
            except Invalid as error:
                show_errors(form, error)
        return self._page(pk, form, 422)

    def _begin_consent(self, parent: SchemaModel) -> HttpResponse:
        """The category for consent, as most begin, and on to its first subset."""
        made = SubsetCategory.objects.filter(parent_model=parent, name=CONSENT).first()
        if made is None:
            words = "Who agreed to be written to, and how."
            made = services.create_subset_category(actor=self.actor, parent=parent, name=CONSENT, description=words)
        return go_to(self.request, self.url("subset_new", made.pk) + "?consent=1")

    def _page(self, pk: int, form: NewCategoryForm, status: int = 200) -> HttpResponse:
        parent = access.parent_to_govern(self.actor, pk)
        context = {
            "form": form,
            "parent": parent,
            "has_consent": SubsetCategory.objects.filter(parent_model=parent, name=CONSENT).exists(),
            "breadcrumb": [self.back_to("subset_categories")],
        }
        return self.page("audiences/governance/new_category.html", context, status=status)


class CategoryPage(GovernancePage):
    """A category: its subsets, and whether audiences need one of them."""

    route = "subset_categories"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The subsets with how many audiences and roles have each."""
        category = access.subset_category_for(self.actor, pk)
        return self._page(category, CategoryForm(category=category))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save the settings."""
        category = access.subset_category_for(self.actor, pk)
        access.require_configure(self.actor, category.parent_model.source_id)
        form = CategoryForm(request.POST, category=category)
        if form.is_valid():
            try:
                services.update_subset_category(actor=self.actor, category=category, **form.cleaned_data)
                return go_to(request, category.get_absolute_url(), "Saved.")
            except Invalid as error:
                show_errors(form, error)
        return self._page(category, form, 422)

    def _page(self, category: SubsetCategory, form: CategoryForm, status: int = 200) -> HttpResponse:
        subsets = category.subsets.annotate(
            audience_count=Count("chosen_by", distinct=True), role_count=Count("grants__role", distinct=True)
        )
        context = {
            "category": category,
            "subsets": subsets,
            "form": form,
            "without": services.audiences_without(category),
            "may_change": access.may_configure(self.actor, category.parent_model.source_id),
            "breadcrumb": [self.back_to("subset_categories")],
        }
        return self.page("audiences/governance/category.html", context, status=status)


class DeleteCategory(GovernancePage):
    """Removal of a category."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the list."""
        category = access.subset_category_for(self.actor, pk)
        try:
            services.delete_subset_category(actor=self.actor, category=category)
        except HeadraceError as error:
            return go_to(request, category.get_absolute_url(), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("subset_categories"), f"“{category}” was deleted.")


@dataclass(frozen=True, slots=True)
class RoleLine:
    """A custom role in the list of those that build from a subset."""

    role: Role
    groups: list[str]
    held: bool
    everywhere: bool


class SubsetBuilder(GovernedBuilder):
    """What the builders of new and saved subsets share."""

    route = "subset_categories"
    head = "audiences/governance/parts/subset_head.html"
    save_label = "Save subset"

    def around(self, category: SubsetCategory, subset: Subset | None) -> dict[str, Any]:
        """The name, and the roles that build from it."""
        return {
            "category": category,
            "subset": subset,
            "roles": self._roles(subset),
            "may_grant": may(self.actor, Permission.MANAGE_WORKSPACE),
            "breadcrumb": [
                self.back_to("subset_categories"),
                {"label": category.name, "url": category.get_absolute_url()},
            ],
        }

    def _roles(self, subset: Subset | None) -> list[RoleLine]:
        everywhere = set(RoleGrant.objects.filter(permission=Permission.USE_SUBSET).values_list("role_id", flat=True))
        held = set(subset.grants.values_list("role_id", flat=True)) if subset else set()
        if self.request.method == "POST":
            held = {id_in(each) for each in self.request.POST.getlist("role")}
        return [
            RoleLine(role, list(role.holder_names), role.pk in held | everywhere, role.pk in everywhere)  # type: ignore[attr-defined]
            for role in roles_with_holders().filter(kind=RoleKind.CUSTOM)
        ]

    def give(self, subset: Subset) -> None:
        """Let the ticked roles build from the subset, and no others."""
        if not may(self.actor, Permission.MANAGE_WORKSPACE):
            return
        wanted = {id_in(each) for each in self.request.POST.getlist("role")}
        held = set(SubsetGrant.objects.filter(content_object=subset).values_list("role_id", flat=True))
        grant = Grant(Permission.USE_SUBSET, subset.pk)
        for role in Role.objects.filter(kind=RoleKind.CUSTOM, pk__in=wanted ^ held):
            give, take = ([grant], []) if role.pk in wanted else ([], [grant])
            people.change_role_grants(actor=self.actor, role=role, give=give, take=take)


class NewSubset(SubsetBuilder):
    """The builder of a new subset."""

    template = "audiences/governance/new_subset.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """No conditions yet: all rows. A subset for consent begins with a condition to fill in."""
        category = self._category(pk)
        return self._page(category, consented(category.parent_model) if "consent" in request.GET else {})

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, or save."""
        category = self._category(pk)
        tree = posted_tree(request.POST)
        if request.POST.get("do") != "save":
            return self._page(category, tree)
        building = SubsetBuilding(self.actor, category.parent_model, tree)
        try:
            made = services.create_subset(
                actor=self.actor, category=category, name=request.POST.get("name", ""), definition=building.fitted
            )
        except Invalid as error:
            return self._page(category, tree, error)
        self.give(made)
        return go_to(request, category.get_absolute_url(), f"“{made}” was added.")

    def _category(self, pk: int) -> SubsetCategory:
        category = access.subset_category_for(self.actor, pk)
        access.require_configure(self.actor, category.parent_model.source_id)
        return category

    def _page(self, category: SubsetCategory, tree: Any, problem: Invalid | None = None) -> HttpResponse:
        building = SubsetBuilding(self.actor, category.parent_model, tree)
        named = {"name": "Email"} if "consent" in self.request.GET and self.request.method == "GET" else {}
        return self.shown(building, {**self.around(category, None), **named}, problem)


def consented(parent: SchemaModel) -> dict[str, Any]:
    """Whoever agreed to get e-mail, by the column that says so; one to be chosen where no name tells."""
    columns = parent.columns.filter(enabled=True, missing=False, type=ColumnType.BOOLEAN)
    found = next((name for name in columns.values_list("name", flat=True) if CONSENT_TO_EMAIL.search(name)), "")
    test = {"operator": "equals", "operand": {"kind": "values", "values": [True]}} if found else {}
    condition = {"type": "property", "field": {"column": found}, "test": test}
    return {"where": {"type": "group", "match": "all", "conditions": [condition]}}


class SubsetPage(SubsetBuilder):
    """The builder of a saved subset, with the audiences that change with it."""

    template = "audiences/governance/subset.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The saved subset."""
        subset = access.subset_for(self.actor, pk)
        return self._page(subset, subset.definition)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, or save."""
        subset = access.subset_for(self.actor, pk)
        access.require_configure(self.actor, subset.category.parent_model.source_id)
        tree = posted_tree(request.POST)
        if request.POST.get("do") != "save":
            return self._page(subset, tree)
        building = SubsetBuilding(self.actor, subset.category.parent_model, tree, subset=subset)
        try:
            services.update_subset(
                actor=self.actor,
                subset=subset,
                name=request.POST.get("name", ""),
                definition=building.fitted,
                seen=request.POST.get("version", ""),
            )
        except HeadraceError as error:
            return self._page(subset, tree, error)
        self.give(subset)
        return go_to(request, subset.get_absolute_url(), "Saved.")

    def _page(self, subset: Subset, tree: Any, problem: HeadraceError | None = None) -> HttpResponse:
        building = SubsetBuilding(self.actor, subset.category.parent_model, tree, subset=subset)
        users = access.audiences_in_view(self.actor).filter(chosen__subset=subset).select_related("workspace")
        total = len(services.audiences_in(subset))
        context = {
            **self.around(subset.category, subset),
            "version": self.version(subset, problem),
            "name": self.request.POST.get("name", subset.name),
            "users": users,
            "unseen": total - len(users),
            "total": total,
        }
        return self.shown(building, context, problem)


class DeleteSubset(GovernancePage):
    """Removal of a subset."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the category."""
        subset = access.subset_for(self.actor, pk)
        try:
            services.delete_subset(actor=self.actor, subset=subset)
        except HeadraceError as error:
            return go_to(request, subset.get_absolute_url(), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, subset.category.get_absolute_url(), f"“{subset}” was deleted.")
