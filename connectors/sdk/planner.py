"""What a source offers that can host the warehouse planner: writing into two schemas of Headrace's own.

A :class:`WarehouseSource` opens a :class:`WarehouseSession`. Its statements are
sqlglot trees; whatever they write must be in one of :data:`SCHEMAS`, so that
Headrace cannot touch anything else even where it would be allowed to. A model's
SQL goes into a statement untouched, as an opaque subquery (:func:`model_table`).

Table names begin with a :func:`namespace`, so that several workspaces or
installations can share one warehouse.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.errors import ConfigError, QueryError
from connectors.sdk.source import RowStream, Source
from connectors.sdk.sql import MODEL_ALIAS, bare, check_read_only
from connectors.sdk.types import Column

PLANNER_SCHEMA = "headrace_planner"
AUDIT_SCHEMA = "headrace_audit"
SCHEMAS = (PLANNER_SCHEMA, AUDIT_SCHEMA)

# Stands for the model's text while the statement around it is rendered.
_MARK = "headrace_b81d02f7c3e94a55_model"
_PROBE = "headrace_write_check"
_STORED = b"headrace:stored"
_KINDS = ("TABLE", "VIEW", None)
_WRITES = (exp.Create, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Drop, exp.Alter)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as a tree, with the SQL of the model that :func:`model_table` stands for.

    ``table_options`` are for systems whose CREATE TABLE … AS sqlglot writes as SELECT … INTO:
    what stands between the table and its query, which may be nothing.
    """

    tree: exp.Expr
    model: str = ""
    table_options: str | None = None

    def sql(self, dialect: str, *, pretty: bool = False) -> str:
        """The statement's text. The line breaks keep a comment at the model's end from swallowing the bracket."""
        rendered = self._rendered(dialect, pretty=pretty)
        if not self.model:
            return rendered
        head, mark, tail = rendered.partition(_MARK)
        if not mark:
            raise ValueError("the statement has no place for its model")
        return f"{head}(\n{bare(self.model, dialect)}\n){tail}"

    def _rendered(self, dialect: str, *, pretty: bool) -> str:
        tree = _stored(self.tree, dialect)
        if self.table_options is None:
            return str(tree.sql(dialect=dialect, pretty=pretty))
        target = tree.this.sql(dialect=dialect)
        query = tree.args["expression"].sql(dialect=dialect, pretty=pretty)
        return " ".join(filter(None, ("CREATE TABLE", target, self.table_options, "AS"))) + f"\n{query}"


def stored_type(kind: exp.DataType, dialect: str) -> exp.DataType:
    """The type in which the system stores what sqlglot calls so; its own name for it where the two differ."""
    found = _STORED_TYPES.get(dialect, {}).get(kind.this) if not kind.expressions else None
    return exp.DataType.build(found, dialect=dialect) if found else kind


def _stored(tree: exp.Expr, dialect: str) -> exp.Expr:
    """The tree with columns of types that the system has."""
    if dialect not in _STORED_TYPES or not tree.find(exp.ColumnDef):
        return tree
    made = tree.copy()
    for column in made.find_all(exp.ColumnDef):
        column.set("kind", stored_type(column.args["kind"], dialect))
    return made


def model_table() -> exp.Expr:
    """The model as a table of a statement, under the name that other queries give it."""
    return exp.alias_(exp.table_(_MARK), MODEL_ALIAS, quoted=True, table=True)


def own_table(name: str, schema: str = PLANNER_SCHEMA) -> exp.Table:
    """A table in one of Headrace's schemas."""
    return exp.Table(this=exp.to_identifier(name, quoted=True), db=exp.to_identifier(schema, quoted=True))


def namespace(*identity: object) -> str:
    """A short prefix for table names from whatever tells workspaces and installations apart."""
    return "h" + sha256("\n".join(map(str, identity)).encode()).hexdigest()[:9]


def create_columns(name: str, columns: Mapping[str, pa.DataType], schema: str = PLANNER_SCHEMA) -> Statement:
    """CREATE TABLE with columns that hold these Arrow types without loss."""
    definitions = [
        exp.ColumnDef(this=exp.to_identifier(column, quoted=True), kind=column_sql_type(kind))
        for column, kind in columns.items()
    ]
    target = exp.Schema(this=own_table(name, schema), expressions=definitions)
    return Statement(exp.Create(this=target, kind="TABLE"))


def drop_table(name: str, schema: str = PLANNER_SCHEMA) -> Statement:
    """DROP TABLE, where it exists."""
    return Statement(exp.Drop(tables=[own_table(name, schema)], kind="TABLE", exists=True))


def json_field(name: str) -> pa.Field:
    """A column of JSON texts for :meth:`WarehouseSession.load`, which the table stores as what they stand for."""
    return pa.field(name, pa.string(), metadata={_STORED: b"json"})


def holds_json(field: pa.Field) -> bool:
    """Whether :func:`json_field` made the column."""
    return bool((field.metadata or {}).get(_STORED) == b"json")


def column_sql_type(kind: pa.DataType) -> exp.DataType:
    """The SQL type for values of an Arrow type; text where there is nothing closer."""
    if isinstance(kind, pa.BaseExtensionType):
        return column_sql_type(kind.storage_type)
    if pa.types.is_decimal(kind):
        return exp.DataType.build(f"DECIMAL({kind.precision}, {kind.scale})")
    if pa.types.is_uint64(kind):
        return exp.DataType.build("DECIMAL(20, 0)")
    if pa.types.is_timestamp(kind):
        return exp.DataType.build("TIMESTAMPTZ" if kind.tz else "TIMESTAMP")
    for matches, name in _SQL_TYPES:
        if matches(kind):
            return exp.DataType.build(name)
    return exp.DataType.build("TEXT")


class WarehouseSession(ABC):
    """An open connection that may write into Headrace's schemas. One thread at a time, except :meth:`cancel`.

    ``dialect`` is sqlglot's name. Subclasses say how statements are run.
    """

    dialect: str

    def execute(self, statement: Statement) -> int:
        """Run a statement that writes into Headrace's schemas; the number of rows it touched, -1 where unknown.

        Raises :class:`QueryError` for anything that would write elsewhere, a model's own text included.
        """
        refuse_foreign(statement.tree)
        if statement.model:
            check_read_only(statement.model, self.dialect)
        return self._execute(statement.sql(self.dialect))

    def rows(self, query: Statement) -> list[tuple[Any, ...]]:
        """All rows of a query that is known to be small; sees what this session wrote."""
        _require_query(query.tree)
        return self._rows(query.sql(self.dialect))

    def exists(self, name: str, schema: str = PLANNER_SCHEMA) -> bool:
        """Whether a table of Headrace's is there."""
        return name in self.tables(name, schema)

    def tables(self, prefix: str, schema: str = PLANNER_SCHEMA) -> list[str]:
        """The tables of one of Headrace's schemas whose names begin so, sorted."""
        found = (
            exp.select(exp.column("table_name"))
            .from_("information_schema.tables")
            .where(exp.column("table_schema").eq(exp.Literal.string(schema)))
        )
        return sorted(name for (name,) in self.rows(Statement(found)) if name.startswith(prefix))

    @abstractmethod
    def describe(self, query: Statement) -> Sequence[Column]:
        """The columns that a query would return; nothing is run."""

    @abstractmethod
    def query(self, query: Statement, *, batch_rows: int = 50_000) -> AbstractContextManager[RowStream]:
        """Stream a query's rows as Arrow batches, as :meth:`Source.query` does; sees only what is committed."""

    @abstractmethod
    def load(self, name: str, batches: pa.RecordBatchReader, schema: str = PLANNER_SCHEMA) -> int:
        """Append Arrow batches to an existing table, column by column name; the number of rows.

        Columns made by :func:`json_field` hold texts for columns of the warehouse's own JSON type.
        """

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, where the warehouse has transactions over tables; else each statement by itself."""

    @abstractmethod
    def cancel(self) -> None:
        """Stop what is running on the server; safe from another thread."""

    @abstractmethod
    def _execute(self, sql: str) -> int:
        """Run one statement."""

    @abstractmethod
    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and take all its rows."""


class WarehouseSource(Source):
    """A source in which Headrace may write, if it is given the rights. Reading stays on its own read-only session."""

    @abstractmethod
    def session(self) -> AbstractContextManager[WarehouseSession]:
        """A connection for writing. Raises typed errors; a missing right shows when a statement needs it."""

    def check_write(self) -> None:
        """Create, fill, read and drop a table in both schemas; the error says which grant is missing."""
        with self.session() as session:
            for schema in SCHEMAS:
                self._check_schema(session, schema)
                _probe(session, schema)

    def _check_schema(self, session: WarehouseSession, schema: str) -> None:
        """Look for a missing schema or right before trying, where the system can say."""


def warehouse_of(source: Source) -> WarehouseSource:
    """The source as one that can host the planner; :class:`ConfigError` where it cannot."""
    if isinstance(source, WarehouseSource) and source.definition.write_planner:
        return source
    raise ConfigError(
        f"{source.definition.name} cannot host the warehouse planner.",
        hint="Its syncs are compared locally: nothing has to be written into the source.",
    )


def refuse_foreign(tree: exp.Expr) -> None:
    """Raise :class:`QueryError` unless the statement is a write into one of :data:`SCHEMAS`."""
    if not isinstance(tree, _WRITES):
        raise QueryError("This statement writes no table.", hint="This is a defect in Headrace.")
    targets = tree.args.get("tables") or [tree.this.this if isinstance(tree.this, exp.Schema) else tree.this]
    if not all(_is_own(target) for target in targets) or tree.args.get("kind", "TABLE") not in _KINDS:
        raise QueryError("Headrace writes only into its own schemas.", hint="This is a defect in Headrace.")
    for node in tree.walk():
        if node is not tree and isinstance(node, _WRITES):
            raise QueryError("A statement writes one table.", hint="This is a defect in Headrace.")


def _is_own(target: exp.Expr | None) -> bool:
    return isinstance(target, exp.Table) and not target.catalog and target.db.lower() in SCHEMAS


def _require_query(tree: exp.Expr) -> None:
    if not isinstance(tree, exp.Query) or any(isinstance(node, _WRITES) for node in tree.walk()):
        raise QueryError("This is no query.", hint="This is a defect in Headrace.")


def _probe(session: WarehouseSession, schema: str) -> None:
    """A table's whole life, under a name that nothing else has."""
    name = f"{_PROBE}_{secrets.token_hex(4)}"
    columns = pa.schema([pa.field("checked", pa.string())])
    session.execute(create_columns(name, {"checked": pa.string()}, schema))
    try:
        batch = pa.RecordBatch.from_pylist([{"checked": "yes"}], schema=columns)
        session.load(name, pa.RecordBatchReader.from_batches(columns, [batch]), schema)
        table = own_table(name, schema)
        found = session.rows(Statement(exp.select(exp.column("checked", quoted=True)).from_(table)))
        if found != [("yes",)]:
            raise QueryError(f"What was written into {schema} did not come back.")
    finally:
        session.execute(drop_table(name, schema))


_STORED_TYPES: Mapping[str, Mapping[exp.DType, str]] = {
    "redshift": {exp.DType.JSON: "SUPER"},
    "trino": {
        exp.DType.JSON: "VARCHAR",
        exp.DType.TIMESTAMPTZ: "TIMESTAMP(6) WITH TIME ZONE",
        exp.DType.TIMESTAMP: "TIMESTAMP(6)",
    },
    "presto": {exp.DType.JSON: "VARCHAR"},
    "databricks": {exp.DType.JSON: "STRING", exp.DType.TIMESTAMP: "TIMESTAMP_NTZ"},
}
_SQL_TYPES = (
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_int64, "BIGINT"),
    (pa.types.is_uint32, "BIGINT"),
    (pa.types.is_integer, "INT"),
    (pa.types.is_float64, "DOUBLE"),
    (pa.types.is_floating, "FLOAT"),
    (pa.types.is_date, "DATE"),
)
