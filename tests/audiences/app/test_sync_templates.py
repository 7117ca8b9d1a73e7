"""Templates of audience syncs: made once, used by many, followed by all, and insisted on where a workspace wants so."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission as StoredPermission
from django.test import Client

from audiences import services as schema_services
from audiences.choices import ModelKind
from audiences.models import Audience, ParentModelGrant, SchemaModel, SyncTemplate, TemplatedSync
from audiences.selectors.experiments import groups_of_sync
from audiences.selectors.sync_templates import followers_of
from audiences.services import audiences as writes
from audiences.services import sync_templates as templates
from audiences.services.experiments import GroupProposal, enable_experiment
from audiences.services.following import apply_sync_templates, detach_sync, follow_template
from audiences.services.settings import change_studio_settings
from audiences.services.sync_templates import Pattern
from audiences.services.syncing import open_for_syncs
from config.embedded import Urls
from config.errors import Conflict, Denied, HeadraceError, Invalid
from connectors import services as connectors
from connectors.models import DestinationGrant
from governance.approvals import services as approvals
from governance.approvals.access import open_draft
from governance.approvals.choices import DraftState, Way
from governance.audit.models import AuditEntry
from syncs import services as sync_services
from syncs.choices import RunStatus
from syncs.drafts import SYNC
from syncs.engine.guardrails import Guardrails
from syncs.models import Sync
from syncs.schedules import Schedule
from tests.audiences.app.acting import PAID, with_key
from tests.audiences.app.shop import table
from tests.syncs.app.shop import FIELDS, Shop, mapping, open_shop
from tests.workspaces.test_object_grants import custom_role, grant
from tests.world import World, build_world
from workspaces.permissions import Permission
from workspaces.scoping import workspace_scope

UNGUARDED = Guardrails(on=False)


@pytest.fixture
def world(transactional_db: None) -> World:
    """Committed, so that runs see it."""
    return build_world()


@pytest.fixture
def shop(world: World, services: Urls, settings: Any) -> Iterator[Shop]:
    settings.OUTBOUND_ALLOW = ["*"]
    with workspace_scope(world.acme.workspace.pk):
        made = open_shop(world.acme, services.acme_url, uuid4().hex[:8])
        for row in ("(1, 'a@x.test', 'paid')", "(2, 'b@x.test', 'free')"):
            made.query(f"INSERT INTO customers VALUES {row}")
        yield made


@pytest.fixture
def customers(shop: Shop) -> SchemaModel:
    return schema_services.create_schema_model(
        actor=shop.actor,
        source=shop.source,
        kind=ModelKind.PARENT,
        definition=table("customers"),
        settings=schema_services.Settings(name="Customers", primary_key=("id",), primary_label="email"),
    )


@pytest.fixture
def paying(shop: Shop, customers: SchemaModel) -> Audience:
    return audience(shop, customers, "Paying", PAID)


@pytest.fixture
def template(shop: Shop, customers: SchemaModel) -> SyncTemplate:
    """Locked but for mode and the mapping of the plan."""
    return made(shop, customers, "To the shop", unlocked=("mode", "mappings.plan"))


def audience(shop: Shop, parent: SchemaModel, name: str, *conditions: Any) -> Audience:
    where = {"where": {"type": "group", "match": "all", "conditions": list(conditions)}}
    return writes.create_audience(actor=shop.actor, parent=parent, name=name, definition=where)


def pattern(shop: Shop, unlocked: tuple[str, ...] = (), schedule: Schedule | None = None, **changed: Any) -> Pattern:
    return Pattern(
        proposal=shop.proposal(**changed),
        unlocked=unlocked,
        guardrails=UNGUARDED,
        schedule=schedule or Schedule.manual(),
    )


def made(shop: Shop, parent: SchemaModel, name: str, unlocked: tuple[str, ...] = (), **changed: Any) -> SyncTemplate:
    asked = pattern(shop, unlocked, **changed)
    return templates.create_sync_template(
        actor=shop.actor, parent=parent, destination=shop.destination, name=name, pattern=asked
    )


def applied(shop: Shop, to: Audience, *chosen: SyncTemplate, **options: Any) -> list[Sync]:
    return apply_sync_templates(actor=shop.actor, audience=to, templates=chosen, **options)


def change(shop: Shop, template: SyncTemplate, way: Way = Way.NOW, **asked: Any) -> SyncTemplate:
    """Change a template, which keeps what is unlocked."""
    asked.setdefault("unlocked", tuple(template.unlocked))
    return templates.update_sync_template(actor=shop.actor, template=template, pattern=pattern(shop, **asked), way=way)


def fresh(sync: Sync) -> Sync:
    return Sync.objects.select_related("model", "destination").get(pk=sync.pk)


def marketer(world: World, shop: Shop, parent: SchemaModel, *permissions: Permission) -> Any:
    """Somebody who builds audiences of the parent model, with these rights on the destination."""
    role = custom_role(world, "Marketing")
    stored = StoredPermission.objects.get(content_type__model="schemamodel", codename="configure")
    ParentModelGrant.objects.create(workspace_id=role.workspace_id, role=role, permission=stored, content_object=parent)
    for permission in permissions:
        grant(role, DestinationGrant, permission, shop.destination)
    return world.actor("member")


def browser_of(shop: Shop) -> Client:
    client = Client()
    client.force_login(shop.place.owner)
    return client


def test_a_template_sends_an_audience_and_its_changes_reach_every_sync(
    shop: Shop, customers: SchemaModel, paying: Audience, template: SyncTemplate
) -> None:
    everyone = audience(shop, customers, "Everyone")
    (first,), (second,) = applied(shop, paying, template), applied(shop, everyone, template)
    assert shop.run(first).status == RunStatus.SUCCEEDED
    assert shop.there() == [(1, "a@x.test", "paid")]
    with pytest.raises(Conflict, match="already"):
        applied(shop, paying, template)

    # An unlocked part goes its own way, also when the template happens to say the same for a while.
    upper = mapping("plan", "{{ row.plan | upcase }}", kind="template")
    own = shop.proposal(mappings=[*map(mapping, FIELDS[:2]), upper])
    sync_services.update_sync(actor=shop.actor, sync=fresh(second), proposal=own)
    change(shop, template, removal="nothing", mappings=own.mappings, schedule=Schedule.every(1, "hour"))
    assert fresh(second).mappings[2]["value"] == "{{ row.plan | upcase }}"
    plain = [mapping("id"), mapping("email", "plan"), mapping("plan")]
    change(shop, template, removal="nothing", mappings=plain, schedule=Schedule.every(1, "hour"))
    first, second = fresh(first), fresh(second)
    assert [m["value"] for m in first.mappings] == ["id", "plan", "plan"]
    assert [m["value"] for m in second.mappings] == ["id", "plan", "{{ row.plan | upcase }}"]
    assert first.removal == second.removal == "nothing"
    assert first.schedule.words == second.schedule.words == Schedule.every(1, "hour").words
    # Records look different now, so that known rows are sent again.
    assert first.pending_reprocess
    shop.run(first)
    assert shop.there() == [(1, "paid", "paid")]
    told = AuditEntry.objects.filter(event="sync.updated", resource_id=first.pk)
    assert told.count() == 2
    assert {line.sync.pk: line.own for line in followers_of(shop.actor, template)[0]} == {
        first.pk: (),
        second.pk: ("the mapping to plan",),
    }

    # Locked again, the part follows.
    change(shop, template, unlocked=(), removal="nothing", mappings=plain, schedule=Schedule.every(1, "hour"))
    assert fresh(second).mappings[2]["value"] == "plan"
    assert TemplatedSync.objects.get(sync=second).overridden == []


def test_locked_parts_are_refused_at_every_door(shop: Shop, paying: Audience, template: SyncTemplate) -> None:
    (sync,) = applied(shop, paying, template)
    sync = fresh(sync)
    with pytest.raises(Invalid, match="Locked by the template") as refused:
        sync_services.update_sync(actor=shop.actor, sync=sync, proposal=shop.proposal(removal="nothing"))
    assert list(refused.value.fields) == ["removal"]
    with pytest.raises(Invalid, match="schedule"):
        sync_services.set_schedule(actor=shop.actor, sync=sync, schedule=Schedule.every(1, "hour"))
    with pytest.raises(Invalid, match="guardrails"):
        sync_services.set_guardrails(actor=shop.actor, sync=sync, guardrails=Guardrails())
    lost = sync_services.SyncChange(proposal=shop.proposal(mappings=[mapping("id"), mapping("plan")]))
    with pytest.raises(Invalid, match="the mapping to email"):
        sync_services.draft_sync(actor=shop.actor, sync=sync, change=lost)
    client = with_key(shop, "read", "write")
    body = {"configuration": {"syncType": "table", "mode": "insert", "settings": sync.settings, "mappings": []}}
    answer = client.patch(f"/api/v1/syncs/{sync.pk}", body, content_type="application/json")
    assert answer.status_code == 422
    sync_services.update_sync(actor=shop.actor, sync=sync, proposal=shop.proposal(mode="update"))
    assert (fresh(sync).mode, TemplatedSync.objects.get().overridden) == ("update", ["mode"])

    # The pages say so: what is locked cannot be typed into, and what a browser sends for it nonetheless is not taken.
    browser, base = browser_of(shop), f"/{shop.place.workspace.slug}"
    page = browser.get(f"{base}/syncs/{sync.pk}/edit").content.decode()
    assert page.count("Locked by the template “To the shop”.") > 3
    assert "Set when" not in page
    sent = {"mode": "upsert", "removal": "nothing", "settings-table": "public.elsewhere", "action": "save"}
    lines = {"map-TOTAL_FORMS": "3", "map-INITIAL_FORMS": "3", "map-2-kind": "column", "map-2-column": "email"}
    assert browser.post(f"{base}/syncs/{sync.pk}/edit", {**sent, **lines}).status_code == 302
    stored = fresh(sync)
    assert (stored.mode, stored.removal, stored.settings["table"]) == ("upsert", "delete", f"public.{shop.table}")
    assert [(m["to"], m["value"]) for m in stored.mappings] == [("id", "id"), ("email", "email"), ("plan", "email")]
    assert "follows the template" in browser.get(f"{base}/syncs/{sync.pk}/configuration").content.decode()
    assert "schedule_kind" not in browser.get(f"{base}/syncs/{sync.pk}/schedule").content.decode()
    assert "removed_percent" not in browser.get(f"{base}/syncs/{sync.pk}/guardrails").content.decode()


def test_a_change_that_a_sync_cannot_follow_changes_nothing_and_names_it(
    world: World, shop: Shop, paying: Audience, template: SyncTemplate
) -> None:
    (sync,) = applied(shop, paying, template)
    with pytest.raises(Denied):
        templates.update_sync_template(actor=world.actor("viewer"), template=template, name="Mine")
    approvals.set_policy(actor=shop.actor, required=True, self_approval=False)
    with pytest.raises(Conflict, match="Paying: To the shop") as refused:
        change(shop, template, removal="nothing")
    assert "approval" in refused.value.hint
    template.refresh_from_db()
    assert (template.state["removal"], fresh(sync).removal) == ("delete", "delete")

    # Where changes need approval, they wait as drafts; a declined one leaves the sync behind, until it catches up.
    change(shop, template, Way.SUBMIT, removal="nothing")
    draft = open_draft(SYNC, sync.pk)
    assert draft is not None
    assert (draft.state, draft.proposed["removal"], fresh(sync).removal) == (DraftState.SUBMITTED, "nothing", "delete")
    approvals.deny_draft(actor=world.actor("admin"), draft=draft)
    template.refresh_from_db()
    (line,), _ = followers_of(shop.actor, template)
    assert line.behind == ("what happens to rows that leave",)
    approvals.set_policy(actor=shop.actor, required=False)
    follow_template(actor=shop.actor, sync=fresh(sync))
    assert fresh(sync).removal == "nothing"


def test_a_workspace_insists_on_templates(
    world: World, shop: Shop, customers: SchemaModel, paying: Audience, template: SyncTemplate
) -> None:
    lonely = shop.sync(open_for_syncs(actor=shop.actor, audience=paying))
    (sync,) = applied(shop, paying, template)
    with pytest.raises(Denied):
        change_studio_settings(actor=world.actor("editor"), templates_required=True)
    browser, base = browser_of(shop), f"/{shop.place.workspace.slug}"
    assert browser.post(f"{base}/settings/studio", {"nulls": "value", "templates_required": "on"}).status_code == 302

    with pytest.raises(Conflict, match="sync templates only"):
        shop.sync(open_for_syncs(actor=shop.actor, audience=paying))
    body = {
        "modelId": lonely.model_id,
        "destinationId": shop.destination.pk,
        "configuration": {"syncType": "table", "settings": lonely.settings},
    }
    refused = with_key(shop, "read", "write").post("/api/v1/syncs", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "templates_required")
    with pytest.raises(Conflict, match="no sync can leave its template"):
        detach_sync(actor=shop.actor, sync=fresh(sync))
    assert ">Detach<" not in browser.get(f"{base}/syncs/{sync.pk}/configuration").content.decode()
    # Other models, and syncs that were there before, are as free as ever.
    shop.sync()
    sync_services.update_sync(actor=shop.actor, sync=fresh(lonely), proposal=shop.proposal(mode="update"))

    change_studio_settings(actor=shop.actor, templates_required=False)
    browser.post(f"{base}/studio/syncs/{sync.pk}/detach")
    assert not TemplatedSync.objects.exists()
    sync_services.update_sync(actor=shop.actor, sync=fresh(sync), proposal=shop.proposal(removal="nothing"))
    with pytest.raises(Conflict, match="follows no template"):
        detach_sync(actor=shop.actor, sync=fresh(sync))


def test_a_marketer_applies_templates_within_one_group(
    world: World, shop: Shop, customers: SchemaModel, paying: Audience, template: SyncTemplate
) -> None:
    actor = marketer(world, shop, customers, Permission.DRAFT_TO_DESTINATION)
    asked: dict[str, Any] = {"actor": actor, "audience": paying, "templates": [template]}
    with pytest.raises(Denied, match="publish syncs to the destination"):
        apply_sync_templates(**asked)
    assert not Sync.objects.exists()
    (sync,) = apply_sync_templates(**asked, way=Way.SUBMIT)
    draft = open_draft(SYNC, sync.pk)
    assert draft is not None
    assert (draft.submitted, sync.published) == (True, False)
    with pytest.raises(Denied, match="configure the source's schema"):
        templates.update_sync_template(actor=actor, template=template, name="Mine")
    # A template that changes meanwhile changes the draft, which has to be approved as it is then.
    change(shop, template, removal="nothing")
    assert fresh(sync).removal == "nothing"
    draft.refresh_from_db()
    approvals.approve_and_publish(actor=shop.actor, draft=draft, revision=draft.revision)
    assert fresh(sync).published
    shop.run(fresh(sync))
    assert [row[0] for row in shop.there()] == [1]


def test_templates_fit_audiences_of_their_parent_model_alone(
    shop: Shop, customers: SchemaModel, paying: Audience, template: SyncTemplate
) -> None:
    other = schema_services.create_schema_model(
        actor=shop.actor,
        source=shop.source,
        kind=ModelKind.PARENT,
        definition=table("customers"),
        settings=schema_services.Settings(name="Visitors", primary_key=("id",)),
    )
    foreign = made(shop, other, "Not theirs")
    with pytest.raises(Invalid, match="Only templates of Customers"):
        applied(shop, paying, foreign)
    with pytest.raises(Invalid, match="no such part"):
        made(shop, customers, "Odd", unlocked=("settings.nothing",))
    with pytest.raises(Invalid) as wrong:
        made(shop, customers, "Wrong", mappings=[mapping("id"), mapping("email", "nowhere")])
    assert "mappings.1" in wrong.value.fields
    second = made(shop, customers, "Another", mode="update", removal="nothing")
    assert len(applied(shop, paying, template, second)) == 2

    with pytest.raises(Conflict, match="1 sync follows"):
        templates.delete_sync_template(actor=shop.actor, template=template)
    with pytest.raises(HeadraceError, match="sync template"):
        connectors.delete_destination(actor=shop.actor, destination=shop.destination)
    with pytest.raises(HeadraceError, match="sync template"):
        schema_services.delete_schema_model(actor=shop.actor, model=other)
    copy = templates.clone_sync_template(actor=shop.actor, template=template)
    assert (copy.name, copy.state, copy.unlocked) == ("To the shop (copy)", template.state, template.unlocked)
    templates.delete_sync_template(actor=shop.actor, template=copy)


def test_a_new_audience_is_sent_by_templates_as_its_last_step(
    shop: Shop, customers: SchemaModel, template: SyncTemplate
) -> None:
    browser, studio = browser_of(shop), f"/{shop.place.workspace.slug}/studio/audiences"
    second = made(shop, customers, "Another", mode="update", removal="nothing")
    sent = {"do": "save", "name": "Everyone", "tree": "{}"}
    to = browser.post(f"{studio}/new/{customers.pk}", sent).headers["Location"]
    page = browser.get(to).content.decode()
    assert "Finish without syncs" in page
    assert browser.post(to, {"action": "save"}).status_code == 422
    assert browser.post(to, {"template": [template.pk, second.pk], "action": "save"}).status_code == 302
    assert sorted(Sync.objects.values_list("name", flat=True)) == ["Everyone: Another", "Everyone: To the shop"]
    assert "follows it already" in browser.get(to).content.decode()


def test_programs_keep_templates_and_send_audiences_by_them(
    shop: Shop, customers: SchemaModel, paying: Audience
) -> None:
    client, api = with_key(shop, "read", "write"), "/api/v1"

    def send(method: str, path: str, body: Any = None) -> Any:
        answer = getattr(client, method)(f"{api}{path}", body, content_type="application/json")
        assert answer.status_code in (200, 204), answer.content
        return answer.json() if answer.content else None

    settings = {"table": f"public.{shop.table}", "batch_size": 100}
    mappings = [mapping(name) for name in FIELDS]
    configuration = {
        "syncType": "table",
        "mode": "upsert",
        "removal": "delete",
        "settings": settings,
        "mappings": mappings,
    }
    ends = {"parentModelId": customers.pk, "destinationId": shop.destination.pk}
    hourly = {"type": "interval", "schedule": {"interval": {"quantity": 1, "unit": "hour"}}}
    body = {**ends, "name": "To the shop", "configuration": configuration, "schedule": hourly, "unlocked": ["mode"]}
    template = send("post", "/sync-templates", body)
    assert (template["unlocked"], template["schedule"]["type"]) == (["mode"], "interval")
    own = {**configuration, "mode": "update"}
    chosen = {"templates": [{"templateId": template["id"], "configuration": own}]}
    (sync,) = send("post", f"/audiences/{paying.pk}/sync-templates", chosen)["data"]
    assert (sync["configuration"]["mode"], sync["schedule"]["type"]) == ("update", "interval")
    send("patch", f"/sync-templates/{template['id']}", {"schedule": None, "name": "Renamed"})
    assert send("get", f"/syncs/{sync['id']}")["schedule"] is None
    (line,) = send("get", f"/sync-templates/{template['id']}/syncs")["data"]
    assert line == {"syncId": sync["id"], "own": ["mode"], "behind": [], "draft": False}
    wrong = {"templates": [{"templateId": template["id"], "configuration": {**own, "removal": "nothing"}}]}
    everyone = audience(shop, customers, "Everyone")
    refused = client.post(f"{api}/audiences/{everyone.pk}/sync-templates", wrong, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (422, "locked_by_template")
    send("delete", f"/sync-templates/{template['id']}/syncs/{sync['id']}")
    send("delete", f"/sync-templates/{template['id']}")
    assert send("get", "/sync-templates")["data"] == []


def test_a_template_leaves_blanks_that_each_sync_fills_in_and_keeps(
    shop: Shop, customers: SchemaModel, paying: Audience
) -> None:
    """The table and so its fields are for each audience to say; whether that is allowed, the locks decide."""
    no_table: dict[str, Any] = {"settings": {}, "mappings": ()}
    with pytest.raises(Invalid):
        made(shop, customers, "Locked", **no_table)
    with pytest.raises(Invalid, match="unlock further fields") as refused:
        made(shop, customers, "Half", unlocked=("settings.table",), **no_table)
    assert "mappings" in refused.value.fields
    open_parts = ("settings.table", "mappings.*")
    template = made(shop, customers, "Any list", unlocked=open_parts, **no_table)
    assert template.left_blank == ["settings.table", "mappings.*"]
    with pytest.raises(Invalid, match="leaves table and other fields for you to say"):
        applied(shop, paying, template)
    assert not Sync.objects.exists()

    halves = [GroupProposal("Letter", Decimal(50)), GroupProposal("Holdout", Decimal(50))]
    experiment = enable_experiment(actor=shop.actor, audience=paying, groups=halves)
    letter, holdout = (group.pk for group in experiment.groups.all())
    own = shop.proposal(settings={"table": f"public.{shop.table}"})
    (first,) = applied(shop, paying, template, own={template.pk: own}, groups={template.pk: [letter]})
    (second,) = applied(shop, paying, template, own={template.pk: own}, groups={template.pk: [holdout]})
    assert [group.pk for group in groups_of_sync(first)] == [letter]
    assert [first.name, second.name] == ["Paying: Any list (Letter)", "Paying: Any list (Holdout)"]
    assert all(not line.behind for line in followers_of(shop.actor, template)[0])
    assert sum(shop.run(sync).status == RunStatus.SUCCEEDED for sync in (fresh(first), fresh(second))) == 2
    assert shop.there() == [(1, "a@x.test", "paid")]

    # What was filled in stays whatever the template decides of the rest, and becomes blank again on no change.
    change(shop, template, removal="nothing", **no_table)
    kept = fresh(first)
    assert (kept.removal, kept.settings["table"], len(kept.mappings)) == ("nothing", f"public.{shop.table}", 3)
    # A template that decided leaves it to the syncs later: they keep what they had, also when it decides again.
    decided = made(shop, customers, "Decided", unlocked=open_parts)
    everyone = audience(shop, customers, "Everyone")
    (third,) = applied(shop, everyone, decided)
    assert TemplatedSync.objects.get(sync=third).overridden == []
    change(shop, decided, **no_table)
    assert fresh(third).settings["table"] == f"public.{shop.table}"
    assert "settings.table" in TemplatedSync.objects.get(sync=third).overridden

    # The same by page and API.
    browser, base = browser_of(shop), f"/{shop.place.workspace.slug}/studio/audiences/{everyone.pk}/templates"
    page = browser.get(base).content.decode()
    assert "For you to fill in: table, other fields." in page
    assert "For you to fill in: table, other fields." in browser.get(f"{base}/{template.pk}").content.decode()
    client = with_key(shop, "read", "write")
    filled = {"settings": own.settings, "mappings": list(own.mappings)}
    listed = client.get(f"/api/v1/sync-templates/{template.pk}").json()
    assert listed["leftBlank"] == ["settings.table", "mappings.*"]
    body: dict[str, Any] = {"templates": [{"templateId": template.pk}]}
    path = f"/api/v1/audiences/{paying.pk}/sync-templates"
    answer = client.post(path, body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (422, "template_blanks")
    body["templates"][0] |= {"groupIds": [holdout], "configuration": {**listed["configuration"], **filled}}
    answer = client.post(path, body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert [group.pk for group in groups_of_sync(Sync.objects.latest("pk"))] == [holdout]
