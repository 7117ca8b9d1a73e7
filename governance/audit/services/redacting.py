"""Erases a person's values from entries, declared in the chain so that it still verifies.

A sealed entry keeps its digest; what it says is changed, its salt is replaced (so that
nobody can find out by trying which value the old digest was over), and an entry
``audit_log.redacted`` in the same chain lists the entry with its digest before and after.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast, Lower

from governance.audit.actors import Actor
from governance.audit.chain import digest_of, new_salt
from governance.audit.models import AuditEntry
from governance.audit.services.observing import record_event

ERASED = "[erased]"
# Fields of an entry that hold a row's key as people or services gave it.
ROW_KEY_FIELDS = frozenset({"row_key", "key", "primary_key_value"})
SHORTEST_TEXT = 4
EVENT = "audit_log.redacted"
_BATCH = 500
_CHANGED = ("before", "after", "resource_label", "salt")


@dataclass(frozen=True, slots=True)
class Redacted:
    """How many entries a value was erased from."""

    entries: int = 0


def redact_values(
    *,
    actor: Actor,
    organization_id: int,
    texts: Collection[str] = (),
    row_keys: Collection[str] = (),
    workspace_id: int | None = None,
    reason: str = "",
) -> Redacted:
    """Erase values from the before, after and name of an organization's entries, or of one workspace's.

    ``texts`` (e-mail addresses, phone numbers; at least four characters) are erased wherever they stand, also
    within longer texts and whatever their letter case. ``row_keys`` are erased only where an entry holds a row's
    key (``ROW_KEY_FIELDS``), since a bare number stands for many other things. Who acted is never erased. Safe to
    repeat; call it in the scope of the organization or unscoped, within or without a transaction. ``reason``
    must hold no personal value.
    """
    finder = _Finder(frozenset(t.lower() for t in texts if len(t) >= SHORTEST_TEXT), frozenset(map(str, row_keys)))
    if not finder:
        return Redacted()
    number = 0
    for ids in _batches(_candidates(organization_id, workspace_id, finder)):
        number += _redact(actor, organization_id, workspace_id, ids, finder, reason)
    return Redacted(number)


@dataclass(frozen=True, slots=True)
class _Finder:
    texts: frozenset[str]
    row_keys: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.texts or self.row_keys)

    def erase(self, value: Any, field: str = "") -> Any:
        """The value without what is to be erased; the same object where nothing was found."""
        if isinstance(value, dict):
            return {self._text(name): self.erase(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.erase(inner, field) for inner in value]
        if field in ROW_KEY_FIELDS and not isinstance(value, bool) and str(value) in self.row_keys:
            return ERASED
        return self._text(value) if isinstance(value, str) else value

    def _text(self, value: str) -> str:
        for text in self.texts:
            value = _without(value, text)
        return value


def _without(value: str, text: str) -> str:
    """The value with every occurrence replaced, whatever its letter case."""
    lowered = value.lower()
    if text not in lowered:
        return value
    if len(lowered) != len(value):  # a letter whose lower case is longer: places do not match
        return ERASED
    parts: list[str] = []
    start = 0
    while (found := lowered.find(text, start)) >= 0:
        parts += [value[start:found], ERASED]
        start = found + len(text)
    return "".join([*parts, value[start:]])


def _candidates(organization_id: int, workspace_id: int | None, finder: _Finder) -> QuerySet[AuditEntry]:
    """Entries in which some of it may stand; what is found is looked at exactly afterwards."""
    rows = AuditEntry.objects.filter(organization_id=organization_id or None)
    if workspace_id is not None:
        rows = rows.filter(workspace_id=workspace_id)
    rows = rows.annotate(
        said_before=Lower(Cast("before", TextField())),
        said_after=Lower(Cast("after", TextField())),
        said_name=Lower("resource_label"),
    )
    wanted = Q()
    for text in (*finder.texts, *(key.lower() for key in finder.row_keys)):
        escaped = _as_in_json(text)
        wanted |= Q(said_before__contains=escaped) | Q(said_after__contains=escaped) | Q(said_name__contains=text)
    return rows.filter(wanted).exclude(event=EVENT).order_by("pk")


def _as_in_json(text: str) -> str:
    """As PostgreSQL writes the text within a JSON document."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _batches(rows: QuerySet[AuditEntry]) -> Iterator[list[int]]:
    after = 0
    while ids := list(rows.filter(pk__gt=after).values_list("pk", flat=True)[:_BATCH]):
        yield ids
        after = ids[-1]


@transaction.atomic
def _redact(
    actor: Actor, organization_id: int, workspace_id: int | None, ids: list[int], finder: _Finder, reason: str
) -> int:
    declared: dict[str, list[str]] = {}
    touched: list[AuditEntry] = []
    for entry in AuditEntry.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"):
        before, after = finder.erase(entry.before), finder.erase(entry.after)
        name = finder.erase(entry.resource_label)
        if (before, after, name) == (entry.before, entry.after, entry.resource_label):
            continue
        was = _current_digest(entry)
        entry.before, entry.after, entry.resource_label = before, after, name
        if entry.sequence is not None:
            entry.salt = new_salt()
            declared[str(entry.pk)] = [was.hex(), digest_of(entry, entry.salt).hex()]
        touched.append(entry)
    if not touched:
        return 0
    _store(touched)
    record_event(
        EVENT,
        actor=actor,
        organization_id=organization_id or None,
        workspace_id=workspace_id,
        label=f"{len(touched)} entries",
        details={"entries": len(touched), "digests": declared, "reason": reason},
        once=False,
    )
    return len(touched)


def _current_digest(entry: AuditEntry) -> bytes:
    """The digest of what the entry says before it is changed; of a redacted one, that of its latest redaction."""
    return b"" if entry.salt is None else digest_of(entry, bytes(entry.salt))


def _store(entries: list[AuditEntry]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL headrace.redaction = 'on'")
    AuditEntry.objects.bulk_update(entries, _CHANGED)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL headrace.redaction = 'off'")
