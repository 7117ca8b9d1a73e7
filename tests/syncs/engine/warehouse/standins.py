"""Two runs of a small sync as plain SQL, for stand-ins of systems that live in a Python of their own."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.planner import Statement, create_columns, own_table
from connectors.sdk.types import Column, ColumnType, Operation
from syncs.engine.warehouse.profile import Profile
from syncs.engine.warehouse.statements import OUTCOME_COLUMNS, Base, Statements

NATIVE = {"clickhouse": ("Int64", "String"), "snowflake": ("NUMBER(38,0)", "VARCHAR")}
FIRST = [("1", "'a'"), ("2", "'b'"), ("3", "'c'")]
SECOND = [("1", "'A'"), ("2", "'b'"), ("4", "''"), ("5", "'x'"), ("5", "'y'"), ("NULL", "'z'"), ("6", "NULL")]
# Row 2 was refused in the first run, row 3 left, row 5 is there twice, row 6 has no value.
CHANGES = [("1", "changed", 0), ("2", "added", 1), ("3", "removed", 0), ("4", "added", 0), ("5", "duplicate", 0)]
CHANGES += [("6", "added", 0)]


def model(rows: list[tuple[str, str]]) -> str:
    """A query of these rows that every system understands."""
    return " UNION ALL ".join(f"SELECT {key} AS id, {value} AS value" for key, value in rows)


def script(profile: Profile) -> list[dict[str, Any]]:
    """Statements in order; those that are asked for their rows say what they must be."""
    natives = NATIVE[profile.name]
    types = (ColumnType.NUMBER, ColumnType.STRING)
    columns = [Column(n, t, native) for n, t, native in zip(("id", "value"), types, natives, strict=True)]
    known = tuple(Column(f"c{i}", t, native) for i, (t, native) in enumerate(zip(types, natives, strict=True)))
    made = Statements(profile, columns, 0, [0, 1])
    base = Base(plan="r1_plan", rejections="r1_rejections", columns=known, own_hash=True)
    refused = {
        "_key": "2",
        "_operation": "added",
        "_reason": "rejected",
        "_code": "c",
        "_message": "no",
        "_field": None,
    }
    found = exp.select('"_key"', '"_operation"', '"_unsettled"').from_(own_table("r2_changes")).order_by('"_key"')
    steps: list[tuple[Statement, list[list[Any]] | None]] = [
        (made.create_plan("r1_plan", model(FIRST)), None),
        (made.count_plan("r1_plan"), [[3, 3, 0]]),
        (made.create_changes("r1_changes", "r1_plan", None, reprocess=False), None),
        (create_columns("r1_outcomes", OUTCOME_COLUMNS), None),
        (_insert("r1_outcomes", {**refused, "_field": None, "_in_doubt": 0}), None),
        (
            made.create_rejections("r1_rejections", "r1_plan", "r1_changes", None, "r1_outcomes", duplicates=False),
            None,
        ),
        (made.count("r1_rejections"), [[1]]),
        (made.create_plan("r2_plan", model(SECOND)), None),
        (made.count_plan("r2_plan"), [[7, 6, 0]]),
        (made.create_changes("r2_changes", "r2_plan", base, reprocess=False), None),
        (Statement(found), [list(row) for row in CHANGES]),
        (made.count_known(base, "r2_changes"), [[1, 0, 0]]),
        (
            made.changed_rows(Operation.CHANGED, "r2_plan", "r2_changes", base, unsettled=False),
            [["1", 1, 0, 0, 1, "A", 1, "a"]],
        ),
        (
            made.changed_rows(Operation.REMOVED, "r2_plan", "r2_changes", base, unsettled=False),
            [["3", 1, 0, 0, 3, "c"]],
        ),
        (
            made.create_rejections("r2_rejections", "r2_plan", "r2_changes", base, "r1_outcomes", duplicates=True),
            None,
        ),
        (made.count("r2_rejections"), [[2]]),
    ]
    return [{"sql": s.sql(profile.dialect), "rows": rows} for s, rows in steps]


def _insert(table: str, row: dict[str, Any]) -> Statement:
    schema = pa.schema(list(OUTCOME_COLUMNS.items()))
    values = exp.Tuple(expressions=[exp.convert(row[name]) for name in schema.names])
    names = [exp.to_identifier(name, quoted=True) for name in schema.names]
    target = exp.Schema(this=own_table(table), expressions=names)
    return Statement(exp.Insert(this=target, expression=exp.Values(expressions=[values])))
