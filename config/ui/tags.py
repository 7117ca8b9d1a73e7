"""Template tags every page uses; they are built in, so no template loads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.ui.diff import Diff, FieldChange, diff_of, field_changes
from config.ui.icons import icon_svg
from config.ui.jsontree import decoded, json_text, json_tree
from config.ui.status import status_for

register = template.Library()
LONGEST_CELL = 300  # characters

_UNITS = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"))


@register.simple_tag
def icon(name: str, size: int | str = 16, label: str = "", css: str = "") -> SafeString:
    """``{% icon "plus" %}``: one of the icons listed in ``frontend/icons.json``."""
    return icon_svg(name, int(size), label, css)


@register.simple_tag
def status_pill(value: str, kind: str = "sync", label: str = "") -> SafeString:
    """``{% status_pill sync.status %}``: icon and word of a state; kinds are in ``config/ui/status.py``."""
    status = status_for(value, kind)
    return format_html(
        '<span class="pill tone-{}{}" title="{}">{}{}</span>',
        status.tone,
        " pill-moving" if status.moving else "",
        status.sentence,
        icon_svg(status.icon),
        label or status.word,
    )


@register.filter
def status_sentence(value: str, kind: str = "sync") -> str:
    """The one sentence that says what a state means."""
    return status_for(value, kind).sentence


@register.simple_tag
def time_ago(value: datetime | None, empty: str = "never") -> SafeString:
    """``{% time_ago run.started_at %}``: "3 minutes ago", the exact time on hover and in the viewer's zone."""
    if value is None:
        return format_html('<span class="muted">{}</span>', empty)
    return format_html(
        '<time datetime="{}" title="{}" data-controller="time">{}</time>',
        value.astimezone(UTC).isoformat(),
        exact_time(value),
        relative_words(value, timezone.now()),
    )


@register.filter
def exact_time(value: datetime | str) -> str:
    """22 Nov 2026, 14:05 CET, in the viewer's zone, which the request's middleware sets; text is ISO 8601."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{timezone.localtime(moment):%-d %b %Y, %H:%M %Z}"


def relative_words(value: datetime, now: datetime) -> str:
    """How long ago or until, in the largest unit that fits."""
    seconds = (now - value).total_seconds()
    span = abs(seconds)
    for size, name in _UNITS:
        count = int(span // size)
        if count:
            words = f"{count} {name}{'' if count == 1 else 's'}"
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "just now" if seconds >= 0 else "in a moment"


@register.filter
def duration(seconds: float | None) -> str:
    """A length of time as people say it: 0.4 s, 12 s, 3 min 5 s, 2 h 4 min."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60} min"


@register.filter
def number(value: float | str | None) -> str:
    """1,204; a dash where nothing is known."""
    if value is None or isinstance(value, str):
        return value or "–"
    return f"{value:,}"


@register.filter
def share(value: float | None) -> str:
    """A part of one as percent: 31%, 0.4%; a dash where nothing is known."""
    if value is None:
        return "–"
    percent = value * 100
    return f"{percent:.0f}%" if percent >= 10 or percent == 0 else f"{percent:.1f}%"


@register.filter
def monogram(name: str) -> str:
    """One or two letters for a tile: Acme Shop gives AS."""
    words: list[str] = re.findall(r"[^\W_]+", name) or ["?"]
    if len(words) == 1:
        return words[0][:2].title() if len(words[0]) > 1 else words[0].upper()
    return (words[0][0] + words[1][0]).upper()


@register.filter
def widget_kind(field: BoundField) -> str:
    """The word by which the field template chooses its layout."""
    widget = field.field.widget
    return str(getattr(widget, "kind", None) or getattr(widget, "input_type", None) or "text")


@register.simple_tag
def diff_lines(before: Any, after: Any) -> Diff:
    """``{% diff_lines before after as diff %}``: what ``<c-diff>`` draws."""
    return diff_of(decoded(before), decoded(after))


@register.simple_tag
def changed_fields(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[FieldChange]:
    """``{% changed_fields before after as changes %}``: what ``<c-diff kind="fields">`` draws."""
    return field_changes(before, after)


@register.filter
def as_json_tree(value: Any) -> SafeString:
    """A value, or a string that holds JSON, as a foldable tree."""
    return json_tree(decoded(value))


@register.filter
def as_json_text(value: Any) -> str:
    """A value, or a string that holds JSON, as indented text."""
    return json_text(value)


@register.filter
def at(items: Any, position: int) -> Any:
    """``{{ series.data|at:forloop.counter0 }}``: one entry of a list, nothing past its end."""
    return items[position] if position < len(items) else None


@register.filter
def get(mapping: Any, key: str) -> Any:
    """``{{ row|get:column.key }}``: a dictionary's entry or an object's attribute."""
    if isinstance(mapping, dict):
        return mapping.get(key)
    return getattr(mapping, key, None)


@register.filter
def cell(value: Any) -> str:
    """A value of a data table as text: JSON for objects, hex for bytes, ISO for times; cut when very long."""
    if isinstance(value, dict | list | tuple):
        text = json_text(value).replace("\n", " ")
    elif isinstance(value, bytes):
        text = value.hex()
    else:
        text = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"


@register.filter
def looks_like_json(text: str) -> bool:
    """Whether a text is drawn as a tree: it holds a whole JSON object or list."""
    return isinstance(decoded(text), dict | list)


@register.filter
def is_number(value: Any) -> bool:
    """Whether a data table right-aligns the value."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
