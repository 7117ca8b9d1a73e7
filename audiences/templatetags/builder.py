"""What the builder's templates need beside Django's own filters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone

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


@register.filter
def place_id(pointer: str) -> str:
    """An id for the page from a place in the tree."""
    return "at" + pointer.replace("/", "-")


@register.filter
def at(values: Sequence[Any], place: int) -> Any:
    """The value at a place; nothing where there is none."""
    return values[place] if place < len(values) else None


@register.filter
def plain_value(value: Any) -> str:
    """A value as somebody would type it, whatever the language of the page."""
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    return str(value)
