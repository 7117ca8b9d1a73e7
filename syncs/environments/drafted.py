"""Drafts on both ends of a deployment: what is drafted here does not leave, what is drafted there is replaced.

Whoever may only draft there, or where changes need approval, deploys a draft, which is approved there.
"""

from __future__ import annotations

from collections.abc import Callable

from config.errors import Conflict, Denied
from governance.approvals.access import open_draft, require_direct
from governance.audit.actors import Actor
from governance.environments.choices import Action
from governance.environments.registry import Problem
from syncs.models import Model, Sync


def unpublished(kind: str, row: Model | Sync) -> list[Problem]:
    """Why a model or sync of this workspace cannot leave: it, or a change of it, is only a draft."""
    if row.published and open_draft(kind, row.pk) is None:
        return []
    what = (
        f"The {kind} “{row}” has a draft that is not published" if row.published else f"The {kind} “{row}” is a draft"
    )
    return [Problem(f"{what}.", hint="Publish or delete the draft first.", code="draft")]


def replaced_draft(kind: str, there: Model | Sync | None, action: Action) -> list[str]:
    """What happens to the draft of the model or sync that is there already."""
    draft = open_draft(kind, there.pk) if there is not None and action is Action.UPDATE else None
    if draft is None:
        return []
    by = f"{draft.get_state_display().lower()}, last edited by {draft.edited_by}"
    return [f"There is a draft of this {kind} there ({by}). It is closed: what is deployed takes its place."]


AS_DRAFT = (
    "This becomes a draft there: you may not publish there, or changes there need approval. It goes live once somebody "
    "there has approved it; ask for that on its page."
)


def draft_warnings(kind: str, there: Model | Sync | None, action: Action, *, as_draft: bool) -> list[str]:
    """What is to be known of drafts there: that this becomes one, and that it takes the place of one."""
    said = [AS_DRAFT] if as_draft and action is not Action.UNCHANGED else []
    return [*said, *replaced_draft(kind, there, action)]


def becomes_draft(actor: Actor, publish: Callable[[], None], draft: Callable[[], None]) -> bool:
    """Whether what the actor deploys is only a draft there; raises where they may not even draft."""
    try:
        publish()
        require_direct(actor)
    except Denied:
        draft()
        return True
    return False


def require_live(there: Model | Sync | None, kind: str) -> None:
    """Raise where the counterpart is a draft that nobody has published."""
    if there is not None and not there.published:
        raise Conflict(
            f"The {kind} there is still a draft.", hint="Publish or delete it there first.", code="draft_there"
        )
