"""A shop with a real warehouse file and a real database: what tests of runs work on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core.cache import cache
from django.db.models import Max
from django.db.models.functions import Now
from psycopg import sql

from config.postgres.compiled import Compiled
from connectors import services as connectors
from connectors.models import Destination, Source
from governance.audit.actors import Actor
from governance.audit.models import AuditEntry
from syncs import services, tasks
from syncs.choices import ModelMethod, StepState
from syncs.configuration import Proposal
from syncs.definitions import Definition
from syncs.engine.guardrails import Guardrails
from syncs.models import Model, Run, RunStep, Sync
from tests.support.duck_files import opened
from tests.world import Place, made_again
from workspaces.scoping import unscoped

FIELDS = ("id", "email", "plan")
# What another test of this process left: its table, and what it called after it.
_CLEAR = """
DO $$ DECLARE old text; BEGIN
  FOR old IN SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relname LIKE '%{0}%' LOOP
    EXECUTE 'DROP TABLE IF EXISTS ' || old || ' CASCADE';
  END LOOP;
  FOR old IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE '%{0}%' LOOP
    EXECUTE 'DROP FUNCTION ' || old;
  END LOOP;
END $$
"""
_TABLE = "CREATE TABLE {} (id bigint PRIMARY KEY, email text, plan text CHECK (plan <> 'broken'))"
# These change rows and nothing else.
_OF_ROWS = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")


@dataclass
class Shop:
    """A DuckDB file with a ``customers`` table, and a PostgreSQL table with the same columns."""

    place: Place
    file: Path
    address: str
    table: str
    source: Source
    destination: Destination
    # The last entry of the audit log when it opened, where each test of a process finds the same; -1 once a table
    # is no longer what it was then.
    opened_at: int = -1

    @property
    def actor(self) -> Actor:
        return self.place.actor

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Change the warehouse."""
        self._note(statement)
        with opened(self.file) as warehouse:
            warehouse.execute(statement, parameters)

    def fill(self, rows: int) -> None:
        """This many customers, replacing those that were there."""
        with opened(self.file) as warehouse:
            warehouse.execute(
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
        if model is None and not changed and self.opened_at == _last_entry():
            return made_again("sync", self._sync)
        return self._sync(model, **changed)

    def _sync(self, model: Model | None = None, **changed: Any) -> Sync:
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
        return database(self.address).execute(f"SELECT {columns} FROM {self.table} ORDER BY 1").fetchall()

    def at_destination(self, statement: str) -> None:
        """Change the destination's database."""
        self._note(statement)
        database(self.address).execute(statement)

    def _note(self, statement: str) -> None:
        if not statement.startswith(_OF_ROWS):
            self.opened_at = -1


_databases: dict[str, psycopg.Connection[Any]] = {}


def database(address: str) -> psycopg.Connection[Any]:
    """A connection to this database that stays open; each statement is a transaction of its own."""
    known = _databases.get(address)
    if known is None or known.closed:
        known = _databases[address] = psycopg.connect(address, autocommit=True, prepare_threshold=None)
    return known


def mapping(to: str, value: Any = None, **more: Any) -> dict[str, Any]:
    """A column mapping; the id is what rows are matched by."""
    return {"to": to, "kind": "column", "value": to if value is None else value, "identifier": to == "id", **more}


def open_shop(place: Place, acme_url: str, name: str) -> Shop:
    """A shop of its own in this workspace, with two empty tables; to be called in the workspace's scope."""
    file, table = _lay_out(acme_url, name)
    return Shop(place, file, acme_url, table, *_connect(place, acme_url, name, file))


def usual_shop(place: Place, acme_url: str) -> Shop:
    """The shop of this process, in the first workspace of the bare world: nothing but that may be there yet."""
    name = f"p{os.getpid()}x"
    file, table = _lay_out(acme_url, name)
    source, destination = made_again("shop", lambda: _connect(place, acme_url, name, file))
    cache.clear()  # what was remembered of connections with the same ids
    return Shop(place, file, acme_url, table, source, destination, _last_entry())


def _lay_out(acme_url: str, name: str) -> tuple[Path, str]:
    """A warehouse file and a table of the database, both empty."""
    folder = Path(settings.LOCAL_FILES_ROOTS[0])
    folder.mkdir(parents=True, exist_ok=True)
    file, table = folder / f"{name}.duckdb", f"customers_{name}"
    for old in (file, file.with_name(f"{file.name}.wal")):
        old.unlink(missing_ok=True)
    with opened(file) as warehouse:
        warehouse.execute("CREATE TABLE customers (id BIGINT, email VARCHAR, plan VARCHAR)")
    destination = database(acme_url)
    destination.execute(sql.SQL(_CLEAR).format(sql.SQL(table)))
    destination.execute(sql.SQL(_TABLE).format(sql.Identifier(table)))
    return file, table


def _connect(place: Place, acme_url: str, name: str, file: Path) -> tuple[Source, Destination]:
    source = connectors.create_source(
        actor=place.actor, type="duckdb", values={"mode": "database", "path": file.name}, name=f"Warehouse {name}"
    )
    destination = connectors.create_destination(
        actor=place.actor, type="postgres", values=postgres_settings(acme_url), name=f"Shop database {name}"
    )
    return source, destination


def _last_entry() -> int:
    """Whatever was done through services since is in the audit log."""
    with unscoped("the log of every organization"):
        return AuditEntry.objects.aggregate(last=Max("pk"))["last"] or 0


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
    passed_by: set[int] = set()  # logs that wait for those of an earlier run
    while step := next((step for step in _DUE.rows() if step.pk not in passed_by), None):
        tasks.work_on_step.fn(step.workspace_id, step.pk)
        if any((left.pk, left.attempts) == (step.pk, step.attempts) for left in _WAITING.rows()):
            passed_by.add(step.pk)


# Asked between the stages of each run of each test.
_WAITING = Compiled(lambda: RunStep.objects.filter(state=StepState.WAITING).order_by("pk"), walled=True)
_DUE = Compiled(
    lambda: RunStep.objects.filter(state=StepState.WAITING, available_at__lte=Now()).order_by("pk"), walled=True
)


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 60.0) -> None:
    """Ask until the condition holds; fail with ``what`` was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.05)
