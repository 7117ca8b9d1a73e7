"""Inline SVG icons from the set that the front-end build writes to ``frontend/dist/icons.json``."""

from __future__ import annotations

import json
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

SIZES = (12, 14, 16, 20, 24)

# Our own nouns, so that one thing has one picture everywhere.
MEANINGS = {
    "home": "layout-dashboard",
    "source": "database",
    "model": "box",
    "destination": "send",
    "sync": "refresh-cw",
    "run": "activity",
    "audit": "scroll-text",
    "schedule": "calendar-clock",
    "key": "key-round",
    "person": "user",
    "group": "users",
    "row": "rows-3",
    "column": "columns-3",
}


@lru_cache(maxsize=1)
def drawings() -> dict[str, str]:
    """Icon name to the inside of its SVG; the build made the file from a pinned package, so it is markup we trust."""
    path = settings.BASE_DIR / "frontend" / "dist" / "icons.json"
    try:
        loaded: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as missing:
        raise ImproperlyConfigured("The front end is not built: run `make`.") from missing
    return loaded


@lru_cache(maxsize=1024)
def icon_svg(name: str, size: int = 16, label: str = "", css: str = "") -> SafeString:
    """One icon; without a label it is hidden from screen readers, because a word stands beside it."""
    inside = drawings().get(MEANINGS.get(name, name))
    if inside is None:
        raise ImproperlyConfigured(f"No icon {name!r}: add it to frontend/icons.json and run `make`.")
    if size not in SIZES:
        raise ValueError(f"Icon size {size} is not one of {SIZES}.")
    role = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    classes = " ".join(part for part in ("icon", f"icon-{size}" if size != 16 else "", css) if part)
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" {}>{}</svg>',
        classes,
        role,
        mark_safe(inside),  # noqa: S308  built from a pinned package, never from input
    )
