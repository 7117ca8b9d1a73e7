"""What SQL Server's catalogue tells of a table that was made: its columns and unique keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
from sqlglot import exp

_SIZES = {"bigint": 8, "int": 4, "integer": 4, "nvarchar": 2, "nchar": 2}


def known(duck: duckdb.DuckDBPyConnection, made: exp.Create) -> None:
    """Write down what was declared."""
    table = made.find(exp.Table)
    assert table is not None
    found = duck.execute(
        "SELECT table_oid FROM duckdb_tables() WHERE table_name = ? AND NOT temporary", [table.name]
    ).fetchone()
    if found is None:
        return
    columns = list(made.this.find_all(exp.ColumnDef))
    for place, column in enumerate(columns, 1):
        marks = ", ".join("?" * 12)
        duck.execute(f"INSERT INTO sys.columns VALUES ({marks})", [found[0], place, *_column(column)])
    places = {column.name: place for place, column in enumerate(columns, 1)}
    for index, (primary, names) in enumerate(_keys(made), 1):
        duck.execute("INSERT INTO sys.indexes VALUES (?, ?, true, ?, false)", [found[0], index, primary])
        for ordinal, name in enumerate(names, 1):
            row = [found[0], index, places[name], ordinal]
            duck.execute("INSERT INTO sys.index_columns VALUES (?, ?, ?, ?, false)", row)


def _rules(column: exp.ColumnDef) -> list[exp.Expr]:
    return [rule.kind for rule in column.args.get("constraints") or ()]


def _column(column: exp.ColumnDef) -> list[Any]:
    rules = _rules(column)
    kind = column.args.get("kind")
    name, _, rest = (kind.sql("tsql").lower() if kind else "int").partition("(")
    numbers = [int(n) for n in rest.rstrip(")").split(",") if n.strip().isdigit()]
    name = {"integer": "int", "numeric": "decimal"}.get(name, name)
    size = -1 if rest.startswith("max") else (numbers or [4])[0] * (2 if name in ("nvarchar", "nchar") else 1)
    exact = name == "decimal"
    scale = numbers[-1] if numbers and (exact or name in ("datetime2", "datetimeoffset", "time")) else 7 - 7 * exact
    has = [any(isinstance(rule, cls) for rule in rules) for cls in _MARKS]
    identity, computed, default, required, primary = has
    nullable = not (required or primary or identity)
    text = "Latin1_General_CI_AS" if "char" in name or "text" in name else None
    precision = numbers[0] if exact and numbers else 0
    return [column.name, name, size, precision, scale, nullable, identity, computed, int(default), text]


_MARKS = (
    exp.GeneratedAsIdentityColumnConstraint,
    exp.ComputedColumnConstraint,
    exp.DefaultColumnConstraint,
    exp.NotNullColumnConstraint,
    exp.PrimaryKeyColumnConstraint,
)


def _keys(made: exp.Create) -> Iterator[tuple[bool, list[str]]]:
    """Whether each is the primary key, and its columns."""
    for column in made.this.find_all(exp.ColumnDef):
        for rule in _rules(column):
            if isinstance(rule, exp.PrimaryKeyColumnConstraint | exp.UniqueColumnConstraint):
                yield isinstance(rule, exp.PrimaryKeyColumnConstraint), [column.name]
    for declared in made.this.expressions:
        if isinstance(declared, exp.PrimaryKey):
            yield True, [part.name for part in declared.expressions]
        elif isinstance(declared, exp.UniqueColumnConstraint):
            yield False, [part.name for part in declared.this.expressions]
