"""Whom destinations recognised, as pages and the API show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from syncs.configuration import definition_of
from syncs.models import MatchReport, Sync


def reports_matches(sync: Sync) -> bool:
    """Whether the destination of a sync tells whom it recognised."""
    kinds = {kind.key: kind for kind in definition_of(sync.destination).sync_types}
    return sync.sync_type in kinds and kinds[sync.sync_type].match_stats


def newest_matches(syncs: Iterable[Sync]) -> Mapping[int, MatchReport]:
    """The newest answer about each sync that tells something: numbers before words."""
    wanted = [sync.pk for sync in syncs if reports_matches(sync)]
    if not wanted:
        return {}
    rows = MatchReport.objects.filter(sync__in=wanted, answered_at__isnull=False, error_message="")
    return {row.sync_id: row for row in rows.order_by("sync_id", "-id").distinct("sync_id")}


def matches_of_runs(run_ids: Iterable[int]) -> Mapping[int, MatchReport]:
    """The newest numbers that were asked for after each of these runs, before the next."""
    rows = MatchReport.objects.filter(run__in=list(run_ids), answered_at__isnull=False).exclude(matched=None, rate=None)
    return {row.run_id: row for row in rows.order_by("run_id", "-id").distinct("run_id")}
