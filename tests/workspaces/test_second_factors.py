"""Second factors as a person uses them: an authenticator app, recovery codes, and an organization that asks for one."""

from __future__ import annotations

import base64
import re
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client, override_settings

from governance.audit.models import AuditEntry
from tests.workspaces.sign_in_calls import a_newer_key
from tests.workspaces.sso.support import Visitor, set_up
from tests.world import BUILDER, World, build_world
from workspaces import services
from workspaces.models import OrganizationMember, User
from workspaces.scoping import unscoped, workspace_scope

PASSWORD = "correct horse battery"


class Device:
    """An authenticator app: it knows the key, and shows the code of a moment."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._totp = TOTP(base64.b32decode(key), 6, SHA1(), 30)  # noqa: S303 - what authenticator apps use

    def code(self, steps: int = 0) -> str:
        """The code shown now, or so many steps of 30 seconds later."""
        return self._totp.generate(time.time() + 30 * steps).decode()


@pytest.fixture
def world(transactional_db: None) -> World:
    """Committed: the account library tells of factors after its own commit, and services open no transaction in one."""
    return build_world()


@pytest.fixture
def editor(world: World) -> User:
    cache.clear()
    services.change_password(actor=BUILDER, user=world["editor"], password=PASSWORD)
    return world["editor"]


def login(user: User, client: Client | None = None) -> tuple[Client, Any]:
    client = client or Client()
    return client, client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})


def prove_again(client: Client, to: str) -> Any:
    """Open a page that asks once more who is there."""
    response = client.get(to)
    if response.status_code == 302:
        assert response["Location"].startswith("/accounts/reauthenticate/"), response["Location"]
        response = client.post(response["Location"], {"password": PASSWORD}, follow=True)
    return response


def enrol(client: Client) -> Device:
    page = prove_again(client, "/accounts/mfa/totp/activate/")
    device = Device(page.context["form"].secret)
    response = client.post("/accounts/mfa/totp/activate/", {"code": device.code()})
    assert response.status_code == 302, response.content.decode()
    return device


def enter(client: Client, code: str) -> Any:
    return client.post("/accounts/mfa/authenticate/", {"code": code})


def inside(client: Client) -> bool:
    return client.get("/me/sessions").status_code == 200


def entries() -> list[tuple[str, dict[str, Any]]]:
    with unscoped("the test looks at all entries"):
        return [(e.event, e.after or {}) for e in AuditEntry.objects.order_by("pk")]


def test_an_app_is_set_up_and_asked_for_and_a_code_opens_once(editor: User) -> None:
    client, _ = login(editor)
    device = enrol(client)
    assert entries()[-1] == ("second_factor.added", {"kind": "recovery codes"})
    assert ("second_factor.added", {"kind": "authenticator app"}) in entries()
    with unscoped("the test looks at what is stored"):
        stored = str(list(editor.authenticator_set.values_list("data", flat=True)))  # type: ignore[attr-defined]
    assert device.key not in stored
    client.post("/accounts/logout/")
    client, response = login(editor, client)
    assert response["Location"].startswith("/accounts/mfa/authenticate/")
    assert not inside(client)
    assert client.get("/acme/syncs")["Location"].startswith("/accounts/login/")
    assert enter(client, "000000" if device.code() != "000000" else "111111").status_code == 200
    assert entries()[-1][1]["method"] == "second factor"
    assert not inside(client)
    code = device.code()
    assert enter(client, code).status_code == 302
    assert inside(client)
    assert entries()[-1][0] == "session.signed_in"
    assert entries()[-1][1]["method"] == "password + totp"
    other, _ = login(editor)
    assert enter(other, code).status_code == 200
    assert not inside(other)


def test_wrong_codes_are_limited_and_say_so(editor: User) -> None:
    client, _ = login(editor)
    device = enrol(client)
    other, _ = login(editor)
    answers = [enter(other, f"{n:06d}").content.decode() for n in range(6)]
    assert "Too many" in answers[-1]
    assert "Too many" in enter(other, device.code()).content.decode()
    assert not inside(other)


def test_the_code_of_another_moment_opens_nothing(editor: User) -> None:
    client, _ = login(editor)
    device = enrol(client)
    other, _ = login(editor)
    for steps in (-20, 20):
        enter(other, device.code(steps))
        assert not inside(other)


def test_recovery_codes_open_once_each_and_new_ones_end_the_old(editor: User) -> None:
    client, _ = login(editor)
    enrol(client)
    codes = shown_codes(client)
    assert len(codes) == len(set(codes)) == 10
    other, _ = login(editor)
    assert enter(other, codes[0]).status_code == 302
    assert inside(other)
    again, _ = login(editor)
    enter(again, codes[0])
    assert not inside(again)
    client.post("/accounts/mfa/recovery-codes/generate/")
    assert entries()[-1] == ("second_factor.renewed", {"kind": "recovery codes"})
    enter(again, codes[1])
    assert not inside(again)
    enter(again, shown_codes(client)[1])
    assert inside(again)


def shown_codes(client: Client) -> list[str]:
    page = client.get("/accounts/mfa/recovery-codes/").content.decode()
    return list(dict.fromkeys(re.findall(r"\b\d{8}\b", page)))


def test_turning_a_factor_off_asks_who_is_there_and_is_remembered(editor: User) -> None:
    client, _ = login(editor)
    enrol(client)
    cold, _ = login(editor)
    assert cold.get("/accounts/mfa/totp/deactivate/")["Location"].startswith("/accounts/login/")
    assert client.post("/accounts/mfa/totp/deactivate/").status_code == 302
    removed = [event for event, _ in entries() if event == "second_factor.removed"]
    assert len(removed) == 2
    assert login(editor)[1]["Location"] == "/"


def ask_for_one(world: World) -> None:
    with workspace_scope(world.acme.workspace.pk):
        services.set_sign_in_rules(
            actor=world.acme.actor,
            organization=world.acme.workspace.organization,
            rules=services.Rules(second_factor=True),
            address="127.0.0.1",
        )


def test_an_organization_that_asks_for_one_lets_nobody_in_without(editor: User, world: World) -> None:
    before, _ = login(editor)
    ask_for_one(world)
    assert before.get("/acme/syncs").status_code == 200
    client, _ = login(editor)
    response = client.get("/acme/syncs")
    assert response["Location"].startswith("/accounts/mfa/?next=%2Facme%2Fsyncs")
    page = client.get(response["Location"]).content.decode()
    assert "asks for a second factor" in page
    partial = client.get("/acme/syncs", headers={"HX-Request": "true"})
    assert (partial.status_code, partial["HX-Redirect"].split("?")[0]) == (401, "/accounts/mfa/")
    enrol(client)
    assert client.get("/acme/syncs").status_code == 200
    assert client.post("/accounts/mfa/totp/deactivate/").status_code == 302
    assert client.get("/acme/syncs").status_code == 302


def test_people_of_the_identity_provider_are_asked_there(world: World) -> None:
    cache.clear()
    visitor = Visitor(set_up(world))
    ask_for_one(world)
    visitor.leave()
    visitor.bring(visitor.answer().encoded())
    with workspace_scope(world.acme.workspace.pk):
        OrganizationMember.objects.filter(user__email="grace@acme.test").update(is_admin=True)
    assert visitor.client.get("/acme/syncs").status_code == 200


def test_rotation_keeps_apps_recovery_codes_and_client_secrets_working(editor: User, world: World) -> None:
    from tests.workspaces.sso.oidc_provider import CLIENT_SECRET, trust_of

    with workspace_scope(world.acme.workspace.pk):
        provider = services.save_identity_provider(
            actor=BUILDER, organization=world.acme.workspace.organization, trust=trust_of("https://id.example.test")
        )
    client, _ = login(editor)
    device = enrol(client)
    codes = shown_codes(client)
    services.change_password(actor=BUILDER, user=world["member"], password=PASSWORD)
    stranger = services.create_person(actor=BUILDER, email="stranger@example.org", password=PASSWORD)
    alone, _ = login(stranger)
    theirs = enrol(alone)
    with a_newer_key():
        from django.conf import settings

        newest = settings.SECRET_KEYS[:1]
        with pytest.raises(CommandError, match="1 secrets of identity providers, 4 second factors"):
            call_command("rotate_secrets", check=True)
        call_command("rotate_secrets")
        call_command("rotate_secrets", check=True)
        rotated = [after for event, after in entries() if event == "sign_in_secrets.rotated"]
        assert rotated == [{"identity_providers": 1, "second_factors": 2}, {"second_factors": 2}]
        call_command("rotate_secrets")
        assert [event for event, _ in entries()].count("sign_in_secrets.rotated") == 2
    with override_settings(SECRET_KEYS=newest):
        from config.sealing import unseal

        with unscoped("the test looks at what is stored"):
            provider.refresh_from_db()
        assert unseal(provider.sealed) == CLIENT_SECRET
        for user, code in ((editor, device.code()), (editor, codes[3]), (stranger, theirs.code())):
            browser, _ = login(user)
            assert enter(browser, code).status_code == 302
            assert inside(browser)
