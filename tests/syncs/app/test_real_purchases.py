"""Real input: 69,659 purchases of 23,570 customers of a music shop, aggregated by customer and synced.

The file lies beside the checkout; where it is missing the test is skipped.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from django.conf import settings

from connectors.services import create_source
from syncs import services
from syncs.choices import ModelMethod
from syncs.configuration import Proposal
from syncs.definitions import Definition
from syncs.models import Run
from tests.invariants.tree import CHECKOUT
from tests.syncs.app.shop import Shop, mapping, work_off

PURCHASES = CHECKOUT.parent / "shared" / "data" / "cdnow_transactions.csv"
CUSTOMERS = """
SELECT
  customer_id,
  count(*) AS orders,
  sum(quantity)::BIGINT AS quantity,
  sum(amount_usd::DECIMAL(12, 2)) AS revenue,
  min(order_date) AS first_order,
  max(order_date) AS last_order
FROM purchases
GROUP BY customer_id
"""
FIELDS = ("customer_id", "orders", "quantity", "revenue", "first_order", "last_order")
TABLE = """CREATE TABLE {} (customer_id bigint PRIMARY KEY, orders int, quantity bigint,
           revenue numeric(12, 2), first_order date, last_order date)"""


@pytest.fixture
def purchases() -> Path:
    """A copy of the file in a folder that sources may read, to be changed."""
    if not PURCHASES.exists():
        pytest.skip("the purchases file is not beside this checkout")
    copy = Path(settings.LOCAL_FILES_ROOTS[0]) / "purchases.csv"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(PURCHASES, copy)
    return copy


def test_real_purchases_arrive_once_and_then_only_their_changes(shop: Shop, purchases: Path) -> None:
    table = f"purchases_{shop.table}"
    shop.at_destination(TABLE.format(table))
    sync = _sync(shop, table)

    first = _run(shop, sync)
    assert (first.queried, first.planned_added, first.succeeded_added) == (23_570, 23_570, 23_570)
    assert _there(shop, table) == _expected(purchases)
    again = _run(shop, sync)
    assert (again.queried, again.planned) == (23_570, 0)

    _change(purchases)
    last = _run(shop, sync)
    assert (last.planned_added, last.planned_changed, last.planned_removed) == (0, 234, 100)
    assert (last.succeeded, last.rejected) == (334, 0)
    assert _there(shop, table) == _expected(purchases)


def _sync(shop: Shop, table: str) -> Any:
    source = create_source(
        actor=shop.actor,
        type="duckdb",
        name="Purchases",
        values={"mode": "files", "files": [{"name": "purchases", "value": "purchases.csv"}]},
    )
    model = services.create_model(
        actor=shop.actor,
        source=source,
        name="Customers by purchases",
        definition=Definition(method=ModelMethod.SQL, sql=CUSTOMERS),
        primary_key="customer_id",
    )
    fields = [{**mapping(name), "identifier": name == "customer_id"} for name in FIELDS]
    proposal = Proposal(
        sync_type="table",
        mode="upsert",
        removal="delete",
        settings={"table": f"public.{table}"},
        mappings=fields,
    )
    return services.create_sync(actor=shop.actor, model=model, destination=shop.destination, proposal=proposal)


def _run(shop: Shop, sync: Any) -> Run:
    run = services.start_run(actor=shop.actor, sync=sync)
    work_off()
    return Run.objects.get(pk=run.pk)


def _change(purchases: Path) -> None:
    """One customer in a hundred spends a dollar more; the last hundred leave."""
    changed = purchases.with_suffix(".new")
    duckdb.execute(
        f"""COPY (
            SELECT customer_id, order_date, quantity,
                   amount_usd::DECIMAL(12, 2) + CASE WHEN customer_id % 100 = 0 THEN 1 ELSE 0 END AS amount_usd
            FROM read_csv('{purchases}')
            WHERE customer_id NOT IN (
                SELECT DISTINCT customer_id FROM read_csv('{purchases}') ORDER BY customer_id DESC LIMIT 100
            )
        ) TO '{changed}' (HEADER)"""
    )
    changed.replace(purchases)


def _expected(purchases: Path) -> list[tuple[Any, ...]]:
    """The same question asked by hand."""
    query = CUSTOMERS.replace("purchases", f"read_csv('{purchases}')", 1)
    return duckdb.execute(f"{query} ORDER BY customer_id").fetchall()


def _there(shop: Shop, table: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(shop.address) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY customer_id").fetchall()
