"""Models that change under their syncs: a column renamed at the source, and another key for five syncs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission as StoredPermission
from django.test import override_settings
from playwright.sync_api import Page, expect

from config.embedded import Urls
from connectors import services as connectors
from connectors.models import Destination, DestinationGrant
from syncs import services
from syncs.configuration import Proposal
from syncs.models import Model, Run, Sync
from tests.browser.acting import aside, signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.connectors.app.connections import a_destination
from tests.syncs.app.shop import Shop, open_shop, postgres_settings, work_off
from tests.world import BUILDER, World, build_world
from workspaces import services as people
from workspaces.choices import RoleKind
from workspaces.models import Role, RoleGrant, User
from workspaces.permissions import Permission
from workspaces.scoping import workspace_scope

pytestmark = [pytest.mark.browser, pytest.mark.services]
T = TypeVar("T")
EDITOR_OF_ALL = (
    Permission.MEMBER,
    Permission.VIEW_ROWS,
    Permission.DRAFT_FROM_SOURCE,
    Permission.APPROVE_FROM_SOURCE,
    Permission.DRAFT_TO_DESTINATION,
    Permission.APPROVE_TO_DESTINATION,
)


@pytest.fixture(scope="module")
def world(server: str) -> World:
    """The world, in the database that the server shares."""
    return build_world()


@pytest.fixture
def shop(world: World, services: Urls) -> Iterator[Shop]:
    """A warehouse and a database of this test's own, in the workspace's scope."""
    with override_settings(OUTBOUND_ALLOW=["*"]), workspace_scope(world.acme.workspace.pk):
        yield open_shop(world.acme, services.acme_url, uuid4().hex[:8])


@contextmanager
def run_from(page: Page, world: World, address: str) -> Iterator[None]:
    """Press “Run now” on a sync's page, have the run carried out, and look at it."""
    page.goto(address)
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Run "))
    aside(world.acme, work_off)
    page.reload()
    yield


def test_a_column_renamed_at_the_source_is_told_mended_and_costs_only_what_changed(
    open_page: Open, server: str, world: World, shop: Shop
) -> None:
    shop.fill(50)
    model, sync, other = aside(world.acme, lambda: members_in_two_places(world, shop))
    page = signed_in(open_page, world.owner)
    home = f"{server}/acme/syncs/{sync.pk}"
    with run_from(page, world, home):
        assert len(shop.there()) == 50
    shop.query("ALTER TABLE customers RENAME email TO mail")
    shop.query("UPDATE customers SET mail = 'moved@shop.test' WHERE id = 7")
    # The source's own words, and what they mean.
    with run_from(page, world, home):
        expect(page.get_by_role("alert").first).to_contain_text('Referenced column "email" not found')
        expect(page.get_by_role("alert").first).to_contain_text("renamed, removed or mistyped")
    page.goto(f"{server}/acme/models/{model.pk}/edit")
    page.locator(".code-host .cm-content").fill("SELECT id, mail, plan FROM customers")
    page.get_by_role("button", name="Preview", exact=True).click()
    told = page.get_by_role("alert").filter(has_text="2 syncs name columns that this query does not return.")
    expect(told).to_contain_text("The mapping to “email”")
    expect(told).to_contain_text("The setting “Rows added: Endpoint”")
    expect(told.get_by_role("link", name=str(other))).to_be_visible()
    assert_sound(page)
    page.get_by_role("button", name="Save model").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Members")
    with run_from(page, world, home):
        expect(page.get_by_role("alert").first).to_contain_text("Unknown field name “email”")
        expect(page.get_by_role("button", name="Copy the diagnosis")).to_be_visible()
    page.get_by_role("link", name=re.compile("^See every mapping")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Members")
    assert_sound(page)
    page.get_by_role("alert").get_by_role("link", name=str(sync)).click()
    page.get_by_label("Column, line 2").select_option("mail")
    with page.expect_navigation():
        page.get_by_role("button", name="Save", exact=True).click()
    with run_from(page, world, home):
        expect(page.get_by_text("Completed").first).to_be_visible()
    run = Run.objects.filter(sync=sync).latest("id")
    assert (run.planned_added, run.succeeded_changed, run.planned_removed) == (0, 1, 0)
    assert shop.there("id, email")[6] == (7, "moved@shop.test")


def test_another_key_runs_four_syncs_and_the_fifth_remembers_its_reset(
    open_page: Open, server: str, world: World, shop: Shop
) -> None:
    shop.fill(12)
    model, syncs, fifth = aside(world.acme, lambda: five_syncs(shop))
    aside(world.acme, work_off)
    editor = somebody_who_may_run(world, shop.destination)
    page = signed_in(open_page, editor)
    page.goto(f"{server}/acme/models/{model.pk}/edit")
    page.get_by_role("combobox", name="Primary key").fill("email")
    page.get_by_role("option", name=re.compile("^email")).click()
    choice = page.get_by_role("group", name=re.compile("^Another key: what should the 5 syncs"))
    expect(choice.get_by_text("can run right away")).to_have_count(4)
    expect(choice.get_by_text("waits for its next run: you may not run it")).to_have_count(1)
    expect(choice.get_by_role("radio", name=re.compile("^Without backfill"))).to_be_visible()
    choice.get_by_role("radio", name=re.compile("^With backfill")).check()
    page.get_by_label("Preview settings").click()
    page.get_by_text("A key of two columns").click()
    assert_sound(page)
    page.get_by_role("button", name="Save model").click()
    expect(page.get_by_text("4 syncs run now, 1 do so with their next run.")).to_be_visible()
    line = page.get_by_role("row").filter(has_text="Shoppers in finance")
    expect(line.get_by_text("Sends every row next")).to_be_visible()
    expect(page.get_by_text("Sends every row next")).to_have_count(1)
    aside(world.acme, work_off)
    for sync in syncs:
        run = Run.objects.filter(sync=sync).latest("id")
        assert (run.number, run.succeeded_added, run.planned_removed) == (2, 12, 0)
    assert Run.objects.filter(sync=fifth).count() == 1
    owner = signed_in(open_page, world.owner)
    owner.goto(f"{server}/acme/syncs/{fifth.pk}")
    expect(owner.get_by_text("The next run sends every row as new.")).to_be_visible()
    with run_from(owner, world, f"{server}/acme/syncs/{fifth.pk}"):
        run = Run.objects.filter(sync=fifth).latest("id")
        assert (run.succeeded_added, run.planned_removed) == (12, 0)
    with run_from(owner, world, f"{server}/acme/syncs/{fifth.pk}"):
        assert Run.objects.filter(sync=fifth).latest("id").planned == 0


def members_in_two_places(world: World, shop: Shop) -> tuple[Model, Sync, Sync]:
    """A model with a sync that maps its columns, and one that names a column in a template."""
    model = shop.model("Members", "SELECT id, email, plan FROM customers")
    requests = Proposal(sync_type="requests", settings={"added": {"endpoint": "/members/{{ row.email | url_encode }}"}})
    other = services.create_sync(
        actor=shop.actor,
        model=model,
        destination=a_destination(world.acme, "Notes API"),
        proposal=requests,
        name="Notes about members",
    )
    return model, shop.sync(model), other


def five_syncs(shop: Shop) -> tuple[Model, list[Sync], Sync]:
    """A model with four syncs to one destination and a fifth to another, each about to run for the first time."""
    model = shop.model("Shoppers", "SELECT * FROM customers", "id")
    locked = connectors.create_destination(
        actor=shop.actor, type="postgres", values=postgres_settings(shop.address), name="Finance database"
    )
    places = {f"Shoppers {number}": shop.destination for number in range(1, 5)} | {"Shoppers in finance": locked}
    syncs = [
        services.create_sync(
            actor=shop.actor, model=model, destination=place, proposal=shop.proposal(removal="nothing"), name=name
        )
        for name, place in places.items()
    ]
    for sync in syncs:
        services.start_run(actor=shop.actor, sync=sync)
    return model, syncs[:4], syncs[4]


def somebody_who_may_run(world: World, destination: Destination) -> User:
    """A person who may publish everywhere, and run only the syncs of one destination."""
    workspace = world.acme.workspace
    role = Role.objects.create(workspace=workspace, name="Publishers", kind=RoleKind.CUSTOM)
    RoleGrant.objects.bulk_create(RoleGrant(workspace=workspace, role=role, permission=p) for p in EDITOR_OF_ALL)
    trigger = StoredPermission.objects.get(content_type__model="destination", codename=Permission.TRIGGER.codename)
    DestinationGrant.objects.create(
        workspace_id=workspace.pk, role=role, permission=trigger, content_object=destination
    )
    member = world["member"]
    group = people.create_group(
        actor=BUILDER, organization=workspace.organization, name="Publishers", members=[member.memberships.get()]
    )
    people.set_group_role(actor=BUILDER, workspace=workspace, group=group, role=role)
    return member
