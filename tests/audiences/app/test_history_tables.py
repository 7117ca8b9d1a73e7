"""The comparison of members with their history, as every warehouse is asked."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest
import sqlglot

from audiences.history_tables import MEMBERSHIP, changes_at, changes_table, written_changes
from connectors.sdk.types import Column, ColumnType
from syncs.engine.warehouse.dialects import PROFILES

KEY = Column("id", ColumnType.NUMBER, "bigint")
AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_warehouse_can_be_asked(name: str) -> None:
    profile = PROFILES[name]
    made = changes_table(
        "changes", profile, KEY, "SELECT id AS row_id, 'a' AS split_group FROM t", 7, "w", grouped=True
    )
    for statement in (made, written_changes("changes", 7, "w", AT), changes_at(7, "w", AT)):
        sql = statement.sql(profile.dialect)
        assert sqlglot.parse_one(sql, read=profile.dialect).sql(profile.dialect)


def test_members_are_compared_with_those_of_their_audience_and_workspace_alone() -> None:
    with duckdb.connect() as bench:
        bench.execute("CREATE SCHEMA headrace_planner; SET TimeZone = 'UTC'")
        bench.execute(MEMBERSHIP.creation().sql("duckdb"))
        bench.execute(
            "INSERT INTO headrace_planner.audience_membership VALUES "
            "('1', '7', now(), 'enter', NULL, 'w'), ('2', '7', now(), 'enter', NULL, 'w'), "
            "('2', '7', now(), 'exit', NULL, 'w'), ('3', '7', now(), 'exit', NULL, 'w'), "  # its entry was pruned
            "('4', '8', now(), 'enter', NULL, 'w'), ('4', '7', now(), 'enter', NULL, 'other')"
        )
        members = "SELECT * FROM (VALUES (4), (4), (5), (NULL)) AS m(row_id) -- a comment at its end"
        made = changes_table("changes", PROFILES["duckdb"], KEY, members, 7, "w", grouped=False)
        bench.execute(made.sql("duckdb"))
        found = bench.execute("SELECT * FROM headrace_planner.changes ORDER BY ALL").fetchall()
        assert found == [("1", "exit", None), ("4", "enter", None), ("5", "enter", None)]
        bench.execute(written_changes("changes", 7, "w", AT).sql("duckdb"))
        assert sorted(bench.execute(changes_at(7, "w", AT).sql("duckdb")).fetchall()) == [("enter", 2), ("exit", 1)]
