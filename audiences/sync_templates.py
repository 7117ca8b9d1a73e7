"""Templates of audience syncs: what they decide of a sync, and what they are checked against before any audience."""

from __future__ import annotations

from dataclasses import replace

from django.urls import reverse

from audiences.definitions import schema_with_audiences
from audiences.models import Audience, SchemaModel, SyncTemplate, TemplatedSync
from audiences.selectors.settings import settings_here
from audiences.syncing import sendable_columns
from config.errors import Conflict
from connectors.secrets import decrypt
from syncs import locks
from syncs.choices import ModelMethod
from syncs.codec import dump
from syncs.configuration import Checked
from syncs.drafts.state import sync_state
from syncs.engine.guardrails import Guardrails
from syncs.locks import Locks, Whole
from syncs.models import Model, ModelColumn, Sync
from syncs.schedules import Schedule
from syncs.services.syncs import configure


def stand_in(parent: SchemaModel) -> tuple[Model, list[ModelColumn]]:
    """What the syncs of any audience of a parent model read (unsaved): the columns that all of them have."""
    if len(parent.primary_key) != 1:
        raise Conflict(
            f"The key of {parent.name} has several columns.",
            hint="Syncs go by one: let the model's query make a single key of them.",
        )
    model = Model(
        pk=0,
        workspace_id=parent.workspace_id,
        source=parent.source,
        name=parent.name,
        slug=parent.slug,
        method=ModelMethod.AUDIENCE,
        primary_key=parent.primary_key[0],
        parent_model_id=parent.pk,
    )
    anybody = Audience(workspace_id=parent.workspace_id, parent_model=parent, name=parent.name)
    found = sendable_columns(anybody, schema_with_audiences(parent.source))
    columns = [
        ModelColumn(
            name=each.column.name,
            type=each.column.type,
            native_type=each.column.native_type,
            override_type=each.cast,
            position=position,
        )
        for position, each in enumerate(found)
    ]
    return model, columns


def whole_of(template: SyncTemplate) -> Whole:
    """What a template decides, with its credentials."""
    return Whole(template.state, decrypt(template.sealed_settings))


def whole_from(checked: Checked, schedule: Schedule, guardrails: Guardrails) -> Whole:
    """A configuration that has just been checked, as templates keep it."""
    like = Sync(guardrails=dump(guardrails))
    configure(like, checked)
    like.schedule = schedule
    return Whole(sync_state(like), checked.cleaned.secrets)


def locks_of(template: SyncTemplate) -> Locks:
    """What is locked of the syncs of a template."""
    return Locks(
        name=template.name,
        url=template.get_absolute_url(),
        wanted=whole_of(template),
        open=frozenset(template.unlocked),
        blank=tuple(template.left_blank),
    )


def locks_on(link: TemplatedSync, sync: Sync) -> Locks:
    """What is locked of one sync, and how it leaves or catches up with its template."""
    slug = link.template.workspace.slug
    of = locks_of(link.template)
    return replace(
        of,
        own=tuple(path for path in link.overridden if of.is_open(path)),
        follow_url=reverse("audiences:templated_sync_follow", args=[slug, sync.pk]),
        leave_url=reverse("audiences:templated_sync_detach", args=[slug, sync.pk]),
        kept="In this workspace no sync can leave its template." if settings_here().templates_required else "",
    )


def template_of(sync: Sync) -> TemplatedSync | None:
    """The template that a sync follows, and in what it does not."""
    rows = TemplatedSync.objects.select_related("template__workspace", "template__parent_model__source")
    return rows.filter(sync=sync).first()


def overridden(template: SyncTemplate, had: list[str], before: Whole | None, after: Whole) -> list[str]:
    """In which unlocked parts a sync goes its own way.

    Those that differ from the template, and those that were its own and were not touched: a template that happens to
    say the same today does not take them back.
    """
    of = locks_of(template)
    differ = [path for path in locks.differing(of.wanted, after) if of.is_open(path)]
    old, new = locks.parts_of(before) if before else {}, locks.parts_of(after)
    kept = [path for path in had if of.is_open(path) and before and old.get(path) == new.get(path)]
    return sorted({*differ, *kept})
