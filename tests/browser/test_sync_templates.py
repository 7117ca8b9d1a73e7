"""A marketer in a workspace that insists on templates sends an audience by one, and asks for approval."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission as StoredPermission
from django.test import override_settings
from playwright.sync_api import Page, expect

from audiences import services as schema_services
from audiences.choices import ModelKind
from audiences.models import Audience, ParentModelGrant, SchemaModel, SyncGroup, SyncTemplate
from audiences.services.audiences import create_audience
from audiences.services.experiments import GroupProposal, enable_experiment
from audiences.services.settings import change_studio_settings
from config.embedded import Urls
from connectors.models import DestinationGrant
from governance.approvals import services as approvals
from governance.approvals.models import Draft
from tests.audiences.app.shop import table
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import LOOKS, assert_sound
from tests.browser.conftest import Open
from tests.support.rows import database_rows
from tests.syncs.app.shop import Shop, open_shop
from tests.workspaces.test_object_grants import custom_role, grant
from tests.world import World, build_world
from workspaces.permissions import Permission
from workspaces.scoping import workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]
SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture
def acme(server: str) -> World:
    """Acme with its people, made anew."""
    database_rows().delete_all()
    return build_world()


@pytest.fixture
def shop(services: Urls, acme: World) -> Iterator[Shop]:
    """A shop with an audience; somebody builds audiences there and may draft to the destination."""
    place = acme.acme
    with override_settings(OUTBOUND_ALLOW=["*"]), workspace_scope(place.workspace.pk):
        made = open_shop(place, services.acme_url, uuid4().hex[:8])
        made.fill(3)
        settings = schema_services.Settings(name="Customers", primary_key=("id",), primary_label="email")
        parent = schema_services.create_schema_model(
            actor=place.actor,
            source=made.source,
            kind=ModelKind.PARENT,
            definition=table("customers"),
            settings=settings,
        )
        create_audience(actor=place.actor, parent=parent, name="Everybody", definition={"where": {}})
        _let_build(acme, made, parent)
        yield made


def _let_build(acme: World, shop: Shop, parent: SchemaModel) -> None:
    role = custom_role(acme, "Marketing")
    stored = StoredPermission.objects.get(content_type__model="schemamodel", codename="configure")
    ParentModelGrant.objects.create(workspace_id=role.workspace_id, role=role, permission=stored, content_object=parent)
    grant(role, DestinationGrant, Permission.DRAFT_TO_DESTINATION, shop.destination)


def shot(page: Page, name: str) -> None:
    """A picture for whoever asks for some (``SHOTS=<folder>``)."""
    if not SHOTS:
        return
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_an_audience_is_sent_by_a_template_that_is_required(open_page: Open, acme: World, shop: Shop) -> None:
    page = signed_in(open_page, shop.place.owner, "/acme/studio/templates/syncs/new")
    page.set_default_timeout(15_000)
    page.get_by_role("link", name="Customers").click()
    page.get_by_role("link", name=shop.destination.name).click()
    page.get_by_label("Name").first.fill("To the shop")
    page.locator("select[name='settings-table']").select_option(f"public.{shop.table}")
    expect(page.locator("select[name='map-0-to']")).to_have_value("id")
    page.locator("input[name='map-0-identifier']").check()
    expect(page.get_by_role("switch", name="Lock this field: Mode")).to_be_checked()
    page.get_by_role("switch", name="Lock this field: Mode").uncheck()
    page.locator("input[name='map-2-locked']").uncheck()
    assert_sound(page)
    shot(page, "editor")
    page.get_by_role("button", name="Save template").click()
    expect(page.get_by_role("heading", name="To the shop")).to_be_visible()
    assert_sound(page)
    shot(page, "template")
    template = aside(shop.place, SyncTemplate.objects.get)
    assert template.unlocked == ["mappings.plan", "mode"]

    def insist() -> Audience:
        change_studio_settings(actor=shop.actor, templates_required=True)
        approvals.set_policy(actor=shop.actor, required=True, self_approval=False)
        return Audience.objects.get()

    audience = aside(shop.place, insist)
    page = signed_in(open_page, acme["member"], f"/acme/studio/audiences/{audience.pk}/syncs")
    page.set_default_timeout(15_000)
    page.get_by_role("button", name="Add sync").click()
    expect(page.get_by_text("Without a template")).to_have_count(0)
    page.get_by_role("checkbox", name="To the shop").check()
    assert_sound(page)
    shot(page, "apply")
    page.get_by_role("button", name="Fill in first: To the shop").click()
    expect(page.locator("select[name='map-2-column']")).to_be_enabled()
    expect(page.locator("select[name='map-1-column']")).to_be_disabled()
    expect(page.locator("select[name='settings-table']")).to_be_disabled()
    assert_sound(page)
    shot(page, "fill-in")
    page.get_by_text("Update", exact=True).click()
    page.get_by_role("button", name="Submit for approval").click()
    page.get_by_role("button", name="Submit for approval").click()
    expect(page.get_by_text("Sent for approval.")).to_be_visible()
    draft = aside(shop.place, Draft.objects.get)
    assert (draft.submitted, draft.proposed["mode"], draft.proposed["removal"]) == (True, "update", "nothing")
    page.goto(f"{page.url.partition('/acme/')[0]}/acme/syncs/{draft.resource_id}/configuration")
    expect(page.get_by_text("follows the template")).to_be_visible()
    expect(page.get_by_role("button", name="Detach")).to_have_count(0)
    shot(page, "sync")


def test_what_a_template_leaves_blank_is_filled_in_for_a_group(open_page: Open, acme: World, shop: Shop) -> None:
    page = signed_in(open_page, shop.place.owner, "/acme/studio/templates/syncs/new")
    page.set_default_timeout(15_000)
    page.get_by_role("link", name="Customers").click()
    page.get_by_role("link", name=shop.destination.name).click()
    page.get_by_label("Name").first.fill("Any list")
    page.get_by_role("switch", name="Lock this field: Table").uncheck()
    page.get_by_role("button", name="Save template").click()
    expect(page.get_by_text("unlock further fields").first).to_be_visible()
    page.get_by_role("switch", name="Lock further fields").uncheck()
    page.get_by_role("button", name="Save template").click()
    expect(page.get_by_text("table, other fields, for each sync to say")).to_be_visible()

    def divide() -> Audience:
        audience = Audience.objects.get()
        halves = [GroupProposal("Letter", Decimal(50)), GroupProposal("Holdout", Decimal(50))]
        enable_experiment(actor=shop.actor, audience=audience, groups=halves)
        return audience

    audience = aside(shop.place, divide)
    page.goto(f"{page.url.partition('/acme/')[0]}/acme/studio/audiences/{audience.pk}/experiments")
    page.get_by_role("row").filter(has_text="Letter").get_by_role("button", name="Add sync").click()
    expect(page.get_by_role("checkbox", name="Letter, 50 %")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Any list")).to_be_disabled()
    assert_sound(page)
    shot(page, "blank-apply")
    page.get_by_role("button", name="Fill in: Any list").click()
    expect(page.get_by_text("For you to fill in: table, other fields.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Letter, 50 %")).to_be_checked()
    assert_sound(page)
    shot(page, "blank-fill-in")
    page.locator("select[name='settings-table']").select_option(f"public.{shop.table}")
    expect(page.locator("select[name='map-0-to']")).to_have_value("id")
    page.locator("input[name='map-0-identifier']").check()
    page.get_by_role("button", name="Add sync").click()
    expect(page.get_by_text("Everybody: Any list (Letter)")).to_be_visible()
    assert aside(shop.place, SyncGroup.objects.get).group.name == "Letter"
