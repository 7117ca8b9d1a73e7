"""Array expansion: one row for each element, on the databases that run here; the SQL of the others."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from connectors.sdk.context import Environment
from connectors.sdk.expansion import ArrayForm, array_column, array_form, element_column, expand_array, expandable
from connectors.sdk.types import ColumnType
from connectors.sources.duckdb import DuckDBSource
from connectors.sources.postgres import PostgresSource
from tests.connectors.sources.reading import rows

ELEMENT = "_ht_device ids_element"
EXPANDED = [(1, "android_b2"), (1, "ios_a1"), (2, "ios_c3"), (4, "web_d4"), (4, "web_d4")]
PEOPLE = {1: ["ios_a1", "android_b2"], 2: ["ios_c3"], 3: [], 4: ["web_d4", "web_d4"], 5: None}


def model(cast: str) -> str:
    """Five people and their devices; the cast decides how the arrays are held."""
    held = {n: "NULL" if ids is None else cast.format(str(ids).replace("'", '"')) for n, ids in PEOPLE.items()}
    return " UNION ALL ".join(f'SELECT {n} AS id, {text} AS "device ids"' for n, text in held.items())


def native(cast: str) -> str:
    """The same with arrays of the database's own."""
    held = {n: "NULL" if ids is None else f"ARRAY{ids}" for n, ids in PEOPLE.items()}
    return " UNION ALL ".join(f'SELECT {n} AS id, {text}::{cast} AS "device ids"' for n, text in held.items())


@pytest.mark.parametrize(
    ("sql", "form"),
    [
        (native("text[]"), ArrayForm.NATIVE),
        (model("'{}'::jsonb"), ArrayForm.JSON),
        (model("'{}'::json"), ArrayForm.JSON),
        (model("'{}'::jsonb") + """ UNION ALL SELECT 6, '{"a": 1}'::jsonb""", ArrayForm.JSON),
        (model("'{}'") + " UNION ALL SELECT 6, 'no array'", ArrayForm.TEXT),
    ],
)
def test_postgresql(postgres_config: dict[str, object], loopback: Environment, sql: str, form: ArrayForm) -> None:
    expanded = expand_array(sql, "device ids", form, "postgres")
    found = rows(PostgresSource(postgres_config, loopback), expanded)
    assert sorted((row["id"], row[ELEMENT]) for row in found) == EXPANDED


@pytest.mark.parametrize(
    ("sql", "form"),
    [
        (native("varchar[]"), ArrayForm.NATIVE),
        (model("'{}'::json"), ArrayForm.JSON),
        (model("'{}'") + " UNION ALL SELECT 6, 'no array' UNION ALL SELECT 7, '{\"a\": 1}'", ArrayForm.TEXT),
    ],
)
def test_duckdb(folder: Path, files_allowed: Environment, sql: str, form: ArrayForm) -> None:
    with duckdb.connect(str(folder / "w.duckdb")):
        source = DuckDBSource({"mode": "database", "path": "w.duckdb"}, files_allowed)
    found = rows(source, expand_array(sql, "device ids", form, "duckdb"))
    assert sorted((row["id"], row[ELEMENT]) for row in found) == EXPANDED


@pytest.mark.parametrize(
    ("native_type", "kind", "form"),
    [
        ("text[]", ColumnType.OBJECT, ArrayForm.NATIVE),
        ("VARCHAR[3]", ColumnType.OBJECT, ArrayForm.NATIVE),
        ("ARRAY<STRING>", ColumnType.OBJECT, ArrayForm.NATIVE),
        ("ARRAY", ColumnType.OBJECT, ArrayForm.NATIVE),
        ("jsonb", ColumnType.OBJECT, ArrayForm.JSON),
        ("VARIANT", ColumnType.OBJECT, ArrayForm.JSON),
        ("character varying(40)", ColumnType.OBJECT, ArrayForm.TEXT),
        ("bigint", ColumnType.NUMBER, None),
    ],
)
def test_how_a_column_holds_arrays(native_type: str, kind: ColumnType, form: ArrayForm | None) -> None:
    assert array_form(native_type, kind) is form


@pytest.mark.parametrize(
    ("dialect", "form", "join"),
    [
        ("snowflake", ArrayForm.NATIVE, 'LATERAL FLATTEN(INPUT => "_headrace_model"."a""b")'),
        ("snowflake", ArrayForm.TEXT, 'TRY_PARSE_JSON("_headrace_model"."a""b")'),
        ("bigquery", ArrayForm.JSON, 'UNNEST(JSON_VALUE_ARRAY(`_headrace_model`.`a"b`'),
        ("databricks", ArrayForm.NATIVE, 'LATERAL EXPLODE(`_headrace_model`.`a"b`)'),
    ],
)
def test_the_sql_of_other_warehouses(dialect: str, form: ArrayForm, join: str) -> None:
    assert join in expand_array("SELECT * FROM t -- all", 'a"b', form, dialect)


def test_names_and_what_is_not_offered() -> None:
    assert array_column(element_column("device ids")) == "device ids"
    assert array_column("device ids") == ""
    assert not expandable("clickhouse", ArrayForm.NATIVE)
