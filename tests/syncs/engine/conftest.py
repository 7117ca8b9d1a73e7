"""A sync in a house of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from psycopg import sql

from config.embedded import Urls
from syncs.engine.spec import Planner
from tests.support import redshift
from tests.support.databases import RUN_PREFIX, at
from tests.syncs.engine.support import House, MemoryDestination
from tests.syncs.engine.warehouses import DuckDBWarehouse, FaultyRedshift, PostgresWarehouse


@pytest.fixture
def house(local_house: House) -> House:
    """A sync with an empty destination."""
    return local_house


@pytest.fixture
def local_house(tmp_path: Path) -> House:
    """A sync that is compared here."""
    destination = MemoryDestination()
    made = House(tmp_path, destination)
    destination.faults = made.faults
    return made


@pytest.fixture(params=list(Planner))
def any_house(request: pytest.FixtureRequest, local_house: House, tmp_path: Path) -> House:
    """The same sync, once compared here and once in a warehouse."""
    if request.param is Planner.WAREHOUSE:
        local_house.planner = Planner.WAREHOUSE
        local_house.open_source = DuckDBWarehouse(tmp_path, local_house.faults)
    return local_house


@pytest.fixture(scope="session")
def warehouse_url(services: Urls) -> Iterator[str]:
    """A PostgreSQL database that is the warehouse."""
    name = f"{RUN_PREFIX}{os.getpid()}_warehouse"
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield at(services.database_url, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def postgres_warehouse(warehouse_url: str) -> PostgresWarehouse:
    """An empty warehouse in PostgreSQL."""
    parts = urlsplit(warehouse_url)
    config: dict[str, object] = {
        "host": parts.hostname,
        "port": parts.port or 5432,
        "database": parts.path.lstrip("/"),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }
    warehouse = PostgresWarehouse(warehouse_url, config)
    warehouse.empty()
    return warehouse


@pytest.fixture
def redshift_warehouse(postgres_warehouse: PostgresWarehouse) -> Iterator[PostgresWarehouse]:
    """The same, spoken to in Redshift's words."""
    host, port = str(postgres_warehouse.config["host"]), int(str(postgres_warehouse.config["port"]))
    for statement in redshift.SEED:
        postgres_warehouse.run(statement)
    with redshift.in_front_of(host, port) as ours:
        config = {**postgres_warehouse.config, "host": "127.0.0.1", "port": ours}
        yield replace(postgres_warehouse, config=config, dialect="redshift", opens=FaultyRedshift)
    postgres_warehouse.run("DROP VIEW svv_tables")
    postgres_warehouse.run("DROP FUNCTION redshift_serialized, redshift_parsed")
    postgres_warehouse.run("DROP DOMAIN super")
