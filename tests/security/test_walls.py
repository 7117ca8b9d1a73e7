"""The database's own walls, read from its catalogue: no key and no policy was forgotten."""

from __future__ import annotations

import pytest
from django.db import connection

# Foreign keys between two tables that both name a workspace.
BETWEEN_TENANTS = """
SELECT c.conrelid::regclass::text, c.confrelid::regclass::text,
       array(SELECT attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, place)
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY place)
FROM pg_constraint c
WHERE c.contype = 'f'
  AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = c.conrelid AND attname = %(wall)s)
  AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = c.confrelid AND attname = %(wall)s)
"""
WORDS = "audit_entrywords"
POLICIES = "SELECT tablename, cmd, permissive, qual, with_check FROM pg_policies WHERE schemaname = 'public'"


@pytest.mark.parametrize("wall", ["workspace_id", "organization_id"])
@pytest.mark.django_db
def test_every_key_between_walled_tables_stays_inside_the_wall(wall: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(BETWEEN_TENANTS, {"wall": wall})
        found = cursor.fetchall()
    held = {(table, target, columns[1]) for table, target, columns in found if len(columns) == 2 and columns[0] == wall}
    plain = {(table, target, columns[0]) for table, target, columns in found if len(columns) == 1}
    assert found
    assert plain - held == set()


@pytest.mark.django_db
def test_policies_hold_for_reading_and_writing_alike() -> None:
    with connection.cursor() as cursor:
        cursor.execute(POLICIES)
        policies = cursor.fetchall()
    tables = [table for table, *_ in policies]
    assert len(tables) == len(set(tables)), "several permissive policies on one table widen each other"
    for table, command, permissive, condition, check in policies:
        assert (command, permissive) == ("ALL", "PERMISSIVE"), table
        if table == WORDS:  # the wall is within the search itself; see tests/governance/test_audit_search.py
            assert "headrace_asked_words()" in condition
            continue
        assert "headrace.workspace" in condition, table
        assert check is None or "headrace.workspace" in check, table
