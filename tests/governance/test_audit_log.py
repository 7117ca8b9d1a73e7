"""The audit log: what is kept, what is masked, and the page that shows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from governance.audit import events
from governance.audit.actors import Actor, ActorKind, system
from governance.audit.context import correlate
from governance.audit.masking import MASK, mask
from governance.audit.models import AuditEntry
from governance.audit.services import (
    ServiceContractError,
    changes,
    record,
    service,
    unchanged,
)
from tests.world import World
from workspaces import services
from workspaces.models import UserGroup, Workspace
from workspaces.scoping import unscoped, workspace_scope

LOG = "/acme/audit-log"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def admin(world: World) -> Client:
    client = Client()
    client.force_login(world["admin"])
    return client


@pytest.fixture
def owner(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


def shown(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


# --- what is kept ---


@pytest.fixture
def touched() -> Callable[..., object]:
    @service("workspace.updated")
    def touch_workspace(*, actor: Actor, workspace: Workspace, entries: int, quiet: bool = False) -> None:
        for _ in range(entries):
            record(workspace, after={"name": "x"})
        if quiet:
            unchanged()

    return touch_workspace


@pytest.mark.parametrize(("entries", "quiet"), [(0, False), (2, False), (1, True)])
def test_a_service_that_leaves_another_number_of_entries_changes_nothing(
    world: World, touched: Callable[..., object], entries: int, quiet: bool
) -> None:
    with workspace_scope(world.acme.workspace.pk):
        before = AuditEntry.objects.count()
        with pytest.raises(ServiceContractError):
            touched(actor=system("test"), workspace=world.acme.workspace, entries=entries, quiet=quiet)
        assert AuditEntry.objects.count() == before


def test_a_service_needs_an_actor(world: World, touched: Callable[..., object]) -> None:
    for actor in (None, "someone"):
        with pytest.raises(ServiceContractError, match="actor"):
            touched(actor=actor, workspace=world.acme.workspace, entries=1)
    with pytest.raises(ServiceContractError, match="keyword-only"):

        @service("workspace.updated")
        def touch_positionally(actor: Actor) -> None: ...


def test_nothing_is_recorded_outside_a_service(world: World) -> None:
    with pytest.raises(ServiceContractError):
        record(world.acme.workspace)


def test_an_entry_says_who_what_and_under_which_request(world: World) -> None:
    key = world.acme.rows["api_key"].key
    actor = Actor(ActorKind.API_KEY, key.pk, key.name, user_id=world.owner.pk, workspace_id=world.acme.workspace.pk)
    with workspace_scope(world.acme.workspace.pk), correlate("c" * 32):
        services.update_workspace(actor=actor, workspace=world.acme.workspace, name="New", slug="acme")
        entry = AuditEntry.objects.first()
    assert entry is not None
    assert (entry.event, entry.actor_kind, entry.actor_id, entry.actor_label, entry.user_id) == (
        "workspace.updated",
        "api_key",
        key.pk,
        "Airflow",
        world.owner.pk,
    )
    assert (entry.workspace_id, entry.organization_id) == (
        world.acme.workspace.pk,
        world.acme.workspace.organization_id,
    )
    assert (entry.resource_type, entry.resource_id, entry.resource_label) == (
        "workspace",
        world.acme.workspace.pk,
        "New",
    )
    assert (entry.before, entry.after, entry.correlation_id) == ({"name": "Acme"}, {"name": "New"}, "c" * 32)


def test_event_names_are_registered_once() -> None:
    with pytest.raises(events.DuplicateEventType):
        events.register("workspace.updated", "again")
    with pytest.raises(events.UnknownEventType):
        events.get("nothing.happened")


def test_changes_hold_only_what_differs() -> None:
    found = changes({"a": 1, "b": 2, "gone": 3}, {"a": 1, "b": 4, "new": 5})
    assert found.before == {"b": 2, "gone": 3, "new": None}
    assert found.after == {"b": 4, "gone": None, "new": 5}
    assert not changes({"a": 1}, {"a": 1})


# --- what is masked ---


@given(values=st.dictionaries(st.text(max_size=8), JSON, max_size=4), secret=st.text(min_size=20))
def test_secrets_never_pass_however_deep(values: dict[str, object], secret: str) -> None:
    hidden = mask(
        {**values, "nested": [{"client_secret": secret}, {"deep": {"apiKey": secret, "pin": secret}}]},
        frozenset({"pin"}),
    )
    assert hidden is not None
    assert hidden["nested"] == [{"client_secret": MASK}, {"deep": {"apiKey": MASK, "pin": MASK}}]


@given(
    values=st.dictionaries(
        st.sampled_from(["name", "slug", "email", "count"]), JSON.filter(lambda v: not isinstance(v, dict | list))
    )
)
def test_harmless_values_pass_as_they_are(values: dict[str, object]) -> None:
    assert mask(values) == values


def test_an_unset_secret_shows_that_it_is_unset() -> None:
    assert mask({"password": "", "token": None, "secret": "x"}) == {"password": "", "token": None, "secret": MASK}


# --- the page ---


def test_workspace_admins_see_the_workspace_and_owners_the_organization_too(
    world: World, admin: Client, owner: Client
) -> None:
    with workspace_scope(world.acme.workspace.pk):
        services.create_api_key(actor=world.acme.actor, workspace=world.acme.workspace, name="Dagster")
    assert "Dagster" in shown(admin, LOG)
    assert "Dagster" in shown(owner, LOG)
    assert "created the group" not in shown(admin, LOG).split("<tbody>")[1]
    assert "created the group" in shown(owner, LOG).split("<tbody>")[1]


def test_others_see_no_log(world: World) -> None:
    client = Client()
    for user, status in ((world["editor"], 403), (world["viewer"], 403), (world["member"], 404), (world.outsider, 404)):
        client.force_login(user)
        assert client.get(LOG).status_code == status


def test_refusals_are_kept_once_and_those_of_keys_too(world: World, owner: Client) -> None:
    cache.clear()  # people of other tests had the same ids, and were refused, too
    client = Client()
    client.force_login(world["viewer"])
    for _ in range(3):
        assert client.get("/acme/settings/api-keys?page=1").status_code == 403
    with workspace_scope(world.acme.workspace.pk):
        key = services.create_api_key(
            actor=system("test"), workspace=world.acme.workspace, name="Reader", owner=world["viewer"]
        )
        answer = Client().post(
            "/api/v1/sources", "{}", content_type="application/json", headers={"Authorization": f"Bearer {key.secret}"}
        )
        assert answer.status_code == 403
        refused = AuditEntry.objects.filter(event="access.denied").order_by("pk")
        said = [(e.actor_kind, e.actor_label, e.resource_label) for e in refused]
    assert said == [
        ("person", world["viewer"].email, "GET /acme/settings/api-keys"),
        ("api_key", "Reader", "POST /api/v1/sources"),
    ]
    assert "was refused" in rows(owner, "event=access.denied")


def test_nothing_of_another_organization_is_shown(world: World, owner: Client) -> None:
    assert world.globex.rows["api_key"]
    page = shown(owner, LOG)
    assert "globex" not in page.lower()
    with unscoped("the test looks for a foreign entry"):
        foreign = AuditEntry.objects.filter(workspace_id=world.globex.workspace.pk).first()
    assert foreign is not None
    assert owner.get(f"{LOG}/{foreign.pk}").status_code == 404


def rows(client: Client, query: str) -> str:
    return shown(client, f"{LOG}?{query}").partition("<tbody>")[2]


def test_filters_narrow_and_combine(world: World, owner: Client) -> None:
    with workspace_scope(world.acme.workspace.pk):
        group = UserGroup.objects.get(name="Viewer group")
        services.update_group(actor=world.acme.actor, group=group, name="Readers", description="")
        services.create_api_key(actor=world.acme.actor, workspace=world.acme.workspace, name="Dagster")
        services.update_profile(actor=world.actor("editor"), user=world["editor"], name="Ed", timezone="UTC")
    mine = f"person={world.owner.pk}"
    assert "Readers" in rows(owner, mine)
    assert "changed their profile" not in rows(owner, mine)
    assert "Dagster" in rows(owner, f"{mine}&type=api_key")
    assert "Readers" not in rows(owner, f"{mine}&type=api_key")
    assert "Readers" in rows(owner, f"{mine}&type=group&event=group.updated&q=read")
    assert "gave" not in rows(owner, f"{mine}&type=group&event=group.updated")
    assert "test world" in rows(owner, "person=system")
    assert "Dagster" not in rows(owner, "person=system")
    assert "Dagster" in rows(owner, "since=2020-01-01&until=2999-12-31")
    assert rows(owner, "until=2020-01-01") == ""
    assert "Dagster" in rows(owner, "since=not-a-day&type=nonsense")


def test_an_entry_shows_before_and_after(world: World, owner: Client) -> None:
    with workspace_scope(world.acme.workspace.pk), correlate("d" * 32):
        services.update_workspace(
            actor=world.acme.actor, workspace=world.acme.workspace, name="Acme Europe", slug="acme"
        )
        services.create_api_key(actor=world.acme.actor, workspace=world.acme.workspace, name="Dagster")
        entry = AuditEntry.objects.get(event="workspace.updated")
    page = shown(owner, f"{LOG}/{entry.pk}")
    assert "Acme Europe" in page
    assert "diff-removed" in page
    assert "Dagster" in page
    part = owner.get(f"{LOG}/{entry.pk}", headers={"HX-Request": "true"}).content.decode()
    assert "Acme Europe" in part
    assert "<html" not in part


def test_a_long_log_costs_few_statements_and_pages_by_cursor(world: World, owner: Client) -> None:
    with workspace_scope(world.acme.workspace.pk):
        AuditEntry.objects.bulk_create(
            AuditEntry(
                workspace_id=world.acme.workspace.pk,
                organization_id=world.acme.workspace.organization_id,
                event="workspace.updated",
                actor_kind="person",
                actor_label=f"person {number}",
                resource_type="workspace",
                resource_label="Acme",
            )
            for number in range(120)
        )
    with CaptureQueriesContext(
        connection,
    ) as queries:
        first = shown(owner, LOG)
    assert len(queries) < 15
    assert "person 119" in first
    assert "person 60" not in first
