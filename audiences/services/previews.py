"""First rows of schema models, as far as the person and the privacy of each column allow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from audiences import access
from audiences.definitions import asker, schema_with_audiences
from audiences.models import SchemaModel
from audiences.query.conditions import Field
from audiences.query.errors import InvalidTree
from audiences.query.schema import Surface
from audiences.query.statements import Output
from audiences.selectors.reach import rows_seen
from config.errors import Denied
from connectors.access import definition_of
from connectors.choices import Kind
from connectors.models import Source
from connectors.sdk.sql import select_columns
from connectors.sdk.types import Column, ColumnType
from governance.audit.actors import Actor
from governance.audit.services import record, service
from syncs.choices import ModelMethod
from syncs.definitions import PREVIEW_ROWS, Definition, Preview, describe, preview
from workspaces.access import require
from workspaces.permissions import Permission


def preview_definition(
    *, actor: Actor, source: Source, definition: Definition, limit: int = PREVIEW_ROWS, with_count: bool = False
) -> Preview:
    """The first rows of what a schema model is going to be; columns only without the right to see the source's rows."""
    source = access.source_to_configure(actor, source.pk)
    if not access.may_view_source_rows(actor, source.pk):
        return Preview(columns=describe(source, definition), rows=None)
    record_source_preview(actor=actor, source=source, definition=definition)
    return preview(source, definition, limit=limit, with_count=with_count)


def preview_schema_model(
    *, actor: Actor, model: SchemaModel, limit: int = PREVIEW_ROWS, with_count: bool = False
) -> Preview:
    """The first rows of a saved model without the values that its columns' privacy hides; those are not even asked for.

    Columns only without the right to see its rows.
    """
    model = access.schema_model_for(actor, model.pk)
    shown = [c for c in model.columns.filter(missing=False, enabled=True) if not c.redacted]
    known = tuple(Column(c.name, ColumnType(c.effective_type), c.native_type) for c in shown)
    if not access.may_view_rows(actor, model) or not known:
        return Preview(columns=known, rows=None)
    query = _query(actor, model, [column.name for column in known])
    record_model_preview(actor=actor, model=model)
    asked = Definition(method=ModelMethod.SQL, sql=query)
    return preview(model.source, asked, limit=limit, with_count=with_count)


def _query(actor: Actor, model: SchemaModel, names: Sequence[str]) -> str:
    """Asks for these columns of the rows that the actor sees."""
    schema = cache(lambda: schema_with_audiences(model.source))
    if seen := rows_seen(actor, model, schema):
        outputs = [Output(name, field=Field(name)) for name in names]
        try:
            return asker(schema()).members(seen, outputs, surface=Surface.PREVIEWS).sql()
        except InvalidTree as error:
            problem = error.problems[0].message
            raise Denied(f"Which rows of {model.name} are within your subsets cannot be asked: {problem}") from error
    dialect = definition_of(Kind.SOURCE, model.source.type).dialect
    return select_columns(Definition.of(model).query(dialect), names, dialect)


@service("source.previewed")
def record_source_preview(*, actor: Actor, source: Source, definition: Definition) -> None:
    """Remember that somebody looked at rows of a query."""
    source = access.source_to_configure(actor, source.pk)
    require(actor, Permission.VIEW_ROWS, source_id=source.pk)
    record(source, after={"query": definition.sql or f"{definition.table_schema}.{definition.table_name}"})


@service("schema_model.previewed")
def record_model_preview(*, actor: Actor, model: SchemaModel) -> None:
    """Remember that somebody looked at rows of a schema model."""
    record(access.schema_model_for(actor, model.pk))
