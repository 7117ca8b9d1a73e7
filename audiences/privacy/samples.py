"""Samples as holders of people's data: see :mod:`governance.privacy.registry`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.urls import reverse

from audiences.choices import LookState
from audiences.definitions import asker
from audiences.models import SampleTable, Sampling, SchemaModel
from audiences.query.errors import InvalidTree
from audiences.query.sample_rows import ANY_COLUMN, Wanted, matching
from audiences.query.statements import Asker
from audiences.sample_people import as_statement, leave_out_forgotten, opened, unfit
from audiences.sampling import drop_tables
from audiences.selectors.sampling import as_table, fitting_tables, tables_of
from audiences.selectors.schema import studio_schema
from audiences.services.sample_people import count_out, let_go, place_sample_tombstones
from config.errors import Invalid
from connectors.sdk.errors import ConnectorError
from connectors.sdk.planner import PLANNER_SCHEMA
from governance.privacy.registry import ANY_KEY, Check, Holder, Holding, Order, Stuck, Subject, Wait
from syncs.choices import ModelMethod
from syncs.engine.persons import LONGEST_VALUE, MOST_ROWS
from syncs.engine.warehouse.desk import Desk
from syncs.models import Model

WHY = "Some rows of the model, so that previews in the studio are quick."


class SampleHolder(Holder):
    """The samples of parent models, in the sources that they were taken from."""

    def places(self, subject: Subject) -> Sequence[int]:
        """Samplings that have tables."""
        made = SampleTable.objects.filter(made_at__isnull=False, sampling__isnull=False)
        return sorted(set(made.order_by().values_list("sampling_id", flat=True)))

    def find(self, place: int, subject: Subject, check: Check) -> Mapping[str, Any] | None:
        """The person's rows in one parent's sample."""
        sampling = Sampling.objects.select_related("parent_model__source", "parent_model__workspace").get(pk=place)
        parent, problems = sampling.parent_model, []
        held: list[tuple[SchemaModel, dict[str, Any]]] = []
        try:
            held = _held(sampling, subject, check)
        except ConnectorError as error:
            problems.append(f"The source that has the sample could not be asked ({error.code}).")
        if not held and not problems:
            return None
        return {
            "label": f"Sample of {parent.name}",
            "url": reverse("audiences:schema_sampling", args=[parent.workspace.slug, parent.pk]),
            "destination": f"{parent.source}, schema {PLANNER_SCHEMA}",
            "model": parent.name,
            "model_id": parent.pk,
            "source_id": parent.source_id,
            "primary_key": " + ".join(parent.primary_key),
            "keys": sorted({row["key"] for model, row in held if model.pk == parent.pk}),
            "held": [{**row, "values": _named(model, parent, row["values"])} for model, row in held],
            "sent": [],
            "link": "Open the sampling",
            "held_words": "In the sample",
            "problems": problems,
        }

    def resources(self, place: Mapping[str, Any]) -> Sequence[tuple[str, int]]:
        """The parent model."""
        return [("schema_model", int(place["model_id"]))]

    def begin(self, order: Order, check: Check) -> Mapping[str, Any]:
        """Let no sample take the person in again. A run under way may have looked before: it has to end."""
        keys: dict[int, set[str]] = {}
        for sampling in _samplings():
            check()
            for model, row in _held(sampling, order.subject, check):
                keys.setdefault(model.pk, set()).add(row["key"])
        placed = place_sample_tombstones(order.case_id, keys)
        if running := Sampling.objects.filter(state=LookState.RUNNING).select_related("parent_model").first():
            raise Wait(f"A sample of {running.parent_model.name} is being taken.")
        found = sorted({key for some in keys.values() for key in some})
        return {"samplings": [each.pk for each in _samplings()], "keys": found, "tombstones": placed}

    def steps(self, order: Order, notes: Mapping[str, Any]) -> Sequence[str]:
        """One a sampling."""
        return [str(pk) for pk in notes["samplings"]]

    def erase(self, order: Order, notes: Mapping[str, Any], step: str, check: Check) -> Sequence[Mapping[str, Any]]:
        """Leave everybody who was forgotten out of a sample; what was replaced, or fits no more, is dropped."""
        sampling = _samplings().filter(pk=int(step)).first()
        if sampling is None:
            return []
        source = sampling.parent_model.source
        ask = asker(studio_schema(source))
        tables = tables_of(sampling)
        fitting = fitting_tables(ask.schema, sampling, tables)
        let_go(sampling, unfit(tables, fitting))
        old = SampleTable.objects.filter(sampling=sampling, drop_at__isnull=False)
        dropped, wanted = drop_tables(source, old, check), old.count()
        if wanted:
            raise Stuck(f"Old samples of {sampling.parent_model.name} could not be dropped from {source}.", _AGAIN)
        kept = {pk: tables[pk] for pk in fitting}
        try:
            with opened(source, check) as bench:
                counts = leave_out_forgotten(bench, ask, sampling, kept, kept) if kept else {}
        except ConnectorError as error:
            raise Stuck(
                f"The sample of {sampling.parent_model.name} cannot be changed: {error.message}", error.hint
            ) from error
        for pk, rows in counts.items():
            count_out(kept[pk], rows)
        where = f"Sample of {sampling.parent_model.name} ({source})"
        return [
            {"what": "Rows of samples", "where": where, "count": sum(counts.values())},
            {"what": "Samples that were dropped", "where": where, "count": dropped},
        ]

    def texts(self, notes: Mapping[str, Any]) -> Sequence[str]:
        """Keys that are no bare numbers."""
        return [key for key in notes["keys"] if not key.isdecimal()]

    def keys(self, notes: Mapping[str, Any]) -> Sequence[str]:
        """Every key of the person's rows."""
        return list(notes["keys"])

    def sources(self) -> Sequence[tuple[int, str]]:
        """Sources that have samples."""
        rows = SampleTable.objects.order_by("source__name", "source_id").values_list("source_id", "source__name")
        return list(dict.fromkeys(rows))

    def holdings(self, source_id: int | None) -> Sequence[Holding]:
        """One line a table."""
        rows = SampleTable.objects.select_related("source", "sampling__parent_model__workspace")
        if source_id is not None:
            rows = rows.filter(source_id=source_id)
        return [_holding(table) for table in rows]

    def delete(self, actor: Any, deletable: str) -> str:
        """Nothing is offered here: sampling is turned off where it was turned on."""
        raise Invalid("Turn sampling off on the parent model to drop its samples.")


_AGAIN = "Try again once the source answers."


def _samplings() -> Any:
    rows = Sampling.objects.filter(tables__isnull=False).select_related("parent_model__source").distinct()
    return rows.order_by("pk")


def _held(sampling: Sampling, subject: Subject, check: Check) -> list[tuple[SchemaModel, dict[str, Any]]]:
    """The person's rows in the tables that fit the schema, each with its model."""
    source = sampling.parent_model.source
    ask, tables = asker(studio_schema(source)), tables_of(sampling)
    fitting = fitting_tables(ask.schema, sampling, tables)
    models = list(SchemaModel.objects.filter(pk__in=fitting).filter(_about(subject)))
    if not models:
        return []
    wanted = Wanted(subject.value, _column(subject))
    found = []
    with opened(source, check) as bench:
        for model in models:
            found += [(model, row) for row in _rows(bench, ask, {pk: tables[pk] for pk in fitting}, model, wanted)]
    return found


def _column(subject: Subject) -> str:
    return subject.scope.partition(":")[2] if ":" in subject.scope else subject.scope


def _about(subject: Subject) -> Q:
    """The condition on models that are searched: any key is one of a parent's; a model of syncs stands for its rows."""
    if subject.scope == ANY_COLUMN:
        return Q()
    if subject.scope == ANY_KEY:
        return Q(kind="parent")
    model = Model.objects.filter(pk=int(subject.scope.partition(":")[0])).first()
    if model is None:
        return Q(pk__in=())
    if model.method == ModelMethod.AUDIENCE:
        return Q(audiences__model=model)
    same = {"source_id": model.source_id, "method": model.method, "sql": model.sql}
    return Q(**same, table_schema=model.table_schema, table_name=model.table_name)


def _rows(
    bench: Desk, ask: Asker, tables: Mapping[int, SampleTable], model: SchemaModel, wanted: Wanted
) -> list[dict[str, Any]]:
    names = {str(pk): as_table(table) for pk, table in tables.items()}
    try:
        query = matching(ask, names, str(model.pk), wanted, MOST_ROWS)
    except InvalidTree:
        return []
    found = []
    for key, *values in bench.rows(as_statement(query)):
        shown = [None if value is None else str(value)[:LONGEST_VALUE] for value in values]
        columns = query.columns[1:]
        found.append(
            {
                "key": str(key),
                "values": dict(zip(columns, shown, strict=True)),
                "present": True,
                "operation": "",
                "reason": "",
                "message": "",
            }
        )
    return found


def _named(model: SchemaModel, parent: SchemaModel, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by the names of their columns; those of other models with the model's."""
    return dict(values) if model.pk == parent.pk else {f"{model.name}: {name}": v for name, v in values.items()}


def _holding(table: SampleTable) -> Holding:
    sampling = table.sampling
    parent = sampling.parent_model if sampling else None
    kept = "Until the next sample" if table.drop_at is None else "Dropped within half an hour"
    return Holding(
        f"Sample of {table.model_name} ({table.name})",
        f"{table.source}, schema {PLANNER_SCHEMA}",
        WHY,
        rows=table.rows,
        since=table.made_at,
        kept=kept,
        owner=f"Sampling of {parent.name}" if parent else "",
        url=reverse("audiences:schema_sampling", args=[parent.workspace.slug, parent.pk]) if parent else "",
    )
