"""For which group a sync is being added, remembered on the way through the wizard, which knows no groups."""

from __future__ import annotations

from django.http import HttpRequest

KEY = "sync_for_group"


def keep_intent(request: HttpRequest, model_id: int, group_id: int) -> None:
    """The next sync of this model that is added is for this group."""
    request.session[KEY] = [model_id, group_id]


def forget_intent(request: HttpRequest) -> None:
    """The next sync is for everybody."""
    request.session.pop(KEY, None)


def intended_group(request: HttpRequest, model_id: int) -> int | None:
    """The group that a sync of this model is for, if somebody began it there."""
    kept = request.session.get(KEY)
    return int(kept[1]) if kept and kept[0] == model_id else None
