"""T-SQL run by DuckDB: what it cannot know is which types columns have there, so those that are declared are kept."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from tests.support.tds_catalogue import known
from tests.support.tds_types import Kind, kind

_DUCK = {
    "BIGINT": "bigint", "INTEGER": "int", "SMALLINT": "smallint", "TINYINT": "smallint", "UTINYINT": "tinyint",
    "DOUBLE": "float", "FLOAT": "real", "BOOLEAN": "bit", "VARCHAR": "nvarchar(4000)", "DATE": "date",
    "TIMESTAMP": "datetime2(6)", "TIMESTAMP WITH TIME ZONE": "datetimeoffset(7)", "BLOB": "varbinary(max)",
    "HUGEINT": "decimal(38,0)", "TIME": "time(6)", "UUID": "uniqueidentifier",
}  # fmt: skip
# Types of T-SQL that DuckDB has under another name.
_KEPT = {
    "money": "DECIMAL(19,4)", "smallmoney": "DECIMAL(10,4)", "xml": "VARCHAR", "geography": "VARCHAR",
    "hierarchyid": "VARCHAR", "datetimeoffset": "TIMESTAMPTZ", "datetime2": "TIMESTAMP", "datetime": "TIMESTAMP",
    "smalldatetime": "TIMESTAMP", "nvarchar": "VARCHAR", "nchar": "VARCHAR", "varchar": "VARCHAR", "char": "VARCHAR",
    "varchar_utf8": "VARCHAR", "uniqueidentifier": "UUID", "tinyint": "UTINYINT", "bit": "BOOLEAN", "real": "FLOAT",
    "float": "DOUBLE", "time": "TIME", "varbinary": "BLOB", "image": "BLOB",
}  # fmt: skip
_SYS = (
    "CREATE SCHEMA dbo",
    "CREATE SCHEMA sys",
    "CREATE VIEW sys.schemas AS SELECT schema_name AS name, oid AS schema_id FROM duckdb_schemas()",
    "CREATE VIEW sys.objects AS SELECT table_oid AS object_id, table_name AS name, schema_oid AS schema_id, "
    "'U' AS type FROM duckdb_tables() WHERE schema_name <> 'sys' AND NOT temporary",
    "CREATE TABLE sys.columns (object_id bigint, column_id int, name text, system_type_id text, max_length int, "
    "precision int, scale int, is_nullable boolean, is_identity boolean, is_computed boolean, default_object_id int, "
    "collation_name text)",
    "CREATE TABLE sys.indexes (object_id bigint, index_id int, is_unique boolean, is_primary_key boolean, "
    "has_filter boolean)",
    "CREATE TABLE sys.index_columns (object_id bigint, index_id int, column_id int, key_ordinal int, "
    "is_included_column boolean)",
    "CREATE VIEW sys.extended_properties AS SELECT table_oid AS major_id, column_index AS minor_id, 1 AS class, "
    "'MS_Description' AS name, comment AS value FROM duckdb_columns() WHERE comment IS NOT NULL",
    "USE dbo",
    "CREATE SEQUENCE identities",
    "CREATE MACRO quotename(given) AS '[' || replace(given, ']', ']]') || ']'",
    "CREATE MACRO has_perms_by_name(a, b, c) AS 1",
    "CREATE MACRO type_name(given) AS given",
    "CREATE MACRO object_id(given) AS (SELECT table_oid FROM duckdb_tables() "
    "WHERE quotename(schema_name) || '.' || quotename(table_name) = given)",
)


class Refused(Exception):
    """An error as the server tells it."""

    def __init__(self, number: int, words: str, line: int = 1) -> None:
        super().__init__(words)
        self.number, self.line = number, line


@dataclass
class Result:
    """What a statement gives: columns and rows, or how many rows it touched."""

    columns: list[tuple[str, Kind]] = field(default_factory=list)
    rows: Iterator[Sequence[Any]] = field(default_factory=lambda: iter(()))
    touched: int = 0


class Warehouse:
    """A database, and the types that its columns were declared with."""

    def __init__(self, *, utf8: bool = False) -> None:
        self.duck = duckdb.connect()
        self.declared: dict[str, dict[str, str]] = {}
        self.utf8 = utf8
        self.lock = threading.Lock()
        for statement in _SYS:
            self.duck.execute(statement)

    def session(self) -> Session:
        return Session(self)


class Session:
    """One connection's statements."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self._duck = warehouse.duck.cursor()
        self._duck.execute("USE dbo")
        self._duck.execute("SET TimeZone = 'UTC'")

    def begin(self) -> None:
        self._duck.execute("BEGIN TRANSACTION")

    def end(self, verb: str) -> None:
        self._duck.execute(verb)

    def interrupt(self) -> None:
        self._duck.interrupt()

    def run(self, sql: str) -> Iterator[Result]:
        """The results of a batch, statement by statement."""
        try:
            trees = [tree for tree in sqlglot.parse(sql, read="tsql") if tree is not None]
        except sqlglot.errors.SqlglotError as error:
            raise Refused(102, f"Incorrect syntax: {error}") from error
        for tree in trees:
            _check(tree)
            yield self._one(tree, sql)

    def load(self, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
        """Rows of a bulk load, which the table's own types take as they can."""
        marks = ", ".join("?" for _ in names)
        listed = ", ".join(f'"{name}"' for name in names)
        table = table.replace("#", "").replace("[", '"').replace("]", '"')
        if rows:
            self._execute(f"INSERT INTO {table} ({listed}) VALUES ({marks})", "", [list(row) for row in rows])
        return len(rows)

    def _one(self, tree: exp.Expr, sql: str) -> Result:
        if isinstance(tree, exp.Set):
            return Result()  # of the session: languages, and what else there is only one of here
        made = tree if isinstance(tree, exp.Create) and isinstance(tree.this, exp.Schema) else None
        if made:
            self._declare(made)
        kinds = self._kinds(tree) if isinstance(tree, exp.Query) else {}
        spoken = tree.transform(_spoken).sql(dialect="duckdb")
        self._execute(spoken, sql)
        if made:
            known(self._duck, made)
        if not isinstance(tree, exp.Query):
            row = self._duck.fetchone() if self._duck.description else None
            return Result(touched=int(row[0]) if row and isinstance(row[0], int) else 0)
        columns = []
        for name, native, *_ in self._duck.description or ():
            columns.append((name, kind(kinds.get(name) or self._plain(str(native)))))
        return Result(columns, self._fetched())

    def _fetched(self) -> Iterator[Sequence[Any]]:
        while rows := self._duck.fetchmany(5_000):
            yield from rows

    def _execute(self, spoken: str, sql: str, many: list[list[Any]] | None = None) -> None:
        try:
            if many is None:
                self._duck.execute(spoken)
            else:
                self._duck.executemany(spoken, many)
        except duckdb.Error as error:
            raise _refusal(error, sql) from error

    def _plain(self, native: str) -> str:
        if native == "VARCHAR" and self.warehouse.utf8:
            return "varchar_utf8(8000)"
        return _DUCK.get(native) or native.lower()

    def _declare(self, tree: exp.Create) -> None:
        named = tree.find(exp.Table)
        assert named is not None
        self.warehouse.declared[named.name] = {
            c.name: str(c.args["kind"].sql("tsql")).lower() for c in tree.find_all(exp.ColumnDef) if c.args.get("kind")
        }

    def _kinds(self, query: exp.Expr) -> dict[str, str]:
        """The T-SQL types of a query's columns, where they are declared or cast to."""
        if not isinstance(query, exp.Select):
            return self._kinds(query.left) if isinstance(query, exp.SetOperation) else {}
        sources: dict[str, str] = {}
        for source in query.find_all(exp.From, exp.Join):
            if source.parent is query:
                sources |= self._source(source.this)
        found: dict[str, str] = {}
        for projection in query.expressions:
            if isinstance(projection, exp.Star):
                found |= sources
            elif named := self._kind(projection.unalias(), sources):
                found[projection.alias_or_name] = named
        return found

    def _source(self, source: exp.Expr) -> dict[str, str]:
        if isinstance(source, exp.Table):
            return self.warehouse.declared.get(source.name, {})
        return self._kinds(source.this) if isinstance(source, exp.Subquery) else {}

    def _kind(self, value: exp.Expr, sources: dict[str, str]) -> str:
        if isinstance(value, exp.Subquery):
            return next(iter(self._kinds(value.this).values()), "")
        if isinstance(value, exp.Cast):
            return _named(value.to)
        return sources.get(value.name, "") if isinstance(value, exp.Column) else ""


def _named(kind: exp.DataType) -> str:
    return str(kind.sql("tsql")).lower()


def _check(tree: exp.Expr) -> None:
    """What DuckDB takes and SQL Server refuses."""
    for subquery in tree.find_all(exp.Subquery):
        inner = subquery.this
        if inner.args.get("with_") or inner.args.get("with"):
            raise Refused(156, "Incorrect syntax near the keyword 'WITH'.")
        if inner.args.get("order") and not (inner.args.get("limit") or inner.args.get("offset")):
            raise Refused(1033, "The ORDER BY clause is invalid in views, inline functions and derived tables.")
        if isinstance(inner, exp.Select) and isinstance(subquery.parent, exp.From):
            names = [
                "*" if p.is_star else p.alias or (p.name if isinstance(p, exp.Column) else "")
                for p in inner.expressions
            ]
            if "" in names:
                raise Refused(8155, f"No column name was specified for column {names.index('') + 1}.")
            if again := {n for n in names if n != "*" and names.count(n) > 1}:
                raise Refused(8156, f"The column '{again.pop()}' was specified multiple times.")


def _spoken(node: exp.Expr) -> exp.Expr:
    """A part of a statement as DuckDB says it."""
    if isinstance(node, exp.Convert):
        if node.args.get("style") is not None:
            return exp.Anonymous(this="unhex", expressions=[node.expression])
        return exp.Cast(this=node.expression.transform(_spoken), to=node.this.transform(_spoken))
    if isinstance(node, exp.Cast) and re.match(r"varbinary", _named(node.to)):
        return node.this if isinstance(node.this, exp.HexString) else _call("encode", node.this)
    if isinstance(node, exp.DataType):
        name = _named(node).partition("(")[0]
        return exp.DataType.build(_KEPT[name], dialect="duckdb") if name in _KEPT else node
    if isinstance(node, exp.Collate) or (isinstance(node, exp.Ordered) and isinstance(node.parent, exp.PrimaryKey)):
        inner: exp.Expr = node.this
        return inner
    if isinstance(node, exp.Add) and node.find(exp.Literal, exp.Anonymous):
        return exp.DPipe(this=node.left, expression=node.right)
    return _column_spoken(node) if isinstance(node, exp.ColumnDef) else node


def _column_spoken(column: exp.ColumnDef) -> exp.Expr:
    """A column with the rules that its type brings along."""
    kept = []
    for rule in column.args.get("constraints") or ():
        if isinstance(rule.kind, exp.CollateColumnConstraint):
            continue
        if isinstance(rule.kind, exp.GeneratedAsIdentityColumnConstraint):
            rule = exp.ColumnConstraint(kind=exp.DefaultColumnConstraint(this=_call("nextval", text("identities"))))
        kept.append(rule)
    named = _named(column.args["kind"]) if column.args.get("kind") else ""
    if found := re.fullmatch(r"n?(?:var)?char\((\d+)\)", named):
        short = exp.LTE(
            this=_call("length", exp.column(column.name, quoted=True)), expression=exp.Literal.number(found[1])
        )
        kept.append(exp.ColumnConstraint(kind=exp.CheckColumnConstraint(this=exp.paren(short))))
    column.set("constraints", kept)
    return column


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def _refusal(error: duckdb.Error, sql: str) -> Refused:
    words = str(error).splitlines()[0]
    if found := re.search(r"Table with name (\S+) does not exist", words):
        return Refused(208, f"Invalid object name '{found[1]}'.", _line(sql, found[1]))
    if found := re.search(r'Referenced column "(\S+)" not found|column named "(\S+)"', words):
        name = found[1] or found[2]
        return Refused(207, f"Invalid column name '{name}'.", _line(sql, name))
    if "Duplicate key" in words or "PRIMARY KEY or UNIQUE" in words:
        return Refused(2627, "Violation of UNIQUE KEY constraint. Cannot insert duplicate key.")
    if "NOT NULL constraint" in words:
        name = words.rpartition(".")[2].strip('"')
        return Refused(515, f"Cannot insert the value NULL into column '{name}'.")
    if "CHECK constraint" in words:
        if "length(" in words:
            return Refused(2628, "String or binary data would be truncated.")
        return Refused(547, "The statement conflicted with the CHECK constraint.")
    if isinstance(error, duckdb.ConversionException):
        return Refused(245, "Conversion failed when converting the nvarchar value.")
    return Refused(102, words)


def _line(sql: str, word: str) -> int:
    return next((i for i, line in enumerate(sql.splitlines(), 1) if word in line), 1)
