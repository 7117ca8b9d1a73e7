"""Audiences that have to begin with an approved template, and to keep what it asks."""

from __future__ import annotations

from typing import Any

from audiences.models import Audience, AudienceTemplate, SchemaModel
from audiences.query.templates import keeps
from audiences.selectors.settings import settings_here
from config.errors import Conflict


def base_of_new(parent: SchemaModel, definition: Any) -> Any:
    """What a new audience has to keep: the approved template that its definition keeps; ``None`` where none is needed.

    Raises :class:`Conflict` where one is needed and the definition keeps none.
    """
    return _kept(parent, definition) if settings_here().audience_templates_required else None


def base_of_changed(audience: Audience, definition: Any) -> Any:
    """The same of an audience with another definition; one that began without a template stays free."""
    if audience.base is None or not settings_here().audience_templates_required or keeps(audience.base, definition):
        return audience.base
    return _kept(audience.parent_model, definition)


def _kept(parent: SchemaModel, definition: Any) -> Any:
    approved = list(AudienceTemplate.objects.filter(parent_model=parent, approved_at__isnull=False))
    for template in approved:
        if keeps(template.definition, definition):
            return template.definition
    if not approved:
        hint = "Ask somebody who configures the schema to approve one."
    else:
        names = ", ".join(f"“{template.name}”" for template in approved[:5])
        hint = f"Begin with one, such as {names}, fill in its blanks and leave its other conditions as they are."
    raise Conflict(
        f"In this workspace audiences of {parent.name} keep what an approved template asks.",
        hint=hint,
        code="audience_template_required",
    )
