"""How an audience begins: the steps to it, and templates inside its builder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.db.models import QuerySet
from django.urls import reverse

from audiences import access
from audiences.models import AudienceTemplate
from audiences.selectors.settings import settings_here
from audiences.templating import with_templates
from audiences.views.base import PageView, id_in
from audiences.views.building import Building
from config.errors import NotFound

STEPS = (("parent", "Parent model"), ("define", "Conditions and name"), ("sync", "Sync to a destination"))


def steps_of(current: str, chosen: Mapping[str, str], slug: str, back: str = "") -> list[dict[str, str]]:
    """The steps of a new audience, with what was chosen; ``back`` is the address of the saved conditions."""
    order = [key for key, _ in STEPS]
    at = order.index(current)
    urls = {"parent": "" if current == "sync" else reverse("audiences:audience_new", args=[slug]), "define": back}
    return [
        {
            "label": label,
            "state": "current" if key == current else "done" if order.index(key) < at else "todo",
            "choice": chosen.get(key, ""),
            "url": urls.get(key, ""),
        }
        for key, label in STEPS
    ]


def asked_template(do: str) -> str:
    """The id of the template that an edit, written ``template|id``, adds; empty for other edits."""
    name, _, asked = do.partition("|")
    return asked if name == "template" else ""


def begun_with(view: PageView, building: Building, asked: str) -> Building:
    """The builder after a template was added to what is in it; ``asked`` is the template's id. Raises NotFound."""
    found = access.template_for(view.actor, id_in(asked))
    if found.parent_model_id != building.parent.pk:
        raise NotFound("There is no such template of this model.")
    return replace(building, tree=with_templates(building.fitted, [found]))


def templates_for(view: PageView, building: Building) -> QuerySet[AudienceTemplate]:
    """The templates that an audience can begin with, or get: only approved ones where it has to keep one."""
    rows = access.templates_in_view(view.actor).filter(parent_model=building.parent)
    if building.audience is None and settings_here().audience_templates_required:
        return rows.filter(approved_at__isnull=False)
    return rows
