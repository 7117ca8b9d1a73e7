"""Writing into Headrace's schemas of a PostgreSQL: a session of its own, apart from the read-only ones."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
from sqlglot import exp

from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.planner import PLANNER_SCHEMA, Statement, WarehouseSession, own_table
from connectors.sdk.postgres import statement_error
from connectors.sdk.postgres_types import DIALECT
from connectors.sdk.source import RowStream
from connectors.sdk.types import Column

# Values become text in hashes and keys: what decides how they are written must not be left to the server.
SETTINGS = {
    "default_transaction_read_only": "off",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "work_mem": "64MB",
    "lock_timeout": "60s",
}
_RIGHTS = """
SELECT n.oid IS NOT NULL, coalesce(has_schema_privilege(n.oid, 'USAGE'), false),
       coalesce(has_schema_privilege(n.oid, 'CREATE'), false), current_user, pg_is_in_recovery()
FROM (SELECT %s::text AS wanted) w LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.wanted
"""
_OTHER_SCHEMA = re.compile(r'schema "?(?P<name>headrace_\w+)')

Query = Callable[[str, int], AbstractContextManager[RowStream]]
Describe = Callable[[str], Sequence[Column]]


class PostgresSession(WarehouseSession):
    """Statements commit one by one, or together inside :meth:`transaction`.

    ``settings`` are what a fresh connection sets.
    """

    dialect = DIALECT
    settings: ClassVar[Mapping[str, str]] = SETTINGS

    def __init__(self, connection: psycopg.Connection[Any], query: Query, describe: Describe) -> None:
        self._connection = connection
        self._query = query
        self._describe = describe

    def prepare(self, statement_timeout_s: int) -> None:
        """Let a fresh connection write, and fix how it writes values as text."""
        settings = dict(self.settings)
        if statement_timeout_s:
            settings["statement_timeout"] = str(statement_timeout_s * 1000)
        with translating():
            for name, value in settings.items():
                self._connection.execute("SELECT set_config(%s, %s, false)", (name, value))

    def describe(self, query: Statement) -> Sequence[Column]:
        """The columns of a query, asked on a read-only session."""
        return self._describe(query.sql(self.dialect))

    def query(self, query: Statement, *, batch_rows: int = 50_000) -> AbstractContextManager[RowStream]:
        """A query's rows, on a read-only session."""
        return self._query(query.sql(self.dialect), batch_rows)

    def load(self, name: str, batches: pa.RecordBatchReader, schema: str = PLANNER_SCHEMA) -> int:
        """COPY: CSV tells an empty text (quoted) from a null (nothing)."""
        columns = ", ".join(exp.to_identifier(n, quoted=True).sql(dialect=DIALECT) for n in batches.schema.names)
        target = own_table(name, schema).sql(dialect=DIALECT)
        rows = 0
        command = f"COPY {target} ({columns}) FROM STDIN (FORMAT csv)"
        with translating(), self._connection.cursor() as cursor, cursor.copy(command) as copy:
            for batch in batches:
                rows += batch.num_rows
                copy.write(_csv(batch))
        return rows

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction over several statements."""
        with translating(), self._connection.transaction():
            yield

    def cancel(self) -> None:
        """Ask the server to stop what this session runs."""
        with contextlib.suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=5)

    def check_rights(self, schema: str) -> None:
        """Raise for the schema or right that is missing, with the statement that gives it."""
        with translating():
            row = self._connection.execute(_RIGHTS, (schema,)).fetchone()
        assert row is not None
        there, usage, create, user, standby = row
        if standby:
            hint = "The warehouse planner needs the primary server."
            raise ConfigError("This server is a read-only replica.", field="host", hint=hint)
        if not there:
            raise missing_schema(schema, user)
        missing_rights(schema, user, usage=usage, create=create)

    def _execute(self, sql: str) -> int:
        # Prepared, the server takes a single statement and no more.
        with translating():
            return self._connection.execute(sql, prepare=False, binary=True).rowcount

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with translating():
            return self._connection.execute(sql).fetchall()


def missing_rights(schema: str, user: str, *, usage: bool, create: bool) -> None:
    """Raise for what the user lacks in a schema that is there, with the statement that gives it."""
    missing = [right for right, held in (("USAGE", usage), ("CREATE", create)) if not held]
    if missing:
        raise AuthError(
            f"{user} lacks {' and '.join(missing)} on schema {schema}.",
            hint=f"As an administrator: GRANT {', '.join(missing)} ON SCHEMA {schema} TO {_quoted(user)};",
        )


def missing_schema(schema: str, user: str) -> ConfigError:
    """There is no such schema; the hint makes it."""
    hint = f"As an administrator: CREATE SCHEMA {schema}; GRANT USAGE, CREATE ON SCHEMA {schema} TO {_quoted(user)};"
    return ConfigError(f"There is no schema {schema}.", hint=hint)


def _quoted(name: str) -> str:
    return str(exp.to_identifier(name, quoted=True).sql(dialect=DIALECT))


def write_error(error: psycopg.Error) -> ConnectorError:
    """The server's refusal of a write, with the grant that is missing."""
    message = error.diag.message_primary or str(error)
    state = error.sqlstate or ""
    found = _OTHER_SCHEMA.search(message)
    if state == "42501" and found:
        schema = found["name"]
        return AuthError(
            message,
            hint=f"Grant this user USAGE and CREATE on {schema} again, test write access, then run the sync again.",
        )
    if state == "3F000" and found:
        return AuthError(message, hint=f"Create the schema {found['name']} again with the set-up SQL of this source.")
    if state == "53100":
        return Unavailable(message, hint="The server's disk is full: make room there, then run the sync again.")
    if state == "55P03":
        return Unavailable(message, hint="Somebody holds a lock on Headrace's tables: end that session.")
    return statement_error(state, message)


@contextmanager
def translating() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise write_error(error) from error


def _csv(batch: pa.RecordBatch) -> bytes:
    plain = [c.storage if isinstance(c, pa.ExtensionArray) else c for c in batch.columns]
    out = io.BytesIO()
    pa_csv.write_csv(
        pa.RecordBatch.from_arrays(plain, names=batch.schema.names), out, pa_csv.WriteOptions(include_header=False)
    )
    return out.getvalue()
