"""Signing a destination in on a service's own page, in the browser: there, agree, back, test, finish."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.acting import signed_in
from tests.browser.chromium import assert_sound
from tests.browser.conftest import Open
from tests.connectors.kit.oauth_provider import CLIENT_ID, CLIENT_SECRET, Provider, oauth_provider
from tests.world import World, build_world

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def acme(server: str) -> World:
    """The world, in the database that the server shares."""
    return build_world()


@pytest.fixture
def provider(server: str, settings: Any) -> Iterator[Provider]:
    settings.OUTBOUND_ALLOW = ["*"]
    with oauth_provider() as running:
        running.redirect_uri = f"{server}/oauth/callback/"
        yield running


def test_a_destination_is_signed_in_at_its_service(
    open_page: Open, server: str, acme: World, provider: Provider
) -> None:
    page = signed_in(open_page, acme.owner)
    page.goto(f"{server}/acme/destinations/new/http_request")
    page.get_by_label("Base URL").fill(provider.url)
    page.get_by_role("switch", name=re.compile("OAuth 2")).check()
    page.get_by_label("Grant type").select_option("Authorization code")
    expect(page.get_by_text("Register Headrace there first")).to_be_visible()
    expect(page.get_by_text(provider.redirect_uri)).to_be_visible()
    page.get_by_label("Authorization URL").fill(f"{provider.url}/authorize")
    page.get_by_label("Access token URL").fill(f"{provider.url}/token")
    page.get_by_role("textbox", name=re.compile("^Client ID")).fill(CLIENT_ID)
    page.get_by_label(re.compile("^Client secret")).fill(CLIENT_SECRET)
    assert_sound(page)
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_text("Nobody has signed in yet.")).to_be_visible()
    assert_sound(page)
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("alert")).to_contain_text("The person said no.")
    assert_sound(page)
    page.get_by_role("link", name=re.compile("^Back to")).click()
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("Signed in at 127.0.0.1.")).to_be_visible()
    page.get_by_role("link", name="Continue", exact=True).click()
    page.get_by_label("Name", exact=False).first.fill("Rows API")
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rows API")
    provider.revoke()
    page.get_by_role("button", name="Test again").click()
    expect(page.get_by_text("The sign-in no longer holds.")).to_be_visible()
    expect(page.get_by_role("button", name="Test again")).to_be_hidden()
    assert_sound(page)
    page.get_by_role("button", name="Reconnect").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("Connected.", exact=True)).to_be_visible()
