"""Finding entries by words.

The database keeps a ``words`` column (a text-search vector over who, what, the name and the beginning of what was
written) beside each entry; it is no field of the model, so that reading entries does not carry it along.
"""

from __future__ import annotations

import re

from django.db.models import BooleanField, Func, Value

_WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 12
_LONGEST = 200


class _Matches(Func):
    template = "audit_auditentry.words @@ to_tsquery('pg_catalog.simple', %(expressions)s)"
    output_field = BooleanField()


def has_words(text: str) -> Func:
    """The condition that an entry holds all the words, each as the beginning of one of its own."""
    return _Matches(Value(query_of(text)))


def query_of(text: str) -> str:
    """What people type as a text-search query; nothing where there is no word in it."""
    words = [word[:_LONGEST].lower() for word in _WORD.findall(text)[:MOST_WORDS]]
    return " & ".join(f"'{word}':*" for word in words)
