"""Samples of a schema: some rows of a parent, and the rows that belong to them, for quick previews.

Which parents are in a sample goes by a hash of their keys, so that a larger sample holds the smaller ones, and
the rows of related models fit them: joins inside a sample are whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from audiences.query.compiler import exists
from audiences.query.errors import refused
from audiences.query.layers import bucket
from audiences.query.nodes import named, text
from audiences.query.schema import Hop, StudioSchema
from audiences.query.scope import Related, Scope
from audiences.query.splits import SLOTS, edge
from audiences.query.statements import Asker, Query, finished

SALT = "sample"
MOST_PERCENT = 100


def sample_parent(asker: Asker, model: str, percent: float) -> Query:
    """So many percent of a parent's rows, with all of its columns."""
    if not 0 < percent <= MOST_PERCENT:
        raise refused(("percent",), "operand_unfit", "A sample is more than 0 and at most 100 percent.")
    compiler = asker.compiler()
    scope = compiler.scope(model)
    place = compiler.studio.planner.collate(bucket(compiler, scope, SALT))
    within = exp.LT(this=place, expression=text(edge(max(1, round(percent * SLOTS / MOST_PERCENT)))))
    return finished(compiler, scope.fill(_all_columns(scope)).where(within, copy=False))


def sample_related(asker: Asker, parent: str, path: Sequence[str]) -> Query:
    """The rows at the end of a path of relationships that belong to the parent's sample, which is there."""
    models = {id_: each if id_ == parent else replace(each, sample=None) for id_, each in asker.schema.models.items()}
    schema = replace(asker.schema, models=models)
    target = _walk(schema, parent, path)[-1].model
    compiler = replace(asker, schema=schema, sampled=True).compiler()
    scope = compiler.scope(target)
    back = _walk(schema, target, tuple(reversed(path)))
    found = exists(Related.of(scope, back), exp.true())
    return finished(compiler, scope.fill(_all_columns(scope)).where(found, copy=False))


def _walk(schema: StudioSchema, model: str, path: Sequence[str]) -> list[Hop]:
    hops: list[Hop] = []
    for relationship in path:
        found = schema.step(relationship, hops[-1].model if hops else model)
        if found is None:
            raise refused((), "unknown_relationship", "The models of this sample are not related any more.")
        hops += found
    return hops


def _all_columns(scope: Scope) -> exp.Select:
    return exp.Select(expressions=[named(scope.column(each.name), each.name) for each in scope.model.columns])
