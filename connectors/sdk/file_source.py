"""Sources of files that are elsewhere: each file is a table by its path.

A query's files are fetched for it, to disk and in pieces, and read there by DuckDB in a session that sees
nothing else. The newest file below a prefix is a table as well, in the schema ``newest``.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from connectors.sdk.duckdb_reader import DuckDBStream, Layout, Session, open_session
from connectors.sdk.errors import QueryError
from connectors.sdk.file_tables import prepare
from connectors.sdk.source import Source
from connectors.sdk.sql import check_read_only, table_sql
from connectors.sdk.types import Column, Table

NEWEST = "newest"
MOST_LISTED, MOST_SEEN = 1_000, 20_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that the store has."""

    path: str
    changed: dt.datetime


class FileSource(Source):
    """Subclasses list files below a prefix and fetch one."""

    endings: ClassVar[tuple[str, ...]] = (".csv", ".json")
    columns_are_cheap = False

    def check(self) -> None:
        """List what is there; a place without files passes."""
        self._list("", 1)

    def tables(self) -> Sequence[Table]:
        """Files that can be read, and the newest of each folder; :attr:`left_out` says where there are more."""
        seen = self._list("", MOST_SEEN + 1)
        readable = sorted((f for f in seen[:MOST_SEEN] if self._has_ending(f.path)), key=lambda f: f.path)
        files = readable[:MOST_LISTED]
        if len(seen) > MOST_SEEN or len(readable) > MOST_LISTED:
            self.left_out = (
                f"There are more files than are looked through ({MOST_SEEN:,}) or listed ({MOST_LISTED:,}): "
                "name others by their path, in SQL."
            )
        folders = sorted({_folder(f.path) for f in files})
        return [
            *(Table("", f.path, "file", f"Changed {f.changed:%Y-%m-%d %H:%M} UTC") for f in files),
            *(Table(NEWEST, f"{folder}*", "file", "Whichever file changed last") for folder in folders),
        ]

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one file."""
        return self.describe(table_sql(table, "duckdb"))

    def describe(self, sql: str) -> Sequence[Column]:
        """The columns of a query over files."""
        with self._session(sql) as session:
            return session.columns(sql)

    @contextmanager
    def query(self, sql: str, *, batch_rows: int = 50_000) -> Iterator[DuckDBStream]:
        """A query's rows as Arrow batches."""
        with self._session(sql) as session:
            yield session.stream(sql, batch_rows)

    @contextmanager
    def _session(self, sql: str) -> Iterator[Session]:
        """The files that the query names, fetched, as the tables of a locked DuckDB."""
        check_read_only(sql, "duckdb")
        scratch = Path(self.environment.extra.get("data_dir") or tempfile.gettempdir()) / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="headrace-files-", dir=scratch) as folder:
            selects = {
                (schema, name): self._loaded(schema, name, Path(folder) / str(number))
                for number, (schema, name) in enumerate(_named(sql))
            }
            with open_session(Layout(selects=selects), self.environment) as session:
                yield session

    def _loaded(self, schema: str, name: str, place: Path) -> tuple[Path, str]:
        """A table that the query names, on disk (at ``place``, with an ending), and the query that reads it there."""
        path = self._newest(name) if schema == NEWEST else name
        self._require_ending(path)
        local = place.with_suffix(PurePosixPath(path).suffix.lower())
        self._fetch(path, local)
        return local, prepare(local, path, self.environment)

    def _newest(self, pattern: str) -> str:
        prefix = pattern.removesuffix("*")
        seen = self._list(prefix, MOST_SEEN + 1)
        if len(seen) > MOST_SEEN:
            raise QueryError(
                f"More than {MOST_SEEN:,} files begin with “{prefix}”: which of them changed last was not looked up.",
                hint="Name a longer prefix, such as the folder of this month.",
            )
        readable = (f for f in seen if self._has_ending(f.path))
        found = max(readable, key=lambda f: (f.changed, f.path), default=None)
        if found is None:
            raise QueryError(f"No {' or '.join(self.endings)} file begins with “{prefix}”.", hint="Check the prefix.")
        return found.path

    def _has_ending(self, path: str) -> bool:
        return path.lower().endswith(self.endings)

    def _require_ending(self, path: str) -> None:
        if not self._has_ending(path):
            raise QueryError(
                f"“{path}” is of no known kind.",
                hint=f"Files end in {' or '.join(self.endings)}; write their path in double quotes.",
            )

    @abstractmethod
    def _list(self, prefix: str, most: int) -> Sequence[Listed]:
        """The first files whose paths begin so, at most so many, asked for in pages; raises typed errors."""

    @abstractmethod
    def _fetch(self, path: str, to: Path) -> None:
        """Copy one file to disk in pieces; raises typed errors."""


def missing(path: str) -> QueryError:
    """A file that a query names and the store does not have."""
    return QueryError(
        f"There is no file “{path}”.",
        hint="Check the path: it begins below the bucket or folder, without its name, and is case-sensitive.",
    )


def _named(sql: str) -> list[tuple[str, str]]:
    """The tables that a query reads, by schema and name."""
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except SqlglotError as error:
        raise QueryError(f"The query cannot be read: {str(error).splitlines()[0]}") from error
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    found = {(table.db, table.name) for table in tree.find_all(exp.Table) if table.name}
    return sorted(pair for pair in found if pair[0] or pair[1] not in own)


def _folder(path: str) -> str:
    head, slash, _ = path.rpartition("/")
    return head + slash
