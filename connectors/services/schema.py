"""What Headrace remembers of a source's tables and columns.

The source is asked before a service, never inside its transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.utils import timezone as clock

from connectors import access, discovery
from connectors.choices import Kind
from connectors.discovery import TableRead
from connectors.models import Source, SourceTable
from connectors.sdk.types import Table
from connectors.services.connections import rights_to_use
from governance.audit.actors import Actor
from governance.audit.services import record, service


def refresh_schema(*, actor: Actor, source: Source) -> Source:
    """Read the source's tables and columns again and replace what was remembered."""
    return refresh_schema_telling(actor=actor, source=source)[0]


def refresh_schema_telling(*, actor: Actor, source: Source) -> tuple[Source, str]:
    """As :func:`refresh_schema`, with what to tell the person who asked."""
    rights_to_use(actor, source)
    found = discovery.read_tables(source)
    stored = store_schema(actor=actor, source=source, found=found.tables)
    return stored, f"Tables were read. {found.left_out}".strip()


def refresh_table(*, actor: Actor, source: Source, table: SourceTable) -> SourceTable:
    """Read one table's columns again."""
    rights_to_use(actor, source)
    columns = discovery.read_columns(source, Table(table.schema, table.name, table.kind))
    found = TableRead(Table(table.schema, table.name, table.kind, table.description), columns)
    return store_table(actor=actor, source=source, found=found)


@service("source.schema_refreshed")
def store_schema(*, actor: Actor, source: Source, found: Sequence[TableRead]) -> Source:
    """Replace the remembered tables of a source by those just read."""
    locked = access.connection_for(Source, actor, source.pk, access.USE[Kind.SOURCE], lock=True)
    now = clock.now()
    before = SourceTable.objects.filter(source=locked).count()
    SourceTable.objects.filter(source=locked).delete()
    SourceTable.objects.bulk_create((_row(locked, read, now) for read in found), batch_size=1_000)
    locked.schema_refreshed_at = now
    locked.save(update_fields=["schema_refreshed_at"])
    record(locked, before={"tables": before}, after={"tables": len(found)})
    return locked


@service("source.schema_refreshed")
def store_table(*, actor: Actor, source: Source, found: TableRead) -> SourceTable:
    """Replace the remembered columns of one table by those just read."""
    locked = access.connection_for(Source, actor, source.pk, access.USE[Kind.SOURCE], lock=True)
    row = _row(locked, found, clock.now())
    SourceTable.objects.filter(source=locked, schema=row.schema, name=row.name).delete()
    row.save(force_insert=True)
    record(locked, after={"table": str(row), "columns": len(row.columns or ())})
    return row


def _row(source: Source, read: TableRead, now: Any) -> SourceTable:
    return SourceTable(
        workspace_id=source.workspace_id,
        source=source,
        schema=read.table.schema,
        name=read.table.name,
        kind=read.table.kind,
        description=read.table.description,
        columns=None if read.columns is None else [asdict(c) for c in read.columns],
        column_names=" ".join(c.name for c in read.columns or ()),
        refreshed_at=now,
    )
