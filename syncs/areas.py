"""Which product area a sync belongs to, by where its rows come from, and what switching an area off means for syncs.

Syncs of models are Reverse ETL; those of an origin (``syncs/origins.py``) belong to its area. Where theirs is off no
run starts, whoever asks; one that is under way ends before its next batch, as when the sync is paused. What waits,
schedules and what was remembered about rows stay, so that the next run goes on from there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from django.db.models import Q

from syncs.choices import RunStatus
from syncs.models import Model, Run, Sync
from syncs.models import Sequence as SyncSequence
from syncs.origins import area_of_method, methods_of_area, origin_methods
from workspaces import areas
from workspaces.areas import Area

REVERSE_ETL = "reverse_etl"


def register() -> None:
    """Called once at start-up."""
    areas.register(
        Area(
            key=REVERSE_ETL,
            name="Reverse ETL",
            words="Models, and the syncs and sequences that send their rows to destinations.",
            at_work=partial(at_work, REVERSE_ETL),
            stop=partial(stop, REVERSE_ETL),
        )
    )
    areas.register_pages(
        REVERSE_ETL,
        "syncs.api.models",
        "syncs.api.sequences",
        "syncs.api.syncs",
        "syncs.views.model_detail",
        "syncs.views.model_editor",
        "syncs.views.model_list",
        "syncs.views.sequence_detail",
        "syncs.views.sequence_edit",
        "syncs.views.sequence_list",
        "syncs.views.sync_list",
    )


def area_of(model: Model) -> str:
    """The area that the syncs of this model belong to."""
    return area_of_method(model.method) or REVERSE_ETL


def require_on(model: Model) -> None:
    """Raise :class:`~config.errors.Conflict` where the area of this model's syncs is off here."""
    areas.require_on(area_of(model))


def of_areas(keys: Collection[str], to: str = "") -> Q:
    """The condition under which the sync at ``to`` belongs to one of these areas."""
    method = f"{to}model__method__in"
    here = Q(**{method: [each for key in keys for each in methods_of_area(key)]})
    return here | ~Q(**{method: origin_methods()}) if REVERSE_ETL in keys else here


def switched_off() -> Q:
    """The condition under which the area of a sync is off in its workspace, for those who look at all workspaces."""
    condition = Q(pk__in=[])
    for area in areas.areas():
        condition |= areas.off(area.key) & of_areas([area.key])
    return condition


def at_work(key: str) -> Sequence[str]:
    """What of the area's syncs runs here, or would by itself."""
    syncs = Sync.objects.filter(of_areas([key]))
    running = Run.objects.filter(of_areas([key], "sync__"), finished_at=None)
    found = [
        (running.exclude(status=RunStatus.HELD).count(), "run is under way", "runs are under way"),
        (running.filter(status=RunStatus.HELD).count(), "run is held for a decision", "runs are held for a decision"),
        (syncs.filter(next_run_at__isnull=False, paused=False).count(), "sync is scheduled", "syncs are scheduled"),
    ]
    if key == REVERSE_ETL:
        sequences = SyncSequence.objects.filter(next_run_at__isnull=False).count()
        found.append((sequences, "sequence is scheduled", "sequences are scheduled"))
    return [f"{n:,} {one if n == 1 else many}." for n, one, many in found if n]


def stop(key: str) -> None:
    """Ask the area's runs in this workspace to end."""
    from syncs.services.stopping import stop_runs_of_area  # on first use: starting Django loads no engine

    stop_runs_of_area(key)
