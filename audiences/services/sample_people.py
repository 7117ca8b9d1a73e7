"""Whom samples leave out: written by erasures, of which the case is audited, not each of these."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import transaction
from django.utils import timezone

from audiences.models import SampleTable, SampleTombstone, Sampling, SchemaModel
from syncs.engine.forgetting import digest
from syncs.privacy.tombstones import secret_of
from syncs.services.privacy import forget_key


def context_of(model: SchemaModel) -> str:
    """What keeps the hashes of one model's keys apart from another's."""
    return f"schema_model:{model.pk}:{key_of(model)}:"


def key_of(model: SchemaModel) -> str:
    """The name of the key that is hashed."""
    return "|".join(model.primary_key)


@transaction.atomic
def place_sample_tombstones(case_id: int, keys: Mapping[int, Collection[str]]) -> int:
    """From now on samples leave these rows out; ``keys`` by model. How many are new."""
    models = SchemaModel.objects.in_bulk([pk for pk, found in keys.items() if found])
    if not models:
        return 0
    key = forget_key()
    secret = secret_of(key)
    rows = [
        SampleTombstone(
            workspace_id=key.workspace_id,
            model=model,
            column=key_of(model),
            key=key,
            digest=digest(secret, context_of(model), value),
            case_id=case_id,
        )
        for model in models.values()
        for value in sorted(keys[model.pk])
    ]
    before = SampleTombstone.objects.count()
    SampleTombstone.objects.bulk_create(rows, ignore_conflicts=True)
    return SampleTombstone.objects.count() - before


def let_go(sampling: Sampling, model_ids: Collection[int]) -> None:
    """Nobody reads the tables of these models any more: they were made of another schema, and are dropped."""
    SampleTable.objects.filter(sampling=sampling, model_id__in=model_ids).update(drop_at=timezone.now())


def count_out(table: SampleTable, rows: int) -> None:
    """Rows that were deleted from a table count no longer."""
    SampleTable.objects.filter(pk=table.pk).update(rows=max(0, (table.rows or 0) - rows))
