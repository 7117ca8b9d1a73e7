"""CSV and JSON files as tables, by rules that give the same columns and types on every run.

Types are not guessed from the rows at hand: values of a CSV file are text, so that ``007`` stays what it is, and a
JSON value is what the file says it is.
"""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
from sqlglot import exp

from connectors.sdk.arrow import check_names
from connectors.sdk.context import Environment
from connectors.sdk.duckdb_reader import translated
from connectors.sdk.errors import QueryError

_HEADER_BYTES = 1 << 20
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_DIALECT = "duckdb"
# What the values of a JSON column are → what they are read as; whatever else they are, they stay JSON.
_TEXT, _TRUTH, _WHOLE, _NUMBER = {"VARCHAR"}, {"BOOLEAN"}, {"BIGINT", "UBIGINT"}, {"BIGINT", "UBIGINT", "DOUBLE"}


def prepare(file: Path, path: str, environment: Environment) -> str:
    """The query that reads a fetched file; ``path`` is what people call it by. Raises :class:`QueryError`."""
    return _csv(file, path) if file.suffix == ".csv" else _json(file, path, environment)


def _csv(file: Path, path: str) -> str:
    names = _header(file, path)
    types = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names)
    options = "header=true, auto_detect=false, delim=',', quote='\"', escape='\"'"
    return f"SELECT * FROM read_csv({_text(str(file))}, {options}, columns={{{types}}})"  # noqa: S608 - literals


def _header(file: Path, path: str) -> list[str]:
    with file.open("rb") as opened:
        head = opened.read(_HEADER_BYTES)
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            raise QueryError(f"“{path}” is not encoded in UTF-8.", hint="Export it anew as UTF-8.") from error
        text = head[: error.start].decode("utf-8-sig")
    names = next(csv.reader(text.splitlines(keepends=True)), [])
    if not names or not any(name.strip() for name in names):
        raise QueryError(f"“{path}” is empty.", hint="Its first line has to hold the names of the columns.")
    for sign, words in _OTHER_DELIMITERS.items():
        if len(names) == 1 and sign in names[0]:
            raise QueryError(f"“{path}” is separated by {words}.", hint="Export it with commas between the values.")
    check_names(names)
    return names


def _json(file: Path, path: str, environment: Environment) -> str:
    # As JSON, every value keeps its own digits until its type is known from all rows.
    found = f"read_json({_text(str(file))}, format='array', maximum_depth=1, sample_size=-1)"
    with duckdb.connect(config={"memory_limit": f"{environment.memory_mb}MB", "threads": 1}) as looking:
        try:
            columns = [row[0] for row in looking.sql(f"DESCRIBE SELECT * FROM {found}").fetchall()]  # noqa: S608
            if columns == ["json"]:
                raise QueryError(f"“{path}” is no array of objects.", hint=_ARRAY_HINT)
            types = ", ".join(f"{_text(name)}: 'JSON'" for name in columns)
            read = f"read_json({_text(str(file))}, format='array', columns={{{types}}})"
            listed = ", ".join(f"list(DISTINCT json_type({_name(name)}))" for name in columns)
            kinds = looking.sql(f"SELECT {listed} FROM {read}").fetchall()[0]  # noqa: S608 - names are quoted
        except duckdb.Error as error:
            if "array" in str(error).lower() or "malformed" in str(error).lower():
                raise QueryError(f"“{path}” is no array of objects: {error}", hint=_ARRAY_HINT) from error
            raise translated(error) from error
    shown = ", ".join(_read(name, set(kind or ()) - {None, "NULL"}) for name, kind in zip(columns, kinds, strict=True))
    return f"SELECT {shown} FROM {read}"  # noqa: S608 - names are quoted


_ARRAY_HINT = "The file has to hold one array, [ … ], of objects with the same keys."


def _read(name: str, kinds: set[str]) -> str:
    column = _name(name)
    if kinds and kinds <= _TEXT:
        return f"{column}->>'$' AS {column}"
    if kinds and kinds <= _TRUTH:
        return f"CAST({column} AS BOOLEAN) AS {column}"
    if kinds and kinds <= _WHOLE:
        return f"CAST({column} AS HUGEINT) AS {column}"
    if kinds and kinds <= _NUMBER:
        return f"CAST({column} AS DOUBLE) AS {column}"
    return column


def _text(value: str) -> str:
    return str(exp.Literal.string(value).sql(dialect=_DIALECT))


def _name(value: str) -> str:
    return str(exp.to_identifier(value, quoted=True).sql(dialect=_DIALECT))
