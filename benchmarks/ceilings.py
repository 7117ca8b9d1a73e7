"""Vendors' own ceilings: how much of a published limit one worker machine fills, against a server that enforces it.

``python -m benchmarks ceilings``. A worker process a core delivers a part each, as
``HEADRACE_WORKER_PROCESSES`` has them do, under one shared limit. The server refuses with
429 whatever goes beyond the limit in any window, and bodies with too many objects with 413.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

import redis
import redis.asyncio

from benchmarks import data
from benchmarks.engine_side import destination_and_job, environment_of, spec_of
from benchmarks.ports import free_port, wait_for
from benchmarks.setting import Setting
from config.embedded import EmbeddedServices
from connectors.registry import source_class
from connectors.sdk.destination import Limits, Rate
from syncs.engine import SharedLimiter, Storage, TraceWriter, deliver_part, next_parts
from syncs.engine.memory import AlwaysProceed, MemoryJournal
from syncs.engine.preparation import prepare
from syncs.engine.spec import Part, Prepared, RunSpec


@dataclass(frozen=True)
class Ceiling:
    """A published limit: objects a request, requests a second."""

    name: str
    objects: int
    requests: int
    seconds: int  # how long to send at that rate


CEILINGS = (Ceiling("Braze /users/track", 75, 1_000, 10), Ceiling("HubSpot batch upsert", 100, 19, 20))
PROCESSES = 2


def main(arguments: list[str]) -> None:
    """Fill each ceiling and print what share of it was reached."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=0, help="send for so long, instead of 10 and 20")
    seconds = options.parse_args(arguments).seconds
    print(f"{'ceiling':<24}{'req/s':>8}{'reached':>9}{'share':>8}{'objects/s':>11}{'429s':>6}{'CPU s':>7}")
    for ceiling in CEILINGS:
        print(_line(replace(ceiling, seconds=seconds or ceiling.seconds)), flush=True)


def _line(ceiling: Ceiling) -> str:
    with (
        tempfile.TemporaryDirectory(prefix="headrace-ceiling-") as folder,
        _server(ceiling) as port,
    ):
        Path(folder).chmod(0o711)
        with EmbeddedServices(Path(folder) / "services", postgres=False) as services:
            cpu = _fill(ceiling, folder, port, services.urls.redis_url)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts") as answer:
            counts = json.loads(answer.read())
    rate = (counts["accepted"] - 1) / (counts["last"] - counts["first"])
    return (
        f"{ceiling.name:<24}{ceiling.requests:>8,}{rate:>9,.1f}{rate / ceiling.requests:>8.1%}"
        f"{rate * ceiling.objects:>11,.0f}{counts['refused']:>6}{cpu:>7.2f}"
    )


@dataclass(frozen=True)
class _Work:
    """What every process of one measurement is told."""

    setting: Setting
    spec: RunSpec
    prepared: Prepared
    limits: Limits
    redis_url: str


def _fill(ceiling: Ceiling, folder: str, port: int, redis_url: str) -> float:
    """Send everything; CPU seconds of all worker processes from the first batch on."""
    rows = ceiling.requests * ceiling.seconds * ceiling.objects
    setting = Setting(folder=folder, database_url="", sink_port=port, http_rows=ceiling.objects)
    data.create(setting.source, rows)
    spec = replace(spec_of("http", 1), part_rows=-(-rows // PROCESSES))
    source = source_class("duckdb")({"mode": "database", "path": str(setting.source)}, environment_of(setting))
    storage = Storage(str(setting.place("storage")))
    work = {"workdir": setting.place("work"), "memory_mb": setting.memory_mb, "threads": setting.threads}
    prepared = prepare(spec, source, storage, None, **work)  # type: ignore[arg-type]
    limits = Limits(
        batch_rows=ceiling.objects, concurrency=64, rates=(Rate(requests=ceiling.requests, seconds=1.0),), attempts=5
    )
    told = _Work(setting, spec, prepared, limits, redis_url)
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, context, initializer=_meet_at, initargs=(ready,)) as pool:
        sent = list(pool.map(_work, [told] * PROCESSES, next_parts(prepared, ())))
    if sum(arrived for arrived, _ in sent) != rows:
        raise SystemExit(f"{ceiling.name}: not all rows arrived: {sent}")
    return sum(cpu for _, cpu in sent)


_ready: list[Barrier] = []


def _meet_at(barrier: Barrier) -> None:
    """The place where a process waits until all are up, so that none has the limit to itself."""
    _ready.append(barrier)


def _work(told: _Work, part: Part) -> tuple[int, float]:
    """Deliver a part in this process: rows that arrived, CPU seconds."""
    _ready[0].wait()
    began = time.process_time()
    arrived = asyncio.run(_deliver(told, part))
    return arrived, time.process_time() - began


async def _deliver(told: _Work, part: Part) -> int:
    environment = environment_of(told.setting)
    storage = Storage(str(told.setting.place("storage")))
    destination, job = destination_and_job(told.setting, "http", environment, told.spec)
    traces = TraceWriter(storage, told.spec.directory, part.number)
    async with (
        redis.asyncio.Redis.from_url(told.redis_url) as client,
        SharedLimiter(
            client, "ceiling", told.limits.rates, told.limits.concurrency, lost=(redis.RedisError,)
        ) as limiter,
    ):
        outcome = await deliver_part(
            told.spec, job, destination, part, storage, MemoryJournal(), AlwaysProceed(), limiter, told.limits, traces
        )
    return outcome.succeeded.total


@contextmanager
def _server(ceiling: Ceiling) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.enforcer", str(port), str(ceiling.objects), str(ceiling.requests)]
    )
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)
