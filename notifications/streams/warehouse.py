"""The audit log as a table of a warehouse: ``headrace_audit.audit_log``, each entry once.

The warehouse is a source in which Headrace may write. What an earlier attempt left of a batch is deleted in the
transaction that writes it anew, so that a worker that dies between writing and noting it leaves no entry twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import pyarrow as pa
from sqlglot import exp

from connectors.access import can_host_planner, open_source
from connectors.choices import Health
from connectors.models import Source
from connectors.sdk.context import Workload
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Field, Select
from connectors.sdk.planner import (
    AUDIT_SCHEMA,
    Statement,
    WarehouseSession,
    WarehouseSource,
    create_columns,
    namespace,
    own_table,
    warehouse_of,
)
from connectors.sdk.types import Choice
from governance.audit.models import AuditEntry
from governance.log.exporting import plain
from notifications.streams.waiting import WRITE_EVERY
from workspaces.models import Organization, Workspace
from workspaces.scoping import current_workspace_id, unscoped, workspace_scope

TABLE = "audit_log"
WHY = "an organization's stream may write into the warehouse of any of its workspaces"
# What each column holds; ``docs/guides/audit-log.md`` says it for people.
COLUMNS: Mapping[str, pa.DataType] = {
    "organization": pa.string(),
    "entry_id": pa.int64(),
    "sequence": pa.int64(),
    "logged_at": pa.timestamp("us", "UTC"),
    "event": pa.string(),
    "workspace_id": pa.int64(),
    "actor_kind": pa.string(),
    "actor_id": pa.int64(),
    "actor": pa.string(),
    "user_id": pa.int64(),
    "resource_type": pa.string(),
    "resource_id": pa.int64(),
    "resource": pa.string(),
    "before": pa.string(),
    "after": pa.string(),
    "correlation_id": pa.string(),
    "salt": pa.string(),
    "digest": pa.string(),
    "link": pa.string(),
}


def fields() -> tuple[Field, ...]:
    """Which source, and how long entries may wait for more."""
    return (
        Select(
            name="source",
            label="Source",
            choices=tuple(Choice(str(source.pk), f"{source} · {source.workspace.name}") for source in _sources()),
            help="One whose write access passed its test, on its Configuration tab.",
        ),
        WRITE_EVERY,
    )


def target(values: Mapping[str, Any]) -> str:
    """Where entries go, in words."""
    try:
        source = _source(values)
    except ConfigError:
        return "A source that is gone"
    return f"{source} · {AUDIT_SCHEMA}.{TABLE}"


def check(values: Mapping[str, Any]) -> None:
    """Try whether Headrace may write there."""
    with _opened(values) as (_, warehouse):
        warehouse.check_write()


def append(values: Mapping[str, Any], organization_id: int, entries: Sequence[AuditEntry]) -> None:
    """Write entries that follow each other, in place of what an earlier attempt left of them."""
    with unscoped(WHY):
        organization = Organization.objects.get(pk=organization_id)
    code = namespace(organization.pk, organization.created_at.isoformat())
    with _opened(values) as (source, warehouse), warehouse.session() as session:
        if source.workspace.organization_id != organization_id:
            raise ConfigError("The source belongs to another organization.", field="source")
        if not session.exists(TABLE, AUDIT_SCHEMA):
            session.execute(create_columns(TABLE, COLUMNS, AUDIT_SCHEMA))
        with session.transaction():
            session.execute(_removal(code, entries[0].sequence or 0, entries[-1].sequence or 0))
            _load(session, [_row(code, entry) for entry in entries])


def _load(session: WarehouseSession, rows: list[dict[str, Any]]) -> None:
    schema = pa.schema(list(COLUMNS.items()))
    batch = pa.RecordBatch.from_pylist(rows, schema=schema)
    session.load(TABLE, pa.RecordBatchReader.from_batches(schema, [batch]), AUDIT_SCHEMA)


def _removal(code: str, first: int, last: int) -> Statement:
    organization, sequence = (exp.column(name, quoted=True) for name in ("organization", "sequence"))
    same = organization.eq(exp.Literal.string(code))
    within = exp.Between(this=sequence, low=exp.Literal.number(first), high=exp.Literal.number(last))
    return Statement(exp.delete(own_table(TABLE, AUDIT_SCHEMA)).where(same, within))


def _row(code: str, entry: AuditEntry) -> dict[str, Any]:
    return {
        "organization": code,
        "entry_id": entry.pk,
        "sequence": entry.sequence,
        "logged_at": entry.at,
        "event": entry.event,
        "workspace_id": entry.workspace_id,
        "actor_kind": entry.actor_kind,
        "actor_id": entry.actor_id,
        "actor": entry.actor_label,
        "user_id": entry.user_id,
        "resource_type": entry.resource_type,
        "resource_id": entry.resource_id,
        "resource": entry.resource_label,
        "before": _json(entry.before),
        "after": _json(entry.after),
        "correlation_id": entry.correlation_id,
        **{name: bytes(getattr(entry, name) or b"").hex() for name in ("salt", "digest", "link")},
    }


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(plain(value)).decode()


def _sources() -> list[Source]:
    """Those of the workspace's organization that passed the test of write access; none where no workspace is open."""
    here = current_workspace_id()
    with unscoped(WHY):
        home = Workspace.objects.filter(pk=here).values("organization_id")
        found = Source.objects.filter(workspace__organization_id__in=home, write_health=Health.HEALTHY)
        return [s for s in found.select_related("workspace").order_by("name", "pk") if can_host_planner(s)]


def _source(values: Mapping[str, Any]) -> Source:
    with unscoped(WHY):
        found = Source.objects.select_related("workspace").filter(pk=int(values["source"])).first()
    if found is None:
        raise ConfigError("The source is gone.", field="source", hint="Choose another one in the stream's settings.")
    return found


@contextmanager
def _opened(values: Mapping[str, Any]) -> Iterator[tuple[Source, WarehouseSource]]:
    source = _source(values)
    with workspace_scope(source.workspace_id):
        yield source, warehouse_of(open_source(source, Workload.BATCH))
