"""The studio's queries beside SQL written by hand for the same questions.

``python -m benchmarks studio --customers 1000000``. Each customer has 20 events on average. Four questions, in DuckDB
and in PostgreSQL: the size of an audience of four conditions, a trait of everybody, the overlap of two audiences, and
a breakdown. Both sides answer the same question over the same tables, one after the other; each figure is the best of
``--rounds``, and the answers have to be equal.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from audiences.query import conditions as c
from audiences.query.conditions import Operator
from audiences.query.insights import Measure, breakdown, overlap
from audiences.query.schema import (
    Cardinality,
    ModelKind,
    Relationship,
    SavedAudience,
    StudioColumn,
    StudioModel,
    StudioSchema,
)
from audiences.query.statements import Asker
from audiences.query.times import Clock
from config.embedded import EmbeddedServices
from connectors.sdk.types import ColumnType, Table

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EACH = 20
REGIONS = ("north", "south", "east", "west")

_CUSTOMERS = """
CREATE TABLE customers AS SELECT
    i::bigint AS id,
    CASE i % 4 WHEN 0 THEN 'north' WHEN 1 THEN 'south' WHEN 2 THEN 'east' ELSE 'west' END AS region,
    CASE i % 3 WHEN 0 THEN 'free' WHEN 1 THEN 'team' ELSE 'business' END AS tier
FROM {series} AS r (i)
"""
# Customers differ in how much they do; the factors are primes, so that kinds, times and people move apart.
_EVENTS = """
CREATE TABLE events AS SELECT
    j::bigint AS id,
    1 + (j::bigint * 7919 % {customers}) * (j::bigint * 31 % 97) % {customers} AS customer_id,
    CASE WHEN j::bigint * 13 % 10 < 4 THEN 'order' WHEN j::bigint * 13 % 10 < 9 THEN 'view' ELSE 'refund' END AS kind,
    (j::bigint * 104729 % 20000 / 100.0)::numeric(12, 2) AS amount,
    timestamptz '2025-12-31 23:00:00+00' - (j::bigint * 611953 % 31536000) * interval '1 second' AS happened_at
FROM {series} AS r (j)
"""
_ORDERED = """SELECT customer_id FROM events WHERE kind = 'order'
    AND happened_at >= timestamptz '2025-10-03 00:00:00+00' AND happened_at <= timestamptz '2026-01-01 00:00:00+00'
    GROUP BY customer_id HAVING count(*) >= 3"""
_SPENT = "SELECT customer_id, sum(amount) AS spent FROM events WHERE kind = 'order' GROUP BY customer_id"
_ACTIVE = f"region IN ('north', 'south') AND id IN ({_ORDERED})"
BY_HAND: Mapping[str, str] = {
    "size": f"""SELECT count(*) FROM customers c WHERE region IN ('north', 'south')
        AND (tier <> 'free' OR tier IS NULL) AND id IN ({_ORDERED})
        AND NOT EXISTS (SELECT 1 FROM events e WHERE e.customer_id = c.id AND kind = 'refund'
            AND happened_at >= timestamptz '2025-07-05 00:00:00+00'
            AND happened_at <= timestamptz '2026-01-01 00:00:00+00')""",
    "trait": f"SELECT c.id, s.spent FROM customers c LEFT JOIN ({_SPENT}) s ON s.customer_id = c.id",
    "overlap": f"""SELECT count(*) FILTER (WHERE a AND b), count(*) FILTER (WHERE a AND NOT b),
        count(*) FILTER (WHERE b AND NOT a) FROM (
            SELECT region IN ('north', 'south') AND o.customer_id IS NOT NULL AS a, coalesce(s.spent > 500, false) AS b
            FROM customers c LEFT JOIN ({_ORDERED}) o ON o.customer_id = c.id
            LEFT JOIN ({_SPENT}) s ON s.customer_id = c.id) f""",
    "breakdown": f"""SELECT region, count(*), count(*) FROM customers WHERE {_ACTIVE}
        GROUP BY region ORDER BY count(*) DESC, region LIMIT 50""",
}


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a table; ``--json`` adds a file with the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks studio", description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("duckdb", "postgres"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    results = {
        name: measure(options.customers, options.rounds)
        for name, measure in {"duckdb": in_duckdb, "postgres": in_postgres}.items()
        if options.only in (None, name)
    }
    print(report(results, options.customers))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


Figures = dict[str, tuple[float, float]]
Ask = Callable[[str], list[tuple[Any, ...]]]


def in_duckdb(customers: int, rounds: int) -> Figures:
    """Seconds of the studio and by hand, by question."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        connection = duckdb.connect(str(Path(folder) / "shop.duckdb"))
        connection.execute("SET TimeZone = 'UTC'")
        series = "range(1, {} + 1)"
        connection.execute(_CUSTOMERS.format(series=series.format(customers)))
        connection.execute(_EVENTS.format(series=series.format(customers * EACH), customers=customers))
        return _both(_Questions.over("duckdb", "main"), lambda sql: connection.execute(sql).fetchall(), rounds)


def in_postgres(customers: int, rounds: int) -> Figures:
    """Seconds of the studio and by hand, by question."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        Path(folder).chmod(0o711)  # root runs the server as another user, who must get through
        with EmbeddedServices(Path(folder) / "services", redis=False) as services:
            connection = psycopg.connect(services.urls.acme_url, autocommit=True)
            connection.execute("SET timezone = 'UTC'")
            series = "generate_series(1, {})"
            connection.execute(_CUSTOMERS.format(series=series.format(customers)))
            connection.execute(_EVENTS.format(series=series.format(customers * EACH), customers=customers))
            connection.execute("ALTER TABLE customers ADD PRIMARY KEY (id)")
            connection.execute("CREATE INDEX ON events (customer_id)")
            connection.execute("VACUUM ANALYZE customers, events")
            return _both(_Questions.over("postgres", "public"), lambda sql: connection.execute(sql).fetchall(), rounds)


def _both(questions: _Questions, ask: Ask, rounds: int) -> Figures:
    figures: Figures = {}
    for name, sql in questions.compiled().items():
        best = [float("inf"), float("inf")]
        for _ in range(rounds):
            answers = []
            for side, asked in enumerate((sql, BY_HAND[name])):
                began = time.perf_counter()
                answers.append(sorted(ask(asked)))
                best[side] = min(best[side], time.perf_counter() - began)
            assert answers[0] == answers[1], f"{name}: both sides answer the same"
        figures[name] = (best[0], best[1])
    return figures


@dataclass(frozen=True)
class _Questions:
    """The questions as the studio asks them."""

    asker: Asker

    @classmethod
    def over(cls, dialect: str, schema: str) -> _Questions:
        text, number, moment = ColumnType.STRING, ColumnType.NUMBER, ColumnType.TIMESTAMP
        columns = {
            "customers": {"id": number, "region": text, "tier": text},
            "events": {"id": number, "customer_id": number, "kind": text, "amount": number, "happened_at": moment},
        }
        models = {
            name: StudioModel(
                id=name,
                name=name.capitalize(),
                kind=ModelKind.EVENT if name == "events" else ModelKind.PARENT,
                relation=Table(schema, name),
                primary_key=("id",),
                columns=tuple(
                    StudioColumn(name=each, type=kind, nullable=each != "id", zoned=kind is moment)
                    for each, kind in kinds.items()
                ),
                timestamp="happened_at" if name == "events" else None,
            )
            for name, kinds in columns.items()
        }
        did = Relationship(
            id="did", from_="customers", to="events", cardinality=Cardinality.ONE_TO_MANY, keys=(("id", "customer_id"),)
        )
        known = StudioSchema(dialect=dialect, models=models, relationships={"did": did})
        return cls(Asker(schema=known, clock=Clock(NOW)))

    def compiled(self) -> dict[str, str]:
        """The SQL of each question."""
        ask, ordered = self.asker, _event("order", 90, c.Number(Operator.GREATER_OR_EQUAL, 3))
        where = _property("region", Operator.EQUALS, "north", "south")
        paying, refunded = _property("tier", Operator.NOT_EQUALS, "free"), _event("refund", 180, performed=False)
        spent = c.AggregationTrait("did", c.Function.SUM, c.Field("amount"), _is("order"))
        rich = c.TraitCondition(c.Test(Operator.GREATER, c.Values((500,))), definition=spent)
        active = _audience("active", where, ordered)
        return {
            "size": ask.count(_audience("good", where, paying, ordered, refunded)).sql(),
            "trait": ask.trait_values("customers", spent).sql(),
            "overlap": overlap(ask, active, _audience("rich", rich)).sql(),
            "breakdown": breakdown(ask, active, Measure(field=c.Field("region"))).sql(),
        }


def _audience(name: str, *conditions: c.Condition) -> SavedAudience:
    definition = c.Definition(c.Group(conditions=conditions))
    return SavedAudience(id=name, name=name, model="customers", definition=definition)


def _property(column: str, operator: Operator, *values: str) -> c.PropertyCondition:
    return c.PropertyCondition(c.Field(column), c.Test(operator, c.Values(values)))


def _is(kind: str) -> c.Group:
    return c.Group(conditions=(_property("kind", Operator.EQUALS, kind),))


def _event(kind: str, days: int, number: c.Number | None = None, *, performed: bool = True) -> c.EventCondition:
    when = c.Test(Operator.WITHIN, c.Window(days, c.Unit.DAY))
    return c.EventCondition("did", performed, number, when, _is(kind))


def report(results: Mapping[str, Figures], customers: int) -> str:
    """The figures as a table."""
    lines = [f"Studio queries, {customers:,} customers with {customers * EACH:,} events (s)", ""]
    lines.append(f"{'where':10}{'question':12}{'studio':>10}{'by hand':>10}{'ratio':>8}")
    for where, figures in results.items():
        for name, (studio, hand) in figures.items():
            lines.append(f"{where:10}{name:12}{studio:10.3f}{hand:10.3f}{studio / hand:8.2f}")
    return "\n".join(lines)
