"""The trial itself: rounds of changes, troubles and crashes, each ended by healing and comparing.

Imported only when Django's environment is set: see ``__main__``.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import duckdb
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from connectors import services as connectors
from syncs import scheduler, services
from syncs.alerting.measures import COMPLETE
from syncs.choices import ModelMethod, RunStatus, TriggerKind
from syncs.codec import load
from syncs.configuration import Proposal
from syncs.definitions import Definition
from syncs.engine import RunLog
from syncs.engine.guardrails import Guardrails
from syncs.engine.spec import Prepared, RowStatus, RunSpec
from syncs.models import AlertState, Run, Sync
from syncs.outcomes import run_outcomes
from syncs.selectors.rows import row_counts
from syncs.services import stages
from syncs.storage import storage
from tests.api.calls import Call, caller, key_of
from tests.torture import takeovers
from tests.torture.house import Receiver, Servers, Workers
from tests.torture.receiver import GIVEN_UP
from tests.torture.reference import BATCH_ROWS, CONCURRENCY, KEY
from tests.world import Place

COLUMNS = ("id", "email", "plan")
KEYS, KNOWN = 90, 40
# Shorter and longer than a lease: a worker may wake when another has taken over, or the run after has begun.
FROZEN_S = (2.0, 12.0)
PATIENCE_S = stages.RETRY_DELAYS[-1] + 240.0  # a stage that keeps failing waits so long at most
ENDED = (RunStatus.SUCCEEDED, RunStatus.WARNING, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED)
Row = dict[str, str | None]
T = TypeVar("T")


class Broken(AssertionError):
    """A promise that was not kept."""


@dataclass
class Tally:
    """What happened so far."""

    rounds: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    lost: int = 0
    in_doubt: int = 0
    repeated: list[str] = field(default_factory=list)


@dataclass
class Subject:
    """One sync under torture. ``came`` counts how often each key came into the model from one run to the next."""

    name: str
    sync: Sync
    came: Counter[str] = field(default_factory=Counter)
    present: set[str] = field(default_factory=set)
    in_doubt: set[str] = field(default_factory=set)


class Trial:
    """The world, and what is done to it."""

    def __init__(
        self,
        place: Place,
        folder: Path,
        receiver: Receiver,
        workers: Workers,
        servers: Servers,
        *,
        seed: int,
        crashes: int | None,
    ) -> None:
        self.tally = Tally()
        self._place = place
        self._file = folder / "warehouse.duckdb"
        self._receiver = receiver
        self._workers = workers
        self._servers = servers
        self._random = random.Random(seed)
        self._most = [0, 1, 1, 2, 3] if crashes is None else [crashes]
        self._rows: dict[str, Row] = {}
        self._write()
        takeovers.install()
        self._call: Call = caller(key_of(place, place.owner))
        self.subjects = self._make_subjects()

    def round(self) -> None:
        """Change, trouble, crash; then heal, compare, and look that a rerun sends nothing."""
        self.tally.rounds += 1
        self._change()
        self._receiver.call(
            "PUT", "trouble", {"share": self._random.choice([0.0, 0.1, 0.4]), "seed": self._random.random()}
        )
        self._run_all(crashes=self._random.choice(self._most))
        self._receiver.call("PUT", "trouble", {"share": 0.0, "seed": 0})
        self._workers.empty_disks()
        healed = self._run_all(crashes=0)
        for subject in self.subjects:
            run = healed[subject.name]
            # The two rows with the same key always earn a warning.
            if run.status != RunStatus.WARNING or run.rejected or run.aborted or run.in_doubt:
                raise Broken(f"{subject.name}: a run without troubles ended as {run.status}: {run.error_message}")
            self._compare(subject)
        self._rerun()

    def _make_subjects(self) -> list[Subject]:
        actor = self._place.actor
        source = connectors.create_source(
            actor=actor, type="duckdb", values={"mode": "database", "path": str(self._file)}, name="Warehouse"
        )
        model = services.create_model(
            actor=actor,
            source=source,
            name="Customers",
            definition=Definition(method=ModelMethod.SQL, sql="SELECT * FROM customers"),
            primary_key="id",
        )
        plans = {
            "upsert": ("records", "upsert", "nothing"),
            "mirror": ("records", "upsert", "delete"),
            "update": ("records", "update", "nothing"),
            "insert": ("records", "insert", "nothing"),
            "diff": ("records", "diff", "delete"),
            "all": ("copies", "all", "nothing"),
        }
        subjects = []
        for name, (sync_type, mode, removal) in plans.items():
            destination = connectors.create_destination(
                actor=actor, type=KEY, values={"url": self._receiver.url}, name=name
            )
            mappings = [
                {"to": to, "kind": "column", "value": to, "identifier": to == "id" and sync_type == "records"}
                for to in COLUMNS
            ]
            proposal = Proposal(sync_type=sync_type, mode=mode, removal=removal, settings={}, mappings=mappings)
            sync = services.create_sync(actor=actor, model=model, destination=destination, proposal=proposal)
            services.set_guardrails(actor=actor, sync=sync, guardrails=Guardrails(on=False))
            subjects.append(Subject(name, sync))
            if name == "update":
                known = [{"id": _key(n), "email": "before", "plan": None} for n in range(KNOWN)]
                self._receiver.call("PUT", str(sync.pk), known)
        return subjects

    # --- what is done ---------------------------------------------------------

    def _change(self) -> None:
        """Rows come, change and go; now and then many at once, or all of them."""
        chance = self._random.choice([0.05, 0.2, 0.5])
        if self._random.random() < 0.05:
            self._rows = {}
        for key in map(_key, range(KEYS)):
            if self._random.random() >= chance:
                continue
            if key in self._rows and self._random.random() < 0.4:
                del self._rows[key]
            else:
                self._rows[key] = {"id": key, "email": self._email(), "plan": self._random.choice(["a", "b", None])}
        self._write()

    def _email(self) -> str:
        return self._random.choice(["o'neil", "Zoë", "😀", 'say "hi"', "c"]) + f"{self._random.random()}@shop.test"

    def _write(self) -> None:
        """The table anew, with two rows that have no key of their own."""
        strays: list[tuple[str | None, str | None, str | None]] = [
            (None, "no key", None), ("twin", "one", None), ("twin", "two", None)
        ]  # fmt: skip
        rows = [(row["id"], row["email"], row["plan"]) for row in self._rows.values()]
        with duckdb.connect(str(self._file)) as warehouse:
            warehouse.execute("CREATE OR REPLACE TABLE customers (id VARCHAR, email VARCHAR, plan VARCHAR)")
            warehouse.executemany("INSERT INTO customers VALUES (?, ?, ?)", rows + strays)

    def _run_all(self, *, crashes: int) -> dict[str, Run]:
        """One run of every sync, side by side, with so many crashes on the way."""
        for subject in self.subjects:
            subject.came.update(set(self._rows) - subject.present)
            subject.present = set(self._rows)
        runs = {s.name: self._steadily(lambda s=s: self._start(s)) for s in self.subjects}  # type: ignore[misc]
        planned = sorted(self._random.uniform(0.0, 3.0) for _ in range(crashes))
        began = time.monotonic()
        while planned or any(run.status not in ENDED for run in runs.values()):
            if time.monotonic() - began > PATIENCE_S:
                stuck = [name for name, run in runs.items() if run.status not in ENDED]
                steps = [takeovers.told(runs[name]) for name in stuck]
                self._workers.tell()
                raise Broken(f"not ended after {PATIENCE_S:.0f} s: {dict(zip(stuck, steps, strict=True))}")
            if planned and time.monotonic() - began >= planned[0]:
                planned.pop(0)
                self._crash()
            self._look_after()
            time.sleep(0.1)
            runs = {name: self._steadily(lambda r=run: Run.objects.get(pk=r.pk)) for name, run in runs.items()}  # type: ignore[misc]
        for subject in self.subjects:
            run = runs[subject.name]
            self._steadily(lambda subject=subject, run=run: self._account(subject, run))  # type: ignore[misc]
            self.tally.runs[run.status] += 1
            self.tally.rows += run.succeeded
        return runs

    def _start(self, subject: Subject) -> Run:
        live = Run.objects.filter(sync=subject.sync, finished_at__isnull=True).first()
        # A start whose answer was lost with the database is a start all the same.
        sync = Sync.objects.get(pk=subject.sync.pk)
        return live or services.start_run(actor=self._place.actor, sync=sync)

    def _crash(self) -> None:
        what = self._random.choice(["worker", "worker", "worker", "frozen", "redis", "postgres", "disk"])
        self.tally.crashes[what] += 1
        if what == "frozen":
            self._workers.freeze(self._random.randrange(len(self._workers)), self._random.uniform(*FROZEN_S))
        elif what in ("worker", "disk"):
            self._workers.kill(self._random.randrange(len(self._workers)), full_disk=what == "disk")
        else:
            self._servers.kill("valkey" if what == "redis" else "postgres")
            connection.close()

    def _look_after(self) -> None:
        """What the supervisor and a scheduler do."""
        self._servers.revive()
        self._workers.revive()
        self._workers.thaw()
        try:
            scheduler.resend(timezone.now())
        except DatabaseError:
            connection.close()

    def _steadily(self, work: Callable[[], T]) -> T:
        """Through restarts of the database."""
        end = time.monotonic() + 30
        while True:
            try:
                return work()
            except DatabaseError:
                connection.close()
                self._servers.revive()
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    # --- what must hold -------------------------------------------------------

    def _account(self, subject: Subject, run: Run) -> None:
        """The same numbers everywhere, and they add up."""
        if run.prepared is None:
            return
        prepared = load(Prepared, run.prepared)
        planned, ends = prepared.planned.total, run.succeeded + run.rejected + run.aborted
        if run.queried != prepared.null_keys + prepared.duplicates + prepared.forgotten + prepared.keyed:
            raise Broken(f"{subject.name}: {run.queried} rows were queried: {prepared}")
        if run.planned != planned or planned != ends:
            raise Broken(f"{subject.name} run {run.pk} ({run.status}): {planned} planned, {ends} accounted for")
        (shown,) = self._call("get", f"/syncs/{subject.sync.pk}/runs", runId=str(run.pk)).json()["data"]
        for name, told in (("planned", "plannedRows"), ("succeeded", "successfulRows"), ("rejected", "failedRows")):
            stored = {f"{o}Count": getattr(run, f"{name}_{o}") for o in ("added", "changed", "removed")}
            if shown[told] != stored:
                raise Broken(f"{subject.name}: the API says {shown[told]}, the database {stored}")
        self._check_pages(subject, run)
        self._check_alerts(subject, run)
        if run.in_doubt:
            log = RunLog(storage(), load(RunSpec, run.spec), prepared, run_outcomes(run))
            found = {row.key for row in log.export() if row.status is RowStatus.IN_DOUBT}
            if len(found) != run.in_doubt:
                raise Broken(f"{subject.name}: {run.in_doubt} rows in doubt, {len(found)} listed")
            subject.in_doubt |= found
            self.tally.in_doubt += run.in_doubt

    def _check_pages(self, subject: Subject, run: Run) -> None:
        """The tabs of the run's page add up to what the run says."""
        tabs: Counter[str] = Counter()
        for count in row_counts(self._place.actor, run):
            tabs[count.status] += count.rows
        shown = (
            tabs[RowStatus.SUCCEEDED],
            tabs[RowStatus.REJECTED],
            tabs[RowStatus.ABORTED] + tabs[RowStatus.IN_DOUBT],
        )
        stored = (run.succeeded, run.rejected + run.duplicates, run.aborted)
        if shown != stored or tabs[RowStatus.IN_DOUBT] != run.in_doubt:
            raise Broken(f"{subject.name} run {run.pk}: its page shows {dict(tabs)}, the run says {stored}")

    def _check_alerts(self, subject: Subject, run: Run) -> None:
        """Every run that ended was judged, by the numbers that it has."""
        states = {state.trigger: state for state in AlertState.objects.filter(sync=subject.sync)}
        fatal, rejected = states.get(TriggerKind.FATAL), states.get(TriggerKind.REJECTED)
        if fatal is None or fatal.judged_run != run.pk:
            raise Broken(f"{subject.name} run {run.pk} ({run.status}) was not judged")
        if run.status not in COMPLETE:
            return
        if fatal.value != 0 or rejected is None or rejected.value != run.rejected + run.duplicates:
            told = f"{fatal.value} failures and {rejected and rejected.value} rejected rows"
            raise Broken(
                f"{subject.name} run {run.pk}: alerts speak of {told}, the run of {run.rejected + run.duplicates}"
            )

    def _compare(self, subject: Subject) -> None:
        """The receiver holds what the mode promises."""
        shown = self._receiver.shown(subject.sync.pk)
        records: dict[str, Row] = shown["records"]
        self._check_repeats(subject, shown["repeats"])
        wrong = [k for k, row in self._expected(subject, records).items() if records.get(k) != row]
        if subject.name in ("mirror", "diff", "all"):
            wrong += sorted(set(records) - set(self._rows))
        if subject.name == "update":
            wrong += sorted(set(records) ^ {_key(n) for n in range(KNOWN)})
        if subject.name == "insert":
            wrong += [f"{k} twice" for k, times in shown["inserts"].items() if times > subject.came[k]]
        if wrong:
            self.tally.lost += len(wrong)
            raise Broken(f"{subject.name}: {len(wrong)} records are not as promised: {wrong[:5]}")

    def _expected(self, subject: Subject, records: dict[str, Row]) -> dict[str, Row]:
        match subject.name:
            case "update":
                return {key: row for key, row in self._rows.items() if key in records}
            case "insert":  # keeps the values it came with; what is in doubt is listed
                return {k: records.get(k, row) for k, row in self._rows.items() if k not in subject.in_doubt} | {
                    key: row for key, row in self._rows.items() if key not in records and key not in subject.in_doubt
                }
        return self._rows

    def _check_repeats(self, subject: Subject, repeats: Sequence[dict[str, Any]]) -> None:
        """Only what was in flight may come twice: its sender gave the answer up, or lost it with its lease.

        The sender's connector says the first, past the engine; the journal shows the second.
        """
        known = len([key for key in self.tally.repeated if key.startswith(f"{subject.name} ")])
        for run_id, found in groupby(repeats[known:], key=lambda repeat: repeat["run"]):
            allowed, open_batches = takeovers.in_flight(Run.objects.get(pk=run_id))
            if open_batches > CONCURRENCY:
                raise Broken(f"{subject.name} run {run_id}: {open_batches} batches of a part were in flight at once")
            for repeat in found:
                key = f"{subject.name} run {run_id}: {repeat['operation']} {repeat['key']}"
                if repeat["before"] != GIVEN_UP and (repeat["operation"], repeat["key"]) not in allowed:
                    raise Broken(
                        f"{key} came twice, {repeat['ago']:.1f} s after one whose answer was {repeat['before']}"
                    )
                self.tally.repeated.append(key)

    def _rerun(self) -> None:
        """Over unchanged data nothing is sent, except what is sent in full every time."""
        subjects = [s for s in self.subjects if s.name != "all"]
        before = {s.name: self._receiver.shown(s.sync.pk)["requests"] for s in subjects}
        runs = self._run_all(crashes=0)
        for subject in subjects:
            sent = self._receiver.shown(subject.sync.pk)["requests"] - before[subject.name]
            if runs[subject.name].planned or sent:
                raise Broken(f"{subject.name}: an unchanged rerun planned {runs[subject.name].planned}, sent {sent}")


def report(tally: Tally) -> str:
    """What happened, in a few lines."""
    runs = ", ".join(f"{number} {status}" for status, number in sorted(tally.runs.items()))
    crashes = ", ".join(f"{number} {what}" for what, number in sorted(tally.crashes.items())) or "none"
    lines = [
        f"rounds {tally.rounds}, runs {sum(tally.runs.values())} ({runs}), rows delivered {tally.rows}",
        f"kills {sum(tally.crashes.values())} ({crashes})",
        f"lost {tally.lost}",
        f"duplicated {len(tally.repeated)} (in flight at a crash or never answered; batches of {BATCH_ROWS}), "
        f"in doubt {tally.in_doubt}",
    ]
    return "\n".join(lines)


def _key(number: int) -> str:
    return f"k{number}"
