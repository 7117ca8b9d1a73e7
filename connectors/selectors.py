"""Reads that pages and the API share. All of them see only the workspace of the current scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from connectors import catalog
from connectors.choices import Kind, TunnelKind
from connectors.models import Connection, Destination, Source, SourceTable, Tunnel
from governance.audit.models import AuditEntry


def sources() -> QuerySet[Source]:
    """The workspace's sources that can be used."""
    return Source.objects.filter(setup_done=True).order_by("name", "pk")


def destinations() -> QuerySet[Destination]:
    """The workspace's destinations that can be used."""
    return Destination.objects.filter(setup_done=True).order_by("name", "pk")


def free_slug(model: type[Connection], wanted: str, *, besides: int | None = None) -> str:
    """``wanted``, or with the first number behind it that nobody has ("postgresql-2")."""
    taken = set(
        model.objects.filter(Q(slug=wanted) | Q(slug__startswith=f"{wanted}-"))
        .exclude(pk=besides)
        .values_list("slug", flat=True)
    )
    number, slug = 1, wanted
    while slug in taken:
        number += 1
        slug = f"{wanted}-{number}"
    return slug


def free_name(model: type[Connection], wanted: str, *, besides: int | None = None) -> str:
    """A name to suggest: ``wanted``, or with the first free number behind it."""
    taken = set(model.objects.filter(name__startswith=wanted).exclude(pk=besides).values_list("name", flat=True))
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted} {number}"
    return name


def search(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Rows whose name, slug or type contains every word."""
    for word in text.split()[:8]:
        types = [e.key for kind in Kind for e in catalog.entries(kind) if word.lower() in e.name.lower()]
        rows = rows.filter(Q(name__icontains=word) | Q(slug__icontains=word) | Q(type__in=types))
    return rows


@dataclass(frozen=True, slots=True)
class TypeCount:
    """How many rows of one type the workspace has, for the filter chips."""

    entry: catalog.Entry
    number: int


def type_counts(model: type[Connection]) -> list[TypeCount]:
    """The types in use, by name."""
    counted = model.objects.order_by().values("type").annotate(number=Count("pk")).values_list("type", "number")
    found = [TypeCount(catalog.known_entry(model.kind, key), number) for key, number in counted]
    return sorted(found, key=lambda c: c.entry.name.lower())


def tables_of(source: Source, text: str = "") -> QuerySet[SourceTable]:
    """The remembered tables of a source, those of the public schema first; searched by table and column name."""
    rows = SourceTable.objects.filter(source=source)
    for word in text.split()[:8]:
        rows = rows.filter(Q(name__icontains=word) | Q(schema__icontains=word) | Q(column_names__icontains=word))
    return rows.order_by(F("schema"), F("name"))


def table_of(source: Source, table_id: int) -> SourceTable | None:
    """One remembered table of a source."""
    return SourceTable.objects.filter(source=source, pk=table_id).first()


def schema_map(source: Source, limit: int = 2_000) -> dict[str, list[str]]:
    """Table → column names, for completion in the SQL editor; tables of the default schema by their bare name too."""
    rows = SourceTable.objects.filter(source=source).order_by("schema", "name")[:limit]
    found: dict[str, list[str]] = {}
    for row in rows:
        names = [column["name"] for column in row.columns or ()]
        found[str(row)] = names
        if row.schema in ("", "main", "public"):
            found.setdefault(row.name, names)
    return found


def tunnel_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The workspace's SSH tunnels as a form offers them: values and labels below what they are."""
    rows = list(Tunnel.objects.order_by("name").values_list("pk", "name", "kind"))
    groups = (("SSH tunnels", TunnelKind.STANDARD), ("Reverse SSH tunnels", TunnelKind.REVERSE))
    offered = [(words, [(str(pk), name) for pk, name, of in rows if of == kind]) for words, kind in groups]
    return [(words, choices) for words, choices in offered if choices]


def activity_of(connection: Connection) -> QuerySet[AuditEntry]:
    """What the audit log says of one source or destination, newest first."""
    return AuditEntry.objects.filter(
        workspace_id=connection.workspace_id, resource_type=connection.kind.value, resource_id=connection.pk
    )
