"""Writing drafts, asking for approval, and taking that back."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from config.errors import Conflict, Invalid
from governance.approvals.access import locked_draft, open_draft, policy_here
from governance.approvals.announcements import Announcement, announce
from governance.approvals.choices import OPEN, DraftState, Happening
from governance.approvals.models import Draft, DraftComment, Reviewer
from governance.approvals.registry import Governed, State, governed
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from workspaces.models import User
from workspaces.scoping import current_workspace_id

MAX_COMMENT = 4_000


def begin_draft(kind: str, resource_id: int, proposed: State, by: Actor, *, sealed: str = "") -> Draft:
    """Note that a resource which was just made is only a draft; its own service audits that."""
    of = governed(kind)
    return Draft.objects.create(
        workspace_id=current_workspace_id(),
        kind=kind,
        resource_id=resource_id,
        label=of.label(resource_id)[:400],
        is_new=True,
        proposed=proposed,
        sealed=sealed,
        editors=[by.user_id] if by.user_id else [],
        edited_by=by.label[:320],
        edited_at=timezone.now(),
        created_by_id=by.user_id,
    )


def drop_draft(kind: str, resource_id: int, by: Actor) -> None:
    """Close the open draft of a resource that is being deleted; the resource's own service audits that."""
    open_ones = Draft.objects.filter(kind=kind, resource_id=resource_id, state__in=OPEN)
    open_ones.update(state=DraftState.DELETED, decided_at=timezone.now(), decided_label=by.label[:320])


@service("draft.saved")
def save_draft(
    *,
    actor: Actor,
    kind: str,
    resource_id: int,
    proposed: State,
    sealed: str = "",
    resealed: bool = False,
    revision: int | None = None,
) -> Draft:
    """Keep a change without making it live: as the resource's draft, or in the one that there is.

    ``revision`` is that of the draft the change was made on, nothing where there was none; :class:`Conflict`
    where somebody wrote in between. ``resealed`` says that the credentials changed too. An edit takes approvals
    away, and what was found out about the earlier revision.
    """
    of = governed(kind)
    of.lock(resource_id)
    of.require_draft(actor, resource_id)
    draft = open_draft(kind, resource_id)
    if draft is None:
        live = of.live(resource_id)
        if live == proposed and not resealed:
            raise Invalid("Nothing differs from what is live, so there is nothing to draft.", code="nothing_changed")
        draft = Draft(workspace_id=current_workspace_id(), kind=kind, resource_id=resource_id, base=live, proposed=live)
        draft.created_by_id = actor.user_id
        draft.revision = 0
    else:
        draft = locked_draft(draft.pk)
        _require_revision(draft, revision)
        if draft.proposed == proposed and not resealed:
            unchanged()
            return draft
    before = draft.proposed or {}
    _write(draft, actor, of, proposed)
    draft.sealed = sealed
    draft.save()
    if draft.is_new:
        of.write_new(draft)
    voided = _void(draft)
    changed = changes(before, proposed)
    record(
        draft, before=changed.before, after={**changed.after, **({"secret_settings": "changed"} if resealed else {})}
    )
    _begin_again(draft, actor, of, voided)
    return draft


@service("draft.submitted")
def submit_draft(
    *, actor: Actor, draft: Draft, revision: int, reviewers: Sequence[User] = (), comment: str = ""
) -> Draft:
    """Ask for approval. What it would do to rows is found out from now on, and those asked are told.

    ``reviewers`` must be people who may approve it; whoever else may can do so too.
    """
    of = governed(draft.kind)
    of.lock(draft.resource_id)
    of.require_draft(actor, draft.resource_id)
    draft = locked_draft(draft.pk)
    if draft.state != DraftState.DRAFT:
        raise Conflict(_not_open(draft) if not draft.open else "Approval of this draft was asked for already.")
    _require_revision(draft, revision)
    comment = _checked_words(comment, "comment")
    able = set(of.approvers(draft.resource_id).filter(user__in=reviewers).values_list("user_id", flat=True))
    if unable := [str(user) for user in reviewers if user.pk not in able]:
        raise Invalid.field("reviewers", f"May not approve this: {', '.join(unable)}.")
    draft.state, draft.submitted_at, draft.comment = DraftState.SUBMITTED, timezone.now(), comment
    draft.requested_by_id, draft.requested_label = actor.user_id, actor.label[:320]
    draft.save()
    draft.reviewers.all().delete()
    Reviewer.objects.bulk_create(Reviewer(workspace_id=draft.workspace_id, draft=draft, user=u) for u in reviewers)
    record(draft, after={"reviewers": [str(user) for user in reviewers], "comment": comment})
    of.start_impact(draft)
    _announce(Happening.SUBMITTED, draft, actor, of, words=comment, people=[user.pk for user in reviewers])
    return draft


@service("draft.withdrawn")
def withdraw_draft(*, actor: Actor, draft: Draft) -> Draft:
    """Take a request back; the draft stays, to be edited and submitted again."""
    of = governed(draft.kind)
    draft = locked_draft(draft.pk)
    _require_concerned(actor, draft, of)
    if draft.state != DraftState.SUBMITTED:
        raise Conflict(_not_open(draft) if not draft.open else "Nobody has been asked to approve this draft.")
    told = [*reviewer_ids(draft), *_requester(draft)]
    _void(draft)
    draft.state, draft.submitted_at = DraftState.DRAFT, None
    draft.save()
    record(draft, before={"requested_by": draft.requested_label})
    _announce(Happening.WITHDRAWN, draft, actor, of, people=told)
    return draft


@service("draft.deleted")
def delete_draft(*, actor: Actor, draft: Draft) -> Draft:
    """Throw a draft away: a resource that was never published with it, else the changes only."""
    of = governed(draft.kind)
    of.lock(draft.resource_id)
    of.require_draft(actor, draft.resource_id)
    draft = locked_draft(draft.pk)
    if draft.state == DraftState.SUBMITTED:
        raise Conflict("Approval of this draft was asked for.", hint="Withdraw the request first, then delete it.")
    require_open(draft)
    draft.state, draft.decided_at, draft.decided_label = DraftState.DELETED, timezone.now(), actor.label[:320]
    draft.save()
    if draft.is_new:
        of.discard_new(draft.resource_id)
    record(draft, before={"proposed": draft.proposed})
    return draft


@service("draft.rebased")
def rebase_draft(*, actor: Actor, draft: Draft) -> Draft:
    """Put the draft's own changes on top of what is live now. It has to be approved again."""
    of = governed(draft.kind)
    of.lock(draft.resource_id)
    draft = locked_draft(draft.pk)
    _require_concerned(actor, draft, of)
    require_open(draft)
    live = of.live(draft.resource_id)
    if live is None or live == draft.base:
        unchanged()
        return draft
    before = draft.base or {}
    draft.proposed = of.merge(before, draft.proposed, live)
    draft.base = live
    draft.revision += 1
    draft.save()
    voided = _void(draft)
    changed = changes(before, live)
    record(draft, before=changed.before, after=changed.after)
    _begin_again(draft, actor, of, voided)
    return draft


@service("draft.commented")
def comment_on_draft(*, actor: Actor, draft: Draft, text: str) -> DraftComment:
    """Say something about a draft."""
    draft = locked_draft(draft.pk)
    _require_concerned(actor, draft, governed(draft.kind))
    text = _checked_words(text, "text")
    if not text:
        raise Invalid.field("text", "Write something first.")
    made = DraftComment.objects.create(
        workspace_id=draft.workspace_id,
        draft=draft,
        user_id=actor.user_id,
        label=actor.label[:320],
        text=text,
        at=timezone.now(),
    )
    record(draft, after={"comment": text})
    return made


def require_open(draft: Draft) -> None:
    """Raise :class:`Conflict` once it was decided, naming who did."""
    if not draft.open:
        raise Conflict(_not_open(draft), code="request_decided")


def reviewer_ids(draft: Draft) -> list[int]:
    """The people who were asked."""
    return list(draft.reviewers.values_list("user_id", flat=True))


def _write(draft: Draft, actor: Actor, of: Governed, proposed: State) -> None:
    draft.proposed = proposed
    draft.revision += 1
    draft.label = of.label(draft.resource_id)[:400]
    draft.edited_by, draft.edited_at = actor.label[:320], timezone.now()
    if actor.user_id and actor.user_id not in draft.editors:
        draft.editors = [*draft.editors, actor.user_id]


def _require_revision(draft: Draft, revision: int | None) -> None:
    if revision == draft.revision:
        return
    when = f"{timezone.localtime(draft.edited_at):%-d %b %Y, %H:%M %Z}"
    raise Conflict(
        f"{draft.edited_by} changed this draft on {when}, after you opened it.",
        hint="Reload to see their version, then make your change again.",
        code="draft_changed",
    )


def _require_concerned(actor: Actor, draft: Draft, of: Governed) -> None:
    """Those who may write the draft and those who may approve it."""
    from governance.approvals.access import may_draft

    if not may_draft(actor, draft):
        of.require_approve(actor, draft.resource_id)


def _void(draft: Draft) -> list[int]:
    """Take approvals away; the people whose they were."""
    given = list(draft.approvals.values_list("user_id", flat=True))
    draft.approvals.all().delete()
    return [pk for pk in given if pk]


def _begin_again(draft: Draft, actor: Actor, of: Governed, voided: Sequence[int]) -> None:
    """A submitted draft that was edited: find out anew what it would do, and tell those who had looked at it."""
    if draft.state != DraftState.SUBMITTED:
        return
    of.start_impact(draft)
    people = [*voided, *reviewer_ids(draft), *_requester(draft)]
    _announce(Happening.VOIDED, draft, actor, of, people=people)


def _announce(
    happening: Happening, draft: Draft, actor: Actor, of: Governed, *, words: str = "", people: Sequence[int] = ()
) -> None:
    announce(
        Announcement(
            happening=happening,
            draft=draft,
            actor=actor,
            noun=of.noun,
            words=words,
            people=[pk for pk in dict.fromkeys(people) if pk != actor.user_id],
            channel_id=policy_here().channel_id,
        )
    )


def _requester(draft: Draft) -> list[int]:
    return [draft.requested_by_id] if draft.requested_by_id else []


def _checked_words(text: str, name: str) -> str:
    text = text.strip()
    if len(text) > MAX_COMMENT:
        raise Invalid.field(name, f"Write at most {MAX_COMMENT:,} characters.")
    return text


def _not_open(draft: Draft) -> str:
    past = {
        DraftState.PUBLISHED: "published",
        DraftState.DENIED: "declined",
        DraftState.DELETED: "deleted",
    }[DraftState(draft.state)]
    when = f"{timezone.localtime(draft.decided_at):%-d %b %Y, %H:%M %Z}" if draft.decided_at else ""
    return f"{draft.decided_label} {past} this draft{f' on {when}' if when else ''}."
