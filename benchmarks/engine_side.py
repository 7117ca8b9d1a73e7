"""A sync as a worker runs it: the engine's stages over real connectors, without the web application."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from benchmarks.data import COLUMNS, SQL
from benchmarks.setting import Setting
from connectors.registry import destination_class, source_class
from connectors.sdk.context import Environment
from connectors.sdk.destination import Destination, DestinationField, FirstRun, Job, Mode, Removal, RowSet
from connectors.sdk.types import ColumnType, Operation
from syncs.engine import Storage, TraceWriter, Unlimited, deliver_part, next_parts, settle
from syncs.engine.memory import AlwaysProceed, MemoryJournal
from syncs.engine.preparation import prepare
from syncs.engine.spec import Baseline, FieldMapping, MappingKind, ModelColumn, PartOutcome, RunSpec

HTTP = ("http", "liquid")
GREETING = "Dear {{ row.first_name | upcase }} of {{ row.city | default: 'nowhere' }}"


def run_sync(setting: Setting, kind: str, run_id: int) -> dict[str, float]:
    """One run to ``postgres``, ``http`` or ``liquid`` (HTTP with a template a row), or only as far as the ``diff``.

    Returns seconds by stage, and rows sent.
    """
    place = setting.place(f"engine-{kind}")
    storage = Storage(str(place / "storage"))
    baseline = _read_baseline(place)
    spec = spec_of(kind, run_id)
    work = {"workdir": place / "work", "memory_mb": setting.memory_mb, "threads": setting.threads}
    environment = environment_of(setting)
    source = source_class("duckdb")({"mode": "database", "path": str(setting.source)}, environment)
    if kind != "diff":
        destination_and_job(setting, kind, environment, spec)  # a worker loads a connector once, not for each run

    began = time.perf_counter()
    prepared = prepare(spec, source, storage, baseline, **work)  # type: ignore[arg-type]
    diffed = time.perf_counter()
    if kind == "diff":  # as if everything had arrived
        baseline = Baseline(
            run_id=run_id, spool=prepared.spool, overlay="", recipe=prepared.recipe, columns=COLUMNS,
            rows=prepared.keyed, unsettled=0,
        )  # fmt: skip
        (place / "baseline.json").write_text(json.dumps(asdict(baseline)))
        stages = {"prepare": diffed - began, "deliver": 0.0, "settle": 0.0, "total": diffed - began}
        return {**stages, "queried": prepared.queried, "sent": prepared.planned.total}
    began_sending = time.process_time()
    outcomes = asyncio.run(_deliver(setting, kind, environment, spec, prepared.parts, storage, prepared))
    delivered, send_cpu = time.perf_counter(), time.process_time() - began_sending
    settled = settle(spec, prepared, outcomes, baseline, storage, **work)  # type: ignore[arg-type]
    ended = time.perf_counter()
    if settled.succeeded.total != prepared.planned.total:
        raise SystemExit(f"{kind}: only {settled.succeeded.total} of {prepared.planned.total} rows arrived: {outcomes}")
    (place / "baseline.json").write_text(json.dumps(asdict(settled.baseline)))
    return {
        "prepare": diffed - began,
        "deliver": delivered - diffed,
        "settle": ended - delivered,
        "total": ended - began,
        "send_cpu": send_cpu,
        "queried": prepared.queried,
        "sent": settled.succeeded.total,
    }


async def _deliver(
    setting: Setting,
    kind: str,
    environment: Environment,
    spec: RunSpec,
    parts: object,
    storage: Storage,
    prepared: object,
) -> list[PartOutcome]:
    destination, job = destination_and_job(setting, kind, environment, spec)
    outcomes: list[PartOutcome] = []
    while ready := next_parts(prepared, [outcome.number for outcome in outcomes]):  # type: ignore[arg-type]
        for part in ready:
            limits = destination.limits(job, part.operations[0][0])
            traces = TraceWriter(storage, spec.directory, part.number)
            outcomes.append(
                await deliver_part(
                    spec, job, destination, part, storage, MemoryJournal(), AlwaysProceed(), Unlimited(), limits, traces
                )
            )
    return outcomes


def environment_of(setting: Setting) -> Environment:
    """What connectors may do here."""
    return Environment(
        outbound_allow=("*",), local_roots=(setting.folder,), memory_mb=setting.memory_mb, threads=setting.threads
    )


def spec_of(kind: str, run_id: int) -> RunSpec:
    """A sync of all columns."""
    return RunSpec(
        run_id=run_id,
        sync_id=1,
        sql=SQL,
        dialect="duckdb",
        primary_key="id",
        columns=tuple(ModelColumn(name=name, type=ColumnType.UNKNOWN) for name in COLUMNS),
        tracked=COLUMNS,
        mappings=tuple(
            FieldMapping(to=name, kind=MappingKind.COLUMN, value=name, identifier=name == "id") for name in COLUMNS
        ),
        mode=Mode.CUSTOM if kind in HTTP else Mode.UPSERT,
        rows=RowSet.CHANGES,
        removal=Removal.DELETE,
        first_run=FirstRun.BACKFILL,
        wanted=frozenset(Operation),
        idempotent=True,
        directory=f"syncs/1/runs/{run_id}",
        all_columns=kind in HTTP,
    )


def destination_and_job(
    setting: Setting, kind: str, environment: Environment, spec: RunSpec
) -> tuple[Destination, Job]:
    """Where the sync goes: the table or the sink of this setting."""
    job = {
        "sync_id": 1, "sync_slug": "bench", "run_id": spec.run_id, "model_id": 1, "model_name": "Customers",
        "mode": spec.mode, "removal": spec.removal, "started_at": datetime.now(UTC), "primary_key": "id",
        "fields": tuple(DestinationField(name=name, identifier=name == "id") for name in COLUMNS),
    }  # fmt: skip
    if kind == "postgres":
        url = urlsplit(setting.database_url)
        config = {
            "host": url.hostname or "127.0.0.1", "port": url.port or 5432, "database": url.path.lstrip("/"),
            "user": unquote(url.username or ""), "password": unquote(url.password or ""), "sslmode": "disable",
        }  # fmt: skip
        settings = {"table": "public.engine_customers", "batch_size": setting.postgres_rows}
        destination = destination_class("postgres")(config, environment)
        return destination, Job(sync_type="table", settings=settings, identifiers=("id",), **job)  # type: ignore[arg-type]
    trigger: dict[str, object] = {
        "batching": "batch",
        "batch_size": setting.http_rows,
        "method": "POST",
        "payload": "json_columns",
    }
    if kind == "liquid":
        named = [{"name": name, "value": name} for name in COLUMNS]
        trigger["columns"] = [*named, {"name": "greeting", "value": GREETING}]
    settings = {operation.value: {**trigger, "endpoint": f"/{operation.value}"} for operation in Operation}
    settings |= {"rate": 10_000_000, "rate_window": "second", "concurrency": setting.concurrency}
    destination = destination_class("http_request")({"base_url": f"http://127.0.0.1:{setting.sink_port}"}, environment)
    sync_type = destination.definition.sync_types[0].key
    return destination, Job(sync_type=sync_type, settings=settings, identifiers=(), **job)  # type: ignore[arg-type]


def _read_baseline(place: Path) -> Baseline | None:
    file = place / "baseline.json"
    return msgspec.convert(json.loads(file.read_text()), Baseline, strict=False) if file.exists() else None
