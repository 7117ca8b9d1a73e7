"""What becomes of a change that a program makes: said by it, never guessed where something needs approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.approvals.access import HOW, ApprovalRequired, policy_here
from governance.approvals.choices import Way
from governance.approvals.models import Draft
from governance.approvals.services import submit_draft
from governance.audit.actors import Actor
from workspaces.access import may
from workspaces.permissions import Permission


def chosen_way(actor: Actor, values: Mapping[str, Any]) -> Way:
    """What a body's ``publication`` asks for. Without it, a change goes live unless the workspace asks for approval."""
    if values.get("publication"):
        return Way(values["publication"])
    if not may(actor, (Permission.APPROVE_FROM_SOURCE,)):
        raise ApprovalRequired("You may propose changes here, not publish them.", hint=HOW)
    if policy_here().required:
        raise ApprovalRequired(
            "Changes need approval in this workspace, so say what should become of this one.",
            hint=f'{HOW} Who may publish without approval sends "publication": "now".',
        )
    return Way.NOW


def ask_for_approval(actor: Actor, draft: Draft | None, way: Way) -> None:
    """Submit a draft that was just written, where that is what was asked for."""
    if draft is not None and way is Way.SUBMIT and not draft.submitted:
        submit_draft(actor=actor, draft=draft, revision=draft.revision)
