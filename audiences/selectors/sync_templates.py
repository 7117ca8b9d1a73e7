"""Templates of audience syncs for pages and the API: how far their syncs follow, and which fit an audience."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import Count, QuerySet

from audiences import access
from audiences.models import Audience, SyncTemplate, TemplatedSync
from audiences.sync_templates import locks_of
from governance.approvals.selectors import drafts_of
from governance.audit.actors import Actor
from syncs.access import syncs_in_view
from syncs.drafts import SYNC
from syncs.drafts.state import whole_of
from syncs.models import Sync


@dataclass(frozen=True, slots=True)
class Follower:
    """A sync of a template: ``own`` are the parts in which it goes its own way, ``behind`` those in which it does not
    follow yet, ``waiting`` whether a draft is open."""

    sync: Sync
    own: tuple[str, ...]
    behind: tuple[str, ...]
    waiting: bool


def with_counts(rows: QuerySet[SyncTemplate]) -> QuerySet[SyncTemplate]:
    """Templates with how many syncs follow each, as ``followers``."""
    return rows.annotate(followers=Count("derived"))


def followers_of(actor: Actor, template: SyncTemplate) -> tuple[list[Follower], int]:
    """The syncs of a template that the actor sees, and how many others there are."""
    links = {link.sync_id: link for link in TemplatedSync.objects.filter(template=template)}
    rows = syncs_in_view(actor).filter(pk__in=list(links)).order_by("name", "id")
    syncs = list(rows.select_related("workspace", "model", "destination", "last_run"))
    drafts = drafts_of(SYNC, [sync.pk for sync in syncs])
    found = [_follower(template, links[sync.pk], sync, waiting=sync.pk in drafts) for sync in syncs]
    return found, len(links) - len(found)


def sync_templates_for(actor: Actor, audience: Audience) -> Sequence[SyncTemplate]:
    """The templates that fit an audience, each with ``used``: whether a sync of the audience follows it already."""
    rows = list(access.sync_templates_in_view(actor).filter(parent_model_id=audience.parent_model_id))
    used = TemplatedSync.objects.filter(sync__model_id=audience.model_id or 0).values_list("template_id", flat=True)
    taken = set(used)
    for row in rows:
        row.used = row.pk in taken  # type: ignore[attr-defined]
    return rows


def _follower(template: SyncTemplate, link: TemplatedSync, sync: Sync, *, waiting: bool) -> Follower:
    of = locks_of(template)
    of = replace(of, own=tuple(path for path in link.overridden if of.is_open(path)))
    return Follower(sync, tuple(of.own_words), tuple(of.behind(whole_of(sync))), waiting)
