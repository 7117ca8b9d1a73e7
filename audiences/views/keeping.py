"""Keeping what a condition calculates, without leaving the builder: as a saved trait, or as a column of the audience.

A button of the condition asks for a name (``name_trait|place``, ``name_column|place``), another one saves
(``keep_trait``, ``keep_column``). Between both the name stands in the form. ``look|model`` looks for suggested values.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from django.http import QueryDict

from audiences import access
from audiences.builder import edits, keeping
from audiences.builder.edits import BadEdit
from audiences.builder.offers import ChoiceGroup
from audiences.models import SchemaModel
from audiences.services.enrichments import add_enrichment
from audiences.services.looks import look_at_values
from audiences.services.traits import create_trait
from audiences.views.base import id_in
from audiences.views.building import Building
from config.errors import HeadraceError, Invalid


@dataclass(frozen=True, slots=True)
class Naming:
    """The form of what is about to be kept: ``what`` is a trait or a column, ``pointer`` is the condition's place."""

    what: str
    pointer: str
    name: str = ""
    error: str = ""
    event: bool = False
    how: str = "last"
    column: str = ""
    columns: tuple[ChoiceGroup, ...] = ()
    ways: tuple[tuple[str, str], ...] = field(default=tuple(keeping.HOW.items()))


def keep(building: Building, data: QueryDict) -> tuple[Building, dict[str, Any]]:
    """The builder after what was asked, and what its templates need beside: ``naming``, or what was ``kept``."""
    do, _, place = data.get("do", "").partition("|")
    if do == "look":
        return building, {"kept": _look(building, place)}
    if do == "as_trait":
        return _as_trait(building, place), {"naming": Naming("trait", place)}
    if do in {"keep_trait", "keep_column"}:
        try:
            return _kept(building, data, do, place)
        except (HeadraceError, BadEdit) as error:
            words = getattr(error, "message", str(error))
            return building, {"naming": _naming(building, data, do.removeprefix("keep_"), place, str(words))}
    if do in {"name_trait", "name_column"}:
        return building, {"naming": _naming(building, data, do.removeprefix("name_"), place)}
    what, _, asked = data.get("naming", "").partition("|")
    if do == "no_name" or what not in {"trait", "column"}:
        return building, {}
    return building, {"naming": _naming(building, data, what, asked)}


def _as_trait(building: Building, place: str) -> Building:
    """The condition as one on a trait that is defined in it."""
    try:
        condition = edits.value_at(building.fitted, place)
        below = building.offers.below(str(condition.get("relationship", "")) if isinstance(condition, dict) else "")
        stamp = below.model.timestamp if below.model else None
        return replace(building, tree=keeping.as_trait(building.fitted, place, stamp))
    except BadEdit as error:
        raise Invalid(str(error), hint="Load the page again.") from None


def _look(building: Building, asked: str) -> str:
    """Let a worker look for the values of a model's columns again."""
    model = look_at_values(actor=building.actor, model=access.schema_model_for(building.actor, id_in(asked)))
    return f"The values of {model.name} are being looked for. The fields offer them in a moment."


def _naming(building: Building, data: QueryDict, what: str, pointer: str, error: str = "") -> Naming | None:
    made = Naming(what, pointer, data.get("keep_name", ""), error, how=data.get("keep_how", "last"))
    try:
        condition = keeping.event_at(building.fitted, pointer)
    except BadEdit:
        return made
    below = building.offers.below(str(condition.get("relationship", "")))
    return replace(made, event=True, column=data.get("keep_column", ""), columns=below.fields())


def _kept(building: Building, data: QueryDict, do: str, place: str) -> tuple[Building, dict[str, Any]]:
    name = data.get("keep_name", "")
    if do == "keep_column":
        return building, {"kept": _keep_column(building, data, place, name)}
    model = access.model_to_put_traits_on(building.actor, _model_at(building, data).pk)
    definition = keeping.trait_at(building.fitted, place)
    trait = create_trait(actor=building.actor, model=model, name=name, definition=definition)
    changed = replace(building, tree=keeping.with_saved(building.fitted, place, str(trait.pk)))
    return changed, {"kept": f"“{trait.name}” is a trait of {model.name} now."}


def _keep_column(building: Building, data: QueryDict, place: str, name: str) -> str:
    if building.audience is None:
        raise Invalid("Save the audience first: columns belong to saved audiences.")
    try:
        condition = keeping.event_at(building.fitted, place)
    except BadEdit:
        about = keeping.column_at(building.fitted, place)
    else:
        event = building.offers.below(str(condition.get("relationship", ""))).model
        column = orjson.loads(data.get("keep_column") or "{}")
        stamp = event.timestamp if event else None
        about = {"definition": keeping.event_trait(condition, data.get("keep_how", "last"), column, stamp)}
    made = add_enrichment(actor=building.actor, audience=building.audience, name=name, **about)
    return f"“{made['name']}” is a column of this audience now: see its Traits."


def _model_at(building: Building, data: QueryDict) -> SchemaModel:
    """The model whose rows a condition is about: the parent, or the one that the block says."""
    asked = id_in(data.get("keep_model", ""))
    return access.schema_model_for(building.actor, asked) if asked else building.parent
