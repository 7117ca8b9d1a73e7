"""Which right somebody lacks, for pages that show what it would allow."""

from __future__ import annotations

from typing import Any

from django import template

from workspaces import access
from workspaces.permissions import Permission

register = template.Library()


@register.simple_tag(takes_context=True)
def why_not(context: dict[str, Any], *rights: str, **on: int | None) -> str:
    """Which right is lacking and who can grant it: ``{% why_not "source.manage" source_id=source.pk as why %}``.

    Several rights are needed within one group. Empty where nothing is lacking.
    """
    return access.why_not(context["request"].actor, tuple(map(Permission, rights)), **on)
