"""What a worker does for a calculation: asks the source, as long as somebody waits for the answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import connection

from audiences.answers import ANSWERS, Asking
from audiences.approximate import sampled_schema, scaled, within_sample
from audiences.choices import CalculationKind
from audiences.definitions import asker, given, schema_with_audiences
from audiences.models import Calculation, Experiment, Subset
from audiences.query.codec import load_definition
from audiences.query.conditions import Definition
from audiences.query.errors import InvalidTree
from audiences.query.layers import Layer, Plan, group_counts, waterfall
from audiences.query.schema import SavedAudience
from audiences.query.statements import Asker
from audiences.selectors.experiments import split_of
from audiences.selectors.rules import rules_that_hold
from audiences.selectors.sampling import sample_for
from audiences.services import audiences as services
from audiences.syncing import plan_of
from config.errors import Conflict, HeadraceError
from connectors.access import open_source
from connectors.sdk.errors import ConnectorError
from connectors.sdk.source import RowStream, Source
from syncs.models import Run, Sync
from workspaces.scoping import workspace_scope

logger = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
LONGEST_SECONDS = 900.0


class GivenUp(Exception):
    """Nobody waits for the answer any more."""


def work(calculation_id: int) -> None:
    """Count, unless that is done, given up, or somebody else's."""
    calculation = services.begin_calculation(calculation_id)
    if calculation is None:
        return
    try:
        services.finish_calculation(calculation, answer_to(calculation))
    except GivenUp:
        logger.info("calculation %s was given up", calculation_id)
    except InvalidTree as error:
        services.fail_calculation(calculation, str(error), "Correct the condition, then calculate again.")
    except (ConnectorError, HeadraceError) as error:
        services.fail_calculation(calculation, error.message, error.hint)
    except Exception as error:
        logger.exception("calculation %s failed", calculation_id)
        services.fail_calculation(calculation, f"{type(error).__name__}: {error}", "")


def answer_to(calculation: Calculation) -> dict[str, Any]:
    """What the calculation found."""
    if calculation.kind in (CalculationKind.DAILY, CalculationKind.RUN):
        return {"members": members_of(calculation)}
    if calculation.kind == CalculationKind.LAYERS:
        return layers_of(calculation)
    if calculation.kind == CalculationKind.GROUPS:
        return groups_of(calculation)
    schema, audience = schema_with_audiences(calculation.parent_model.source), _meant(calculation)
    kind = CalculationKind(calculation.kind)
    answer = counts_of if kind == CalculationKind.SIZE else _insight
    if not calculation.sampled:
        return answer(calculation, asker(schema), audience)
    sample = sample_for(schema, calculation.parent_model)
    ask = replace(asker(sampled_schema(schema, sample)), sampled=True)
    found = answer(calculation, ask, within_sample(audience, sample.rate))
    return scaled(kind, found, sample, audience.definition)


def _insight(calculation: Calculation, ask: Asker, audience: SavedAudience) -> dict[str, Any]:
    source = open_source(calculation.parent_model.source)
    asking = Asking(
        calculation=calculation,
        ask=ask,
        audience=audience,
        fetch=lambda query, most: _rows(source, query.sql(), calculation, most),
        tell=partial(services.tell_progress, calculation),
    )
    return ANSWERS[CalculationKind(calculation.kind)](asking)


def members_of(calculation: Calculation) -> int:
    """The number of members alone: one query."""
    source = calculation.parent_model.source
    ask = asker(schema_with_audiences(source))
    [members] = _one_row(open_source(source), ask.count(_meant(calculation)).sql(), calculation)
    return int(members)


def layers_of(calculation: Calculation) -> dict[str, Any]:
    """How many each layer between the audience and one of its syncs leaves, by its name."""
    assert calculation.audience is not None
    source = calculation.parent_model.source
    if "run" in calculation.question:
        asked = Run.objects.values_list("spec__counting", flat=True).get(pk=calculation.question["run"])
        return _by_layer(_one_row(open_source(source), asked, calculation))
    sync = Sync.objects.filter(pk=calculation.question["sync"]).first()
    if sync is None:
        raise Conflict("This sync does not exist any more.")
    schema = schema_with_audiences(source)
    query = waterfall(asker(schema), plan_of(calculation.audience, sync, schema))
    return _by_layer(_one_row(open_source(source), query.sql(), calculation))


def _by_layer(counts: Sequence[Any]) -> dict[str, Any]:
    return {layer: int(count or 0) for layer, count in zip(Layer, counts, strict=True)}


def groups_of(calculation: Calculation) -> dict[str, Any]:
    """How many members each group of the audience's experiment has, by the group's id."""
    experiment = Experiment.objects.filter(pk=calculation.question["experiment"]).first()
    if experiment is None:
        raise Conflict("This experiment does not exist any more.")
    source, split = calculation.parent_model.source, split_of(experiment)
    query = group_counts(asker(schema_with_audiences(source)), Plan(audience=_meant(calculation), split=split))
    counts = _one_row(open_source(source), query.sql(), calculation)
    return {group: int(count or 0) for group, count in zip(split.groups, counts, strict=True)}


def _meant(calculation: Calculation) -> SavedAudience:
    """The audience that is asked about, in the subsets that it was begun with."""
    subsets = list(Subset.objects.filter(pk__in=calculation.subset_ids))
    if len(subsets) != len(calculation.subset_ids):
        raise Conflict("A subset that this was to be counted in is not there any more.", hint="Calculate again.")
    return given(calculation.parent_model, calculation.definition, calculation.audience, subsets)


def counts_of(calculation: Calculation, ask: Asker, audience: SavedAudience) -> dict[str, Any]:
    """The members, all rows of the subsets, how the conditions at the top narrow, and whom rules let through."""
    source = open_source(calculation.parent_model.source)
    [members] = _one_row(source, ask.count(audience).sql(), calculation)
    funnel = _one_row(source, ask.funnel(audience).sql(), calculation)
    found = [int(count or 0) for count in funnel]
    counts: dict[str, Any] = {"members": int(members), "total": found[0], "alone": found[1::2], "after": found[2::2]}
    # A household with a member may have none in a sample: how many there are cannot be said of it.
    if levels := () if ask.sampled else ask.schema.levels(audience.model):
        counts["linked"] = [
            {"name": there.name, "entity": there.entity, "members": _linked(source, ask, audience, tie, calculation)}
            for tie, there in levels
        ]
    if calculation.destination_id is None:
        return counts
    return {**counts, **_let_through(calculation, ask, audience, source)}


def _linked(source: Source, ask: Asker, audience: SavedAudience, tie: str, calculation: Calculation) -> int:
    """How many households or accounts have a member."""
    [linked] = _one_row(source, ask.count_linked(audience, tie).sql(), calculation)
    return int(linked)


def _let_through(calculation: Calculation, ask: Asker, audience: SavedAudience, source: Source) -> dict[str, Any]:
    """How many all rules of a destination let through, and how many each of them alone would."""
    assert calculation.destination_id is not None
    rules = list(rules_that_hold(calculation.parent_model_id, calculation.destination_id))
    definitions = [load_definition(rule.definition) for rule in rules]

    def sent(*held: Definition) -> int:
        query = waterfall(ask, Plan(audience=audience, rules=held))
        return int(_one_row(source, query.sql(), calculation)[-1] or 0)

    together = sent(*definitions)
    alone = [sent(each) for each in definitions] if len(definitions) > 1 else [together] * len(definitions)
    named = [{"name": rule.name, "sent": count} for rule, count in zip(rules, alone, strict=True)]
    return {"sent": together, "rules": named}


def _one_row(source: Source, sql: str, calculation: Calculation) -> list[Any]:
    if rows := _rows(source, sql, calculation, 1):
        return rows[0]
    raise ConnectorError("The source gave no row for a count.")


def _rows(source: Source, sql: str, calculation: Calculation, most: int) -> list[list[Any]]:
    rows: list[list[Any]] = []
    with source.query(sql, batch_rows=most) as stream, _watched(stream, calculation):
        for batch in stream:
            rows += [list(row.values()) for row in batch.slice(0, most - len(rows)).to_pylist()]
            if len(rows) >= most:
                break
    return rows


@contextmanager
def _watched(stream: RowStream, calculation: Calculation) -> Iterator[None]:
    """Stop the query once nobody waits for it, or when it takes too long."""
    done, stopped = threading.Event(), threading.Event()

    def watch() -> None:
        waited = 0.0
        try:
            with workspace_scope(calculation.workspace_id):
                while not done.wait(LOOK_SECONDS):
                    waited += LOOK_SECONDS
                    if waited > LONGEST_SECONDS or not services.wanted(calculation.pk):
                        stopped.set()
                        stream.cancel()
                        return
        finally:
            connection.close()

    watcher = threading.Thread(target=watch, name="calculation", daemon=True)
    watcher.start()
    try:
        yield
    except ConnectorError:
        if not stopped.is_set():
            raise
        if services.wanted(calculation.pk):
            minutes = LONGEST_SECONDS / 60
            raise ConnectorError(f"The count took longer than {minutes:.0f} minutes and was stopped.") from None
        raise GivenUp from None
    finally:
        done.set()
        watcher.join()
