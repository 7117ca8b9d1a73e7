"""How long a workspace keeps what its runs leave: its own settings, else the installation's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from governance.privacy.models import Retention

PREVIEW_HOURS = 24
FIELDS = ("request_days", "row_days", "run_days", "preview_hours")


@dataclass(frozen=True, slots=True)
class Kept:
    """Days, hours for previews; ``run_days`` is empty for ever."""

    request_days: int
    row_days: int
    run_days: int | None
    preview_hours: int

    @property
    def request_words(self) -> str:
        """How long requests are kept."""
        return _days(min(self.request_days, self.row_days))

    @property
    def row_words(self) -> str:
        """How long the rows of runs are kept."""
        return _days(self.row_days)

    @property
    def run_words(self) -> str:
        """How long runs are in the history."""
        return _days(self.run_days) if self.run_days else "For ever"

    @property
    def preview_words(self) -> str:
        """How long previews are kept."""
        return f"{self.preview_hours} hour{'' if self.preview_hours == 1 else 's'}"


def kept_in(workspace_id: int) -> Kept:
    """What holds in one workspace."""
    chosen = Retention.objects.filter(workspace_id=workspace_id).values(*FIELDS).first() or {}
    return Kept(**{**_defaults(), **{name: value for name, value in chosen.items() if value is not None}})


def past(field: str, column: str, now: datetime) -> Q:
    """Rows whose ``column`` is past the retention ``field`` of their workspace. Across all workspaces."""
    unit = timedelta(hours=1) if field == "preview_hours" else timedelta(days=1)
    own = dict(Retention.objects.filter(**{f"{field}__isnull": False}).values_list("workspace_id", field))
    found = Q(pk__in=())
    for workspace_id, length in own.items():
        found |= Q(workspace_id=workspace_id, **{f"{column}__lt": now - unit * length})
    usual = _defaults()[field]
    if usual is None:
        return found
    return found | (Q(**{f"{column}__lt": now - unit * usual}) & ~Q(workspace_id__in=list(own)))


def _defaults() -> dict[str, int | None]:
    days = settings.TRACE_RETENTION_DAYS
    return {"request_days": days, "row_days": days, "run_days": None, "preview_hours": PREVIEW_HOURS}


def _days(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'} after the run"
