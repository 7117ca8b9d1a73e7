"""Names and slugs of models and syncs."""

from __future__ import annotations

import re

from django.db.models import Model as Row
from django.utils.text import slugify

from config.errors import Invalid

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,118}[a-z0-9])?")


def clean_name(name: str) -> str:
    """A name without outer spaces; refused when empty or too long."""
    name = " ".join(name.split())
    if not name:
        raise Invalid.field("name", "Enter a name.")
    if len(name) > 200:
        raise Invalid.field("name", "Enter at most 200 characters.")
    return name


def free_slug(kind: type[Row], wanted: str, *, chosen: bool = False) -> str:
    """A slug that nothing of this kind has here; one that a person chose must be free as it is."""
    if chosen and not _SLUG.fullmatch(wanted):
        raise Invalid.field("slug", "Use lower-case letters, digits, hyphens and underscores.")
    base = wanted if chosen else (slugify(wanted)[:100].strip("-") or kind._meta.model_name or "item")
    taken = set(kind._default_manager.filter(slug__startswith=base).values_list("slug", flat=True))
    if base not in taken:
        return base
    if chosen:
        raise Invalid.field("slug", f"“{wanted}” is taken.")
    return next(f"{base}-{n}" for n in range(2, len(taken) + 3) if f"{base}-{n}" not in taken)
