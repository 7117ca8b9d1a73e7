"""What an API key opens: its owner's rights, within its scopes, until it expires; service accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from config.errors import Conflict, Denied, Invalid
from governance.audit.models import AuditEntry
from tests.api.calls import Call, caller
from tests.world import World, build_world
from workspaces import services
from workspaces.actors import for_api_key, person
from workspaces.choices import RoleKind
from workspaces.models import ApiKey, GroupRole, OrganizationMember, Role, UserGroup
from workspaces.scopes import KeyScope
from workspaces.scoping import unscoped, workspace_scope
from workspaces.tokens import digest


@pytest.fixture
def world(db: None) -> World:
    """The named world; nothing here needs other processes."""
    return build_world()


def key_with(world: World, *scopes: str, who: str = "owner", **more: Any) -> services.NewApiKey:
    """A key of a person of acme."""
    with workspace_scope(world.acme.workspace.pk):
        return services.create_api_key(
            actor=world.acme.actor if who == "owner" else world.actor(who),
            workspace=world.acme.workspace,
            name="Test",
            scopes=scopes or KeyScope.values,
            **more,
        )


def call_with(world: World, *scopes: str) -> Call:
    """Calls with a key of the owner that has these scopes."""
    return caller(key_with(world, *scopes).secret)


# What each scope adds; a key of an organization admin has every right, so only the scope decides.
DOORS = {
    "read": ("get", "/syncs", None),
    "run": ("post", "/syncs/trigger", {"syncSlug": "none"}),
    "write": ("post", "/sources", {}),
}


@pytest.mark.parametrize("scope", DOORS)
@pytest.mark.parametrize("door", DOORS)
def test_a_key_opens_what_its_scopes_say_and_always_reading(world: World, scope: str, door: str) -> None:
    answer = call_with(world, scope)(*DOORS[door])
    assert (answer.status_code != 403) is (door in (scope, "read"))
    if answer.status_code == 403:
        assert answer.json()["code"] == "missing_scope"
        assert door in answer.json()["message"]


def test_a_key_never_does_what_its_owner_may_not(world: World) -> None:
    call = caller(key_with(world, who="admin").secret)
    assert call("get", "/syncs").status_code == 200
    with unscoped("the owner's group loses its role"):
        GroupRole.objects.filter(group__members__member__user=world["admin"]).update(role=_role("viewer"))
    assert call("post", "/sources", {}).status_code == 403


def test_without_a_place_of_its_owner_a_key_opens_nothing(world: World) -> None:
    made = key_with(world, who="admin")
    with unscoped("the owner's groups are gone"):
        GroupRole.objects.filter(group__members__member__user=world["admin"]).delete()
    answer = caller(made.secret)("get", "/syncs")
    assert answer.status_code == 401
    assert answer.json()["message"] == "Authentication error"
    assert answer.json()["details"] == "No user found"


def test_an_expired_key_is_refused(world: World) -> None:
    made = key_with(world, expires_at=timezone.now() + timedelta(days=1))
    call = caller(made.secret)
    assert call("get", "/syncs").status_code == 200
    with unscoped("a day passes"):
        ApiKey.objects.filter(pk=made.key.pk).update(expires_at=timezone.now())
    assert call("get", "/syncs").status_code == 401


def test_refused_keys_are_in_the_log_once_in_a_while(world: World) -> None:
    cache.clear()
    old, gone, foreign = key_with(world), key_with(world), caller("hr_nobody-knows-it")
    with unscoped("a day passes, and a key is revoked"):
        ApiKey.objects.filter(pk=old.key.pk).update(expires_at=timezone.now())
        ApiKey.objects.filter(pk=gone.key.pk).update(revoked_at=timezone.now())
    for call in (caller(old.secret), caller(gone.secret), foreign) * 3:
        assert call("get", "/syncs").status_code == 401
    with unscoped("entries of no workspace too"):
        entries = AuditEntry.objects.filter(event="api_key.refused").order_by("id")
        told = [(e.workspace_id, e.resource_id, e.user_id, e.after) for e in entries]
    acme, owner = world.acme.workspace.pk, world.owner.pk
    assert told == [
        (acme, old.key.pk, owner, {"reason": "expired", "address": "127.0.0.1"}),
        (acme, gone.key.pk, owner, {"reason": "revoked", "address": "127.0.0.1"}),
        (None, None, None, {"reason": "unknown", "address": "127.0.0.1"}),
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scopes": ["read", "everything"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "expires_at"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(world: World, wrong: dict[str, Any], field: str) -> None:
    with workspace_scope(world.acme.workspace.pk), pytest.raises(Invalid) as refused:
        services.create_api_key(actor=world.acme.actor, workspace=world.acme.workspace, name="x", **wrong)
    assert field in refused.value.fields


def test_a_key_makes_no_key_that_may_do_more(world: World) -> None:
    actor = for_api_key(key_with(world, "read", "manage").key)
    with workspace_scope(world.acme.workspace.pk):
        made = services.create_api_key(
            actor=actor, workspace=world.acme.workspace, name="Same", scopes=["read", "manage"]
        )
        assert made.key.owner == world.owner
        with pytest.raises(Invalid, match="more than itself"):
            services.create_api_key(actor=actor, workspace=world.acme.workspace, name="More", scopes=["write"])


def test_a_key_makes_and_ends_keys_over_the_api_within_its_own_bounds(world: World) -> None:
    end = timezone.now() + timedelta(days=1)
    call = caller(key_with(world, "read", "manage", expires_at=end).secret)
    body = {"name": "Short", "scopes": ["read", "manage"], "expiresAt": (end - timedelta(hours=1)).isoformat()}
    answer = call("post", "/api-keys", body)
    made = answer.json()
    assert answer["Cache-Control"] == "no-store"
    assert caller(made["secret"])("get", "/workspace").status_code == 200
    for wrong, field in (
        ({"scopes": ["read", "write"]}, "scopes"),
        ({"scopes": ["sign_in"]}, "scopes"),
        ({"expiresAt": None}, "expiresAt"),
        ({"expiresAt": (end + timedelta(hours=1)).isoformat()}, "expiresAt"),
    ):
        refused = call("post", "/api-keys", {**body, **wrong})
        assert (refused.status_code, set(refused.json()["details"])) == (422, {field})
    shown = call("get", f"/api-keys/{made['id']}").json()
    assert (shown["name"], shown["scopes"], shown["ownerEmail"]) == ("Short", ["read", "manage"], world.owner.email)
    assert "secret" not in shown
    assert call("delete", f"/api-keys/{made['id']}").json()["revokedAt"]
    assert caller(made["secret"])("get", "/workspace").status_code == 401
    assert [key["id"] for key in call("get", "/api-keys", status="revoked").json()["data"]] == [made["id"]]
    assert call_with(world, "write")("get", "/api-keys").json()["code"] == "missing_scope"
    assert caller(key_with(world, who="admin").secret)("post", "/api-keys", body).status_code == 200


def test_a_service_account_is_made_over_the_api_and_gets_a_key(world: World) -> None:
    call = caller(key_with(world).secret)
    with workspace_scope(world.acme.workspace.pk):
        group = UserGroup.objects.get(roles__role__kind=RoleKind.EDITOR)
        theirs = OrganizationMember.objects.get(user=world["admin"])
    account = call("post", "/service-accounts", {"name": "Airflow", "groupIds": [group.pk]}).json()
    assert (account["groups"], account["workingKeys"]) == ([group.name], 0)
    key = {"name": "Nightly", "scopes": ["run"], "serviceAccountId": int(account["id"])}
    made = call("post", "/api-keys", key).json()
    assert made["ownerEmail"] == account["email"]
    assert caller(made["secret"])("get", "/syncs").status_code == 200
    assert call("get", "/service-accounts").json()["data"][0]["workingKeys"] == 1
    refused = call("post", "/api-keys", {**key, "serviceAccountId": theirs.pk})
    assert "service account" in refused.json()["details"]["serviceAccountId"]
    admin = caller(key_with(world, who="admin").secret)
    assert admin("post", "/service-accounts", {"name": "Mine"}).status_code == 403


def test_changing_how_people_sign_in_takes_a_scope_of_its_own(world: World) -> None:
    """Pages ask for the password again; a key that manages all else must not be enough."""
    manage, sign_in = call_with(world, "read", "write", "run", "manage"), call_with(world, "sign_in", "manage")
    assert manage("get", "/sign-in-rules").status_code == 200
    changes: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("put", "/identity-provider", {}),
        ("put", "/sign-in-rules", {"secondFactor": True}),
        ("post", "/email-domains", {"domain": "acme.test"}),
        ("post", "/scim-token", {}),
        ("post", "/group-mappings", {}),
    )
    for change in changes:
        answer = manage(*change)
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope"), change
        assert "sign_in" in answer.json()["message"]
        assert sign_in(*change).status_code != 403, change


def test_keys_are_not_made_for_other_people(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk), pytest.raises(Invalid, match="service account"):
        services.create_api_key(
            actor=world.actor("admin"), workspace=world.acme.workspace, name="x", owner=world["viewer"]
        )


def test_a_service_account_acts_with_its_groups_rights_and_outlives_people(world: World) -> None:
    member = _service_account(world, RoleKind.EDITOR)
    made = key_with(world, who="admin", owner=member.user)
    call = caller(made.secret)
    assert call("get", "/syncs").status_code == 200
    assert call("post", "/sources", {}).status_code == 422
    with workspace_scope(world.acme.workspace.pk):
        leaver = OrganizationMember.objects.get(user=world["admin"])
        services.remove_person(actor=world.acme.actor, member=leaver)
        created = AuditEntry.objects.get(event="service_account.created")
    assert created.after == {"name": "Airflow", "groups": ["Programs"]}
    assert call("get", "/syncs").status_code == 200


def test_removing_a_service_account_stops_its_keys(world: World) -> None:
    member = _service_account(world, RoleKind.EDITOR)
    call = caller(key_with(world, owner=member.user).secret)
    with workspace_scope(world.acme.workspace.pk):
        services.remove_person(actor=world.acme.actor, member=member)
    assert call("get", "/syncs").status_code == 401


def test_a_service_account_cannot_sign_in_or_administer_the_organization(world: World) -> None:
    member = _service_account(world, RoleKind.EDITOR)
    assert not member.user.has_usable_password()
    with workspace_scope(world.acme.workspace.pk), pytest.raises(Conflict, match="service account"):
        services.update_member(actor=world.acme.actor, member=member, is_admin=True)


def test_only_organization_admins_make_service_accounts(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk), pytest.raises(Denied):
        services.create_service_account(
            actor=world.actor("admin"), organization=world.acme.workspace.organization, name="x"
        )


def test_a_service_account_is_made_in_the_pages_and_gets_a_key(world: World) -> None:
    client = Client()
    client.force_login(world.owner)
    with workspace_scope(world.acme.workspace.pk):
        group = UserGroup.objects.filter(roles__role__kind=RoleKind.EDITOR).get()
    made = client.post("/acme/settings/api-keys/service-accounts/new", {"name": "Dagster", "groups": [group.pk]})
    with workspace_scope(world.acme.workspace.pk):
        account = OrganizationMember.objects.select_related("user").get(user__is_service=True)
    assert made["Location"] == f"/acme/settings/api-keys/new?owner={account.user_id}"
    page = client.post(
        "/acme/settings/api-keys/new", {"name": "Prod", "owner": account.user_id, "scopes": ["run"], "days": "0"}
    )
    with workspace_scope(world.acme.workspace.pk):
        key = ApiKey.objects.get(owner=account.user)
    assert (key.scopes, key.expires_at) == (["run"], None)
    secret = next(word for word in page.content.decode().replace('"', " ").split() if word.startswith("hr_"))
    assert digest(secret) == key.digest
    assert "Dagster" in client.get("/acme/settings/api-keys/service-accounts").content.decode()


def test_every_answer_says_how_many_requests_are_left(world: World, settings: Any) -> None:
    settings.API_RATE_LIMIT = "2/1000s"
    call = call_with(world, "read")
    answers = [call("get", "/syncs") for _ in range(3)]
    assert [a["X-RateLimit-Remaining"] for a in answers] == ["1", "0", "0"]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert answers[0]["X-RateLimit-Limit"] == "2"
    assert int(answers[2]["X-RateLimit-Reset"]) <= 1000


def _role(kind: str) -> Role:
    return Role.objects.get(kind=kind, workspace__slug="acme")


def _service_account(world: World, kind: RoleKind) -> OrganizationMember:
    with workspace_scope(world.acme.workspace.pk):
        organization = world.acme.workspace.organization
        group = services.create_group(actor=world.acme.actor, organization=organization, name="Programs", members=[])
        services.set_group_role(
            actor=world.acme.actor, workspace=world.acme.workspace, group=group, role=Role.objects.get(kind=kind)
        )
        return services.create_service_account(
            actor=person(world.owner), organization=organization, name="Airflow", groups=[group]
        )
