"""How people sign in, over the REST API: the identity provider, rules, domains, mappings and the SCIM token."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.calls import caller, key_of
from tests.workspaces.sso.oidc_provider import CLIENT_ID, CLIENT_SECRET, running_provider
from tests.workspaces.sso.saml_idp import ENTITY, SSO_URL, key_pair
from tests.world import World
from workspaces import services
from workspaces.models import IdentityProvider
from workspaces.scoping import unscoped, workspace_scope
from workspaces.sso import domains

SAML = {"protocol": "saml", "entityId": ENTITY, "ssoUrl": SSO_URL}


@pytest.fixture
def calls(world: World) -> Any:
    """As an organization admin, and as an admin of a workspace alone."""
    return caller(key_of(world.acme, world.owner)), caller(key_of(world.acme, world["admin"]))


def test_the_identity_provider_is_set_up_switched_and_forgotten(world: World, calls: Any, settings: Any) -> None:
    owner, admin = calls
    settings.OUTBOUND_ALLOW = ["*"]
    here = "/identity-provider"
    owner("delete", here)
    assert owner("get", here).status_code == 404
    assert [admin(method, here, SAML).status_code for method in ("put", "patch", "delete")] == [403, 403, 403]
    assert admin("get", here).status_code == 403
    bare = owner("put", here, SAML)
    assert (bare.status_code, list(bare.json()["details"])) == (422, ["certificates"])
    wrong = owner("put", here, {**SAML, "ssoUrl": "ftp://x", "certificates": [key_pair().certificate]})
    assert list(wrong.json()["details"]) == ["ssoUrl"]
    assert list(owner("put", here, {"protocol": "saml", "metadata": "<no/>"}).json()["details"]) == ["metadata"]

    made = owner("put", here, {**SAML, "certificates": [key_pair().certificate]}).json()
    assert (made["protocol"], made["entityId"], made["enabled"], made["testedAt"]) == ("saml", ENTITY, False, None)
    assert len(made["certificates"]) == 1
    assert "BEGIN" not in str(made["certificates"])
    assert owner("patch", here, {"enabled": True}).status_code == 409, "not before a test sign-in"
    with unscoped("the test signs in for an admin"):
        provider = IdentityProvider.objects.get(organization=world.acme.workspace.organization)
    with workspace_scope(world.acme.workspace.pk):
        services.note_test(actor=world.acme.actor, provider=provider)
    assert owner("patch", here, {"enabled": True, "invitationsAllowed": False}).json()["enabled"] is True
    assert owner("get", here).json()["invitationsAllowed"] is False
    assert owner("get", "/sign-in-rules").json()["ssoRequired"] is True, "both say the same thing"
    assert owner("get", f"{here}/attempts").json() == {"data": [], "hasMore": False}

    with running_provider() as issuer:
        oidc = {"protocol": "oidc", "issuer": issuer, "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}
        other = owner("put", here, oidc)
        assert (other.json()["issuer"], other.json()["hasClientSecret"]) == (issuer, True)
        again = owner("put", here, {**oidc, "clientSecret": "", "scopes": "openid groups"})
        assert (again.json()["hasClientSecret"], again.json()["testedAt"]) == (True, None), "the secret stays"
        assert CLIENT_SECRET not in other.content.decode() + again.content.decode()
    token = owner("post", "/scim-token").json()
    assert token["token"].startswith(token["prefix"])
    assert "token" not in owner("get", "/scim-token").json()
    assert owner("delete", "/scim-token").status_code == 204
    assert owner("delete", here).status_code == 204
    assert owner("get", here).status_code == 404


def test_rules_domains_and_mappings_are_changed_by_organization_admins(
    world: World, calls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, admin = calls
    wanted = {"idleMinutes": 30, "lifetimeHours": 12, "networks": ["127.0.0.0/8"], "secondFactor": True}
    assert admin("put", "/sign-in-rules", wanted).status_code == 403
    assert owner("put", "/sign-in-rules", wanted).json() == {**wanted, "networksForScim": False, "ssoRequired": False}
    assert list(owner("put", "/sign-in-rules", {"idleMinutes": 1}).json()["details"]) == ["idleMinutes"]
    elsewhere = owner("put", "/sign-in-rules", {"networks": ["203.0.113.0/24"]})
    assert list(elsewhere.json()["details"]) == ["networks"], "nobody shuts themselves out"
    assert owner("put", "/sign-in-rules", {}).json()["networks"] == []

    assert admin("post", "/email-domains", {"domain": "acme.example"}).status_code == 403
    claimed = owner("post", "/email-domains", {"domain": "ACME.example."}).json()
    assert (claimed["domain"], claimed["recordName"]) == ("acme.example", "_headrace.acme.example")
    monkeypatch.setattr(domains, "texts", lambda name: [])
    proof = f"/email-domains/{claimed['id']}/verify"
    assert owner("post", proof).status_code == 409
    monkeypatch.setattr(domains, "texts", lambda name: [claimed["recordValue"]])
    assert owner("post", proof).json()["verifiedAt"]
    listed = {row["domain"] for row in owner("get", "/email-domains").json()["data"]}
    assert "acme.example" in listed
    assert owner("delete", f"/email-domains/{claimed['id']}").status_code == 204

    known_mapping = world.acme.rows["group_mapping"]
    [known] = owner("get", "/directory-groups").json()["data"]
    body = {"directoryGroupId": known["id"], "groupId": None}
    assert admin("post", "/group-mappings", body).status_code == 403
    assert known["id"] == str(known_mapping.directory_group_id)
    mapped = owner("post", "/group-mappings", body).json()
    assert (mapped["directoryGroupName"], mapped["groupId"]) == (known["name"], None)
    assert owner("post", "/group-mappings", body).status_code == 422, "these two are mapped already"
    assert mapped in owner("get", "/group-mappings").json()["data"]
    assert owner("post", "/group-mappings", {**body, "groupId": str(world.globex.rows["group"].pk)}).status_code == 404
    assert owner("delete", f"/group-mappings/{mapped['id']}").status_code == 204

    member = next(row for row in owner("get", "/members").json()["data"] if row["email"] == world["viewer"].email)
    assert admin("post", f"/members/{member['id']}/sign-out").status_code == 403
    assert owner("post", f"/members/{member['id']}/sign-out").status_code == 204
