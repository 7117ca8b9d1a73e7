"""Reads of drafts and requests that pages and the API share."""

from __future__ import annotations

from enum import StrEnum

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from governance.approvals.access import drafts_in_view, policy_here
from governance.approvals.choices import OPEN, DraftState
from governance.approvals.models import Approval, Draft
from governance.approvals.registry import kinds, stop_count
from governance.audit.actors import Actor
from workspaces.access import may, require
from workspaces.permissions import Permission


class Show(StrEnum):
    """Which requests a list holds."""

    REVIEW = "review"
    MINE = "mine"
    ALL = "all"


def list_drafts(actor: Actor, show: Show, *, query: str = "", states: tuple[str, ...] = ()) -> QuerySet[Draft]:
    """Drafts and requests of the workspace."""
    require(actor, Permission.MEMBER)
    rows = drafts_in_view(actor).select_related("requested_by").annotate(given=Count("approvals"))
    if show is Show.REVIEW:
        rows = rows.filter(to_review(actor))
    elif show is Show.MINE:
        mine = Q(created_by_id=actor.user_id or 0) | Q(requested_by_id=actor.user_id or 0)
        rows = rows.filter(mine | Q(editors__contains=[actor.user_id]))
    if query:
        rows = rows.filter(Q(label__icontains=query) | Q(requested_label__icontains=query))
    return rows.filter(state__in=states) if states else rows


def to_review(actor: Actor) -> Q:
    """The condition on requests that wait for this person's yes or no."""
    approvable = Q(pk__in=[])
    for governed in kinds():
        approvable |= Q(kind=governed.kind, resource_id__in=governed.approvable(actor).values("pk"))
    given = Approval.objects.filter(draft=OuterRef("pk"), user_id=actor.user_id or 0)
    waiting = Q(approvable, Q(~Exists(given)), state=DraftState.SUBMITTED)
    policy = policy_here()
    if policy.required and not policy.self_approval:
        waiting &= ~Q(editors__contains=[actor.user_id])
    return waiting


def review_count(actor: Actor) -> int:
    """How many requests and stopped runs wait for this person."""
    if not (may(actor, Permission.APPROVE_FROM_SOURCE) or may(actor, Permission.APPROVE_TO_DESTINATION)):
        return 0
    return Draft.objects.filter(to_review(actor)).count() + stop_count(actor)


def open_requests() -> int:
    """How many requests wait for anybody."""
    return Draft.objects.filter(state=DraftState.SUBMITTED).count()


def drafts_of(kind: str, ids: list[int]) -> dict[int, Draft]:
    """Open drafts of several resources, in one query."""
    rows = Draft.objects.filter(kind=kind, resource_id__in=ids, state__in=OPEN) if ids else ()
    return {draft.resource_id: draft for draft in rows}


def told_rules() -> list[tuple[str, str]]:
    """Whether changes of models and syncs are approved before they are live, for the page of the workspace."""
    return [("Approvals of models and syncs", "Required" if policy_here().required else "Not required")]
