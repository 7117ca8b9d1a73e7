"""A run as the ordered stages it consists of, and the same stages in plain words.

What is performed and what is explained come from one list, so that “what this
run will do” cannot differ from what it does.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.sdk.destination import Mode, Removal, RowSet
from connectors.sdk.types import Operation
from syncs.engine.rules import Rules, rules_of
from syncs.engine.spec import Baseline, Part, Prepared, RunSpec


@dataclass(frozen=True, slots=True)
class QueryStage:
    """Run the model's query and keep its result."""

    columns: tuple[str, ...]
    primary_key: str
    only_unsettled: bool = False


@dataclass(frozen=True, slots=True)
class DiffStage:
    """Compare with what was delivered so far, if anything was."""

    rules: Rules
    compare_with: int | None  # the run whose result is the baseline
    unsettled: int = 0
    rehash: bool = False


@dataclass(frozen=True, slots=True)
class ProvideStage:
    """Make what the rows go into: a list, a tag."""


@dataclass(frozen=True, slots=True)
class ClearStage:
    """Empty what the sync fills, before anything is sent."""


@dataclass(frozen=True, slots=True)
class DeliverStage:
    """Send the change set; ``parts`` is empty until the diff has been made."""

    operations: frozenset[Operation]
    parts: tuple[Part, ...] = ()
    single_writer: bool = False


@dataclass(frozen=True, slots=True)
class SettleStage:
    """Make this run's result what the next run compares with."""

    replaces: int | None


Stage = QueryStage | DiffStage | ProvideStage | ClearStage | DeliverStage | SettleStage


@dataclass(frozen=True, slots=True)
class Plan:
    """The stages of one run, in order."""

    spec: RunSpec
    stages: tuple[Stage, ...]


def make_plan(spec: RunSpec, baseline: Baseline | None, prepared: Prepared | None = None) -> Plan:
    """The plan of a run: before it starts, or with the parts that its diff has found."""
    rules = rules_of(spec, baseline)
    compared = None if rules.everything or rules.silent else baseline
    stages: list[Stage] = [
        QueryStage(tuple(column.name for column in spec.columns), spec.primary_key, spec.only_unsettled),
        DiffStage(
            rules,
            compared.run_id if compared else None,
            unsettled=compared.unsettled if compared else 0,
            rehash=bool(compared and prepared and compared.recipe != prepared.recipe),
        ),
    ]
    if spec.provide:
        stages.append(ProvideStage())
    if spec.clear:
        stages.append(ClearStage())
    if not rules.silent and rules.delivered:
        stages.append(DeliverStage(rules.delivered, prepared.parts if prepared else (), spec.single_writer))
    stages.append(SettleStage(baseline.run_id if baseline else None))
    return Plan(spec, tuple(stages))


def explain(plan: Plan, *, model: str = "the model", destination: str = "the destination") -> list[str]:
    """The plan in sentences a person can check, one or more a stage."""
    sentences: list[str] = []
    for stage in plan.stages:
        match stage:
            case QueryStage():
                sentences += _query_words(stage, model)
            case DiffStage():
                sentences += _diff_words(stage, plan.spec)
            case ProvideStage():
                sentences.append(f"Make what the rows go into in {destination}, unless it is there.")
            case ClearStage():
                sentences.append(f"Empty what this sync fills in {destination}, whoever put it there.")
            case DeliverStage():
                sentences += _deliver_words(stage, plan.spec, destination)
            case SettleStage():
                sentences += _settle_words(plan)
    return sentences


def _query_words(stage: QueryStage, model: str) -> list[str]:
    columns = "1 column" if len(stage.columns) == 1 else f"{len(stage.columns)} columns"
    rows = " of the rows that earlier runs could not deliver" if stage.only_unsettled else ""
    return [
        f"Query {model} for {columns}{rows}, with “{stage.primary_key}” as the primary key.",
        "Skip rows without a key, and reject all rows that share one.",
    ]


def _diff_words(stage: DiffStage, spec: RunSpec) -> list[str]:
    if stage.rules.silent:
        return ["Remember the rows as they are now, without sending any."]
    if stage.compare_with is None:
        if spec.rows is RowSet.FULL:
            return ["Take every row of the result, changed or not."]
        reason = "a full resync was asked for" if spec.resync else "nothing was delivered before"
        return [f"Treat every row as added, because {reason}."]
    words = [f"Compare with what run {stage.compare_with} left, by the columns that are mapped."]
    if spec.reprocess:
        words.append("Treat every row known from before as changed, because the mapping was changed.")
    if stage.rehash:
        words.append("Work out the previous rows' hashes again, because the way they are made has changed.")
    if stage.unsettled:
        rows = "1 row" if stage.unsettled == 1 else f"{stage.unsettled:,} rows"
        words.append(f"Include {rows} that earlier runs could not deliver.")
    return words


def _deliver_words(stage: DeliverStage, spec: RunSpec, destination: str) -> list[str]:
    verbs = {
        Operation.REMOVED: _removal_words(spec, destination),
        Operation.CHANGED: f"Send changed rows to {destination}.",
        Operation.ADDED: _added_words(stage, spec, destination),
    }
    words = [verbs[operation] for operation in verbs if operation in stage.operations]
    if stage.parts:
        rows = sum(part.rows for part in stage.parts)
        parts = "1 part" if len(stage.parts) == 1 else f"{len(stage.parts)} parts"
        words.append(f"That is {rows:,} {'row' if rows == 1 else 'rows'} in {parts}.")
    return words


def _added_words(stage: DeliverStage, spec: RunSpec, destination: str) -> str:
    if spec.mode is Mode.UPDATE:
        return f"Update the records in {destination} that exist there; create none."
    if spec.rows is RowSet.FULL:
        return f"Send the whole result to {destination}."
    return f"Send added rows to {destination}."


def _removal_words(spec: RunSpec, destination: str) -> str:
    if spec.removal is Removal.DELETE:
        return f"Delete records from {destination} whose rows left the model."
    if spec.removal is Removal.CLEAR:
        return f"Clear the mapped fields in {destination} of rows that left the model."
    return f"Send rows that left the model to {destination}."


def _settle_words(plan: Plan) -> list[str]:
    if plan.spec.rows is RowSet.FULL:
        return ["Keep the result; the next run sends everything again."]
    return ["Remember what was delivered; rows that did not arrive are due in the next run."]
