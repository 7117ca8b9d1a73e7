"""Finding entries by words.

The database keeps a ``words`` column (a text-search vector over who, what, the name and the beginning of what was
written) beside each entry; it is no field of the model, so that reading entries does not carry it along. An index over
the same words stands behind the wall in a table of its own (``0004_words_within_the_wall``).

Words that many of the newest entries hold are looked for by reading back from the newest, which is done as soon as a
page is full; rare ones are looked up in the index. Either way it takes no longer as the log grows.
"""

from __future__ import annotations

import re

from django.db.models import BooleanField, Func, QuerySet, Value

from governance.audit.models import AuditEntry

_WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 12
_LONGEST = 200
# So many of the newest entries are looked at, and so many of them must match for words to be common.
NEWEST = 2_000
COMMON = 10


class _Matches(Func):
    template = "audit_auditentry.words @@ to_tsquery('pg_catalog.simple', %(expressions)s)"
    output_field = BooleanField()


class _Found(Func):
    template = "audit_auditentry.id = ANY ((SELECT headrace_find_entries(%(expressions)s))::bigint[])"
    output_field = BooleanField()


def holding_words(rows: QuerySet[AuditEntry], text: str) -> QuerySet[AuditEntry]:
    """The entries among these that hold all the words, each as the beginning of one of its own."""
    words = words_of(text)
    if not words:
        return rows.none()
    matching = rows.filter(_Matches(Value(" & ".join(f"'{word}':*" for word in words))))
    return matching if _common(rows, matching) else matching.filter(_Found(Value(" ".join(words))))


def words_of(text: str) -> list[str]:
    """The words in what people type; none where there is no word in it."""
    return [word[:_LONGEST].lower() for word in _WORD.findall(text)[:MOST_WORDS]]


def _common(rows: QuerySet[AuditEntry], matching: QuerySet[AuditEntry]) -> bool:
    """Whether reading back from the newest soon fills a page, or comes to the end of the log."""
    edge = rows.order_by("-pk").values_list("pk", flat=True)[NEWEST : NEWEST + 1].first()
    if edge is None:
        return True
    return len(matching.filter(pk__gt=edge).order_by("-pk").values_list("pk", flat=True)[:COMMON]) == COMMON
