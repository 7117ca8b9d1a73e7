"""What the builder's templates need beside Django's own filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any

from django import template
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from audiences.builder.offers import Choice, ChoiceGroup, option
from config.ui.tags import cell

register = template.Library()


@register.filter
def said(value: Any) -> str:
    """A value of somebody's row, as people read it: yes and no, times in their own zone."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        here = timezone.localtime(value) if timezone.is_aware(value) else value
        return f"{here:%-d %b %Y, %H:%M}"
    if isinstance(value, date):
        return f"{value:%-d %b %Y}"
    return cell(value)


@register.simple_tag
def choices(groups: Iterable[ChoiceGroup], chosen: str) -> SafeString:
    """The options of a select, under their headings: most of a builder's page, so they are not left to a template."""
    made = []
    for group in groups:
        made.append(f'<optgroup label="{escape(group.label)}">')
        known = group.options
        if chosen in known:
            known = {**known, chosen: option(chosen, group.label_of(chosen), chosen=True)}
        made += [*known.values(), "</optgroup>"]
    return mark_safe("".join(made))  # noqa: S308  every part is escaped above


@register.simple_tag
def options(choices: Iterable[Choice], chosen: Any) -> SafeString:
    """The same without headings; what is offered twice is chosen once."""
    value = str(chosen)
    return mark_safe("".join(option(each.value, each.label, chosen=each.value == value) for each in choices))  # noqa: S308


@register.filter
def place_id(pointer: str) -> str:
    """An id for the page from a place in the tree."""
    return "at" + pointer.replace("/", "-")


@register.filter
def at(values: Sequence[Any], place: int) -> Any:
    """The value at a place; nothing where there is none."""
    return values[place] if place < len(values) else None


@register.filter
def under(values: Mapping[str, Any] | None, key: str) -> Any:
    """The value of a key; nothing where there is none."""
    return values.get(key) if values else None


@register.filter
def plain_value(value: Any) -> str:
    """A value as somebody would type it, whatever the language of the page."""
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    return str(value)
