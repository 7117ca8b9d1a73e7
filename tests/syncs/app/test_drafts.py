"""Drafts of models and syncs: what is live stays live, what was reviewed is what is published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from config.errors import Conflict, Denied, HeadraceError, Invalid
from governance.approvals import services as approvals
from governance.approvals.access import open_draft
from governance.approvals.choices import DraftState, Way
from governance.approvals.models import Draft
from governance.approvals.registry import governed
from governance.audit.actors import Actor
from governance.audit.models import AuditEntry
from syncs import services, tasks
from syncs.choices import ModelMethod, PendingReset
from syncs.definitions import Definition
from syncs.drafts.state import CONFIGURATION, SCHEDULE, TREATMENTS, Treatment
from syncs.engine.guardrails import Guardrails
from syncs.models import Model, ModelColumn, Preview, Sync
from syncs.schedules import Schedule
from syncs.services import ModelChange, SyncChange
from syncs.services.models import KeyChange
from tests.syncs.app.shop import Shop, mapping
from tests.world import World

FREE = Definition(method=ModelMethod.SQL, sql="SELECT * FROM customers WHERE id < 4")


@pytest.fixture
def sync(shop: Shop) -> Sync:
    """Five customers, delivered once."""
    shop.fill(5)
    sync = shop.unguarded(shop.sync())
    shop.run(sync)
    return Sync.objects.get(pk=sync.pk)


@pytest.fixture
def act(world: World) -> Callable[[str], Actor]:
    return world.actor


def remapped(shop: Shop) -> SyncChange:
    """The plan no longer comes from its column."""
    static = {**mapping("plan"), "kind": "static", "value": "gold"}
    return SyncChange(proposal=shop.proposal(mappings=[mapping("id"), mapping("email"), static]))


def submitted(actor: Actor, draft: Draft | None, *reviewers: Any, comment: str = "") -> Draft:
    assert draft is not None
    return approvals.submit_draft(
        actor=actor, draft=draft, revision=draft.revision, reviewers=reviewers, comment=comment
    )


def find_out(draft: Draft) -> list[tuple[int, int, int]]:
    """Make the previews of a request, as workers would; the numbers that reviewers see."""
    for preview in Preview.objects.filter(draft=draft):
        tasks.work_on_preview.fn(preview.workspace_id, preview.pk)
    impacts = governed(draft.kind).impact(draft_actor(draft), draft)
    assert [impact.error for impact in impacts] == ["" for _ in impacts]
    return [(impact.added, impact.changed, impact.removed) for impact in impacts]


def draft_actor(draft: Draft) -> Actor:
    from workspaces.actors import person
    from workspaces.models import User

    return person(User.objects.get(pk=draft.created_by_id or 0))


def test_every_field_of_models_and_syncs_is_in_the_table_of_what_needs_approval() -> None:
    machinery = {
        Model: {"id", "workspace", "source", "parent_model_id", "revision", "published", "columns_refreshed_at"},
        Sync: {"id", "workspace", "model", "destination", "revision", "published", "next_run_at", "pending_reset"}
        | {"pending_reprocess", "baseline", "kept", "last_run", "runs_started", "erasing_for"},
    }
    for kind, model in (("model", Model), ("sync", Sync)):
        names = {field.name for field in model._meta.concrete_fields} - machinery[model]
        names -= {"created_by", "created_at", "updated_at"}
        assert names == {name for name in TREATMENTS[kind] if "." not in name}
    decided = {"override_type", "enabled", "description"}
    assert {name.partition(".")[2] for name in TREATMENTS["model"] if "." in name} == decided
    assert decided < {field.name for field in ModelColumn._meta.concrete_fields}
    needs = {name for name, how in TREATMENTS["sync"].items() if how is Treatment.APPROVAL}
    assert needs == {*CONFIGURATION, *SCHEDULE, "guardrails", "sealed_settings"}


def test_a_draft_of_a_sync_is_reviewed_with_its_impact_and_published_exactly(
    shop: Shop, sync: Sync, world: World, act: Callable[[str], Actor]
) -> None:
    draft = services.change_sync(actor=act("drafter"), sync=sync, change=remapped(shop), way=Way.SUBMIT)
    live = Sync.objects.get(pk=sync.pk)
    assert live.mappings == sync.mappings
    request = submitted(act("drafter"), draft, world["editor"], comment="Everybody is gold now")
    assert find_out(request) == [(0, 5, 0)]
    parts = {part.label: (part.before, part.after) for part in governed("sync").parts(request)}
    assert list(parts) == ["Field mapping"]
    assert parts["Field mapping"][1]["plan"] == "Static value gold"

    with pytest.raises(Denied):
        approvals.approve_draft(actor=act("drafter"), draft=request, revision=request.revision)
    assert approvals.approve_and_publish(actor=act("editor"), draft=request, revision=request.revision)
    live = Sync.objects.get(pk=sync.pk)
    assert (live.mappings[2]["value"], live.pending_reprocess) == ("gold", True)
    run = shop.run(live)
    assert (run.planned_added, run.planned_changed, run.planned_removed) == (0, 5, 0)
    assert {plan for _, _, plan in shop.there()} == {"gold"}
    request.refresh_from_db()
    assert (request.state, request.impact[0]["changed"]) == (DraftState.PUBLISHED, 5)

    told = AuditEntry.objects.filter(event="sync.updated").first()
    assert told is not None
    assert told.after is not None
    assert told.after["request"] == request.pk
    assert told.after["approved_by"] == [world["editor"].email]
    events = list(AuditEntry.objects.filter(event__startswith="draft.").order_by("pk").values_list("event", flat=True))
    assert events == ["draft.saved", "draft.submitted", "draft.approved"]


def test_a_live_sync_keeps_the_published_version_of_its_model(
    shop: Shop, sync: Sync, act: Callable[[str], Actor]
) -> None:
    change = ModelChange(definition=FREE)
    draft = services.change_model(actor=act("drafter"), model=sync.model, change=change, way=Way.DRAFT)
    assert draft is not None
    assert shop.run(sync).planned == 0
    request = submitted(act("drafter"), draft)
    assert find_out(request) == [(0, 0, 2)]
    assert Model.objects.get(pk=sync.model_id).sql == "SELECT * FROM customers", "finding out changes nothing"
    approvals.approve_and_publish(actor=act("editor"), draft=request, revision=request.revision)
    assert shop.run(Sync.objects.get(pk=sync.pk)).planned_removed == 2


def test_a_key_casts_and_switched_columns_are_drafted_with_the_choice_that_comes_with_a_key(
    shop: Shop, sync: Sync, act: Callable[[str], Actor]
) -> None:
    model = shop.model("Others")
    other = shop.sync(model)
    drafter, first = act("drafter"), ModelChange(columns={"plan": {"override_type": "number"}})
    draft = services.change_model(actor=drafter, model=model, change=first, way=Way.DRAFT)
    assert draft is not None
    with pytest.raises(Conflict, match="map this column"):
        services.draft_model(
            actor=drafter, model=model, change=ModelChange(columns={"email": {"enabled": False}}), revision=1
        )
    with pytest.raises(Invalid, match="dependent syncs"):
        services.draft_model(actor=drafter, model=model, change=ModelChange(primary_key="email"), revision=1)
    keyed = ModelChange(primary_key="email", key_change=KeyChange(reset=PendingReset.RESET, run_now=False))
    draft = services.draft_model(actor=drafter, model=model, change=keyed, revision=1)
    request = submitted(drafter, draft)
    approvals.approve_and_publish(actor=act("editor"), draft=request, revision=2)
    model.refresh_from_db()
    other.refresh_from_db()
    assert (model.primary_key, model.columns.get(name="plan").override_type) == ("email", "number")
    assert other.pending_reset == PendingReset.RESET


def test_new_models_and_syncs_are_drafts_that_never_run(shop: Shop, act: Callable[[str], Actor]) -> None:
    shop.fill(3)
    drafter, editor = act("drafter"), act("editor")
    model = services.create_model(
        actor=drafter, source=shop.source, name="New", definition=FREE, primary_key="id", published=False
    )
    made: dict[str, Any] = {"model": model, "destination": shop.destination, "proposal": shop.proposal()}
    hourly = Schedule.every(1, "hour")
    sync = services.create_sync(actor=drafter, **made, published=False, schedule=hourly)
    assert (sync.published, sync.next_run_at) == (False, None)
    with pytest.raises(Conflict, match="is a draft"):
        services.start_run(actor=editor, sync=sync)
    with pytest.raises(Conflict, match="is a draft"):
        services.update_sync(actor=editor, sync=sync, proposal=shop.proposal(mode="insert", removal="nothing"))
    request = submitted(drafter, open_draft("sync", sync.pk))
    assert find_out(request) == [(3, 0, 0)]
    with pytest.raises(Conflict, match="is a draft"):
        approvals.approve_and_publish(actor=editor, draft=request, revision=request.revision)
    of_model = submitted(drafter, open_draft("model", model.pk))
    approvals.approve_and_publish(actor=editor, draft=of_model, revision=of_model.revision)
    approvals.publish_draft(actor=editor, draft=request)
    sync.refresh_from_db()
    assert sync.published
    assert sync.next_run_at is not None
    assert shop.run(sync).planned_added == 3


def test_declined_and_deleted_drafts_are_gone_and_withdrawn_ones_stay(
    shop: Shop, sync: Sync, act: Callable[[str], Actor]
) -> None:
    drafter, editor = act("drafter"), act("editor")
    change = SyncChange(schedule=Schedule.every(2, "hour"), guardrails=Guardrails(removed_rows=7))
    request = submitted(drafter, services.change_sync(actor=drafter, sync=sync, change=change, way=Way.SUBMIT))
    back = approvals.withdraw_draft(actor=drafter, draft=request)
    assert back.state == DraftState.DRAFT
    approvals.deny_draft(actor=editor, draft=submitted(drafter, back), reason="Too often")
    request.refresh_from_db()
    assert (request.state, request.reason, open_draft("sync", sync.pk)) == (DraftState.DENIED, "Too often", None)
    with pytest.raises(Conflict, match=f"{editor.label} declined this draft"):
        approvals.approve_draft(actor=editor, draft=request, revision=request.revision)

    new = services.create_model(
        actor=drafter, source=shop.source, name="New", definition=FREE, primary_key="id", published=False
    )
    built: dict[str, Any] = {
        "model": new,
        "destination": shop.destination,
        "proposal": shop.proposal(),
        "published": False,
    }
    on_it = services.create_sync(actor=drafter, **built)
    draft, upper = open_draft("model", new.pk), open_draft("sync", on_it.pk)
    assert draft is not None
    assert upper is not None
    with pytest.raises(Conflict, match="1 drafts of syncs use this model"):
        approvals.delete_draft(actor=drafter, draft=draft)
    approvals.delete_draft(actor=drafter, draft=upper)
    approvals.delete_draft(actor=drafter, draft=draft)
    assert not Model.objects.filter(pk=new.pk).exists()


def test_an_edit_takes_approvals_away_and_two_people_do_not_overwrite_each_other(
    shop: Shop, sync: Sync, world: World, act: Callable[[str], Actor]
) -> None:
    drafter, editor, admin = act("drafter"), act("editor"), act("admin")
    approvals.set_policy(actor=admin, required=True, approvers=2)
    request = submitted(drafter, services.draft_sync(actor=drafter, sync=sync, change=remapped(shop)))
    assert not approvals.approve_and_publish(actor=editor, draft=request, revision=request.revision)
    with pytest.raises(Conflict, match="approved this already"):
        approvals.approve_draft(actor=editor, draft=request, revision=request.revision)
    with pytest.raises(Conflict, match="1 of 2"):
        approvals.publish_draft(actor=admin, draft=request)
    later = SyncChange(schedule=Schedule.every(3, "hour"))
    with pytest.raises(Conflict, match=f"{drafter.label} changed this draft"):
        services.draft_sync(actor=editor, sync=sync, change=later)
    edited = services.draft_sync(actor=editor, sync=sync, change=later, revision=request.revision)
    assert (edited.state, edited.approvals.count()) == (DraftState.SUBMITTED, 0)
    with pytest.raises(Conflict, match=f"{editor.label} changed this draft"):
        approvals.approve_draft(actor=admin, draft=request, revision=request.revision)
    assert not approvals.approve_and_publish(actor=editor, draft=edited, revision=edited.revision)
    assert approvals.approve_and_publish(actor=admin, draft=edited, revision=edited.revision)
    sync.refresh_from_db()
    assert (sync.schedule.words, sync.mappings[2]["value"]) == ("Every 3 hours", "gold")


def test_a_draft_is_brought_up_to_date_when_what_is_live_changed(
    shop: Shop, sync: Sync, act: Callable[[str], Actor]
) -> None:
    drafter, editor = act("drafter"), act("editor")
    request = submitted(drafter, services.draft_sync(actor=drafter, sync=sync, change=remapped(shop)))
    services.set_schedule(actor=editor, sync=sync, schedule=Schedule.every(5, "hour"))
    with pytest.raises(Conflict, match="changed since this draft was made"):
        approvals.approve_draft(actor=editor, draft=request, revision=request.revision)
    fresh = approvals.rebase_draft(actor=editor, draft=request)
    assert approvals.approve_and_publish(actor=editor, draft=fresh, revision=fresh.revision)
    sync.refresh_from_db()
    assert (sync.schedule.words, sync.mappings[2]["value"]) == ("Every 5 hours", "gold")


@pytest.mark.parametrize(
    ("policy", "publishes"),
    [
        ({"required": False}, True),
        ({"required": False, "self_approval": False, "approvers": 3}, True),
        ({"required": True}, True),
        ({"required": True, "self_approval": False}, False),
        ({"required": True, "approvers": 2}, False),
    ],
)
def test_who_holds_both_rights_publishes_as_far_as_the_rule_allows(
    shop: Shop, act: Callable[[str], Actor], policy: dict[str, Any], publishes: bool
) -> None:
    admin = act("admin")
    sync = shop.sync()
    approvals.set_policy(actor=admin, **policy)
    change = SyncChange(schedule=Schedule.every(1, "day"))
    if publishes:
        assert services.change_sync(actor=admin, sync=sync, change=change, way=Way.NOW) is None
        return
    for direct in (
        lambda: services.set_schedule(actor=admin, sync=sync, schedule=Schedule.every(1, "day")),
        lambda: services.set_guardrails(actor=admin, sync=sync, guardrails=Guardrails(on=False)),
        lambda: services.update_sync(actor=admin, sync=sync, proposal=shop.proposal(mode="insert", removal="nothing")),
        lambda: services.update_model(actor=admin, model=sync.model, definition=FREE),
        lambda: services.change_column(actor=admin, model=sync.model, name="plan", override_type="number"),
        lambda: shop.sync(sync.model),
        lambda: shop.model("Another"),
    ):
        before = AuditEntry.objects.count()
        with pytest.raises(HeadraceError) as refused:
            direct()
        assert refused.value.code == "approval_required"
        assert AuditEntry.objects.count() == before
    services.update_sync(actor=admin, sync=sync, name="Names go live")
    services.change_column(actor=admin, model=sync.model, name="plan", description="So do descriptions")
