"""Amazon Athena: statements of a workgroup, their results as the service leaves them, and what refusals mean."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, closing, contextmanager, suppress
from itertools import chain, repeat
from typing import Any

import pyarrow as pa
from botocore.exceptions import ClientError
from pyarrow import csv

from connectors.sdk.arrow import check_calendar
from connectors.sdk.aws import Account, refusal, typed_errors
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError
from connectors.sdk.net.doors import run
from connectors.sdk.text_columns import text_batch, text_column
from connectors.sdk.trino import refusal as statement_refusal
from connectors.sdk.trino_source import in_batches

_RIGHTS = (
    "The key or role needs athena:StartQueryExecution, GetQueryExecution, GetQueryResults, StopQueryExecution and "
    "ListTableMetadata, and reading and writing rights on the place of results in S3."
)
# A refusal says in words only which setting it means.
_SETTINGS = {
    "workgroup": ("workgroup", "Check the name of the workgroup, and the region."),
    "output location": ("output", "Set a query output location here, or in the workgroup."),
    "catalog": ("catalog", "Check the name of the data catalog."),
    "database": ("database", "Check the name of the database."),
}
_PAUSES_S = (0.1, 0.2, 0.5, 1.0)
_BLOCK = 8 << 20
_PAGE_ROWS = 1000  # the most that one request hands out
_WHY = re.compile(r"(?:(?P<name>[A-Z][A-Z_]+): )?(?:line (?P<line>\d+):(?P<column>\d+): )?(?P<words>.*)", re.DOTALL)


@contextmanager
def opened(config: Mapping[str, Any], environment: Environment) -> Iterator[Session]:
    """A session with a source's settings; what still runs is stopped when it is left."""
    stack = AsyncExitStack()
    session = Session(Account(config, environment), config, stack)
    try:
        yield session
    finally:
        session.cancel()
        run(stack.aclose())


class Session:
    """Statements of one workgroup. Its methods block; :meth:`cancel` may be called from another thread."""

    def __init__(self, account: Account, config: Mapping[str, Any], stack: AsyncExitStack) -> None:
        self._account = account
        self._config = config
        self._stack = stack
        self._clients: dict[str, Any] = {}
        self._statement = ""
        self._stopped = threading.Event()

    def ask(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        """One request to Athena; raises typed errors."""
        told: Mapping[str, Any] = self._called("athena", operation, arguments)
        return told

    def listed(self, operation: str, key: str, **about: str) -> Iterator[Mapping[str, Any]]:
        """What an operation lists below ``key``, page by page."""
        more: dict[str, str] = {}
        while True:
            told = self.ask(operation, **about, **more)
            yield from told[key]
            if not told.get("NextToken"):
                return
            more = {"NextToken": told["NextToken"]}

    def small(self, sql: str) -> None:
        """Run a query whose rows are not wanted."""
        self._tidy(self._finished(sql))

    def columns(self, sql: str) -> list[Mapping[str, Any]]:
        """Names and types of a query's columns; the query is one that returns no rows."""
        execution = self._finished(sql)
        told = self.ask("get_query_results", QueryExecutionId=execution["QueryExecutionId"], MaxResults=1)
        self._tidy(execution)
        columns = told["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        return [{"name": column["Name"], "type": _type(column)} for column in columns]

    def batches(self, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Run a query; its rows from the file in S3, or page by page where the workgroup keeps results itself."""
        execution = self._finished(sql)
        location = _location(execution)
        if location is None:
            for rows in in_batches(self._pages(execution["QueryExecutionId"]), batch_rows):
                yield text_batch(schema, list(zip(*rows, strict=True)))
            return
        try:
            yield from self._file(*location, schema, batch_rows)
        finally:
            self._tidy(execution)

    def cancel(self) -> None:
        """Stop what runs, in the service; nothing where nothing does."""
        self._stopped.set()
        statement, self._statement = self._statement, ""
        if statement:
            with suppress(ConnectorError):
                self.ask("stop_query_execution", QueryExecutionId=statement)

    def _called(self, service: str, operation: str, arguments: Mapping[str, Any]) -> Any:
        async def call() -> Any:
            if service not in self._clients:
                self._clients[service] = await self._stack.enter_async_context(self._account.client(service))
            return await getattr(self._clients[service], operation)(**arguments)

        with typed_errors(_refused):
            return run(call())

    def _finished(self, sql: str) -> Mapping[str, Any]:
        """Run a statement to its end; what the service says of it then."""
        self._stopped.clear()
        limit, began = self._config.get("statement_timeout"), time.monotonic()
        started = self.ask("start_query_execution", QueryString=sql, **self._place())
        self._statement = str(started["QueryExecutionId"])
        for pause in chain(_PAUSES_S, repeat(_PAUSES_S[-1])):
            told: Mapping[str, Any] = self.ask("get_query_execution", QueryExecutionId=started["QueryExecutionId"])
            execution: Mapping[str, Any] = told["QueryExecution"]
            state = execution["Status"]["State"]
            if state == "SUCCEEDED":
                self._statement = ""
                return execution
            if state in ("FAILED", "CANCELLED"):
                self._statement = ""
                raise failure(execution["Status"], sql)
            if limit and time.monotonic() - began >= int(limit):
                self.cancel()
                hint = "Raise the query time limit of this source, or make the query lighter."
                raise QueryError(f"The query took longer than {limit} s.", hint=hint)
            if self._stopped.wait(pause):
                break
        self.cancel()
        raise QueryError("The query was cancelled.")

    def _place(self) -> dict[str, Any]:
        """Where a statement runs, and where its result goes."""
        config = self._config
        names = {"Catalog": config.get("catalog"), "Database": config.get("database")}
        place: dict[str, Any] = {"QueryExecutionContext": {key: str(name) for key, name in names.items() if name}}
        if workgroup := config.get("workgroup"):
            place["WorkGroup"] = str(workgroup)
        if output := config.get("output"):
            place["ResultConfiguration"] = {"OutputLocation": str(output)}
        return place

    def _pages(self, statement: str) -> Iterator[list[list[str | None]]]:
        more: dict[str, str] = {}
        heading = 1  # of the first page, the first row
        while True:
            told = self.ask("get_query_results", QueryExecutionId=statement, MaxResults=_PAGE_ROWS, **more)
            yield [[cell.get("VarCharValue") for cell in row["Data"]] for row in told["ResultSet"]["Rows"][heading:]]
            if not told.get("NextToken"):
                return
            more, heading = {"NextToken": told["NextToken"]}, 0

    def _file(self, bucket: str, key: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        answer = self._called("s3", "get_object", {"Bucket": bucket, "Key": key})
        names = [str(number) for number in range(len(schema))]
        with closing(answer["Body"]) as body, pa.PythonFile(_Piecewise(body), mode="r") as file:
            reader = csv.open_csv(
                file,
                csv.ReadOptions(block_size=_BLOCK, column_names=names, skip_rows_after_names=1),
                csv.ParseOptions(newlines_in_values=True),
                # NULL is nothing between two commas, an empty text is two quotes.
                csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
            for block in reader:
                for start in range(0, block.num_rows, batch_rows):
                    yield _typed(block.slice(start, batch_rows), schema)

    def _tidy(self, execution: Mapping[str, Any]) -> None:
        """Delete what the statement left in S3. A key that may not is no reason to fail: a lifecycle rule can do it."""
        location = _location(execution)
        if location is None:
            return
        bucket, key = location
        with suppress(ConnectorError):
            for name in (key, f"{key}.metadata"):
                self._called("s3", "delete_object", {"Bucket": bucket, "Key": name})


class _Piecewise(io.RawIOBase):
    """An object in S3 as a file that is read from its beginning to its end."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes; few where few came."""
        with typed_errors(_refused):
            piece: bytes = run(self._body.read(size if size >= 0 else None))
        return piece


def _typed(block: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [text_column(field, texts) for field, texts in zip(schema, block.columns, strict=True)]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    check_calendar(batch)
    return batch


def _type(column: Mapping[str, Any]) -> str:
    """A column's type as SQL writes it."""
    name = str(column["Type"]).lower()
    return f"decimal({column['Precision']},{column['Scale']})" if name == "decimal" else name


def _location(execution: Mapping[str, Any]) -> tuple[str, str] | None:
    """Bucket and key of a statement's result; ``None`` where the workgroup keeps results itself."""
    place = str(execution.get("ResultConfiguration", {}).get("OutputLocation") or "")
    bucket, _, key = place.removeprefix("s3://").partition("/")
    return (bucket, key) if key else None


def failure(status: Mapping[str, Any], sql: str) -> ConnectorError:
    """Why a statement failed, as one of our errors: the engine's words carry its own error's name and place."""
    if status["State"] == "CANCELLED":
        return QueryError("The query was cancelled.")
    found = _WHY.match(str(status.get("StateChangeReason") or ""))
    assert found is not None  # every part may be missing
    name, words = found["name"] or "", found["words"]
    if "Insufficient permissions" in words or "Access Denied" in words or "AccessDenied" in words:
        return AuthError(words, hint=_RIGHTS)
    # https://docs.aws.amazon.com/athena/latest/APIReference/API_AthenaError.html
    system = status.get("AthenaError", {}).get("ErrorCategory") == 1
    place = {"lineNumber": int(found["line"]), "columnNumber": int(found["column"])} if found["line"] else {}
    kind = "INTERNAL_ERROR" if system else "USER_ERROR"
    told = {"message": words, "errorName": name, "errorType": kind, "errorLocation": place}
    return statement_refusal(told, sql)


def _refused(error: ClientError) -> ConnectorError:
    found = refusal(error, _RIGHTS, gone={"NoSuchKey": "Let the result stay in S3 until it was read."})
    if not isinstance(found, ConfigError):
        return found
    words = found.message.lower()
    for mark, (field, hint) in _SETTINGS.items():
        if mark in words:
            return ConfigError(found.message, field=field, hint=hint)
    return found
