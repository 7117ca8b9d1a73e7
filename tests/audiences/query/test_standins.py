"""The studio's SQL carried out by stand-ins, each in a Python of its own, against the plain-Python evaluator."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from audiences.query import conditions as c
from audiences.query.dialects import STUDIOS, Studio
from audiences.query.schema import SavedAudience, StudioSchema
from audiences.query.statements import Asker
from tests.audiences.query import golden, shop
from tests.audiences.query.evaluator import Evaluator
from tests.audiences.query.test_oracle import half
from tests.invariants.tree import CHECKOUT

# Each carries out the statements on its standard input and prints the rows of those that are asked for.
PROGRAMS = {
    "chdb": """
import json
import sys

from chdb import session

clickhouse = session.Session()
answers = []
for sql, asked in json.load(sys.stdin):
    try:
        answer = clickhouse.query(sql, "JSONCompactEachRow")
        rows = [json.loads(line) for line in answer.bytes().decode().splitlines()] if asked else None
    except Exception as error:
        rows = str(error)
    if asked or rows:
        answers.append(rows)
print(json.dumps(answers))
""",
    "fakesnow": """
import json
import sys

import fakesnow
import snowflake.connector

answers = []
with fakesnow.patch():
    cursor = snowflake.connector.connect(database="warehouse", schema="public").cursor()
    for sql, asked in json.load(sys.stdin):
        try:
            cursor.execute(sql)
            rows = [list(row) for row in cursor.fetchall()] if asked else None
        except Exception as error:
            rows = str(error)
        if asked or rows:
            answers.append(rows)
print(json.dumps(answers, default=int))
""",
}
TYPES = {
    "clickhouse": {
        "BIGINT": "Nullable(Int64)", "TEXT": "Nullable(String)", "DECIMAL(12, 2)": "Nullable(Decimal(12, 2))",
        "BOOLEAN": "Nullable(Bool)", "DATE": "Nullable(Date32)", "TIMESTAMP": "Nullable(DateTime64(6))",
        "TIMESTAMPTZ": "Nullable(DateTime64(6, 'UTC'))", "JSON": "Nullable(String)",
    },
    "snowflake": {
        "BIGINT": "NUMBER(38,0)", "TEXT": "VARCHAR", "DECIMAL(12, 2)": "NUMBER(12,2)", "BOOLEAN": "BOOLEAN",
        "DATE": "DATE", "TIMESTAMP": "TIMESTAMP_NTZ", "TIMESTAMPTZ": "TIMESTAMP_TZ", "JSON": "VARCHAR",
    },
}  # fmt: skip
TABLES = 2
TREES = 8


@pytest.mark.parametrize(("system", "standin"), [("clickhouse", "chdb"), ("snowflake", "fakesnow")])
def test_members(system: str, standin: str) -> None:
    python = CHECKOUT / ".venv" / standin / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{standin} is not installed; `make test` does that")
    script = list(_script(system))
    ended = subprocess.run(
        [str(python), "-c", PROGRAMS[standin]],
        input=json.dumps([(sql, wanted is not None) for sql, wanted in script]),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    answers = json.loads(ended.stdout.splitlines()[-1])
    asked = [(sql, wanted) for sql, wanted in script if wanted is not None]
    assert len(answers) == len(asked), answers[:3]
    for (sql, wanted), answer in zip(asked, answers, strict=True):
        assert isinstance(answer, list), f"{answer}\n{sql}"
        assert sorted(int(row[0]) for row in answer) == wanted, sql


def _script(system: str) -> Iterator[tuple[str, list[int] | None]]:
    """Statements in order; those that are asked for their rows come with the keys that they must give."""
    studio, kinds = STUDIOS[system], TYPES[system]
    schema = golden.schema(system)
    for name, columns in shop.TYPES.items():
        made = ", ".join(f"{_name(each, studio)} {kinds[kind]}" for each, kind in columns.items())
        engine = " ENGINE = Memory" if system == "clickhouse" else ""
        yield f"CREATE TABLE {_name(name, studio)} ({made}){engine}", None
    for tables, trees in _drawn():
        for name, rows in tables.items():
            yield f"TRUNCATE TABLE {_name(name, studio)}", None
            yield _insert(name, rows, studio), None
        yield from _asked(schema, tables, trees)


def _asked(
    schema: StudioSchema, tables: dict[str, list[dict[str, Any]]], trees: list[tuple[c.Group, c.Limit | None]]
) -> Iterator[tuple[str, list[int]]]:
    clock = shop.clock(shop.BASE)
    asker, evaluator = Asker(schema=schema, clock=clock), Evaluator(schema, tables, clock, shop.FORMULAS)
    for tree, limit in trees:
        audience = SavedAudience(id="asked", name="Asked", model="customers", definition=c.Definition(tree, limit))
        wanted = sorted(row["id"] for row in evaluator.members(audience))
        yield asker.members(audience).sql(), wanted


def _drawn() -> list[tuple[dict[str, list[dict[str, Any]]], list[tuple[c.Group, c.Limit | None]]]]:
    """The same random tables and trees each time."""
    found = []
    plain = shop.groups("customers", 3, 2, 3).filter(lambda group: "AudienceCondition" not in repr(group))
    trees = st.lists(st.tuples(plain, shop.limits), min_size=TREES, max_size=TREES)

    @settings(half, max_examples=TABLES + 1)
    @given(shop.tables(), trees)
    def draw(tables: dict[str, list[dict[str, Any]]], trees: list[tuple[c.Group, c.Limit | None]]) -> None:
        found.append((tables, trees))

    draw()
    return found[1:]  # the first is as simple as can be


def _insert(table: str, rows: list[dict[str, Any]], studio: Studio) -> str:
    kinds = shop.TYPES[table]
    values = [
        ", ".join(_literal(row[name], kind, studio).sql(dialect=studio.dialect) for name, kind in kinds.items())
        for row in rows
    ]
    return f"INSERT INTO {_name(table, studio)} VALUES {', '.join(f'({row})' for row in values)}"


def _literal(value: Any, kind: str, studio: Studio) -> exp.Expr:
    written: dict[type, Callable[[Any], exp.Expr]] = {
        bool: lambda given: exp.true() if given else exp.false(),
        int: exp.convert,
        Decimal: lambda given: exp.cast(exp.Literal.string(str(given)), "DECIMAL(12, 2)"),
        datetime: lambda given: studio.moment(given.isoformat(" "), zoned=kind == "TIMESTAMPTZ"),
        date: lambda given: exp.cast(exp.Literal.string(given.isoformat()), "DATE"),
        str: studio.text,
    }
    return exp.null() if value is None else written[type(value)](value)


def _name(name: str, studio: Studio) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect=studio.dialect)
