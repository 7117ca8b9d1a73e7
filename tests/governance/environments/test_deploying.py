"""Links and deployments between two workspaces of one organization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from config.errors import Conflict, Denied, HeadraceError, Invalid, NotFound
from connectors import services as connectors
from connectors.models import Destination
from connectors.sdk.destination import SyncType
from connectors.sdk.fields import Text
from connectors.secrets import encrypt
from governance.approvals import services as approvals
from governance.approvals.choices import DraftState
from governance.approvals.models import Draft
from governance.audit.context import correlate
from governance.audit.models import AuditEntry
from governance.environments import selectors
from governance.environments.choices import Action, DeploymentState
from governance.environments.deploying import deploy
from governance.environments.linking import link_things, unlink_thing
from governance.environments.models import Deployment, LinkedThing
from governance.environments.planning import Item, Plan, Wanted, plan_deployment
from governance.environments.registry import Aim
from governance.environments.sides import Side
from syncs import services as syncs
from syncs.choices import ModelMethod
from syncs.codec import dump
from syncs.definitions import Definition
from syncs.engine.guardrails import Guardrails
from syncs.environments.copied import COLUMN, MODEL, SYNC, Copy
from syncs.environments.drafted import AS_DRAFT
from syncs.environments.settings import settings_there
from syncs.models import Model, ModelColumn, Sync
from syncs.schedules import Schedule
from tests.api.calls import key_of
from tests.governance.environments.stages import Stage, Stages
from tests.world import World, give_role, join
from workspaces.actors import person
from workspaces.choices import RoleKind
from workspaces.models import UserGroup
from workspaces.scoping import workspace_scope

SETTING = "setting.table"


@pytest.fixture
def linked(stages: Stages) -> Stages:
    """With the sources and destinations linked."""
    stages.link()
    return stages


@pytest.fixture
def sync(linked: Stages) -> Sync:
    """A sync in development, with a schedule and a cast column."""
    with linked.dev.side.scope():
        model = linked.dev.shop.model()
        syncs.change_column(actor=linked.dev.shop.actor, model=model, name="id", description="Who it is")
        return linked.dev.shop.sync(model, schedule=Schedule.every(2, "hour"))


def wanted(
    sync: Sync, answers: Mapping[str, str] | None = None, *, with_model: bool = True, with_schedule: bool = False
) -> Wanted:
    items = [Item("sync", sync.pk)] + ([Item("model", sync.model_id)] if with_model else [])
    return Wanted(items=items, with_schedule=with_schedule, answers={f"sync:{sync.pk}": answers or {}})


def table_there(stages: Stages) -> dict[str, str]:
    return {SETTING: f"public.{stages.prod.shop.table}"}


def shipped(stages: Stages, sync: Sync) -> Deployment:
    what = wanted(sync, table_there(stages))
    return deploy(stages.dev.side, stages.prod.side, what)


def problems(plan: Plan) -> list[str]:
    return [problem.code for planned in plan.items for problem in planned.outlook.problems]


def events(stage: Side, *names: str) -> list[AuditEntry]:
    with stage.scope():
        rows = AuditEntry.objects.filter(workspace_id=stage.workspace.pk, event__in=names)
        return list(rows.order_by("pk"))


@pytest.mark.parametrize(("model", "table"), [(Model, MODEL), (ModelColumn, COLUMN), (Sync, SYNC)])
def test_the_table_of_what_is_copied_covers_every_column(model: type, table: dict[str, Copy]) -> None:
    assert {field.name for field in model._meta.concrete_fields} == set(table)  # type: ignore[attr-defined]


def test_a_first_deployment_makes_a_disabled_copy_that_points_at_what_is_linked(linked: Stages, sync: Sync) -> None:
    prod = linked.prod
    with correlate() as request:
        made = shipped(linked, sync)
    assert made.state == DeploymentState.DONE
    with prod.side.scope():
        model, copy = Model.objects.get(), Sync.objects.get()
        assert (model.source_id, copy.model_id, copy.destination_id) == (
            prod.shop.source.pk,
            model.pk,
            prod.shop.destination.pk,
        )
        assert model.columns.get(name="id").description == "Who it is"
        assert copy.settings["table"] == f"public.{prod.shop.table}"
        assert (copy.schedule_enabled, copy.schedule_kind, copy.slug) == (False, "manual", sync.slug)
        assert copy.mappings == sync.mappings
    here = events(linked.dev.side, "deployment.started", "deployment.finished")
    there = events(prod.side, "model.deployed", "sync.deployed")
    assert [entry.event for entry in here + there] == [
        "deployment.started",
        "deployment.finished",
        "model.deployed",
        "sync.deployed",
    ]
    assert {entry.correlation_id for entry in here + there} == {request, made.correlation_id}
    assert there[1].after is not None
    assert there[1].after["deployed_from"] == {"workspace": "Acme", "sync": sync.pk}


def test_a_later_deployment_updates_what_the_first_one_made(linked: Stages, sync: Sync) -> None:
    shipped(linked, sync)
    with linked.dev.side.scope():
        changed = linked.dev.shop.proposal(mappings=[*linked.dev.shop.proposal().mappings[:2]])
        syncs.update_sync(actor=linked.dev.shop.actor, sync=sync, proposal=changed, name="Fewer fields")
    plan = plan_deployment(linked.dev.side, linked.prod.side, wanted(sync))
    model, planned = plan.items
    assert (model.outlook.action, planned.outlook.action) == (Action.UNCHANGED, Action.UPDATE)
    assert planned.ready, "the table that was chosen the first time is remembered"
    difference = {
        label
        for label in {*planned.outlook.before, *planned.outlook.after}
        if planned.outlook.before.get(label) != planned.outlook.after.get(label)
    }
    assert difference == {"Name", "Field plan"}
    deploy(linked.dev.side, linked.prod.side, wanted(sync, with_schedule=True), digest=plan.digest)
    with linked.prod.side.scope():
        copy = Sync.objects.get()
        assert (copy.name, len(copy.mappings), copy.interval_count) == ("Fewer fields", 2, 2)
        assert copy.settings["table"] == f"public.{linked.prod.shop.table}"
        assert not copy.schedule_enabled
    again = plan_deployment(linked.dev.side, linked.prod.side, wanted(sync, with_schedule=True))
    assert not again.changes


def test_what_is_in_the_way_is_said_and_nothing_is_deployed(stages: Stages) -> None:
    dev, prod = stages.dev, stages.prod
    with dev.side.scope():
        sync = dev.shop.sync()
    dev.shop.at_destination(f"DROP TABLE {dev.shop.table}")
    plan = plan_deployment(dev.side, prod.side, wanted(sync, with_model=False))
    assert problems(plan) == ["not_deployed", "unlinked"]
    stages.link()
    plan = plan_deployment(dev.side, prod.side, wanted(sync))
    assert not problems(plan)
    (question,) = plan.items[1].outlook.questions
    assert question.path == SETTING
    assert f"public.{prod.shop.table}" in dict(question.choices)
    with pytest.raises(Conflict, match="has to be chosen"):
        deploy(dev.side, prod.side, wanted(sync))
    prod.shop.query("ALTER TABLE customers DROP COLUMN plan")
    plan = plan_deployment(dev.side, prod.side, wanted(sync, table_there(stages)))
    assert any("plan" in problem.message for problem in plan.items[1].outlook.problems)
    prod.shop.query("DROP TABLE customers")
    plan = plan_deployment(dev.side, prod.side, wanted(sync, table_there(stages)))
    assert problems(plan)[0] == "missing"
    with prod.side.scope():
        assert not Sync.objects.exists()
        assert not Model.objects.exists()
    assert not events(prod.side, "model.deployed", "sync.deployed")


def test_a_plan_that_is_no_longer_true_is_not_deployed(linked: Stages, sync: Sync) -> None:
    what = wanted(sync, table_there(linked))
    plan = plan_deployment(linked.dev.side, linked.prod.side, what)
    with linked.dev.side.scope():
        syncs.update_sync(actor=linked.dev.shop.actor, sync=sync, name="Changed meanwhile")
    with pytest.raises(Conflict, match="changed since you looked"):
        deploy(linked.dev.side, linked.prod.side, what, digest=plan.digest)


def test_one_that_fails_leaves_what_was_deployed_and_the_rest_can_follow(
    linked: Stages, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise Conflict("The destination here was stopped.")

    with monkeypatch.context() as patch:
        patch.setattr("syncs.environments.syncs.deploy_sync", refuse)
        stopped = shipped(linked, sync)
    assert stopped.state == DeploymentState.STOPPED
    with linked.dev.side.scope():
        assert [(item.kind, item.state) for item in stopped.items.all()] == [("model", "done"), ("sync", "failed")]
    rest = deploy(linked.dev.side, linked.prod.side, wanted(sync, table_there(linked), with_model=False))
    assert rest.state == DeploymentState.DONE


def test_what_is_deleted_there_is_made_anew_and_unlinking_changes_nothing(linked: Stages, sync: Sync) -> None:
    shipped(linked, sync)
    with linked.prod.side.scope():
        copy = Sync.objects.get()
        syncs.delete_sync(actor=linked.prod.shop.actor, sync=copy)
        assert not LinkedThing.objects.filter(kind="sync", thing_id=copy.pk).exists()
    shipped(linked, sync)
    unlink_thing(here=linked.prod.side, kind="destination", pk=linked.prod.shop.destination.pk)
    with linked.prod.side.scope():
        assert Sync.objects.exclude(pk=copy.pk).count() == 1
    assert problems(plan_deployment(linked.dev.side, linked.prod.side, wanted(sync))) == ["unlinked"]


def test_linking_takes_one_type_one_organization_and_the_right_in_both(stages: Stages, world: World) -> None:
    dev, prod = stages.dev, stages.prod
    ids: dict[str, Any] = {"kind": "source", "pk": dev.shop.source.pk, "other_pk": prod.shop.source.pk}
    with workspace_scope(world.globex.workspace.pk):
        foreign = world.globex.rows["source"]
    stranger = Side(world.globex.workspace, dev.place.actor)
    with pytest.raises(NotFound):
        link_things(here=dev.side, there=stranger, kind="source", pk=dev.shop.source.pk, other_pk=foreign.pk)
    with prod.side.scope():
        join(prod.place.workspace, "watcher", RoleKind.VIEWER)
    editor = person(world["editor"])
    with pytest.raises(Denied):
        link_things(here=Side(dev.place.workspace, editor), there=Side(prod.place.workspace, editor), **ids)
    with prod.side.scope():
        other = prod.place.rows["source"]
        sample = connectors.create_source(actor=prod.place.actor, type="sample_b2c", values={}, name="Sample")
    with pytest.raises(Invalid, match="link two of one type"):
        link_things(here=dev.side, there=prod.side, kind="source", pk=dev.shop.source.pk, other_pk=sample.pk)
    link_things(here=dev.side, there=prod.side, **ids)
    assert selectors_of(stages) == prod.shop.source.pk
    with pytest.raises(Conflict):
        link_things(here=dev.side, there=prod.side, kind="source", pk=dev.shop.source.pk, other_pk=other.pk)
    assert [entry.resource_id for entry in events(prod.side, "source.linked")] == [prod.shop.source.pk]
    assert [entry.resource_id for entry in events(dev.side, "source.linked")] == [dev.shop.source.pk]


def selectors_of(stages: Stages) -> int | None:
    with stages.dev.side.scope():
        return selectors.linked_id("source", stages.dev.shop.source.pk, stages.prod.place.workspace)


def test_credentials_never_travel_but_are_entered_there() -> None:
    fields = (Text(name="host", label="Host"), Text(name="token", label="Token", secret=True))
    kind = SyncType(key="x", name="X", description="", settings=fields, modes=())
    captured = {"settings": {"host": "here"}, "credentials": ["token"]}
    asked = settings_there(kind, Destination(), None, Aim(captured=captured))
    (question,) = asked.questions
    assert (question.secret, question.value, asked.complete) == (True, "", False)
    given = Aim(captured=captured, answers={question.path: "theirs"})
    entered = settings_there(kind, Destination(), None, given)
    assert entered.credentials == {"token": "theirs"}
    assert "theirs" not in repr(entered)
    there = Sync(sealed_settings=encrypt({"token": "kept", "gone": "old"}))
    kept = settings_there(kind, Destination(), there, Aim(captured=captured))
    assert (kept.credentials, kept.questions) == ({"token": "kept"}, [])


def test_rights_there_decide(linked: Stages, sync: Sync, world: World) -> None:
    with linked.prod.side.scope():
        watcher = join(linked.prod.place.workspace, "watcher", RoleKind.VIEWER)
    actor = person(watcher)
    plan = plan_deployment(linked.dev.side, Side(linked.prod.place.workspace, actor), wanted(sync))
    assert problems(plan)[0] == "denied"
    with pytest.raises(HeadraceError):
        plan_deployment(Side(linked.dev.place.workspace, actor), linked.prod.side, wanted(sync))


def test_what_is_drafted_here_stays_here_and_what_is_drafted_there_is_replaced(linked: Stages, sync: Sync) -> None:
    shipped(linked, sync)
    hourly = syncs.SyncChange(schedule=Schedule.every(1, "hour"))
    with linked.dev.side.scope():
        draft = syncs.draft_sync(actor=linked.dev.shop.actor, sync=sync, change=hourly)
    what = wanted(sync, table_there(linked))
    plan = plan_deployment(linked.dev.side, linked.prod.side, what)
    assert problems(plan) == ["draft"]
    with pytest.raises(Conflict, match="not published"):
        deploy(linked.dev.side, linked.prod.side, what)
    with linked.dev.side.scope():
        approvals.delete_draft(actor=linked.dev.shop.actor, draft=draft)
        syncs.update_sync(actor=linked.dev.shop.actor, sync=sync, name="Nightly customers")
    with linked.prod.side.scope():
        there = Sync.objects.get()
        draft = syncs.draft_sync(actor=linked.prod.shop.actor, sync=there, change=hourly)
    plan = plan_deployment(linked.dev.side, linked.prod.side, what)
    assert any("It is closed" in words for planned in plan.items for words in planned.outlook.warnings)
    deploy(linked.dev.side, linked.prod.side, what, digest=plan.digest)
    with linked.prod.side.scope():
        draft.refresh_from_db()
        assert not draft.open
        assert Sync.objects.get().name == "Nightly customers"


def test_who_may_only_draft_there_deploys_a_draft_that_is_approved_there(linked: Stages, sync: Sync) -> None:
    workspace = linked.prod.place.workspace
    with linked.prod.side.scope():
        drafter = person(join(workspace, "newcomer", RoleKind.DRAFT_EDITOR))
    with linked.dev.side.scope():
        group = UserGroup.objects.get(name="Newcomer group")
        give_role(linked.dev.place.workspace, group, RoleKind.VIEWER)
    here, there = Side(linked.dev.place.workspace, drafter), Side(workspace, drafter)
    what = wanted(sync, table_there(linked))
    plan = plan_deployment(here, there, what)
    assert problems(plan) == []
    assert all(AS_DRAFT in planned.outlook.warnings for planned in plan.items)
    assert deploy(here, there, what).state == DeploymentState.DONE
    approve_all(linked.prod)
    with linked.prod.side.scope():
        live = Sync.objects.get()
        assert live.published
        assert live.model.published
        assert not live.schedule_enabled
    with linked.dev.side.scope():
        narrower = Definition(method=ModelMethod.SQL, sql="SELECT id, email, plan FROM customers WHERE id > 1")
        syncs.update_model(actor=linked.dev.shop.actor, model=sync.model, definition=narrower)
        syncs.set_guardrails(actor=linked.dev.shop.actor, sync=sync, guardrails=Guardrails(on=False))
    assert deploy(here, there, what).state == DeploymentState.DONE
    with linked.prod.side.scope():
        assert "WHERE id > 1" not in Model.objects.get().sql, "what is live stays until it is approved"
    approve_all(linked.prod)
    with linked.prod.side.scope():
        assert "WHERE id > 1" in Model.objects.get().sql
        assert Sync.objects.get().guardrails == dump(Guardrails(on=False))


def approve_all(stage: Stage) -> None:
    """Ask for approval of every draft, and publish it as its owner; models first."""
    with stage.side.scope():
        for draft in Draft.objects.filter(state=DraftState.DRAFT).order_by("kind"):
            asked = approvals.submit_draft(actor=stage.place.actor, draft=draft, revision=draft.revision)
            approvals.approve_and_publish(actor=stage.place.actor, draft=asked, revision=asked.revision)


def test_the_wizard_in_pages(linked: Stages, sync: Sync, world: World) -> None:
    client = Client()
    client.force_login(world.owner)
    slug = linked.dev.place.slug
    start = reverse("environments:deploy", args=[slug])
    chosen = {"item": [f"sync:{sync.pk}"], "to": "acme-prod"}
    assert b"has not been deployed" in client.get(start, chosen).content
    both = {"item": [f"sync:{sync.pk}", f"model:{sync.model_id}"], "to": "acme-prod"}
    page = client.get(start, both)
    assert b"Choose" in page.content
    answer = {f"answer:sync:{sync.pk}:{SETTING}": f"public.{linked.prod.shop.table}"}
    done = client.post(start, {**both, **answer, "action": "deploy", "digest": page.context["plan"].digest})
    assert done.status_code == 302, done.content
    result = client.get(done["Location"])
    assert b"Created" in result.content
    history = client.get(reverse("environments:deployments", args=["acme-prod"]))
    assert sync.model.name.encode() in history.content
    outsider = Client()
    outsider.force_login(world.outsider)
    assert outsider.get(done["Location"]).status_code == 404


def test_the_rest_api_needs_a_key_of_each_workspace(linked: Stages, sync: Sync, world: World) -> None:
    keys = {stage.place.slug: key_of(stage.place, world.owner) for stage in (linked.dev, linked.prod)}
    here, there = keys[linked.dev.place.slug], keys[linked.prod.place.slug]
    body = {"items": [{"kind": "model", "id": sync.model_id}]}

    def send(path: str, value: Any, target: str) -> Any:
        headers = {"Authorization": f"Bearer {here}", "X-Target-Authorization": f"Bearer {target}"}
        return Client().post(f"/api/v1{path}", value, content_type="application/json", headers=headers)

    assert send("/deployments/plan", body, "hr_wrong").status_code == 422
    assert send("/deployments/plan", body, here).status_code == 422, "the same workspace"
    assert send("/deployments/plan", body, key_of(world.globex, world.outsider)).status_code == 404
    plan = send("/deployments/plan", body, there).json()
    assert (plan["ready"], plan["items"][0]["action"]) == (True, "create")
    made = send("/deployments", {**body, "digest": plan["digest"]}, there).json()
    assert (made["state"], made["items"][0]["state"]) == ("done", "done")
    listed = Client().get("/api/v1/deployments", headers={"Authorization": f"Bearer {there}"}).json()["data"]
    assert [row["id"] for row in listed] == [made["id"]]
    links = Client().get("/api/v1/links", headers={"Authorization": f"Bearer {here}"}).json()["data"]
    assert {(link["kind"], link["linked"][0]["workspace"]["slug"]) for link in links} == {
        ("source", "acme-prod"),
        ("destination", "acme-prod"),
        ("model", "acme-prod"),
    }
