"""Reading through DuckDB in a session that can do nothing but read.

Each session is an in-memory DuckDB of its own with either one database file
attached read-only or views over an exact list of files. Before any foreign SQL
runs, all other file access, extensions, Python look-ups and settings are locked.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb import StatementType
from sqlglot import exp

from connectors.sdk import arrow
from connectors.sdk.context import Environment
from connectors.sdk.duckdb_types import DIALECT, Reading, reading
from connectors.sdk.errors import ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.planner import SCHEMAS
from connectors.sdk.sql import bare, quoted_column, select_columns, table_sql
from connectors.sdk.types import Column, Table

_CSV = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst")
_JSON = (".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz", ".json.zst")
_PARQUET = (".parquet", ".pq")
EXTENSIONS = (*_CSV, *_JSON, *_PARQUET)

_READER_WAIT_S, _WRITER_WAIT_S, _WAIT_STEP_S = 3.0, 60.0, 0.05
_TAKEN_CATALOGUES = frozenset({"main", "memory", "system", "temp"})

# DuckDB shows where an error is as the line, with carets below.
_PLACE = re.compile(r"\s*\n+LINE (?P<line>\d+): (?P<text>[^\n]*)\n(?P<indent> *)\^+\s*$")
_READ_STATEMENTS = (StatementType.SELECT, StatementType.MULTI)  # MULTI: a PIVOT that looks up its columns


@dataclass(frozen=True, slots=True)
class Layout:
    """What a session offers: a database file, or files by table name.

    ``selects`` are files by schema and name, each with the query that reads it.
    ``beside`` is another file with schemas of Headrace's own, where the database itself is never written to.
    """

    database: Path | None = None
    files: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    selects: Mapping[tuple[str, str], tuple[Path, str]] = field(default_factory=dict)
    beside: Path | None = None


class DuckDBStream:
    """A query's rows. Nothing runs before the first batch is asked for."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str, schema: pa.Schema, batch_rows: int) -> None:
        self.schema = schema
        self._connection = connection
        self._sql = sql
        self._batch_rows = batch_rows

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._connection.sql(self._sql).to_arrow_reader(self._batch_rows):
                read = pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)
                arrow.check_calendar(read)
                yield read
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise translated(error) from error

    def cancel(self) -> None:
        self._connection.interrupt()


class Session:
    """An open, locked DuckDB."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
        self._connection = connection
        self._layout = layout

    def tables(self) -> list[Table]:
        """Tables and views, or the files by name."""
        if self._layout.database is None:
            return [Table("", name, "file") for name in sorted(self._layout.files)]
        rows = self._connection.execute(
            "SELECT schema_name, table_name, 'table', comment FROM duckdb_tables()"
            " WHERE database_name = current_database() AND NOT internal AND NOT temporary"
            " UNION ALL SELECT schema_name, view_name, 'view', comment FROM duckdb_views()"
            " WHERE database_name = current_database() AND NOT internal AND NOT temporary ORDER BY 1, 2"
        ).fetchall()
        return [Table(schema, name, kind, note or "") for schema, name, kind, note in rows if schema not in SCHEMAS]

    def table_columns(self, table: Table) -> tuple[Column, ...]:
        """A table's columns with their comments."""
        comments = self._comments(table)
        return tuple(
            Column(c.name, c.type, c.native_type, comments.get(c.name, ""), c.nullable)
            for c in self.columns(table_sql(table, DIALECT))
        )

    def columns(self, sql: str) -> tuple[Column, ...]:
        """The columns a query returns; nothing is run."""
        found, _ = self._bound(sql)
        return found

    def stream(self, sql: str, batch_rows: int) -> DuckDBStream:
        """A query's rows, each column read without loss."""
        columns, readings = self._bound(sql)
        reads = {c.name: r.read(quoted_column(c.name)) for c, r in zip(columns, readings, strict=True) if r.read}
        wrapped = select_columns(sql, [c.name for c in columns], DIALECT, reads)
        try:
            plain = self._connection.sql(wrapped).limit(0).to_arrow_table().schema
        except duckdb.Error as error:
            raise translated(error) from error
        marked = [arrow.mark(f, c.type, c.native_type) for f, c in zip(plain, columns, strict=True)]
        return DuckDBStream(self._connection, wrapped, pa.schema(marked), batch_rows)

    def _bound(self, sql: str) -> tuple[tuple[Column, ...], tuple[Reading, ...]]:
        """What the query returns, after making sure that it is a single query."""
        bindable = self._bindable(sql)
        try:
            relation = self._connection.sql(bindable)
        except duckdb.Error as error:
            raise self._located(error, sql) from error
        if relation is None:
            raise QueryError("The query returns no columns.", hint="Write a SELECT statement.")
        arrow.check_names(relation.columns)
        readings = tuple(reading(native) for native in relation.types)
        columns = tuple(
            Column(name, r.type, str(native))
            for name, native, r in zip(relation.columns, relation.types, readings, strict=True)
        )
        return columns, readings

    def _located(self, error: duckdb.Error, sql: str) -> ConnectorError:
        """The error with its place, which DuckDB tells only of statements that it executes."""
        try:
            self._connection.execute(f"EXPLAIN\n{sql}")
        except duckdb.Error as told:
            return translated(told, sql, lines_before=1)
        return translated(error)

    def _bindable(self, sql: str) -> str:
        try:
            statements = self._connection.extract_statements(sql)
        except duckdb.Error as error:
            raise translated(error, sql) from error
        if len(statements) != 1:
            raise QueryError("Only one statement is allowed.", hint="Keep a single SELECT statement.")
        kind = statements[0].type
        if kind not in _READ_STATEMENTS:
            raise QueryError(f"{kind.name} statements are not allowed.", hint="A model is a query that only reads.")
        # DuckDB binds a PIVOT of unknown columns only inside another query.
        return sql if kind == StatementType.SELECT else f"FROM (\n{bare(sql, DIALECT)}\n)"

    def _comments(self, table: Table) -> dict[str, str]:
        rows = self._connection.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE database_name = current_database()"
            " AND table_name = ? AND (schema_name = ? OR ? = '') AND comment IS NOT NULL",
            [table.name, table.schema, table.schema],
        ).fetchall()
        return dict(rows)


@contextmanager
def open_session(layout: Layout, environment: Environment) -> Iterator[Session]:
    """A session over these files; everything it holds goes when it closes."""
    with open_duckdb(layout, environment) as connection:
        yield Session(connection, layout)


@contextmanager
def open_duckdb(
    layout: Layout, environment: Environment, *, writing: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked DuckDB over these files; ``writing`` makes it the database file's one writer."""
    with tempfile.TemporaryDirectory(prefix="headrace-duckdb-", dir=_scratch(environment)) as spill:
        connection = duckdb.connect(
            config={
                "memory_limit": f"{environment.memory_mb}MB",
                "threads": environment.threads,
                "temp_directory": spill,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                "python_enable_replacements": False,
            }
        )
        try:
            _prepare(connection, layout, writing=writing)
            yield connection
        finally:
            connection.close()


def translated(error: Exception, sql: str = "", lines_before: int = 0) -> ConnectorError:
    """DuckDB's error as one of ours, in its own words; with ``sql``, the place in it.

    ``lines_before`` is how many lines stood before ``sql`` in what DuckDB was given.
    """
    text = str(error).strip()
    place = _PLACE.search(text)
    words = text[: place.start()].strip() if place else text
    if isinstance(error, duckdb.InterruptException) or "INTERRUPT Error" in text:
        return QueryError("The query was cancelled.")
    if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory Error" in text:
        return QueryError(words, hint="The query needs more memory than it may use: sort and join less, or raise it.")
    if "Invalid unicode" in text or "not utf-8 encoded" in text.lower():
        return QueryError("The file is not encoded in UTF-8.", hint="Export it anew as UTF-8.")
    if "CSV Error" in text:
        return QueryError(words.partition("\n\n")[0], hint="Every line needs as many values as the first has names.")
    if "Permission Error" in text:
        return QueryError(words, hint="A model reads only the tables of its source: no other files or addresses.")
    if isinstance(error, duckdb.IOException) or "IO Error" in text or _in_use(text):
        return _file_error(words)
    position = _offset(place, sql, lines_before) if place and sql else None
    return QueryError(words, position=position, hint=_hint(error))


def _prepare(connection: duckdb.DuckDBPyConnection, layout: Layout, *, writing: bool) -> None:
    try:
        connection.execute("SET TimeZone = 'UTC'")
        if layout.database is not None:
            _attach(connection, layout.database, writing=writing and layout.beside is None)
        if layout.beside is not None and (writing or layout.beside.exists()):
            _attach_beside(connection, layout.beside, writing=writing)
        for name, paths in layout.files.items():
            _create_view(connection, name, [str(path) for path in paths])
        for (schema, name), (_, select) in layout.selects.items():
            _create_select(connection, schema, name, select)
        allowed = [str(path) for paths in layout.files.values() for path in paths]
        allowed += [str(path) for path, _ in layout.selects.values()]
        connection.execute("SET allowed_paths = $paths", {"paths": allowed})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.Error as error:
        raise translated(error) from error


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, *, writing: bool) -> None:
    """Attach the file under its own name, as when DuckDB opens it directly, and make it the current one.

    A writer of Headrace's keeps others out for as long as it writes: they wait a while.
    """
    name = f"{path.stem}_db" if path.stem.lower() in _TAKEN_CATALOGUES else path.stem
    catalogue = exp.to_identifier(name, quoted=True).sql(dialect=DIALECT)
    _attach_as(connection, catalogue, path, writing=writing)
    connection.execute(f"USE {catalogue}")


def _attach_beside(connection: duckdb.DuckDBPyConnection, path: Path, *, writing: bool) -> None:
    """Attach Headrace's own file: its schemas are found by their names, and so are those of the database."""
    own = exp.to_identifier(f"headrace_{path.stem}", quoted=True).sql(dialect=DIALECT)
    _attach_as(connection, own, path, writing=writing)
    for schema in SCHEMAS if writing else ():
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {own}.{schema}")
    names = connection.execute(
        "SELECT database_name, schema_name FROM duckdb_schemas() WHERE NOT internal OR schema_name = 'main'"
        " ORDER BY database_name <> current_database(), schema_name <> 'main', schema_name"
    ).fetchall()
    found = [name for name in names if name[0] not in _TAKEN_CATALOGUES]
    path_of = ",".join(".".join(exp.to_identifier(part, quoted=True).sql(dialect=DIALECT) for part in n) for n in found)
    connection.execute("SET search_path = $path", {"path": path_of})


def _attach_as(connection: duckdb.DuckDBPyConnection, catalogue: str, path: Path, *, writing: bool) -> None:
    mode = "READ_WRITE" if writing else "READ_ONLY"
    patience = time.monotonic() + (_WRITER_WAIT_S if writing else _READER_WAIT_S)
    while True:
        try:
            connection.execute(f"ATTACH ? AS {catalogue} ({mode})", [str(path)])
            break
        except (duckdb.IOException, duckdb.Error) as error:
            if not _in_use(str(error)) or time.monotonic() > patience:
                raise
            time.sleep(_WAIT_STEP_S)


def _in_use(words: str) -> bool:
    """Whether another session has the file, in this process or in another one."""
    return "Conflicting lock" in words or "already attached" in words


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, paths: list[str]) -> None:
    kind = paths[0].lower()
    if kind.endswith(_CSV):
        relation = connection.read_csv(paths, union_by_name=True)  # type: ignore[arg-type]  # the stub knows no lists
    elif kind.endswith(_JSON):
        relation = connection.read_json(paths, union_by_name=True)  # type: ignore[arg-type]  # the stub knows no lists
    elif kind.endswith(_PARQUET):
        relation = connection.read_parquet(paths, union_by_name=True)
    else:
        raise ConfigError(
            f"“{Path(paths[0]).name}” is of no known kind.",
            field="files",
            hint="Files end in .csv, .tsv, .parquet, .json, .ndjson or .jsonl; text files also with .gz.",
        )
    relation.create_view(name)


def _create_select(connection: duckdb.DuckDBPyConnection, schema: str, name: str, select: str) -> None:
    view = exp.Table(this=exp.to_identifier(name, quoted=True))
    if schema:
        home = exp.to_identifier(schema, quoted=True)
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {home.sql(dialect=DIALECT)}")
        view.set("db", home)
    connection.execute(f"CREATE VIEW {view.sql(dialect=DIALECT)} AS {select}")


def _file_error(words: str) -> ConnectorError:
    lowered = words.lower()
    if "lock" in lowered or "already attached" in lowered:
        return Unavailable(
            "Another program has the database file open for writing.",
            hint="DuckDB files have one writer at a time: close it there, or sync from a copy.",
        )
    if "not a valid duckdb database" in lowered:
        hint = "Give a file made by DuckDB; for CSV, Parquet or JSON choose Files."
        return ConfigError(words, field="path", hint=hint)
    return Unavailable(words, hint="Check that the file is there and may be read by the account Headrace runs under.")


def _hint(error: Exception) -> str:
    if isinstance(error, duckdb.CatalogException):
        return "Check the names of tables and functions; tables of other schemas are written schema.table."
    return ""


def _offset(place: re.Match[str], sql: str, lines_before: int) -> int | None:
    """The character offset of DuckDB's carets in the SQL, also where it shortened the line."""
    lines = sql.split("\n")
    number = int(place["line"]) - 1 - lines_before
    if not 0 <= number < len(lines):
        return None
    column = len(place["indent"]) - len(f"LINE {place['line']}: ")
    shown = place["text"]
    if shown.startswith("..."):
        visible = shown.removeprefix("...").removesuffix("...")
        start = lines[number].find(visible)
        column = start + column - 3 if start >= 0 else -1
    if column < 0:
        return None
    return sum(len(line) + 1 for line in lines[:number]) + min(column, len(lines[number]))


def _scratch(environment: Environment) -> str | None:
    """Where sorting spills to: the data folder, which is meant to have room."""
    if not (data := environment.extra.get("data_dir")):
        return None
    folder = Path(data) / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
