"""The search box of lists: every word must be found in one of the fields."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)
MAX_WORDS = 8


def matching(rows: QuerySet[M], text: str, *fields: str) -> QuerySet[M]:
    """Rows in which each word of ``text`` is part of some field, letter case ignored."""
    for word in text.split()[:MAX_WORDS]:
        found = Q()
        for field in fields:
            found |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(found)
    return rows
