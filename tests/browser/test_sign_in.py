"""Signing in as people do it: an organization's own provider from set-up to the first new person, and passkeys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect

from governance.audit.models import AuditEntry
from tests.browser.chromium import axe_violations, context_of, overflow
from tests.workspaces.sso.oidc_provider import CLIENT_ID, CLIENT_SECRET, knows, running_provider
from tests.world import BUILDER, World, build_world
from workspaces import services
from workspaces.models import User
from workspaces.scoping import unscoped

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def acme(server: str) -> World:
    """The world, in the database that the server shares."""
    return build_world()


@pytest.fixture
def contexts(chromium: Browser, server: str, settings: Any) -> Iterator[list[BrowserContext]]:
    """Two people's browsers."""
    cache.clear()
    settings.BASE_URL = server
    settings.OUTBOUND_ALLOW = ["*"]
    made = [context_of(chromium), context_of(chromium)]
    yield made
    for context in made:
        context.close()


@pytest.fixture
def issuer() -> Iterator[str]:
    with running_provider() as address:
        yield address


def events_since(first: int) -> list[str]:
    with unscoped("the test looks at all entries"):
        return list(AuditEntry.objects.filter(pk__gt=first).order_by("pk").values_list("event", flat=True))


def newest_entry() -> int:
    with unscoped("the test looks at all entries"):
        return AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]


def at_the_provider(page: Page, subject: str) -> None:
    """The provider's own page."""
    page.get_by_placeholder("sub").fill(subject)
    page.get_by_role("button", name="Authorize").click()


def test_an_admin_sets_a_provider_up_and_a_new_person_signs_in(
    contexts: list[BrowserContext], server: str, acme: World, issuer: str
) -> None:
    client = Client()
    client.force_login(acme.owner)
    first = newest_entry()
    contexts[0].add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": f"{server}/"}])
    knows(issuer, "owner", email="owner@acme.test", name="Olive Owner", groups=["Leads"])
    knows(issuer, "grace", email="grace@acme.test", name="Grace Hopper", groups=["Analysts of acme"])

    admin = contexts[0].new_page()
    admin.goto(f"{server}/acme/organization/single-sign-on")
    admin.get_by_role("link", name="Set up OpenID Connect").click()
    admin.get_by_label("Issuer").fill(issuer)
    admin.get_by_label(re.compile("^Client ID")).fill(CLIENT_ID)
    admin.get_by_label(re.compile("^Client secret")).fill(CLIENT_SECRET)
    expect(admin.get_by_role("switch", name="Only addresses in proven domains")).to_be_checked()
    assert axe_violations(admin) == []
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text(f"{server}/sso/acme/callback")).to_be_visible()
    expect(admin.get_by_role("button", name="Turn on")).to_be_disabled()
    admin.get_by_role("link", name="Test sign-in").click()
    at_the_provider(admin, "owner")
    expect(admin.get_by_text("The test worked")).to_be_visible()
    admin.get_by_role("button", name="Turn on").click()
    expect(admin.get_by_text("Single sign-on is on.")).to_be_visible()
    admin.get_by_label("Domain").fill("acme.test")
    admin.get_by_role("button", name="Add domain").click()
    expect(admin.get_by_text("Waits for the record")).to_be_visible()
    call_command("prove_domain", "acme.test")
    admin.reload()
    expect(admin.get_by_text("Proven", exact=True)).to_be_visible()

    grace = contexts[1].new_page()
    grace.goto(f"{server}/accounts/login/")
    grace.get_by_label("E-mail").fill("grace@acme.test")
    grace.get_by_label("Password").fill("whatever she types")
    grace.get_by_role("button", name="Sign in", exact=True).click()
    expect(grace.get_by_text("signs in with single sign-on")).to_be_visible()
    assert axe_violations(grace) == []
    grace.get_by_role("link", name="Go on to single sign-on").click()
    at_the_provider(grace, "grace")
    expect(grace).to_have_url(f"{server}/welcome")

    admin.reload()
    expect(admin.get_by_role("cell", name=re.compile("grace@acme.test"))).to_be_visible()
    admin.get_by_label("Group at the provider").select_option("Analysts of acme")
    admin.get_by_label("Group here").select_option("Viewer group")
    admin.get_by_role("button", name="Add mapping").click()
    expect(admin.get_by_role("cell", name="Analysts of acme", exact=True)).to_be_visible()
    admin.set_viewport_size({"width": 375, "height": 812})
    assert overflow(admin) == 0
    admin.get_by_role("link", name="Read the guide").click()
    expect(admin.get_by_role("heading", name="Require single sign-on")).to_be_visible()
    assert overflow(admin) == 0
    admin.go_back()
    admin.emulate_media(color_scheme="dark")
    assert axe_violations(admin) == []
    grace.goto(f"{server}/")
    expect(grace).to_have_url(f"{server}/acme/")

    made = User.objects.get(email="grace@acme.test")
    assert (made.name, made.sso_organization_id) == ("Grace Hopper", acme.acme.workspace.organization_id)
    assert events_since(first) == [
        "identity_provider.saved",
        "identity_provider.tested",
        "identity_provider.switched",
        "email_domain.added",
        "email_domain.verified",
        "directory_person.updated",
        "session.signed_in",
        "group_mapping.added",
    ]


def with_passkeys(context: BrowserContext) -> Page:
    """A page of a device that holds passkeys and agrees to everything."""
    page = context.new_page()
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return page


def test_a_passkey_is_added_signs_in_alone_and_is_a_second_factor(
    contexts: list[BrowserContext], server: str, acme: World
) -> None:
    owner = acme.outsider
    services.change_password(actor=BUILDER, user=owner, password=PASSWORD)
    first = newest_entry()
    # Browsers offer passkeys on localhost, not on an address of numbers.
    here = f"http://localhost:{urlsplit(server).port}"
    page = with_passkeys(contexts[0])

    def with_password() -> None:
        page.goto(f"{here}/accounts/login/")
        page.get_by_label("E-mail").fill(owner.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page).not_to_have_url(f"{here}/accounts/login/")

    def leave() -> None:
        page.goto(f"{here}/accounts/logout/")
        page.get_by_role("button", name=re.compile("Sign out")).click()
        expect(page).to_have_url(f"{here}/accounts/login/")

    with_password()
    page.goto(f"{here}/accounts/mfa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name").fill("My laptop")
    page.get_by_label("Passwordless").check()
    assert axe_violations(page) == []
    with page.expect_navigation():
        page.get_by_role("button", name="Add key").click()
    page.goto(f"{here}/accounts/mfa/")
    expect(page.get_by_text("1 key is set up.")).to_be_visible()
    expect(page.get_by_text("10 codes are left.")).to_be_visible()
    leave()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{here}/globex/")
    leave()
    with_password()
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page).to_have_url(f"{here}/globex/")
    leave()
    with unscoped("an account that the organization's identity provider has taken over"):
        User.objects.filter(pk=owner.pk).update(sso_organization=acme.globex.workspace.organization_id)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("opened by your organization's identity provider only")).to_be_visible()
    page.goto(f"{here}/globex/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert events_since(first) == [
        "session.signed_in",
        "second_factor.added",
        "second_factor.added",
        *(2 * ["session.signed_out", "session.signed_in"]),
        "session.signed_out",
        "session.refused",
    ]
