"""A shop with a real warehouse file and a real database: what tests of runs work on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
from django.conf import settings
from django.db.models.functions import Now
from psycopg import sql

from connectors import services as connectors
from connectors.models import Destination, Source
from governance.audit.actors import Actor
from syncs import services, tasks
from syncs.choices import ModelMethod, StepState
from syncs.configuration import Proposal
from syncs.definitions import Definition
from syncs.engine.guardrails import Guardrails
from syncs.models import Model, Run, RunStep, Sync
from tests.world import Place

FIELDS = ("id", "email", "plan")


@dataclass
class Shop:
    """A DuckDB file with a ``customers`` table, and a PostgreSQL table with the same columns."""

    place: Place
    file: Path
    address: str
    table: str
    source: Source
    destination: Destination
    made: list[Sync] = field(default_factory=list)

    @property
    def actor(self) -> Actor:
        return self.place.actor

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Change the warehouse."""
        with duckdb.connect(str(self.file)) as warehouse:
            warehouse.execute(statement, parameters)

    def fill(self, rows: int) -> None:
        """This many customers, replacing those that were there."""
        self.query(
            "CREATE OR REPLACE TABLE customers AS SELECT i AS id, 'c' || i || '@shop.test' AS email, "
            f"'free' AS plan FROM range(1, {rows + 1}) r(i)"
        )

    def model(self, name: str = "Customers", statement: str = "SELECT * FROM customers", key: str = "id") -> Model:
        """A SQL model over the warehouse."""
        return services.create_model(
            actor=self.actor,
            source=self.source,
            name=name,
            definition=Definition(method=ModelMethod.SQL, sql=statement),
            primary_key=key,
        )

    def sync(self, model: Model | None = None, **changed: Any) -> Sync:
        """A sync of all three columns to the database table, matched by id."""
        schedule = {"schedule": changed.pop("schedule")} if "schedule" in changed else {}
        return services.create_sync(
            actor=self.actor,
            model=model or self.model(),
            destination=self.destination,
            proposal=self.proposal(**changed),
            **schedule,
        )

    def unguarded(self, sync: Sync) -> Sync:
        """The sync without guardrails: a few rows more or less are most of what a small table has."""
        return services.set_guardrails(actor=self.actor, sync=sync, guardrails=Guardrails(on=False))

    def proposal(self, **changed: Any) -> Proposal:
        """The configuration of :meth:`sync`, with some of it changed."""
        usual: dict[str, Any] = {
            "sync_type": "table",
            "mode": "upsert",
            "removal": "delete",
            "settings": {"table": f"public.{self.table}", "batch_size": 100},
            "mappings": [mapping(name) for name in FIELDS],
        }
        return Proposal(**{**usual, **changed})

    def run(self, sync: Sync, **options: Any) -> Run:
        """Start a run and carry it out here, stage by stage, as workers would."""
        run = services.start_run(actor=self.actor, sync=sync, **options)
        work_off()
        return Run.objects.get(pk=run.pk)

    def there(self, columns: str = "id, email, plan") -> list[tuple[Any, ...]]:
        """What the destination's table holds, by id."""
        with psycopg.connect(self.address) as connection:
            return connection.execute(f"SELECT {columns} FROM {self.table} ORDER BY 1").fetchall()

    def at_destination(self, statement: str) -> None:
        """Change the destination's database."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(statement)


def mapping(to: str, value: Any = None, **more: Any) -> dict[str, Any]:
    """A column mapping; the id is what rows are matched by."""
    return {"to": to, "kind": "column", "value": to if value is None else value, "identifier": to == "id", **more}


def open_shop(place: Place, acme_url: str, name: str) -> Shop:
    """A shop of its own in this workspace, with two empty tables; to be called in the workspace's scope."""
    folder = Path(settings.LOCAL_FILES_ROOTS[0])
    folder.mkdir(parents=True, exist_ok=True)
    file, table = folder / f"{name}.duckdb", f"customers_{name}"
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute("CREATE OR REPLACE TABLE customers (id BIGINT, email VARCHAR, plan VARCHAR)")
    with psycopg.connect(acme_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(table)))
        connection.execute(
            sql.SQL("CREATE TABLE {} (id bigint PRIMARY KEY, email text, plan text CHECK (plan <> 'broken'))").format(
                sql.Identifier(table)
            )
        )
    source = connectors.create_source(
        actor=place.actor, type="duckdb", values={"mode": "database", "path": file.name}, name=f"Warehouse {name}"
    )
    destination = connectors.create_destination(
        actor=place.actor, type="postgres", values=postgres_settings(acme_url), name=f"Shop database {name}"
    )
    return Shop(place, file, acme_url, table, source, destination)


def postgres_settings(url: str) -> Mapping[str, Any]:
    """Settings of a PostgreSQL destination at this address."""
    parts = urlsplit(url)
    return {
        "host": parts.hostname,
        "port": parts.port,
        "database": parts.path.lstrip("/"),
        "user": parts.username,
        "password": parts.password or "",
    }


def work_off() -> None:
    """Carry out every stage that waits, in this thread, until none is left."""
    due = RunStep.objects.filter(state=StepState.WAITING, available_at__lte=Now())
    passed_by: set[int] = set()  # logs that wait for those of an earlier run
    while step := due.exclude(pk__in=passed_by).first():
        tasks.work_on_step.fn(step.workspace_id, step.pk)
        if RunStep.objects.filter(pk=step.pk, state=StepState.WAITING, attempts=step.attempts).exists():
            passed_by.add(step.pk)


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 60.0) -> None:
    """Ask until the condition holds; fail with ``what`` was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.05)
