"""The jobs of another service that a schedule waits for: read on demand, ticked in a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from connectors.jobs import Job
from syncs.schedules import UpstreamJob


class JobsPicker(forms.CheckboxSelectMultiple):
    """Boxes of the jobs that were read, and of those chosen before; a value is a job's id, a blank, and its name."""

    kind = "rows"
    template_name = "syncs/widgets/jobs.html"
    offered: tuple[str, ...] = ()

    def offer(self, jobs: Iterable[Job]) -> None:
        """Show these."""
        self.offered = tuple(f"{job.id} {job.name}" for job in jobs)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The boxes: what was chosen stays, also where it was not read."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        chosen = [str(each) for each in value or []]
        ids = {each.partition(" ")[0] for each in chosen}
        known = {each.partition(" ")[0] for each in self.offered}
        lines = [each for each in chosen if each.partition(" ")[0] not in known] + list(self.offered)
        boxes = [(each, each.partition(" ")[2], each.partition(" ")[0] in ids) for each in lines]
        context["widget"].update(boxes=boxes, read=bool(self.offered))
        return context

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """No box ticked is an answer."""
        return False


class JobsField(forms.Field):
    """Jobs of another service."""

    widget = JobsPicker

    def prepare_value(self, value: Any) -> Any:
        """Stored jobs as the picker draws them."""
        return [f"{each.id} {each.name}" if isinstance(each, UpstreamJob) else each for each in value or []]

    def to_python(self, value: Any) -> tuple[UpstreamJob, ...]:
        """What was ticked."""
        parts = [str(each)[:600].partition(" ") for each in value or []]
        return tuple(UpstreamJob(id, name or id) for id, _, name in parts)
