"""Signing out together with the identity provider, as a person does it: out here, by a page, and on to the provider."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Route, expect

from tests.browser.chromium import axe_violations, context_of, overflow
from tests.workspaces.sso.saml_idp import ENTITY, SSO_URL, key_pair
from tests.workspaces.sso.support import Visitor, set_up
from tests.world import BUILDER, World, build_world
from workspaces import services
from workspaces.scoping import workspace_scope

pytestmark = pytest.mark.browser

SLO_URL = "https://idp.example.test/slo"


@pytest.fixture
def context(chromium: Browser, server: str, settings: Any) -> Iterator[BrowserContext]:
    settings.BASE_URL = server
    made = context_of(chromium)
    yield made
    made.close()


@pytest.fixture
def acme(server: str) -> World:
    return build_world()


def test_a_person_signs_out_here_and_is_led_to_the_provider(context: BrowserContext, server: str, acme: World) -> None:
    provider = set_up(acme)
    with workspace_scope(acme.acme.workspace.pk):
        trust = services.Trust(
            protocol="saml",
            entity_id=ENTITY,
            sso_url=SSO_URL,
            slo_url=SLO_URL,
            certificates=[key_pair().certificate],
        )
        services.save_identity_provider(actor=BUILDER, organization=acme.acme.workspace.organization, trust=trust)
    visitor = Visitor(provider)
    visitor.leave()
    visitor.bring(visitor.answer().encoded())
    session = visitor.client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": f"{server}/"}])

    page = context.new_page()
    page.goto(f"{server}/accounts/logout/")

    def stay(route: Route) -> None:
        route.fulfill(status=204)

    page.route(f"{SLO_URL}**", stay)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out of Headrace")).to_be_visible()
    for width, scheme in ((1440, "light"), (375, "dark")):
        page.set_viewport_size({"width": width, "height": 812})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert axe_violations(page) == []
        assert overflow(page) == 0
    page.unroute(f"{SLO_URL}**", stay)
    page.route(f"{SLO_URL}**", lambda route: route.fulfill(body="The provider’s own page"))
    page.get_by_role("link", name="Go on").click()
    expect(page).to_have_url(re.compile(re.escape(SLO_URL) + r"\?SAMLRequest=.*&SigAlg=.*&Signature="))
    page.goto(f"{server}/acme/syncs")
    expect(page).to_have_url(re.compile("/accounts/login/"))
    page.goto(f"{server}/sso/acme/logout?SAMLRequest=AAAA")
    expect(page.get_by_role("heading", name="Not signed out everywhere")).to_be_visible()
    assert axe_violations(page) == []
