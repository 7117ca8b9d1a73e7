"""What a worker does for samples: makes their tables in the source, and drops those that nobody reads any more."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping

from django.utils import timezone
from sqlglot import exp

from audiences.definitions import asker
from audiences.models import SampleTable, Sampling, SchemaModel
from audiences.query.errors import InvalidTree
from audiences.query.sampling import Way, creation, sample_parent, sample_related
from audiences.query.statements import Asker
from audiences.sample_people import leave_out_forgotten
from audiences.selectors.sampling import as_table, made_of, sampled_ways, tables_of
from audiences.selectors.schema import studio_schema
from audiences.services import sampling as services
from config.errors import Conflict, HeadraceError
from config.queue import stopping
from connectors.access import open_source
from connectors.models import Source
from connectors.sdk.errors import ConnectorError
from connectors.sdk.planner import Statement, own_table, warehouse_of
from syncs.engine.warehouse.desk import Desk, desk
from syncs.logs import workspace_code

logger = logging.getLogger(__name__)
BEAT_SECONDS = 5.0


class Lost(Exception):
    """The run is somebody else's, sampling was turned off, or this process ends."""


def work(sampling_id: int) -> None:
    """Take a sample, unless that is done or somebody else does."""
    sampling = services.begin_sample(sampling_id)
    if sampling is None:
        return
    run = _Run(sampling)
    try:
        run.take()
    except Lost:
        drop_tables(sampling.parent_model.source, run.made.values(), _nothing)  # nobody else knows of these
        logger.info("the sample %s was given up", sampling_id)
        if stopping.is_set():
            services.put_back_sample(sampling)
    except InvalidTree as error:
        services.fail_sample(sampling, run.at, str(error), "")
    except (ConnectorError, HeadraceError) as error:
        services.fail_sample(sampling, run.at, error.message, error.hint)
    except Exception as error:
        logger.exception("the sample %s failed", sampling_id)
        services.fail_sample(sampling, run.at, f"{type(error).__name__}: {error}", "")
    drop_unread(sampling.parent_model.source)


class _Run:
    """One attempt. ``at`` is the model that is being sampled."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.at: SchemaModel | None = None
        self.made: dict[int, SampleTable] = {}
        self._told = time.monotonic()

    def take(self) -> None:
        """Make all tables, leave out who was forgotten, and let previews read them."""
        source = self.sampling.parent_model.source
        ask = asker(studio_schema(source))
        ways = sampled_ways(ask.schema, self.sampling.parent_model_id)
        wanted = self._models(ways)
        with desk(warehouse_of(open_source(source)), self._check) as bench:
            tables = {pk: table for pk, table in tables_of(self.sampling).items() if pk in ways}
            for model in wanted:
                self.at = model
                self._make(bench, ask, model, ways[model.pk], {**tables, **self.made})
            self.at = None
            leave_out_forgotten(bench, ask, self.sampling, {**tables, **self.made}, self.made)
            rows = {table.pk: _count(bench, table) for table in self.made.values()}
        if not services.finish_sample(self.sampling, rows):
            raise Lost

    def _models(self, ways: Mapping[int, tuple[Way, ...]]) -> list[SchemaModel]:
        """The models of this run, the parent first; those that are not related any more are told."""
        found = list(SchemaModel.objects.filter(sampled_in__sampling=self.sampling, pk__in=self.sampling.wanted))
        for model in found:
            if model.pk not in ways and model.pk != self.sampling.parent_model_id:
                services.lose_model(self.sampling, model)
        if self.sampling.parent_model_id not in ways:
            raise Conflict(f"{self.sampling.parent_model.name} is not in the schema any more.")
        related = [model for model in found if model.pk in ways]
        return sorted(related, key=lambda model: (model.pk != self.sampling.parent_model_id, model.pk))

    def _make(
        self, bench: Desk, ask: Asker, model: SchemaModel, ways: tuple[Way, ...], tables: Mapping[int, SampleTable]
    ) -> None:
        sampling, parent = self.sampling, self.sampling.parent_model_id
        code = workspace_code(sampling.workspace)
        name = f"{code}_sample{sampling.pk}_{sampling.attempt}_m{model.pk}"
        if model.pk == parent:
            query = sample_parent(ask, str(parent), float(sampling.percent), sampling.salt)
        elif parent in tables:
            query = sample_related(ask, str(parent), as_table(tables[parent]), ways)
        else:
            raise Conflict(f"{sampling.parent_model.name} has no sample yet.", hint="Sample it first.")
        self.made[model.pk] = services.note_table(sampling, model, name, made_of(ask.schema, model.pk, ways, parent))
        bench.create(name, creation(name, query))

    def _check(self) -> None:
        """Tell now and then that somebody is at it; raise once nobody should be."""
        if stopping.is_set():
            raise Lost
        if time.monotonic() - self._told >= BEAT_SECONDS:
            self._told = time.monotonic()
            if not services.beat_sample(self.sampling):
                raise Lost


def _count(bench: Desk, table: SampleTable) -> int:
    counted = exp.select(exp.Count(this=exp.Star())).from_(own_table(table.name))
    return int(bench.rows(Statement(counted))[0][0])


def drop_unread(source: Source) -> int:
    """Drop the tables of a source that nobody reads any more; what cannot be dropped now is tried again later."""
    return drop_tables(source, SampleTable.objects.filter(services.unread(timezone.now()), source=source), _nothing)


def drop_tables(source: Source, tables: Iterable[SampleTable], check: Callable[[], None]) -> int:
    """Drop these tables of one source, as far as it answers; how many."""
    rows = list(tables)
    if not rows:
        return 0
    dropped = 0
    try:
        with desk(warehouse_of(open_source(source)), check) as bench:
            for table in rows:
                bench.drop(table.name)
                services.forget_table(table)
                dropped += 1
    except (ConnectorError, HeadraceError) as error:
        logger.warning("samples were left in source %s, to be dropped later: %s", source.pk, error.code)
    return dropped


def drop_all_of(workspace_id: int) -> None:
    """Drop every sample of a workspace that is deleted, as far as its sources still answer."""
    rows = SampleTable.objects.filter(workspace_id=workspace_id).select_related("source").order_by("source_id")
    for source in {table.source for table in rows}:
        drop_tables(source, [table for table in rows if table.source_id == source.pk], _nothing)


def _nothing() -> None:
    """Nothing to ask between the steps of something short."""
