"""What an erasure writes in the studio. The case is audited, not each of these."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from django.db import transaction
from django.db.models import Model, Q

from audiences.choices import RecordingState
from audiences.models import ForgottenMember, Recording, SchemaModel, ValueList
from audiences.privacy.finding import key_of
from audiences.privacy.tombstones import context_of
from audiences.privacy.typed import Sought, without
from syncs.choices import ModelMethod
from syncs.engine.forgetting import digest
from syncs.models import Run
from syncs.privacy.tombstones import secret_of
from syncs.services.privacy import forget_key

AT_ONCE = 50


@transaction.atomic
def forget_members(case_id: int, keys: Mapping[int, Collection[str]]) -> None:
    """From now on no history takes these rows up; ``keys`` by parent model."""
    if not any(keys.values()):
        return
    key = forget_key()
    secret, columns = secret_of(key), {each.pk: key_of(each) for each in SchemaModel.objects.filter(pk__in=keys)}
    rows = [
        ForgottenMember(
            workspace_id=key.workspace_id,
            parent_model_id=parent_id,
            column=columns[parent_id],
            key=key,
            digest=digest(secret, context_of(parent_id, columns[parent_id]), value),
            case_id=case_id,
        )
        for parent_id, found in keys.items()
        for value in sorted(found)
    ]
    ForgottenMember.objects.bulk_create(rows, ignore_conflicts=True)


def being_written(parent_ids: Collection[int]) -> str:
    """The name of an audience whose members a worker writes down now: it may not know yet whom to leave out."""
    rows = Recording.objects.filter(audience__parent_model__in=parent_ids, state=RecordingState.RUNNING)
    found = rows.select_related("audience").first()
    return found.audience.name if found else ""


@transaction.atomic
def erase_from_list(list_id: int, values: Collection[str]) -> int:
    """Take values out of an uploaded list; how many."""
    row = ValueList.objects.select_for_update(no_key=True).filter(pk=list_id).first()
    if row is None:
        return 0
    gone = set(values)
    kept = [value for value in row.values if value not in gone]
    count = len(row.values) - len(kept)
    row.values, row.size = kept, len(kept)
    row.save(update_fields=["values", "size", "updated_at"])
    return count


@transaction.atomic
def erase_from_conditions(model: type[Model], pk: int, fields: Sequence[str], sought: Sought) -> int:
    """Take a person's values out of the conditions of an audience, template, subset, rule or trait; how many."""
    row = model._default_manager.select_for_update(no_key=True).filter(pk=pk).first()
    if row is None:
        return 0
    total = 0
    for name in fields:
        kept, count = without(getattr(row, name), sought)
        setattr(row, name, kept)
        total += count
    if total:
        row.save(update_fields=list(fields))
    return total


def erase_queries(values: Sequence[str]) -> int:
    """Empty the queries of ended runs of audiences in which one of these values stands as a word; how many runs.

    A query serves its run alone. One that names such a number for another reason is emptied, too.
    """
    total = 0
    for value in values:
        word = rf"(^|[^0-9A-Za-z]){re.escape(value)}([^0-9A-Za-z]|$)"
        written = Q(spec__sql__regex=word) | Q(spec__counting__regex=word)
        rows = Run.objects.filter(written, sync__model__method=ModelMethod.AUDIENCE, finished_at__isnull=False)
        for run in rows.only("spec").iterator(chunk_size=AT_ONCE):
            run.spec = {**run.spec, "sql": "", "counting": ""}
            run.save(update_fields=["spec"])
            total += 1
    return total
