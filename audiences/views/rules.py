"""Destination rules: the builder of each, and taking one away."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.models import DestinationRule
from audiences.selectors.rules import rules_that_hold
from audiences.services import rules as services
from audiences.views.base import id_in
from audiences.views.building import posted_tree
from audiences.views.governance import GovernancePage
from audiences.views.governing import ChooseGoverned, GovernedBuilder, RuleBuilding
from config.errors import HeadraceError, Invalid
from config.htmx import go_to
from connectors.access import destination_for
from connectors.models import Destination


class ChooseRuleParent(ChooseGoverned):
    """Whose rows a new rule is about."""

    route = "destination_rules"
    following = "destination_rule_define"
    title = "Add destination rule"


class NewRule(GovernedBuilder):
    """The builder of a new rule."""

    route = "destination_rules"
    template = "audiences/governance/new_rule.html"
    head = "audiences/governance/parts/rule_head.html"
    save_label = "Save rule"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """No conditions yet: everybody may be sent."""
        return self._page(RuleBuilding(self.actor, access.parent_to_govern(self.actor, pk), {}))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, or save."""
        parent = access.parent_to_govern(self.actor, pk)
        building = RuleBuilding(self.actor, parent, posted_tree(request.POST))
        if request.POST.get("do") != "save":
            return self._page(building)
        chosen = id_in(request.POST.get("to", ""))
        try:
            if not chosen:
                raise Invalid.field("to", "Choose a destination.")
            rule = services.create_destination_rule(
                actor=self.actor,
                parent=parent,
                destination=destination_for(self.actor, chosen),
                name=request.POST.get("name", ""),
                definition=building.fitted,
            )
        except Invalid as error:
            return self._page(building, error)
        words = f"“{rule}” holds from the next run of each sync to {rule.destination} on."
        return go_to(request, self.url("destination_rules"), words)

    def _page(self, building: RuleBuilding, problem: Invalid | None = None) -> HttpResponse:
        context: dict[str, Any] = {
            "breadcrumb": [self.back_to("destination_rules")],
            "destinations": Destination.objects.order_by("name", "pk"),
            "chosen_destination": self.request.POST.get("to", self.request.GET.get("destination", "")),
        }
        return self.shown(building, context, problem)


class RulePage(GovernedBuilder):
    """The builder of a saved rule."""

    route = "destination_rules"
    template = "audiences/governance/rule.html"
    head = "audiences/governance/parts/rule_head.html"
    save_label = "Save rule"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The saved rule."""
        rule = access.rule_for(self.actor, pk)
        return self._page(rule, RuleBuilding(self.actor, rule.parent_model, rule.definition))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, or save."""
        rule = access.rule_for(self.actor, pk)
        access.require_configure(self.actor, rule.parent_model.source_id)
        building = RuleBuilding(self.actor, rule.parent_model, posted_tree(request.POST))
        if request.POST.get("do") != "save":
            return self._page(rule, building)
        try:
            services.update_destination_rule(
                actor=self.actor,
                rule=rule,
                name=request.POST.get("name", ""),
                definition=building.fitted,
                enabled="enabled" in request.POST,
                seen=request.POST.get("version", ""),
            )
        except HeadraceError as error:
            return self._page(rule, building, error)
        return go_to(request, rule.get_absolute_url(), "Saved. It holds from the next run of each sync on.")

    def _page(
        self, rule: DestinationRule, building: RuleBuilding, problem: HeadraceError | None = None
    ) -> HttpResponse:
        posted = self.request.method == "POST"
        others = rules_that_hold(rule.parent_model_id, rule.destination_id).exclude(pk=rule.pk)
        context: dict[str, Any] = {
            "rule": rule,
            "version": self.version(rule, problem),
            "name": self.request.POST.get("name", rule.name),
            "enabled": "enabled" in self.request.POST if posted else rule.enabled,
            "others": others,
            "breadcrumb": [self.back_to("destination_rules")],
        }
        return self.shown(building, context, problem)


class DeleteRule(GovernancePage):
    """Removal of a rule."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the list."""
        rule = access.rule_for(self.actor, pk)
        try:
            services.delete_destination_rule(actor=self.actor, rule=rule)
        except HeadraceError as error:
            return go_to(request, rule.get_absolute_url(), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("destination_rules"), f"“{rule}” was deleted.")
