"""The filters of the list of audiences."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from audiences import access
from audiences.choices import ModelKind
from audiences.models import Audience, SchemaModel, Subset
from config.ui.listing import Filter, Listing
from governance.audit.actors import Actor
from syncs.access import syncs_in_view
from syncs.views.narrowing import DUPLICATES, creators
from workspaces.labels import labels_in, with_labels
from workspaces.organizing import label_filters


def audience_filters(actor: Actor) -> list[Filter]:
    """Every filter of the list: four statements."""
    audiences = access.audiences_in_view(actor)
    rows = SchemaModel.objects.filter(kind=ModelKind.PARENT, archived_at=None)
    parents = list(rows.values_list("pk", "name", "source_id", "source__name"))
    subsets = Subset.objects.order_by("category__name", "name").values_list("pk", "category__name", "name")
    within = [(pk, f"{category}: {name}") for pk, category, name in subsets]
    return [
        Filter.of("parent", "Made of", [(pk, name) for pk, name, _, _ in parents]),
        *([Filter.of("subset", "Built from", within)] if within else []),
        *label_filters(labels_in(audiences)),
        Filter.of("source", "Source", sorted({source: name for _, _, source, name in parents}.items()), more=True),
        Filter.of("creator", "Created by", creators(audiences), more=True),
        Filter.of("duplicates", "Duplicate primary keys", DUPLICATES, single=True, more=True),
    ]


def narrowed_audiences(actor: Actor, rows: QuerySet[Audience], listing: Listing) -> QuerySet[Audience]:
    """The audiences that every filter which is set lets through."""
    paths = {"parent": "parent_model_id", "source": "parent_model__source_id", "creator": "created_by_id"}
    for name, path in paths.items():
        if chosen := listing.chosen_ids(name):
            rows = rows.filter(**{f"{path}__in": chosen})
    if chosen := listing.chosen_ids("subset"):
        rows = rows.filter(chosen__subset__in=chosen).distinct()
    if duplicates := listing.chosen_one("duplicates"):
        shared = Exists(syncs_in_view(actor).filter(model=OuterRef("model"), last_run__duplicates__gt=0))
        rows = rows.filter(shared if duplicates == "yes" else ~shared)
    return with_labels(rows, listing.chosen("label"), listing.chosen("without"))
