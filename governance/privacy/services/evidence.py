"""What was taken away as evidence."""

from __future__ import annotations

from typing import Any

from django.db import models

from governance.audit.actors import Actor
from governance.audit.services import record, service
from governance.privacy.access import require_privacy


@service("evidence.exported")
def record_evidence_export(*, actor: Actor, about: models.Model, contents: dict[str, Any]) -> None:
    """Remember who took evidence away, about what, and how much it was."""
    require_privacy(actor)
    record(about, after=contents)
