"""Carries out one stage of a run: claims it, does it with the engine, and stores what came of it.

Whatever happens to this process, the stage's row says how far things are, and
another worker goes on from there. The other side's errors end the run in their
own words; Headrace's own defects and lost connections are tried again first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from django.conf import settings

from config import logs
from config.errors import HeadraceError
from config.postgres.compiled import Compiled
from connectors.access import open_destination, open_source
from connectors.sdk.context import Workload
from connectors.sdk.destination import Destination, Job, Limits
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError
from connectors.sdk.source import Source
from connectors.sdk.validation import assemble
from connectors.sdk.waiting import answered
from connectors.secrets import decrypt
from syncs import engine, log_writing
from syncs.choices import RunStatus, StepKind
from syncs.codec import load
from syncs.configuration import mapped_fields
from syncs.engine import Cancelled, EngineError, LeaseLost
from syncs.engine.errors import UnknownColumn
from syncs.engine.guardrails import breaches
from syncs.engine.memory import AlwaysProceed
from syncs.engine.patience import HANG_FACTOR
from syncs.engine.protocols import Control
from syncs.engine.spec import Baseline, Failure, Part, PartOutcome, Prepared, RunSpec
from syncs.journal import PartJournal
from syncs.lease import Lease, Stopped
from syncs.limits import limiter_for
from syncs.models import Run, Sync
from syncs.outcomes import run_outcomes
from syncs.privacy.tombstones import forgotten_rows
from syncs.runspec import narrowed, with_begun, with_fields, with_settings, without_columns
from syncs.services import stages
from syncs.services.room import most_at_once
from syncs.services.stages import Claim
from syncs.storage import storage, workdir
from syncs.trial import without_secrets

logger = logging.getLogger(__name__)
T = TypeVar("T")
_STATUS_OF_STAGE = {"query": RunStatus.QUERYING, "diff": RunStatus.PREPARING}
MAX_PARALLEL_PARTS = 4
_SIDES = ("sync__model__source", "sync__destination")
_RUN = Compiled(lambda run: Run.objects.select_related(*_SIDES).filter(pk=run), "run", walled=True)
# Failures of the warehouse that waiting does not mend.
LASTING = {AuthError.code, ConfigError.code, QueryError.code}


def work(step_id: int) -> None:
    """Take a stage, if it is free, and carry it out."""
    held = stages.claim(step_id)
    if held is None:
        return
    with logs.about(run=held.run_id), Lease(held) as lease:
        stage = Stage(held, lease)
        try:
            stage.carry_out()
        except Stopped:
            stages.release(held)
        except LeaseLost:
            logger.info("stage %s of run %s went to another worker", held.step_id, held.run_id)
        except Cancelled as wish:
            stage.end_with(Failure(code=wish.code, message=wish.message, hint=wish.hint))
        except (ConnectorError, EngineError, HeadraceError) as error:
            stage.end_with(_failure(error))
        except Exception as error:
            logger.exception("stage %s of run %s failed", held.step_id, held.run_id)
            stage.try_again(error)


@dataclass
class Stage:
    """One stage under one lease, with what it needs read once."""

    held: Claim
    lease: Lease

    @cached_property
    def run(self) -> Run:
        """The run, with its sync and both sides."""
        return _RUN.get(run=self.held.run_id)

    @property
    def sync(self) -> Sync:
        """The run's sync."""
        return self.run.sync

    @cached_property
    def spec(self) -> RunSpec:
        """What the run does."""
        return load(RunSpec, self.run.spec)

    @cached_property
    def prepared(self) -> Prepared:
        """What querying and comparing found."""
        return load(Prepared, self.run.prepared)

    @cached_property
    def baseline(self) -> Baseline | None:
        """What was delivered before this run."""
        return load(Baseline, self.sync.baseline) if self.sync.baseline else None

    @cached_property
    def source(self) -> Source:
        """The source, open for this stage."""
        return open_source(self.sync.model.source, Workload.BATCH)

    @cached_property
    def storage(self) -> engine.Storage:
        """Where the workspace keeps its files; looked up once, as sending leaves no time to ask the database."""
        return storage()

    @cached_property
    def destination(self) -> Destination:
        """The destination, open for this stage."""
        return open_destination(self.sync.destination)

    @cached_property
    def job(self) -> Job:
        """What the connector is told, secret settings included."""
        secrets = decrypt(self.sync.sealed_settings)
        return with_settings(load(Job, self.run.job), assemble(self.sync_settings, secrets))

    @property
    def sync_settings(self) -> dict[str, object]:
        """The settings the run started with."""
        return dict(self.run.job["settings"])

    @property
    def attempt(self) -> str:
        """Keeps the files of different holders of this stage apart."""
        return str(self.held.epoch)

    def carry_out(self) -> None:
        """Do what the stage is for."""
        work = {
            StepKind.PREPARE: self.prepare,
            StepKind.PROVIDE: self.provide,
            StepKind.CLEAR: self.clear,
            StepKind.DELIVER: self.deliver,
            StepKind.SETTLE: self.settle,
            StepKind.LOG: self.log,
        }
        if self.held.attempts > stages.ATTEMPTS.get(self.held.kind, self.held.attempts):
            self.end_with(
                Failure(
                    code="worker_lost",
                    message="The workers on this stage ended again and again without finishing it.",
                    hint="Look for memory limits and crashes in the workers' logs. The next run goes on from here.",
                )
            )
            return
        work[self.held.kind]()

    def prepare(self) -> None:
        """Query the model, compare, write the parts."""
        stages.enter(self.held, RunStatus.QUERYING)
        self._ask_destination()
        try:
            prepared = self._prepared_now()
        except UnknownColumn as error:
            self._leave_out(error)
            prepared = self._prepared_now()
        startable = self._startable(prepared, ())
        parallel = self._parallel()
        beyond = breaches(self.spec, self.baseline, prepared)
        stages.finish_prepare(self.held, prepared, startable[:parallel], beyond)

    def _prepared_now(self) -> Prepared:
        return engine.prepare(
            self.spec,
            self.source,
            self.storage,
            self.baseline,
            workdir=workdir(),
            memory_mb=settings.ENGINE_MEMORY_MB,
            threads=settings.ENGINE_THREADS,
            progress=self._progress,
            check_cancel=self.lease.check,
            attempt=self.attempt,
            forgotten=forgotten_rows(self.sync.model_id, self.spec.primary_key),
        )

    def _leave_out(self, error: UnknownColumn) -> None:
        """Go on without columns that the model lost, in runs that send everything anyway; the run's page says so."""
        spec = without_columns(self.spec, error.columns)
        if spec is None:
            raise error
        fields = tuple(field for field in self.job.fields if field.name in {m.to for m in spec.mappings})
        self._keep_job(spec, with_fields(self.job, fields))

    def provide(self) -> None:
        """Let the connector make what the rows go into; done again where nobody stored that it was done."""
        kept = self._before_rows(self.destination.provide)
        stages.finish_provide(self.held, kept, self._startable, parallel=self._parallel())

    def clear(self) -> None:
        """Empty what the sync fills; done again where nobody stored that it was done."""
        self._before_rows(self.destination.clear)
        stages.finish_clear(self.held, self._startable, parallel=self._parallel())

    def _before_rows(self, work: Callable[[Job], Awaitable[T]]) -> T:
        stages.enter(self.held, RunStatus.WRITING)
        self.lease.check()
        limits = self.destination.limits(self.job)
        return asyncio.run(answered(work(self.job), within=limits.timeout_s * HANG_FACTOR))

    def _parallel(self) -> int:
        return 1 if self.spec.single_writer else parts_at_once(self.destination.limits(self.job))

    def deliver(self) -> None:
        """Send a part, or the whole run where one writer does it all."""
        if self.run.status != RunStatus.WRITING:
            stages.enter(self.held, RunStatus.WRITING)
        limits = self._limits()
        outcomes = self._write_run(limits) if self.spec.single_writer else (self._deliver_part(limits),)
        parallel = 1 if self.spec.single_writer else parts_at_once(limits)
        stages.finish_part(self.held, self._scrubbed(outcomes), self._startable, parallel=parallel)

    def settle(self) -> None:
        """Work out the new baseline and end the run; then delete what it replaces."""
        stages.enter(self.held, RunStatus.SETTLING)
        outcomes = run_outcomes(self.run)
        before = self.baseline
        settled = engine.settle(
            self.spec,
            self.prepared,
            [o for o in outcomes if o.path],
            before,
            self.storage,
            workdir=workdir(),
            memory_mb=settings.ENGINE_MEMORY_MB,
            threads=settings.ENGINE_THREADS,
            attempt=self.attempt,
            source=self.source,
        )
        stages.finish_settle(self.held, settled, outcomes=outcomes)
        for path in engine.superseded(before, settled.baseline):
            self.storage.delete(path)
        self._retire(settled.baseline)

    def _retire(self, baseline: Baseline) -> None:
        """The run has ended: what cannot be tidied up now is tidied up by the next one."""
        try:
            engine.retire(self.spec, self.source, baseline)
        except ConnectorError as error:
            logger.warning("tables of run %s were left in the warehouse: %s", self.held.run_id, error.code)

    def log(self) -> None:
        """Write what the finished run did into the warehouse."""
        stages.finish_log(self.held, log_writing.write(self.run, check_cancel=self.lease.check))

    def end_with(self, failure: Failure) -> None:
        """End the stage with an error: the run where nothing was sent yet, else only this part.

        What cannot even be ended now is tried again later; a person's cancellation
        then ends the run whatever its state.
        """
        try:
            self._end_with(self._without_secrets(failure))
        except LeaseLost:
            logger.info("stage %s of run %s went to another worker", self.held.step_id, self.held.run_id)
        except Exception:
            logger.exception("stage %s of run %s could not be ended", self.held.step_id, self.held.run_id)
            stages.put_off(self.held, failure)

    def _end_with(self, failure: Failure) -> None:
        if self.held.kind in (StepKind.PREPARE, StepKind.PROVIDE, StepKind.CLEAR):
            status = RunStatus.INTERRUPTED if failure.code == "worker_lost" else RunStatus.FAILED
            stages.fail_run(self.held, failure, status=status)
        elif self.held.kind is StepKind.LOG:
            self._end_log(failure)
        elif self.run.cancel_requested_at and self.held.attempts >= 3:
            stages.fail_run(self.held, failure)
        elif self.held.kind is StepKind.DELIVER:
            stages.finish_part(self.held, self._abandoned(failure), self._startable, parallel=1)
        else:
            stages.put_off(self.held, failure)

    def _end_log(self, failure: Failure) -> None:
        """Logs are tried again for a while, except where a person has to change something first."""
        if failure.code in LASTING or self.held.attempts >= stages.ATTEMPTS[StepKind.LOG]:
            stages.give_up_log(self.held, failure)
        else:
            stages.put_off(self.held, failure)

    def try_again(self, error: Exception) -> None:
        """After an unexpected error: later, and in the end give up with its words."""
        failure = Failure(
            code="internal_error",
            message=f"{type(error).__name__}: {error}"[:2000],
            hint="This is a defect in Headrace or its surroundings; the worker's log has the details.",
        )
        if self.held.attempts >= stages.ATTEMPTS.get(self.held.kind, self.held.attempts + 1):
            self.end_with(failure)
        else:
            stages.put_off(self.held, self._without_secrets(failure))

    def _ask_destination(self) -> None:
        """Let the connector say which operations it wants and what it knows of the mapped fields."""
        job = self.job
        discovered = asyncio.run(answered(self.destination.fields(job.sync_type, job.settings)))
        job = with_fields(job, mapped_fields(self.spec.mappings, discovered))
        job = with_begun(job, asyncio.run(answered(self.destination.begin(job))))
        self._keep_job(self.spec, job)

    def _keep_job(self, spec: RunSpec, job: Job) -> None:
        self.destination.validate(job)
        self.__dict__["spec"] = narrowed(spec, self.destination, job)
        self.__dict__["job"] = job
        stages.keep_job(self.held, spec=self.spec, job=with_settings(job, self.sync_settings))

    def _deliver_part(self, limits: Limits, control: Control | None = None) -> PartOutcome:
        journal, place, traces = PartJournal(self.held, self.lease.count), self.storage, self._traces()

        async def deliver() -> PartOutcome:
            async with limiter_for(self.sync.destination, limits) as limiter:
                return await engine.deliver_part(
                    self.spec,
                    self.job,
                    self.destination,
                    self._part(),
                    place,
                    journal,
                    control or self.lease,
                    limiter,
                    limits,
                    traces,
                    attempt=self.attempt,
                )

        with self.lease.expecting_signs():
            return asyncio.run(deliver())

    def _write_run(self, limits: Limits) -> Sequence[PartOutcome]:
        return asyncio.run(
            engine.write_run(
                self.spec,
                self.job,
                self.destination,
                self.prepared,
                self.storage,
                self.lease,
                limits,
                self._traces(),
                attempt=self.attempt,
            )
        )

    def _limits(self) -> Limits:
        """What the destination allows this job, for the operation that the part holds."""
        operation = None if self.spec.single_writer else self._part().operations[0][0]
        return self.destination.limits(self.job, operation)

    def _traces(self) -> engine.TraceWriter:
        limits = engine.trace_limits(self.spec, self.prepared)
        where = (self.storage, self.spec.directory, self.held.number)
        return engine.TraceWriter(*where, limits=limits, attempt=self.attempt)

    def _part(self) -> Part:
        return next(part for part in self.prepared.parts if part.number == self.held.number)

    def _startable(self, prepared: Prepared, finished: Sequence[int]) -> Sequence[int]:
        if self.spec.single_writer:
            return [0] if not finished and engine.writes_whole_run(self.spec, self.baseline) else []
        return [part.number for part in engine.next_parts(prepared, finished)]

    def _abandoned(self, failure: Failure) -> Sequence[PartOutcome]:
        """The part as earlier attempts left it: what they sent counts, the rest stays due."""
        if self.spec.single_writer:
            return (PartOutcome(number=self.held.number, path="", failure=failure),)
        outcome = self._deliver_part(self._limits(), control=_SendNothing())
        return (replace(outcome, failure=failure),)

    def _progress(self, stage: str, rows: int) -> None:
        self.lease.set_rows(rows)
        status = _STATUS_OF_STAGE.get(stage)
        if status is not None and self.run.status != status:
            stages.enter(self.held, status)
            self.run.status = status

    def _scrubbed(self, outcomes: Sequence[PartOutcome]) -> list[PartOutcome]:
        return [replace(o, failure=self._without_secrets(o.failure)) if o.failure else o for o in outcomes]

    def _without_secrets(self, failure: Failure) -> Failure:
        """The failure's words without anything that either side's settings keep secret."""
        return without_secrets(self.sync, failure)


class _SendNothing(AlwaysProceed):
    """A control that ends a delivery before its first new batch."""

    async def proceed(self) -> None:
        """Nothing more is sent."""
        raise Cancelled("This part was given up.")


def parts_at_once(limits: Limits) -> int:
    """How many parts of a run are sent side by side: never more than the destination allows connections."""
    return max(1, min(limits.concurrency, MAX_PARALLEL_PARTS, most_at_once()))


def _failure(error: ConnectorError | EngineError | HeadraceError) -> Failure:
    return Failure(code=error.code, message=error.message[:10_000], hint=error.hint)
