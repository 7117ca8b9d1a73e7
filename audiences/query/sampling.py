"""Samples of a schema: some rows of a parent, and the rows that belong to them, for quick previews.

Which parents are in a sample goes by a hash of their keys, so that a larger sample holds the smaller ones, and
the rows of related models fit them: joins inside a sample are whole, whichever way a condition comes to a model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from sqlglot import exp

from audiences.query.compiler import Compiler, exists
from audiences.query.dialects import STUDIOS
from audiences.query.errors import refused
from audiences.query.layers import bucket
from audiences.query.nodes import all_of, column, equal, named, text
from audiences.query.schema import Hop, StudioModel, StudioSchema, Surface
from audiences.query.scope import Related, Scope, Walk
from audiences.query.splits import SLOTS, edge
from audiences.query.statements import Asker, Query, finished, with_models
from connectors.sdk.planner import Statement, own_table
from connectors.sdk.types import Table

MOST_PERCENT = 100
MOST_WAYS = 12
Way = tuple[str, ...]
_READ = (Surface.FILTERS, Surface.PREVIEWS, Surface.SUGGESTIONS, Surface.ANALYTICS)


def slots_of(percent: float) -> int:
    """How many of the places that a key can have are in a sample of so many percent."""
    if not 0 < percent <= MOST_PERCENT:
        raise refused(("percent",), "operand_unfit", "A sample is more than 0 and at most 100 percent.")
    return max(1, round(percent * SLOTS / MOST_PERCENT))


def ways_from(schema: StudioSchema, parent: str) -> Mapping[str, tuple[Way, ...]]:
    """The models that can be sampled with a parent, and all ways by which conditions come to them from it.

    A way is of direct relationships, and leads to rows that belong to the parent's (see
    :class:`~audiences.query.scope.Walk`). A model with too many of them is left out, with all that lies behind it: it
    is read in full.
    """
    found: dict[str, list[Way]] = defaultdict(list)
    walks: dict[Way, Walk] = {(): Walk((parent,))}
    crowded: set[str] = set()
    while walks:
        walks = {
            (*way, relationship): further
            for way, walk in walks.items()
            for relationship, hop in _hops(schema, walk.models[-1])
            if (further := walk.on(hop)).held and not crowded.intersection(walk.models)
        }
        for way, walk in walks.items():
            found[walk.models[-1]].append(way)
        crowded = {model for model, ways in found.items() if len(ways) > MOST_WAYS}
    behind = _reached(schema, crowded, parent)
    return {model: tuple(sorted(ways, key=len)) for model, ways in found.items() if model not in behind}


def _hops(schema: StudioSchema, model: str) -> Iterator[tuple[str, Hop]]:
    for relationship in schema.relationships.values():
        if relationship.through or relationship.from_ == relationship.to:
            continue
        if hops := schema.step(relationship.id, model):
            yield relationship.id, hops[0]


def _reached(schema: StudioSchema, models: Collection[str], parent: str) -> set[str]:
    """These models, and all to which one comes from them without the parent."""
    reached, waiting = set(models), list(models)
    while waiting:
        for _, hop in _hops(schema, waiting.pop()):
            if hop.model not in reached and hop.model != parent:
                reached.add(hop.model)
                waiting.append(hop.model)
    return reached


def kept_columns(schema: StudioSchema, model: StudioModel) -> list[str]:
    """The columns that a sample has: what can be filtered by or seen, and what joins rows and tells them apart."""
    joins = {
        own
        for each in schema.relationships.values()
        for own in [
            *(mine for mine, _ in each.keys if each.from_ == model.id),
            *(theirs for _, theirs in each.keys if each.to == model.id),
        ]
    }
    needed = {*model.primary_key, *joins, *filter(None, (model.timestamp,))}
    return [each.name for each in model.columns if each.name in needed or any(each.may(s) for s in _READ)]


def fingerprint(schema: StudioSchema, model: str, ways: Sequence[Way], parent: str) -> str:
    """What changes when a sample of a model would be made otherwise: then the one that is there is not used."""
    passed = [hops_of(schema, parent, way) for way in ways]
    models = sorted({parent, model, *(hop.model for hops in passed for hop in hops)})
    own = schema.models[model]
    made_of = (
        [(each, schema.models[each].relation, schema.models[each].primary_key) for each in models],
        kept_columns(schema, own),
        [[(hop.model, hop.keys) for hop in hops] for hops in passed],
    )
    return sha256(repr(made_of).encode()).hexdigest()[:32]


def sample_parent(asker: Asker, model: str, percent: float, salt: str) -> Query:
    """So many percent of a parent's rows."""
    compiler = asker.compiler()
    scope = compiler.scope(model)
    place = compiler.studio.planner.collate(bucket(compiler, scope, salt))
    within = exp.LT(this=place, expression=text(edge(slots_of(percent))))
    return finished(compiler, scope.fill(_kept(asker.schema, scope)).where(within, copy=False))


def sample_related(asker: Asker, parent: str, sample: Table, ways: Sequence[Way]) -> Query:
    """The rows at the end of all of these ways that belong to the parent's rows in its sample."""
    asker = reading(asker, {parent: sample})
    compiler = asker.compiler()
    target = hops_of(asker.schema, parent, ways[0])[-1].model
    scope = compiler.scope(target)
    if len(ways) == 1:
        back = hops_of(asker.schema, target, tuple(reversed(ways[0])))
        query = scope.fill(_kept(asker.schema, scope)).where(exists(Related.of(scope, back), exp.true()), copy=False)
        return finished(compiler, query)
    found = _keys_at(asker.schema, compiler, parent, ways[0])
    for way in ways[1:]:
        found = exp.union(found, _keys_at(asker.schema, compiler, parent, way), distinct=True, copy=False)
    name = compiler.sources.name("found")
    pairs = [equal(node, column(f"key_{place}", name)) for place, node in enumerate(scope.key())]
    join = exp.Join(this=exp.alias_(exp.Subquery(this=found), name, quoted=True, table=True), on=all_of(pairs))
    return finished(compiler, scope.fill(_kept(asker.schema, scope), join))


def _keys_at(schema: StudioSchema, compiler: Compiler, parent: str, way: Way) -> exp.Query:
    """The primary keys at the end of a way from all rows of the parent."""
    scope = compiler.scope(parent)
    related = Related.of(scope, hops_of(schema, parent, way))
    keys = [named(node, f"key_{place}") for place, node in enumerate(related.scope.key())]
    pairs = [equal(inner, outer) for inner, outer in zip(related.inner, related.outer, strict=True)]
    return related.select(*keys).join(scope.table(), on=all_of(pairs), copy=False).distinct(copy=False)


def reading(asker: Asker, tables: Mapping[str, Table]) -> Asker:
    """Asks of these samples in the place of the models' own tables, and of no others."""
    models = {id_: replace(each, sample=None) for id_, each in asker.schema.models.items()}
    for id_, table in tables.items():
        kept = set(kept_columns(asker.schema, models[id_]))
        columns = tuple(each for each in models[id_].columns if each.name in kept)
        models[id_] = replace(models[id_], relation=table, columns=columns)
    return replace(asker, schema=replace(asker.schema, models=models), sampled=False)


def hops_of(schema: StudioSchema, model: str, path: Sequence[str]) -> list[Hop]:
    """The hops of a path of relationships from a model. Raises where it is not there any more."""
    hops: list[Hop] = []
    for relationship in path:
        found = schema.step(relationship, hops[-1].model if hops else model)
        if found is None:
            raise refused((), "unknown_relationship", "The models of this sample are not related any more.")
        hops += found
    return hops


def _kept(schema: StudioSchema, scope: Scope) -> exp.Select:
    return exp.Select(expressions=[named(scope.column(name), name) for name in kept_columns(schema, scope.model)])


# Statements that write.


@dataclass(frozen=True, slots=True)
class Written(Statement):
    """A statement with the texts of the models that its marks stand for."""

    models: Mapping[str, str] = field(default_factory=dict)

    def sql(self, dialect: str, *, pretty: bool = False) -> str:
        """The statement's text; the models' own go in untouched."""
        return with_models(self._rendered(dialect, pretty=pretty), self.models, dialect)


def creation(name: str, query: Query) -> Written:
    """CREATE TABLE in the planner's schema, of a sample's query."""
    profile = STUDIOS[query.dialect].planner
    tree = exp.Create(this=own_table(name), kind="TABLE", expression=query.tree, properties=profile.properties())
    return Written(tree, table_options=profile.table_options, models=query.models)
