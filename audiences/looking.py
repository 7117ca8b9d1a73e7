"""What a look at a model's values asks the source: a count of its keys, and the most frequent values of columns."""

from __future__ import annotations

import logging
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from sqlglot import exp

from audiences.models import SchemaColumn, SchemaModel
from audiences.services import looks
from config.errors import HeadraceError
from connectors.access import open_source
from connectors.sdk.context import Workload
from connectors.sdk.errors import ConnectorError
from connectors.sdk.source import Source
from connectors.sdk.sql import quoted_column, select_from
from syncs.definitions import Definition, first_rows

logger = logging.getLogger(__name__)
MOST_VALUES = 200
LONGEST_VALUE = 200
SECONDS = 300.0


def work(model_id: int) -> None:
    """Look at a model, unless that is done or somebody else does."""
    model = looks.begin_look(model_id, timezone.now())
    if model is None:
        return
    try:
        source = open_source(model.source, Workload.BATCH)
        counts = count_keys(source, model)
        columns = model.columns.filter(suggest=True, missing=False, enabled=True)
        values = {column.name: most_frequent(source, model, column) for column in columns if not column.redacted}
    except (ConnectorError, HeadraceError) as error:
        looks.fail_look(model, f"{error.message} {error.hint}".strip())
    except Exception as error:
        logger.exception("the look at schema model %s failed", model_id)
        looks.fail_look(model, f"{type(error).__name__}: {error}")
    else:
        looks.finish_look(model, counts, values)


def count_keys(source: Source, model: SchemaModel) -> tuple[int, int, int]:
    """How many rows there are, how many lack a part of the key, and how many repeat the key of another."""
    dialect = source.definition.dialect
    keys = [quoted_column(name) for name in model.primary_key]
    empty = exp.or_(*(exp.Is(this=key, expression=exp.Null()) for key in keys))
    whole = exp.select(_named(exp.Count(this=exp.Star()), "n"), *(_named(key, f"k{i}") for i, key in enumerate(keys)))
    grouped = select_from(_query(model, dialect), whole.where(exp.not_(empty)).group_by(*keys), dialect)
    n = exp.column("n", quoted=True)
    counted = select_from(grouped, exp.select(_zero(exp.Sum(this=n)), _zero(exp.Count(this=exp.Star()))), dialect)
    missing = select_from(_query(model, dialect), exp.select(exp.Count(this=exp.Star())).where(empty), dialect)
    [(with_key, different)] = first_rows(source, counted, 1, SECONDS)
    [(lacking,)] = first_rows(source, missing, 1, SECONDS)
    return int(with_key) + int(lacking), int(lacking), int(with_key) - int(different)


def most_frequent(source: Source, model: SchemaModel, column: SchemaColumn) -> tuple[int, list[list[Any]]]:
    """How many different values a column has (at most one more than are kept), and the most frequent with counts.

    Where no value comes twice there is nothing to suggest: such a column says who somebody is.
    """
    dialect = source.definition.dialect
    value, count = quoted_column(column.name), exp.Count(this=exp.Star())
    query = (
        exp.select(_named(value, "v"), _named(count, "n"))
        .where(exp.not_(exp.Is(this=value, expression=exp.Null())))
        .group_by(value)
    )
    grouped = select_from(_query(model, dialect), query, dialect)
    frequent = exp.select(exp.column("v", quoted=True), exp.column("n", quoted=True))
    ordered = frequent.order_by(exp.Ordered(this=exp.column("n", quoted=True), desc=True, nulls_first=False))
    rows = first_rows(source, select_from(grouped, ordered.limit(MOST_VALUES + 1), dialect), MOST_VALUES + 1, SECONDS)
    kept = [[plain(v), int(n)] for v, n in rows[:MOST_VALUES]]
    kept = [pair for pair in kept if not isinstance(pair[0], str) or 0 < len(pair[0]) <= LONGEST_VALUE]
    if rows and int(rows[0][1]) == 1 and len(rows) > 1:
        return len(rows), []
    if len(rows) > MOST_VALUES:
        kept = [pair for pair in kept if pair[1] > 1]
    return len(rows), kept


def _query(model: SchemaModel, dialect: str) -> str:
    return Definition.of(model).query(dialect)


def _named(node: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(node, name, quoted=True)


def _zero(node: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=node, expressions=[exp.Literal.number(0)])


def plain(value: Any) -> Any:
    """A value as JSON holds it, without loss."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value) if isinstance(value, (Decimal, bytes)) else value
