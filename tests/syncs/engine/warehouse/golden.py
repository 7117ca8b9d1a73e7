"""The statements of one made-up run, in every dialect: what the golden files hold.

``python -m tests.syncs.engine.warehouse.golden`` writes them anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connectors.sdk.planner import Statement, create_columns, drop_table
from connectors.sdk.types import Column, ColumnType, Operation
from syncs.engine.warehouse.dialects import PROFILES
from syncs.engine.warehouse.profile import Profile
from syncs.engine.warehouse.statements import OUTCOME_COLUMNS, Base, Statements

FOLDER = Path(__file__).parent / "golden"
MODEL = 'SELECT id, name, "score" FROM customers -- everybody'
NATIVE = {
    "postgres": ("bigint", "text", "double precision", "timestamp with time zone", "jsonb"),
    "greenplum": ("bigint", "text", "double precision", "timestamp with time zone", "jsonb"),
    "redshift": ("bigint", "character varying(256)", "double precision", "timestamp with time zone", "super"),
    "snowflake": ("NUMBER(38,0)", "VARCHAR", "FLOAT", "TIMESTAMP_TZ", "VARIANT"),
    "bigquery": ("INT64", "STRING", "FLOAT64", "TIMESTAMP", "JSON"),
    "databricks": ("BIGINT", "STRING", "DOUBLE", "TIMESTAMP", "STRUCT<a: INT>"),
    "trino": ("bigint", "varchar", "double", "timestamp(6) with time zone", "array(integer)"),
    "athena": ("bigint", "varchar", "double", "timestamp(3) with time zone", "array(integer)"),
    "sqlserver": ("bigint", "nvarchar(100)", "float", "datetimeoffset(7)", "nvarchar(max)"),
    "synapse": ("bigint", "nvarchar(100)", "float", "datetimeoffset(7)", "nvarchar(max)"),
    "fabric": ("bigint", "varchar(100)", "float", "datetime2(6)", "varchar(max)"),
    "clickhouse": ("Int64", "String", "Float64", "DateTime64(6)", "Array(Int32)"),
    "duckdb": ("BIGINT", "VARCHAR", "DOUBLE", "TIMESTAMP WITH TIME ZONE", "INTEGER[]"),
}
_NAMES = ("id", 'näme "x"', "score", "seen_at", "tags")
_TYPES = (ColumnType.NUMBER, ColumnType.STRING, ColumnType.NUMBER, ColumnType.TIMESTAMP, ColumnType.OBJECT)


def statements(profile: Profile) -> Iterator[tuple[str, Statement]]:
    """Every statement of a run, by the name of its file."""
    natives = NATIVE[profile.name]
    columns = [Column(n, t, native) for n, t, native in zip(_NAMES, _TYPES, natives, strict=True)]
    made = Statements(profile, columns, 0, [0, 1, 2, 3, 4])
    known = tuple(Column(f"c{i}", t, native) for i, (t, native) in enumerate(zip(_TYPES, natives, strict=True)))
    base = Base(plan="s7_r1_1_plan", rejections="s7_r1_1_rejections", columns=known, own_hash=True)
    moved = Base(plan="s7_r2_1_moved_plan", rejections="", columns=(*known[:4], None), own_hash=False)
    plan, changes = "s7_r2_1_plan", "s7_r2_1_changes"
    yield "01-create-plan", made.create_plan(plan, MODEL)
    yield "02-create-plan-keeping-one", made.create_plan(plan, MODEL, 1)
    yield "03-count-plan", made.count_plan(plan)
    yield "04-create-changes", made.create_changes(changes, plan, base, reprocess=False)
    yield "05-create-changes-first-run", made.create_changes(changes, plan, None, reprocess=False)
    yield "06-create-changes-rehashing", made.create_changes(changes, plan, moved, reprocess=False)
    yield "07-count-changes", made.count_changes(changes)
    yield "07-count-known", made.count_known(base, changes)
    yield "08-stream-every-row", made.every_row(plan, changes, duplicates=True)
    yield "09-stream-duplicates", made.duplicates(plan, changes)
    yield "10-stream-added", made.changed_rows(Operation.ADDED, plan, changes, base, unsettled=None)
    yield "11-stream-changed", made.changed_rows(Operation.CHANGED, plan, changes, base, unsettled=False)
    yield "12-stream-removed-unsettled", made.changed_rows(Operation.REMOVED, plan, changes, base, unsettled=True)
    outcomes = "s7_r2_1_outcomes"
    yield "13-create-outcomes", create_columns(outcomes, OUTCOME_COLUMNS)
    rejections = "s7_r2_1_rejections"
    yield "14-create-rejections", made.create_rejections(rejections, plan, changes, base, outcomes, duplicates=True)
    yield "15-create-rejections-empty", made.create_rejections(rejections, plan, changes, base, "", duplicates=False)
    yield "16-drop", drop_table("s7_r1_1_plan")
    yield "17-stream-new-keys", made.plan_keys(plan, base)
    yield "18-delete-forgotten", made.delete_keys(plan, "s7_r2_1_forgotten")


def rendered(profile: Profile) -> dict[str, str]:
    """The statements' text in the profile's dialect, by the name of their file."""
    return {f"{name}.sql": s.sql(profile.dialect, pretty=True) + ";\n" for name, s in statements(profile)}


def main() -> None:
    """Write the golden files anew."""
    for profile in PROFILES.values():
        folder = FOLDER / profile.name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.sql"):
            old.unlink()
        for name, text in rendered(profile).items():
            (folder / name).write_text(text)


if __name__ == "__main__":
    main()
