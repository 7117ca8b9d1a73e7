"""Millions of audit entries for benchmarks, sealed into their organization's chain, in minutes.

Rows are made by the database, some hundred thousand a statement, each with its digest and link as
``governance.audit.chain`` defines them, so that ``verify_audit`` finds the log sound. What a table keeps up row by row
(indexes, the words to search by, foreign keys) is taken down before and made at once afterwards.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.utils import timezone

from governance.audit.chain import BEGINNING, sign
from governance.audit.models import AuditChain
from governance.audit.services import seal_organization
from workspaces.scoping import unscoped

DAYS = 90  # that entries are spread over
SLICE = 50_000  # entries a statement
SESSIONS = 2  # that add entries at once
TABLES = ("audit_auditentry", "audit_entrywords")
_SESSION = ("SET synchronous_commit = off", "SET maintenance_work_mem = '1GB'", "SET work_mem = '256MB'")

# A link is over the one before it, so it is computed as a running total is.
_CHAINING = (
    """
CREATE FUNCTION pg_temp.next_link(link bytea, first bytea, place bigint, digest bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN sha256(coalesce(link, first) || int8send(place) || digest);
END
$$
""",
    "CREATE AGGREGATE pg_temp.chained(bytea, bigint, bytea) (sfunc = pg_temp.next_link, stype = bytea)",
)
# A tenth of the entries belongs to the workspace that is looked at, one in a hundred to none. Times are whole seconds,
# as the canonical form then has no fraction, and no text holds anything that JSON escapes.
_FACTS = """
WITH facts AS (
    SELECT n, %(last_id)s + n AS id, %(last_place)s + n AS place,
        CASE WHEN n %% 100 = 7 THEN NULL WHEN n %% 10 = 3 THEN %(home)s
            ELSE (%(workspaces)s::bigint[])[1 + n %% cardinality(%(workspaces)s::bigint[])] END AS workspace_id,
        date_trunc('second', %(now)s - interval '1 day' * %(days)s * (%(entries)s - n) / %(entries)s) AS at,
        (ARRAY['sync.updated', 'model.created', 'source.updated', 'group_role.set', 'api_key.created'])
            [1 + n / 3 %% 5] AS event,
        (%(people)s::bigint[])[1 + n / 11 %% cardinality(%(people)s::bigint[])] AS person,
        (ARRAY['sync', 'model', 'source', 'group_role', 'api_key'])[1 + n / 3 %% 5] AS resource_type,
        n / 7 %% 4000 AS resource_id,
        (ARRAY['Customers', 'Orders', 'Newsletter', 'Trial accounts'])[1 + n %% 4] || ' ' || n AS resource_label,
        '{"name":"Before ' || n || '","schedule":{"every":' || n %% 24 || ',"unit":"hour"}}' AS before,
        '{"name":"After ' || n || '","sql":"SELECT id, email, lifetime_value FROM orders WHERE shop = ' || n || '"}'
            AS after,
        md5((n / 2)::text) AS correlation_id, substr(sha256(int8send(n)), 1, 16) AS salt
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
), digested AS (
    SELECT *, sha256(salt || convert_to(
        '{"actor":{"id":"' || person || '","kind":"person","label":"person' || person || '@acme.example","userId":"'
        || person || '"},"after":' || after || ',"at":"'
        || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '+00:00","before":' || before
        || ',"correlationId":"' || correlation_id || '","event":"' || event || '","id":"' || id
        || '","organizationId":"' || %(organization)s || '","resource":{"id":"' || resource_id || '","label":"'
        || resource_label || '","type":"' || resource_type || '"},"workspaceId":'
        || coalesce('"' || workspace_id || '"', 'null') || '}', 'UTF8')) AS digest
    FROM facts
)
"""
_LAST_LINK = "SELECT pg_temp.chained(%(link)s, place, digest ORDER BY n) FROM digested"
_ADDING = """, added AS (
    INSERT INTO audit_auditentry (id, organization_id, workspace_id, at, event, actor_kind, actor_id, actor_label,
        user_id, resource_type, resource_id, resource_label, before, after, correlation_id, sequence, salt, digest,
        link)
    SELECT id, %(organization)s, workspace_id, at, event, 'person', person, 'person' || person || '@acme.example',
        person, resource_type, resource_id, resource_label, before::jsonb, after::jsonb, correlation_id, place, salt,
        digest, pg_temp.chained(%(link)s, place, digest) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING)
    FROM digested
    RETURNING id, organization_id, workspace_id, words
)
INSERT INTO audit_entrywords SELECT id, headrace_walled_words(organization_id, workspace_id, words) FROM added
"""
# The same words of the entries above, which hold these marks alone: looking for all 32 takes most of the time.
_QUICK_WORDS = """
CREATE OR REPLACE FUNCTION headrace_audit_words(said text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN strip(to_tsvector('pg_catalog.simple', translate(said, '"_,:.@{}=', '         ')))
"""
_KEPT_UP = """
SELECT conrelid::regclass || ' DROP CONSTRAINT ' || quote_ident(conname),
    conrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('f', 'u')
"""
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY(%s::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


def fill_log(organization: int, workspaces: Sequence[int], people: Sequence[int], wanted: int) -> None:
    """Add so many entries to an organization's log; the first of the workspaces gets a tenth of them.

    They come before whatever waits to be sealed, as they are older.
    """
    with unscoped("a benchmark's own data"), connection.cursor() as cursor:
        chain, _ = AuditChain.objects.get_or_create(organization_id=organization, defaults={"head": BEGINNING})
        _prepare(cursor)
        cursor.execute("SELECT coalesce(max(id), 0) FROM audit_auditentry")
        values: dict[str, Any] = {
            "organization": organization,
            "home": workspaces[0],
            "workspaces": list(workspaces),
            "people": list(people),
            "days": DAYS,
            "now": timezone.now(),
            "entries": wanted,
            "last_id": cursor.fetchone()[0],
            "last_place": chain.sequence,
        }
        with _bare_tables(cursor):
            began = time.perf_counter()
            chain.head = _add_slices(cursor, values, bytes(chain.head), wanted)
            _say(f"{wanted:,} entries", began)
        chain.sequence += wanted
        sign(chain)
        chain.save()
        cursor.execute("SELECT setval(pg_get_serial_sequence('audit_auditentry', 'id'), max(id)) FROM audit_auditentry")
        while seal_organization(organization):
            pass
        _step(cursor, "statistics", "VACUUM ANALYZE")  # as the database does by itself after a while


def _add_slices(cursor: Any, values: dict[str, Any], link: bytes, wanted: int) -> bytes:
    """Add all entries by several sessions; the link of the last one.

    Only links need what came before, and take a small part of the work: they run ahead.
    """
    with ThreadPoolExecutor(SESSIONS, initializer=_join) as sessions:
        added = []
        for first in range(1, wanted + 1, SLICE):
            slice_of = {**values, "link": link, "first": first, "last": min(first + SLICE - 1, wanted)}
            added.append(sessions.submit(_add, slice_of))
            cursor.execute(_FACTS + _LAST_LINK, slice_of)
            link = bytes(cursor.fetchone()[0])
        for one in added:
            one.result()
        list(sessions.map(lambda _: connection.close(), range(SESSIONS)))
    return link


def _join() -> None:
    with unscoped("a benchmark's own data"), connection.cursor() as cursor:
        _prepare(cursor)


def _add(values: dict[str, Any]) -> None:
    with unscoped("a benchmark's own data"), connection.cursor() as cursor:
        cursor.execute(_FACTS + _ADDING, values)


def _prepare(cursor: Any) -> None:
    for statement in (*_SESSION, *_CHAINING):
        cursor.execute(statement)


@contextmanager
def _bare_tables(cursor: Any) -> Iterator[None]:
    """Take down what the tables keep up row by row, and make it again from all rows at the end."""
    cursor.execute(_KEPT_UP, [list(TABLES)])
    constraints = cursor.fetchall()
    cursor.execute(_INDEXES, [list(TABLES)])
    indexes = cursor.fetchall()
    cursor.execute("SELECT pg_get_functiondef('headrace_audit_words'::regproc)")
    words = cursor.fetchone()[0]
    cursor.execute(_QUICK_WORDS)
    cursor.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER audit_words_added")
    for removing, _ in constraints:
        cursor.execute(f"ALTER TABLE {removing}")
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    for table in TABLES:  # what is asked for later is read alike; a crash would lose it, and nobody would miss it
        cursor.execute(f"ALTER TABLE {table} SET UNLOGGED")
    yield
    cursor.execute(words)
    for name, making in indexes:
        _step(cursor, name, making)
    for _, making in constraints:
        _step(cursor, making.partition(" (")[0], f"ALTER TABLE {making}")
    cursor.execute("ALTER TABLE audit_auditentry ENABLE TRIGGER audit_words_added")


def _step(cursor: Any, name: str, statement: str, values: dict[str, Any] | None = None) -> None:
    began = time.perf_counter()
    cursor.execute(statement, values)
    _say(name, began)


def _say(name: str, began: float) -> None:
    print(f"{name}: {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
