"""Audiences made from templates: conditions of several templates side by side, their blanks filled in."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from audiences.models import AudienceTemplate
from audiences.query.templates import derived, narrowed

Tree = dict[str, Any]


def with_templates(
    definition: Tree, templates: Iterable[AudienceTemplate], blanks: Mapping[str, Any] | None = None
) -> Tree:
    """A definition for which what it asks and what the templates ask has to hold.

    The limit is the definition's own, else the first template's that has one. ``blanks`` are operands by the labels
    of the blanks; what is not among them stays blank.
    """
    made = copy.deepcopy(definition)
    for template in templates:
        filled = derived(template.definition, blanks=blanks)
        made["where"] = narrowed(made.get("where"), filled.get("where") or {})
        if not made.get("limit") and filled.get("limit"):
            made["limit"] = filled["limit"]
    return made
