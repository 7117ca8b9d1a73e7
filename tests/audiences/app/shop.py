"""A shop whose warehouse is a DuckDB file: customers, their orders, products, and the lines between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from audiences import services
from audiences.choices import Cardinality, ModelKind
from audiences.models import SchemaModel
from connectors import services as connectors
from connectors.models import Source
from syncs.choices import ModelMethod
from syncs.definitions import Definition
from tests.connectors.app.connections import files_folder
from tests.support.duck_files import opened
from tests.syncs.app.shop import postgres_settings
from tests.world import Place

TABLES = """
CREATE TABLE customers (id BIGINT, name VARCHAR, email VARCHAR, region VARCHAR, joined DATE);
INSERT INTO customers VALUES
  (1, 'Ada', 'ada@shop.test', 'north', DATE '2026-01-01'), (2, 'Grace', 'grace@shop.test', 'north', DATE '2026-02-01'),
  (3, 'Linus', 'linus@shop.test', 'south', DATE '2026-03-01'), (4, 'Linus', 'l2@shop.test', NULL, DATE '2026-03-02');
CREATE TABLE orders (order_id BIGINT, customer_id BIGINT, total DECIMAL(10, 2), ordered_at TIMESTAMP);
INSERT INTO orders VALUES (10, 1, 20.5, TIMESTAMP '2026-05-01 10:00:00'), (11, 1, 7, TIMESTAMP '2026-05-02 10:00:00');
CREATE TABLE lines (order_id BIGINT, product_id BIGINT, shop_id BIGINT, amount INT);
INSERT INTO lines VALUES (10, 100, 1, 2);
CREATE TABLE products (product_id BIGINT, shop_id BIGINT, brand VARCHAR);
INSERT INTO products VALUES (100, 1, 'Nike');
"""


def warehouse(place: Place, name: str = "Warehouse") -> Source:
    """The source; its tables were not read."""
    file = Path(files_folder()) / f"{name}.duckdb"
    file.unlink(missing_ok=True)
    with opened(file) as made:
        made.execute(TABLES)
    values = {"mode": "database", "path": file.name}
    return connectors.create_source(actor=place.actor, type="duckdb", values=values, name=name)


def database(place: Place, url: str, name: str = "Database") -> Source:
    """The same shop in a PostgreSQL database; its tables were not read."""
    with psycopg.connect(url, autocommit=True) as there:
        there.execute("DROP SCHEMA IF EXISTS main CASCADE")
        there.execute("CREATE SCHEMA main")
        there.execute("SET search_path TO main")
        there.execute(TABLES)
    values = postgres_settings(url)
    return connectors.create_source(actor=place.actor, type="postgres", values=values, name=name)


def change(source: Source, statement: str) -> None:
    """Change the warehouse."""
    with opened(Path(files_folder()) / source.config["path"]) as there:
        there.execute(statement)


def table(name: str, schema: str = "main") -> Definition:
    """A table of the warehouse."""
    return Definition(method=ModelMethod.TABLE, table_schema=schema, table_name=name)


def parent(place: Place, source: Source, **settings: Any) -> SchemaModel:
    """The customers."""
    chosen = {"name": "Customers", "primary_key": ("id",), "primary_label": "name", **settings}
    return services.create_schema_model(
        actor=place.actor,
        source=source,
        kind=ModelKind.PARENT,
        definition=table("customers"),
        settings=services.Settings(**chosen),
    )


def orders(place: Place, customers: SchemaModel) -> SchemaModel:
    """What they ordered."""
    return services.create_schema_model(
        actor=place.actor,
        source=customers.source,
        kind=ModelKind.EVENT,
        definition=table("orders"),
        settings=services.Settings(name="Orders", primary_key=("order_id",), timestamp="ordered_at"),
        tie=services.Tie(other=customers, cardinality=Cardinality.MANY_TO_ONE, keys=(("customer_id", "id"),)),
    )


def related(place: Place, name: str, key: str, other: SchemaModel, tie: tuple[Cardinality, Any]) -> SchemaModel:
    """A table that belongs to another."""
    cardinality, keys = tie
    return services.create_schema_model(
        actor=place.actor,
        source=other.source,
        kind=ModelKind.RELATED,
        definition=table(name),
        settings=services.Settings(name=name.capitalize(), primary_key=tuple(key.split("+"))),
        tie=services.Tie(other=other, cardinality=cardinality, keys=keys),
    )
