"""Single people in the samples of this workspace: left out of new ones, found and erased in those that there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa

from audiences.models import Audience, SampleTable, SampleTombstone, Sampling, SchemaModel
from audiences.privacy.tombstones import of_parent
from audiences.query.sample_rows import deletions, keys_in
from audiences.query.sampling import Written
from audiences.query.statements import Asker, Query
from audiences.selectors.sampling import as_table, sampled_ways
from audiences.services.sample_people import context_of, key_of
from connectors.access import open_source
from connectors.models import Source
from connectors.sdk.planner import warehouse_of
from syncs.engine.duck import Check
from syncs.engine.forgetting import Forgotten
from syncs.engine.warehouse.desk import Desk, desk
from syncs.privacy.tombstones import forgotten_rows, secret_of

Tables = Mapping[int, SampleTable]


def forgotten_in(model: SchemaModel) -> list[Forgotten]:
    """Whom samples of a model leave out: those forgotten in it, and in what syncs of its audiences send."""
    rows = SampleTombstone.objects.filter(model=model, column=key_of(model)).select_related("key")
    digests: dict[bytes, set[str]] = defaultdict(set)
    for row in rows:
        digests[secret_of(row.key)].add(row.digest)
    kept = {secret: frozenset(some) for secret, some in digests.items()}
    found = [Forgotten(context_of(model), kept)] if kept else []
    if model.is_parent and (left := of_parent(model.pk, model.primary_key[0])):
        found.append(left)
    for pk in Audience.objects.filter(parent_model=model, model__isnull=False).values_list("model_id", flat=True):
        if sent := forgotten_rows(pk, model.primary_key[0]):
            found.append(sent)
    return found


def leave_out_forgotten(
    bench: Desk, ask: Asker, sampling: Sampling, tables: Tables, looked_at: Tables
) -> Mapping[int, int]:
    """Delete forgotten people from samples, with what is theirs alone; the rows deleted by model.

    The source never learns the secret: keys come here to be compared.
    """
    names = {str(pk): as_table(table) for pk, table in tables.items()}
    keys: dict[str, set[str]] = {}
    for model in SchemaModel.objects.filter(pk__in=looked_at):
        if forgotten := forgotten_in(model):
            keys[str(model.pk)] = _among(bench, keys_in(ask, names, str(model.pk)), forgotten)
    if not any(keys.values()):
        return {}
    ways = {str(pk): found for pk, found in sampled_ways(ask.schema, sampling.parent_model_id).items()}
    counts: dict[int, int] = defaultdict(int)
    for place, statement in deletions(ask, str(sampling.parent_model_id), names, ways, keys):
        counts[int(place)] += max(0, bench.execute(statement))
    return counts


def _among(bench: Desk, query: Query, forgotten: Sequence[Forgotten]) -> set[str]:
    found: set[str] = set()
    with bench.stream(as_statement(query)) as (_, batches):
        for batch in batches:
            keys = [key for key in batch.column(0).cast(pa.string()).to_pylist() if key is not None]
            for each in forgotten:
                found.update(each.among(keys))
    return found


def as_statement(query: Query) -> Written:
    """A query as a session takes it."""
    return Written(query.tree, models=query.models)


@contextmanager
def opened(source: Source, check: Check) -> Iterator[Desk]:
    """A source's desk for an erasure."""
    with desk(warehouse_of(open_source(source)), check) as bench:
        yield bench


def unfit(tables: Tables, fitting: Collection[int]) -> set[int]:
    """The models whose tables were made of another schema, so that nobody can be found in them."""
    return set(tables) - set(fitting)
