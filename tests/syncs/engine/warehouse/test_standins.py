"""The planner's statements carried out by stand-ins, each in a Python of its own. Neither has every type."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from syncs.engine.warehouse.dialects import PROFILES
from tests.invariants.tree import CHECKOUT
from tests.syncs.engine.warehouse.standins import script

# Each carries out the statements on its standard input and prints the rows that are asked for.
PROGRAMS = {
    "chdb": """
import json
import sys

from chdb import session

clickhouse = session.Session()
clickhouse.query("SET join_use_nulls = 1")
clickhouse.query("SET session_timezone = 'UTC'")
clickhouse.query("CREATE DATABASE headrace_planner")
answers = []
for step in json.load(sys.stdin):
    answer = clickhouse.query(step["sql"], "JSONCompactEachRow")
    if step["rows"] is not None:
        answers.append([json.loads(line) for line in answer.bytes().decode().splitlines()])
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
    cursor.execute('CREATE SCHEMA "headrace_planner"')
    for step in json.load(sys.stdin):
        cursor.execute(step["sql"])
        if step["rows"] is not None:
            answers.append([list(row) for row in cursor.fetchall()])
print(json.dumps(answers, default=int))
""",
}


@pytest.mark.parametrize(("system", "standin"), [("clickhouse", "chdb"), ("snowflake", "fakesnow")])
def test_two_runs_of_a_sync(system: str, standin: str) -> None:
    python = CHECKOUT / ".venv" / standin / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{standin} is not installed; `make test` does that")
    steps = script(PROFILES[system])
    ended = subprocess.run(
        [str(python), "-c", PROGRAMS[standin]],
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    wanted = [step["rows"] for step in steps if step["rows"] is not None]
    assert _numbers(json.loads(ended.stdout.splitlines()[-1])) == _numbers(wanted)


def _numbers(answers: list[Any]) -> list[Any]:
    """Whole numbers as such: some systems write them as text, keys are text everywhere."""
    return [[[int(v) if str(v).replace(".0", "").isdigit() else v for v in row] for row in rows] for rows in answers]
