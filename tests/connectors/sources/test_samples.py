"""The sample sources: believable, consistent, the same everywhere, and with changes from day to day."""

from __future__ import annotations

import multiprocessing
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.registry import source_class
from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError, QueryError, Unavailable
from connectors.sdk.source import SampleQuery
from connectors.sources._samples.dataset import Dataset, prepared
from connectors.sources._samples.source import SampleSource
from tests.connectors.sources.reading import rows, value

KEYS = {"sample_b2b": ("organization_id", "organizations"), "sample_b2c": ("customer_id", "customers")}
QUERIES = [(key, query) for key in KEYS for query in source_class(key).definition.sample_queries]
TABLES = [
    ("sample_b2b", "organizations", "organization_id"),
    ("sample_b2b", "users", "user_id"),
    ("sample_b2b", "subscriptions", "subscription_id"),
    ("sample_b2b", "product_events", "event_id"),
    ("sample_b2c", "customers", "customer_id"),
    ("sample_b2c", "products", "product_id"),
    ("sample_b2c", "orders", "order_id"),
    ("sample_b2c", "order_items", "order_item_id"),
    ("sample_b2c", "cart_events", "event_id"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(local_roots=(str(tmp_path_factory.mktemp("files")),))


def sample(key: str, environment: Environment, **config: Any) -> SampleSource:
    found = source_class(key)({"scale": 0.1, **config}, environment)
    assert isinstance(found, SampleSource)
    return found


@pytest.mark.parametrize(("key", "query"), QUERIES, ids=lambda p: p.name if isinstance(p, SampleQuery) else p)
def test_each_ready_query_finds_somebody_and_has_a_sound_key(
    environment: Environment, key: str, query: SampleQuery
) -> None:
    found = [row[query.primary_key] for row in rows(sample(key, environment), query.sql)]
    assert found
    assert None not in found
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(("key", "table", "primary"), TABLES)
def test_each_table_has_a_description_and_a_sound_key(
    environment: Environment, key: str, table: str, primary: str
) -> None:
    source = sample(key, environment)
    (offered,) = [t for t in source.tables() if t.name == table]
    assert offered.schema == "public"
    assert offered.description
    assert primary in [c.name for c in source.columns(offered)]
    count, distinct = f"SELECT count(*) FROM public.{table}", f"SELECT count(DISTINCT {primary}) FROM public.{table}"
    assert value(source, f"({count})") == value(source, f"({distinct})") > 0


def test_size_one_is_as_large_as_promised(environment: Environment) -> None:
    shop = sample("sample_b2c", environment, scale=1)
    assert value(shop, "(SELECT count(*) FROM public.customers)") == 50_000
    assert 170_000 < value(shop, "(SELECT count(*) FROM public.cart_events)") < 230_000


def test_the_shops_tables_agree_with_each_other(environment: Environment) -> None:
    shop = sample("sample_b2c", environment)
    wrong_ltv = """
        SELECT c.customer_id FROM public.customers c LEFT JOIN public.orders o
          ON o.customer_id = c.customer_id AND o.status NOT IN ('cancelled', 'returned')
        GROUP BY c.customer_id, c.ltv HAVING c.ltv <> coalesce(sum(o.total), 0)
    """
    wrong_total = """
        SELECT o.order_id FROM public.orders o JOIN public.order_items i USING (order_id)
        GROUP BY o.order_id, o.total HAVING o.total <> sum(i.amount)
    """
    wrong_tier = """
        SELECT 1 AS x FROM public.customers WHERE vip_tier <> CASE
          WHEN ltv >= 5000 THEN 'Platinum' WHEN ltv >= 2500 THEN 'Gold' WHEN ltv >= 1200 THEN 'Silver' ELSE 'Normal' END
    """
    nobodys = "SELECT 1 AS x FROM public.cart_events ANTI JOIN public.customers USING (customer_id)"
    too_early = "SELECT 1 AS x FROM public.customers WHERE last_order_at < signed_up_at"
    for sql in (wrong_ltv, wrong_total, wrong_tier, nobodys, too_early):
        assert rows(shop, sql) == []
    assert rows(shop, "SELECT vip_tier FROM public.customers GROUP BY vip_tier ORDER BY avg(ltv)") == [
        {"vip_tier": tier} for tier in ("Normal", "Silver", "Gold", "Platinum")
    ]
    assert value(shop, "(SELECT count(*) FROM public.customers WHERE vip_tier <> 'Normal' AND items_in_cart > 0)") > 50


def test_the_products_tables_agree_with_each_other(environment: Environment) -> None:
    product = sample("sample_b2b", environment)
    wrong_count = """
        SELECT o.organization_id FROM public.organizations o LEFT JOIN public.users u USING (organization_id)
        GROUP BY o.organization_id, o.users_count HAVING o.users_count <> count(u.user_id)
    """
    homeless = "SELECT 1 AS x FROM public.users ANTI JOIN public.organizations USING (organization_id)"
    nobodys = "SELECT 1 AS x FROM public.product_events ANTI JOIN public.users USING (user_id)"
    free_riders = """
        SELECT 1 AS x FROM public.subscriptions JOIN public.organizations USING (organization_id) WHERE type = 'Free'
    """
    too_early = "SELECT 1 AS x FROM public.users WHERE last_seen_at < created_at"
    for sql in (wrong_count, homeless, nobodys, free_riders, too_early):
        assert rows(product, sql) == []
    types = rows(product, "SELECT DISTINCT type FROM public.organizations ORDER BY type")
    assert [t["type"] for t in types] == ["Business", "Enterprise", "Free", "Self-Serve"]


def test_nobody_can_be_reached_by_accident(environment: Environment) -> None:
    users = rows(sample("sample_b2b", environment), "SELECT email FROM public.users")
    customers = rows(sample("sample_b2c", environment), "SELECT email, phone FROM public.customers")
    assert all(re.fullmatch(r"[a-z0-9.]+@[a-z0-9]+\.example", u["email"]) for u in users)
    assert all(re.fullmatch(r"[a-z0-9.]+@example\.(com|net|org)", c["email"]) for c in customers)
    assert all(c["phone"] is None or re.fullmatch(r"\+1\d{3}55501\d\d", c["phone"]) for c in customers)
    assert len({c["email"] for c in customers}) == len(customers)


@pytest.mark.parametrize("key", KEYS)
def test_the_same_settings_give_the_same_rows_anywhere(environment: Environment, tmp_path: Path, key: str) -> None:
    elsewhere = Environment(local_roots=(str(tmp_path),), memory_mb=256, threads=1)
    _, table = KEYS[key]
    sql = f"SELECT * FROM public.{table} ORDER BY ALL"
    assert rows(sample(key, environment), sql) == rows(sample(key, elsewhere), sql)


@pytest.mark.parametrize("key", KEYS)
def test_a_day_changes_adds_and_removes_a_few(environment: Environment, key: str) -> None:
    # Enough people that some leave on any day.
    column, table = ("user_id", "users") if key == "sample_b2b" else KEYS[key]
    today, tomorrow = (
        {r[column]: r for r in rows(sample(key, environment, scale=0.25, day=day), f"SELECT * FROM public.{table}")}
        for day in (3, 4)
    )
    added, removed = tomorrow.keys() - today.keys(), today.keys() - tomorrow.keys()
    changed = [k for k in today.keys() & tomorrow.keys() if today[k] != tomorrow[k]]
    assert 0 < len(added) < len(today) * 0.01
    assert 0 < len(removed) < len(today) * 0.01
    assert len(today) * 0.01 < len(changed) < len(today) * 0.1


def test_days_only_add_to_history(environment: Environment) -> None:
    gone_orders = rows(
        sample("sample_b2c", environment, day=2),
        "SELECT max(ordered_at) AS latest, count(*) AS n FROM public.orders",
    )
    before = rows(
        sample("sample_b2c", environment), "SELECT max(ordered_at) AS latest, count(*) AS n FROM public.orders"
    )
    assert before[0]["latest"].date() == date(2025, 12, 31)
    assert gone_orders[0]["latest"].date() == date(2026, 1, 2)


def test_the_calendar_can_be_moved(environment: Environment) -> None:
    moved = sample("sample_b2c", environment, first_day="2030-06-01")
    assert value(moved, "(SELECT max(ordered_at)::DATE FROM public.orders)") == date(2030, 5, 31)


@pytest.mark.parametrize("key", KEYS)
def test_the_smallest_size_works(environment: Environment, key: str) -> None:
    source = sample(key, environment, scale=0.001)
    for table in source.tables():
        assert value(source, f"(SELECT count(*) FROM public.{table.name})") > 0


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"scale": 0}, "scale"),
        ({"scale": 100_000}, "scale"),
        ({"day": -1}, "day"),
        ({"day": 10_000}, "day"),
        ({"first_day": "tomorrow"}, "first_day"),
        ({"first_day": "0001-01-01"}, "first_day"),
    ],
)
def test_settings_that_cannot_work_are_refused(environment: Environment, config: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sample("sample_b2c", environment, **config).check()
    assert caught.value.field == field


@pytest.mark.parametrize("key", KEYS)
def test_nothing_can_be_written(environment: Environment, key: str) -> None:
    for sql in ("CREATE TABLE public.mine AS SELECT 1", f"DELETE FROM public.{KEYS[key][1]}"):
        with pytest.raises(QueryError):
            rows(sample(key, environment), sql)


def test_no_credentials_and_no_test_are_asked_for() -> None:
    for key in KEYS:
        definition = source_class(key).definition
        assert definition.sample
        assert not definition.needs_test
        assert not any(field.secret or field.required for field in definition.fields)


def _prepare(root: str) -> str:
    dataset = Dataset(name="b2c", version=1, scale=0.02, day=0, first_day=date(2026, 1, 1))
    return str(prepared(dataset, Environment(local_roots=(root,), memory_mb=256, threads=1)))


def test_two_processes_at_once_make_one_whole_file(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(_prepare, [str(tmp_path)] * 2)
    assert first == second
    assert [p.name for p in (tmp_path / "samples").iterdir() if not p.name.startswith(".")] == [Path(first).name]


def test_what_a_killed_process_left_is_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    whole = Path(_prepare(str(tmp_path)))
    (folder / f".{whole.name}.part").write_bytes(whole.read_bytes()[:100_000])
    (folder / f".{whole.name}.part.wal").write_bytes(b"torn")
    whole.unlink()
    assert Path(_prepare(str(tmp_path))) == whole
    assert [p.name for p in folder.glob(".*part*")] == []


def test_a_folder_that_cannot_be_written_is_said_to_be_the_reason(tmp_path: Path) -> None:
    (tmp_path / "samples").write_text("in the way")
    with pytest.raises(Unavailable, match="could not be made"):
        _prepare(str(tmp_path))
