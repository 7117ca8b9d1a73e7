"""Forms are accepted from our own pages only, and no page can be framed or run foreign scripts."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.invariants.addresses import routes
from tests.world import World


def test_only_the_rest_api_goes_without_the_forgery_token() -> None:
    exempt = {route.name for route in routes() if getattr(route.view, "csrf_exempt", False)}
    assert exempt
    # An identity provider posts its signed answer from its own pages; the answer to a request of ours is what counts,
    # and a request to sign somebody out its signature.
    # SCIM is asked with a token that no browser sends by itself.
    assert {name for name in exempt if not name.startswith(("api:", "scim_"))} == {"sso_acs", "sso_logout"}


@pytest.mark.parametrize("header", ["", "true"])
@pytest.mark.django_db
def test_a_forged_post_is_refused_also_as_a_partial_update(world: World, header: str) -> None:
    client = Client(enforce_csrf_checks=True, headers={"HX-Request": header} if header else {})
    client.force_login(world.owner)
    assert client.post(reverse("workspaces:general", args=[world.acme.slug]), {"name": "Taken"}).status_code == 403


@pytest.mark.django_db
def test_pages_carry_the_policies_that_keep_foreign_code_out(world: World) -> None:
    client = Client()
    client.force_login(world.owner)
    answer = client.get(f"/{world.acme.slug}/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "object-src 'none'" in policy
    assert "script-src-attr 'none'" in policy
    assert "base-uri 'self'" in policy
    assert "form-action 'self'" in policy
    assert answer["Cross-Origin-Opener-Policy"] == answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert settings.SESSION_COOKIE_HTTPONLY
    assert client.cookies["sessionid"]["httponly"]


@pytest.mark.parametrize("target", ["https://evil.test/", "//evil.test/", "/\\evil.test", "javascript:alert(1)"])
@pytest.mark.django_db
def test_signing_in_leads_nowhere_else(world: World, target: str) -> None:
    owner = world.owner
    owner.set_password("correct horse battery")
    owner.save()
    answer = Client().post(
        f"/accounts/login/?next={target}", {"login": owner.email, "password": "correct horse battery"}
    )
    assert answer.status_code == 302
    assert answer["Location"] in ("/", "/welcome")
