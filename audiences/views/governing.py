"""The builder as subsets and destination rules use it: conditions with a name, and rows counted among all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.models import Subset
from audiences.query.errors import Problem
from audiences.selectors.subsets import Choice
from audiences.services.audiences import count_rows
from audiences.services.rules import problems_of_rule
from audiences.services.subsets import problems_of_subset
from audiences.views.audiences import BuilderPage, told
from audiences.views.building import Building, posted_tree
from audiences.views.governance import GovernancePage
from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page


@dataclass
class RuleBuilding(Building):
    """Conditions of a destination rule: about all rows, whatever their subsets."""

    @cached_property
    def choices(self) -> Sequence[Choice]:
        """None: a rule holds in all subsets."""
        return ()

    @cached_property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with the rule."""
        return problems_of_rule(self.parent, self.fitted)


@dataclass
class SubsetBuilding(RuleBuilding):
    """Conditions of a subset."""

    subset: Subset | None = None

    @cached_property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with the subset."""
        return problems_of_subset(self.parent, self.fitted, self.subset)


class GovernedBuilder(GovernancePage, BuilderPage):
    """A page with the builder of a subset or rule."""

    head = ""
    save_label = ""

    def shown(self, building: Building, context: dict[str, Any], problem: HeadraceError | None = None) -> HttpResponse:
        """The builder, with what was wrong when it was saved."""
        wrong = problem.fields if isinstance(problem, Invalid) else {}
        whole = {
            "head": self.head,
            "save_label": self.save_label,
            "calculate_url": self.url("count_rows", building.parent.pk),
            "ruled": [],
            "insights_url": "",
            "can_limit": False,
            "offered_templates": [],
            "name": self.request.POST.get("name", ""),
            "name_error": wrong.get("name", ""),
            "to_error": wrong.get("to", ""),
            "problem": "" if {"name", "to"} & wrong.keys() else told(problem),
            "may_change": access.may_configure(self.actor, building.parent.source_id),
            **context,
        }
        return self.show(building, whole, problem.status if problem else 200)


class CountRows(GovernancePage):
    """Counting the rows for which the conditions of a subset or rule hold."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Begin."""
        parent = access.parent_to_govern(self.actor, pk)
        building = RuleBuilding(self.actor, parent, posted_tree(request.POST))
        part = "audiences/audiences/parts/size.html"
        try:
            made = count_rows(actor=self.actor, parent=parent, definition=building.fitted)
        except Invalid as error:
            return render_page(request, part, {"problem": error}, status=422)
        url = self.url("calculation", made.pk)
        return render_page(request, part, {"calculation": made, "url": url, "give_up_url": url})


class ChooseGoverned(GovernancePage):
    """The first step of a new category or rule: which parent model it is about."""

    route = ""
    following = ""
    title = ""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The parent models whose schema this person may configure; a single one is chosen at once."""
        parents = [each for each in self.parents() if access.may_configure(self.actor, each.source_id)]
        if len(parents) == 1:
            return go_to(request, self.url(self.following, parents[0].pk))
        context = {
            "parents": parents,
            "heading": self.title,
            "following": f"audiences:{self.following}",
            "breadcrumb": [self.back_to(self.route)],
        }
        return self.page("audiences/governance/choose_parent.html", context)
