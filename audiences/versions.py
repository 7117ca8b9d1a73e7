"""Earlier versions of audiences, worked out from the audit log as those of models and syncs (``syncs/versions.py``).

A version is the definition and the subsets; names, labels and the columns of its own are no part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audiences.definitions import schema_with_audiences, subsets_of
from audiences.models import Audience, Subset
from audiences.query.codec import load_definition
from audiences.query.errors import InvalidTree
from audiences.query.sentences import Speaker
from audiences.services.choosing import named
from config.errors import NotFound
from governance.approvals.registry import Part
from governance.audit.actors import Actor
from governance.audit.services.redacting import ERASED
from governance.selectors import activity_of
from syncs.versions import GONE, MOST, State, Version

EVENTS = ("audience.created", "audience.updated", "audience.restored")
PARTS = {"definition": "Conditions", "subsets": "Subsets"}


def live_state(audience: Audience) -> State:
    """What is live now."""
    return {"definition": audience.definition, "subsets": named(subsets_of(audience))}


def versions_of(audience: Audience) -> list[Version]:
    """The versions that the log knows, newest first: at most those of the last 200 changes."""
    return list(_versions(audience))


def version_of(audience: Audience, entry_id: int) -> Version:
    """One of them, by its entry."""
    for version in _versions(audience):
        if version.entry.pk == entry_id:
            return version
    raise NotFound("There is no such version here, or the audit log no longer has it.")


def subsets_in(audience: Audience, state: Mapping[str, Any]) -> tuple[list[int], list[str]]:
    """The subsets that a version was built from, and the names of those that are not there any more."""
    known, wanted = _known(audience), state["subsets"]
    return [int(pk) for pk in wanted if pk in known], [name for pk, name in wanted.items() if pk not in known]


def _known(audience: Audience) -> dict[str, str]:
    """All subsets of the parent model."""
    rows = Subset.objects.filter(category__parent_model_id=audience.parent_model_id)
    return named(rows.select_related("category"))


def parts_between(actor: Actor, audience: Audience, before: State, after: State) -> list[Part]:
    """What differs between two states, as people read it."""
    speaker = Speaker(schema_with_audiences(audience.parent_model.source, actor))
    sides = [_words(speaker, audience, state) for state in (before, after)]
    parts = [
        Part("In words", "text", *sides),
        Part("Conditions", "json", before["definition"], after["definition"]),
        Part("Subsets", "text", *("\n".join(sorted(state["subsets"].values())) for state in (before, after))),
    ]
    return [part for part in parts if part.before != part.after]


def _words(speaker: Speaker, audience: Audience, state: State) -> str:
    """The definition as a sentence; empty where this version of Headrace cannot read it."""
    try:
        return speaker.sentence(str(audience.parent_model_id), load_definition(state["definition"]))
    except InvalidTree:
        return ""


def _versions(audience: Audience) -> Iterator[Version]:
    state, newest, known = live_state(audience), True, _known(audience)
    for entry in activity_of("audience", audience).filter(event__in=EVENTS).order_by("-pk")[:MOST]:
        before = entry.before or {}
        changed = tuple(label for name, label in PARTS.items() if name in before)
        first = entry.event == "audience.created"
        if changed or first:
            yield Version(entry, state, changed, GONE if ERASED in repr(state) else "", current=newest)
            newest = False
        if first:
            return
        state = {**state, **{name: before[name] for name in PARTS if name in before}}
        state["subsets"] = {pk: known.get(pk, name) for pk, name in state["subsets"].items()}
