"""The experiment of an audience, as queries and pages know it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audiences.models import Audience, Experiment, ExperimentGroup
from audiences.query.splits import Split, Stretch
from syncs.models import Sync


def running_experiment(audience: Audience) -> Experiment | None:
    """The experiment that is on, with its groups."""
    return Experiment.objects.filter(audience=audience, ended_at=None).prefetch_related("groups").first()


def groups_of_sync(sync: Sync) -> list[ExperimentGroup]:
    """The groups that a sync is for; none where it sends everybody."""
    rows = ExperimentGroup.objects.filter(syncs__sync_id=sync.pk, experiment__ended_at=None)
    return list(rows.select_related("experiment"))


def group_words(group_id: int) -> str:
    """A group as it is named beside its audience; nothing where it is gone."""
    group = ExperimentGroup.objects.filter(pk=group_id, experiment__ended_at=None).first()
    return f"the group “{group.name}”" if group else ""


def split_of(experiment: Experiment) -> Split:
    """The split; its groups are ids as text."""
    stretches = stretches_of(experiment.slots)
    return Split(salt=experiment.salt, stretches=stretches, stratify=tuple(experiment.stratify))


def labels_of(experiment: Experiment) -> tuple[tuple[str, str], ...]:
    """What people call the groups of :func:`split_of`."""
    return tuple((str(group.pk), group.name) for group in experiment.groups.all())


def stretches_of(slots: Sequence[Any]) -> tuple[Stretch, ...]:
    """Slots as they are stored."""
    return tuple(Stretch(start, end, str(group)) for start, end, group in slots)
