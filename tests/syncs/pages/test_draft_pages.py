"""Drafts through pages and the API: who is offered what, and where it leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from governance.approvals import services as approvals
from governance.approvals.access import open_draft
from governance.approvals.choices import DraftState
from governance.approvals.models import Draft
from governance.audit.models import AuditEntry
from syncs import services, tasks
from syncs.models import Model, Preview, Sync
from tests.syncs.app.shop import Shop
from tests.syncs.pages.test_sync_pages import column, configuration, lines, text
from tests.world import BUILDER, World
from workspaces import services as workspaces

BrowserOf = Callable[[str], Client]


def key_of(world: World, name: str) -> Any:
    """A program of one person of acme."""
    made = workspaces.create_api_key(actor=BUILDER, workspace=world.acme.workspace, name=name, owner=world[name])

    def call(method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {made.secret}"}
        address = f"/api/v1/{path}"
        return Client().generic(method, address, body or "", content_type="application/json", headers=headers)

    return call


def test_editors_offer_what_the_person_may_do(shop: Shop, sync: Sync, browser_of: BrowserOf, world: World) -> None:
    pages = [f"/acme/models/{sync.model_id}/edit", f"/acme/syncs/{sync.pk}/edit"]
    pages += [f"/acme/syncs/{sync.pk}/{part}" for part in ("schedule", "guardrails")]
    for page in pages:
        usual, drafting = text(browser_of("editor").get(page)), text(browser_of("drafter").get(page))
        assert ("Publish now" in usual, "Submit for approval" in usual, "Save as draft" in usual) == (
            False,
            False,
            True,
        )
        assert ("Publish now" in drafting, 'value="save"' in drafting) == (False, False)
        assert "Submit for approval" in drafting
    approvals.set_policy(actor=world.actor("admin"), required=True)
    for page in pages:
        both = text(browser_of("editor").get(page))
        assert all(words in both for words in ("Publish now", "Submit for approval", "Save as draft"))
    approvals.set_policy(actor=world.actor("admin"), required=True, self_approval=False)
    assert all("Publish now" not in text(browser_of("owner").get(page)) for page in pages)


def test_a_draft_editor_makes_a_model_and_a_sync_that_wait_for_approval(
    shop: Shop, browser_of: BrowserOf, world: World
) -> None:
    shop.fill(2)
    drafter, editor = browser_of("drafter"), browser_of("editor")
    named = {"sql": "SELECT * FROM customers", "name": "People", "primary_key": "id"}
    leads = drafter.post(f"/acme/models/new/{shop.source.pk}", {**named, "action": "submit"})["Location"]
    model = Model.objects.get(name="People")
    draft = open_draft("model", model.pk)
    assert draft is not None
    assert (model.published, leads) == (False, f"/acme/governance/requests/{draft.pk}/submit")
    assert world["editor"].display_name in text(drafter.get(leads))
    sent = {"revision": draft.revision, "reviewers": [world["editor"].pk], "comment": "A first model"}
    assert drafter.post(leads, sent)["Location"] == draft.get_absolute_url()

    leads = drafter.post(f"/acme/syncs/new/{model.pk}/{shop.destination.pk}", configuration(shop))["Location"]
    sync = Sync.objects.get(model=model)
    assert "Publish now" not in text(drafter.get(leads))
    timed = {"schedule_kind": "interval", "interval_count": "2", "interval_unit": "hour", "name": "Nightly"}
    drafter.post(leads, {**timed, "action": "draft", "draft_revision": "1"})
    sync.refresh_from_db()
    assert (sync.published, sync.next_run_at, sync.schedule.words, sync.name) == (
        False,
        None,
        "Every 2 hours",
        "Nightly",
    )
    listed = text(drafter.get("/acme/syncs"))
    assert "Draft" in listed
    assert "This sync is a draft" in text(editor.get(f"/acme/syncs/{sync.pk}"))
    assert "Run now" not in text(editor.get(f"/acme/syncs/{sync.pk}"))

    asked = text(editor.get("/acme/governance/requests"))
    assert "People" in asked
    assert "Nightly" not in asked
    review = text(editor.get(draft.get_absolute_url()))
    assert "A first model" in review
    assert "SELECT" in review
    editor.post(f"{draft.get_absolute_url()}/approve", {"revision": draft.revision})
    model.refresh_from_db()
    assert model.published
    assert text(editor.get("/acme/governance/requests/badge")).strip() == ""


def test_a_mapping_is_drafted_reviewed_and_published_from_its_pages(
    shop: Shop, sync: Sync, browser_of: BrowserOf
) -> None:
    shop.unguarded(sync)
    shop.run(sync)
    drafter, editor = browser_of("drafter"), browser_of("editor")
    changed = lines(column("id", identifier="on"), column("email"), {"kind": "static", "static": "gold", "to": "plan"})
    form = {**{k: v for k, v in configuration(shop).items() if not k.startswith("map-")}, **changed, "action": "submit"}
    leads = drafter.post(f"/acme/syncs/{sync.pk}/edit", form)["Location"]
    draft = open_draft("sync", sync.pk)
    assert draft is not None
    drafter.post(leads, {"revision": draft.revision})
    assert "Finding out" in text(editor.get(draft.get_absolute_url()))
    for preview in Preview.objects.filter(draft=draft):
        tasks.work_on_preview.fn(preview.workspace_id, preview.pk)
    review = text(editor.get(draft.get_absolute_url()))
    assert "To change" in review
    assert "c1@shop.test" in review
    assert "View request" in text(editor.get(f"/acme/syncs/{sync.pk}"))
    preview = Preview.objects.get(draft=draft)
    assert "What publishing the draft would do" in text(editor.get(f"/acme/syncs/{sync.pk}/previews/{preview.pk}"))
    assert "gold" in text(editor.get(f"/acme/syncs/{sync.pk}/edit"))

    stale = editor.post(f"{draft.get_absolute_url()}/approve", {"revision": draft.revision + 1}, follow=True)
    assert "changed this draft" in text(stale)
    editor.post(f"{draft.get_absolute_url()}/comment", {"text": "Looks right"})
    done = editor.post(f"{draft.get_absolute_url()}/approve", {"revision": draft.revision})
    assert done["Location"] == f"/acme/syncs/{sync.pk}"
    assert Sync.objects.get(pk=sync.pk).mappings[2]["value"] == "gold"
    closed = text(editor.get(draft.get_absolute_url()))
    assert "As it was when this was decided" in closed
    assert "Looks right" in closed
    events = set(AuditEntry.objects.filter(event__startswith="draft.").values_list("event", flat=True))
    assert events == {"draft.saved", "draft.submitted", "draft.commented", "draft.approved"}


def test_small_edits_of_columns_go_into_the_draft_where_they_may_not_go_live(
    shop: Shop, sync: Sync, browser_of: BrowserOf
) -> None:
    page, drafter = f"/acme/models/{sync.model_id}/columns", browser_of("drafter")
    drafter.post(page, {"column": "plan", "override_type": "number"})
    draft = open_draft("model", sync.model_id)
    assert draft is not None
    assert draft.proposed["casts"] == {"plan": "number"}
    assert sync.model.columns.get(name="plan").override_type == ""
    shown = text(drafter.get(page))
    assert "Types and switches are shown as in the draft" in shown
    assert 'value="number" selected' in shown


def test_a_held_run_waits_among_the_requests_and_is_decided_there(
    shop: Shop, sync: Sync, browser_of: BrowserOf
) -> None:
    shop.run(sync)
    shop.query("DELETE FROM customers")
    run = shop.run(sync)
    editor = browser_of("editor")
    assert "The query returned no rows" in text(editor.get("/acme/governance/requests"))
    assert text(editor.get("/acme/governance/requests/badge")).count("1") > 0
    assert "Held runs" not in text(browser_of("drafter").get("/acme/governance/requests"))
    decided = editor.post(f"/acme/syncs/{sync.pk}/runs/{run.pk}/decide", {"choice": "drop", "next": "requests"})
    assert decided["Location"] == "/acme/governance/requests"
    assert "Held runs" not in text(editor.get("/acme/governance/requests"))


def test_the_rule_is_set_in_the_settings_and_says_what_becomes_of_open_requests(
    shop: Shop, sync: Sync, browser_of: BrowserOf, world: World
) -> None:
    draft = services.draft_sync(
        actor=world.actor("drafter"),
        sync=sync,
        change=services.SyncChange(proposal=shop.proposal(mode="insert", removal="nothing")),
    )
    approvals.submit_draft(actor=world.actor("drafter"), draft=draft, revision=draft.revision)
    admin = browser_of("admin")
    admin.post("/acme/settings/approvals", {"required": "on", "approvers": "2"})
    entry = AuditEntry.objects.filter(event="approval_policy.changed").get()
    assert entry.after == {"required": True, "self_approval": False, "approvers": 2}
    assert "1 request waits" in text(admin.get("/acme/settings/approvals"))
    assert admin.post("/acme/settings/approvals", {"required": "on", "approvers": "9"}).status_code == 422
    assert browser_of("editor").get("/acme/settings/approvals").status_code == 403


def test_programs_say_what_becomes_of_a_change(shop: Shop, sync: Sync, world: World) -> None:
    call, reviewer = key_of(world, "drafter"), key_of(world, "editor")
    hourly = '"schedule": {"type": "interval", "schedule": {"interval": {"quantity": 1, "unit": "hour"}}}'
    assert call("PATCH", f"syncs/{sync.pk}", f"{{{hourly}}}").json()["code"] == "approval_required"
    approvals.set_policy(actor=world.actor("admin"), required=True)
    refused = reviewer("PATCH", f"syncs/{sync.pk}", f"{{{hourly}}}")
    assert (refused.status_code, refused.json()["code"]) == (403, "approval_required")
    assert '"publication": "now"' in refused.json()["hint"]
    asked = call("PATCH", f"syncs/{sync.pk}", f'{{{hourly}, "publication": "request"}}').json()
    assert (asked["schedule"], asked["published"]) == (None, True)

    one = f"change-requests/{asked['draftId']}"
    found = reviewer("GET", one).json()
    assert (found["status"], found["resourceId"], found["approvals"]) == ("submitted", str(sync.pk), [])
    assert found["changes"] == [{"name": "Schedule", "before": {"Runs": "Manual"}, "after": {"Runs": "Every hour"}}]
    assert [impact["status"] for impact in found["impact"]] == ["waiting"]
    assert [item["id"] for item in reviewer("GET", "change-requests?show=review").json()["data"]] == [found["id"]]
    assert call("POST", f"{one}/approve", '{"revision": 1}').status_code == 403
    assert reviewer("POST", f"{one}/approve", '{"revision": 2}').json()["code"] == "draft_changed"
    assert reviewer("POST", f"{one}/approve", '{"revision": 1}').json()["status"] == "published"
    assert Sync.objects.get(pk=sync.pk).schedule.words == "Every hour"
    made = call(
        "POST",
        "models",
        f'{{"name": "New", "sourceId": {shop.source.pk}, "queryType": "raw_sql", "primaryKey": "id", '
        '"raw": {"sql": "SELECT * FROM customers"}, "publication": "request"}',
    ).json()
    assert (made["published"], made["draftId"] is None) == (False, False)
    denied = reviewer("POST", f"change-requests/{made['draftId']}/deny", '{"reason": "Not needed"}').json()
    assert (denied["status"], denied["reason"]) == ("denied", "Not needed")
    assert not Model.objects.filter(pk=made["id"]).exists()
    assert Draft.objects.filter(state=DraftState.DENIED).count() == 1
