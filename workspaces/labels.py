"""Labels: what they may look like, and how lists are narrowed by them.

A row's labels are a mapping of keys to values; one key has one value. In
addresses, forms and filters a label is written ``key=value``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeVar

from django.db.models import F, Field, Func, Model, Q, QuerySet

from config.errors import Invalid

M = TypeVar("M", bound=Model)
MAX_LENGTH = 80
MAX_LABELS = 50
# How many known labels lists and suggestions offer.
OFFERED = 500
_ALLOWED = re.compile(r"[\w\- ]+")


class _Pair(Field):  # type: ignore[type-arg]
    """A (key, value) row of PostgreSQL's; psycopg gives it as a tuple."""


def clean_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels without outer spaces, sorted by key; refused where a key or value is not sound."""
    if len(labels) > MAX_LABELS:
        raise Invalid.field("labels", f"At most {MAX_LABELS} labels.")
    cleaned = {_clean("key", key): _clean(f"value of “{key}”", value) for key, value in labels.items()}
    return dict(sorted(cleaned.items()))


def changed_labels(labels: Mapping[str, str], add: Mapping[str, str], remove: Iterable[str] = ()) -> dict[str, str]:
    """Labels with some added or replaced, and the keys of ``remove`` taken away."""
    gone = {key.strip() for key in remove}
    return clean_labels({**{key: value for key, value in labels.items() if key not in gone}, **add})


def parse_label(text: str) -> tuple[str, str]:
    """``brand=ACME`` as (key, value)."""
    key, equals, value = text.partition("=")
    if not equals:
        raise Invalid.field("labels", f"Write “{text[:40]}” as key=value.", hint="For example: brand=ACME.")
    return _clean("key", key), _clean(f"value of “{key.strip()}”", value)


def with_labels(
    rows: QuerySet[M], wanted: Iterable[str], unwanted: Iterable[str] = (), path: str = "labels"
) -> QuerySet[M]:
    """Rows that carry the wanted labels, any of several values of one key, and none of the unwanted ones."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for key, value in _pairs(wanted):
        by_key[key].append(value)
    for key, values in by_key.items():
        carried = Q()
        for value in values:
            carried |= Q(**{f"{path}__contains": {key: value}})
        rows = rows.filter(carried)
    for key, value in _pairs(unwanted):
        rows = rows.exclude(**{f"{path}__contains": {key: value}})
    return rows


def labels_in(rows: QuerySet[M]) -> list[str]:
    """The labels that rows carry as ``key=value``, each once and in order; one statement."""
    pair = Func(F("labels"), function="jsonb_each_text", output_field=_Pair())
    used = rows.exclude(labels={}).order_by().annotate(pair=pair).values_list("pair", flat=True).distinct()
    return sorted("=".join(pair) for pair in used[:OFFERED])


def _pairs(labels: Iterable[str]) -> Iterable[tuple[str, str]]:
    for label in labels:
        key, equals, value = label.partition("=")
        if equals:
            yield key.strip(), value.strip()


def _clean(what: str, text: str) -> str:
    text = " ".join(str(text).split())
    if not text:
        raise Invalid.field("labels", f"Enter the {what} of the label." if what == "key" else f"Enter the {what}.")
    if len(text) > MAX_LENGTH:
        raise Invalid.field("labels", f"The {what} has more than {MAX_LENGTH} characters.")
    if not _ALLOWED.fullmatch(text):
        raise Invalid.field(
            "labels", f"“{text}” has characters that labels cannot hold.", hint="Use letters, digits, spaces, _ and -."
        )
    return text
