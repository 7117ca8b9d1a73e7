"""SAML with an identity provider program of somebody else's making (samlify, on Node): metadata in, people in."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.core.cache import cache
from django.test import Client

from tests.workspaces.sign_in_calls import sign_in_row
from tests.workspaces.sso.saml_idp import key_pair
from tests.workspaces.sso.test_saml import events, last_failure, signed_in_as
from tests.world import World
from workspaces import services
from workspaces.models import DirectoryGroup, IdentityProvider, UserGroup
from workspaces.scoping import workspace_scope

PROGRAM = Path(__file__).with_name("identity_provider.mjs")
FRONTEND = Path(__file__).resolve().parents[3] / "frontend"
PAGE = "/acme/organization/single-sign-on"
GRACE = {"email": ["grace@acme.test"], "name": ["Grace & Co"], "groups": ["Data", "Everybody"]}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    node = shutil.which("node")
    if node is None or not (FRONTEND / "node_modules" / "samlify").exists():
        pytest.skip("no Node or no front-end packages: run make")
    pair = key_pair("program")
    given = {"key": pair.key, "certificate": pair.certificate, "modules": str(FRONTEND / "package.json")}
    with subprocess.Popen(
        [node, str(PROGRAM), json.dumps(given)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
        running.terminate()


def put(address: str, body: str) -> None:
    with urlopen(Request(address, body.encode(), method="PUT")) as answer:  # noqa: S310 - loopback
        assert answer.status == 200


def set_up(world: World, address: str) -> Client:
    """An admin enters the provider's metadata by its address, tests the connection and turns it on; their browser."""
    cache.clear()
    admin = Client()
    admin.force_login(world.owner)
    form = {
        "metadata_url": f"{address}/metadata",
        "email_attribute": "email",
        "name_attribute": "name",
        "groups_attribute": "groups",
    }
    saved = admin.post(f"{PAGE}/saml", form)
    assert saved.status_code == 302, saved.content.decode()
    put(f"{address}/application", Client().get("/sso/acme/metadata").content.decode())
    be(address, "owner", email=["owner@acme.test"])
    assert come_back(admin, admin.get("/sso/acme/test/acme"))["Location"] == f"{PAGE}?tested=1"
    admin.post(f"{PAGE}/switch", {"enabled": "on"})
    return admin


def be(address: str, subject: str, **attributes: list[str]) -> None:
    """Who is signed in at the provider."""
    put(f"{address}/person", json.dumps({"subject": subject, "attributes": {**GRACE, **attributes}}))


def come_back(client: Client, left: Any) -> Any:
    """Follow to the provider, post its answer as its page does, and follow back."""
    assert left.status_code == 302, left.content.decode()
    with urlopen(left["Location"]) as page:  # noqa: S310 - loopback
        answer = json.load(page)
    assert answer.pop("to") == "http://127.0.0.1:8000/sso/acme/acs"
    posted = Client().post("/sso/acme/acs", answer)
    return client.get(posted["Location"])


def sign_in() -> tuple[Client, Any]:
    client = Client()
    return client, come_back(client, client.get("/sso/acme?next=/acme/syncs"))


def test_metadata_in_and_people_in(world: World, address: str, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["*"]
    admin = set_up(world, address)
    be(address, "00u1")
    client, response = sign_in()
    assert response["Location"] == "/acme/syncs", response.content.decode()
    user = sign_in_row("grace@acme.test")
    assert (signed_in_as(client), user.name) == (user.pk, "Grace & Co")
    assert client.get("/acme/syncs").status_code == 404
    with workspace_scope(world.acme.workspace.pk):
        services.map_group(
            actor=world.acme.actor,
            organization=world.acme.workspace.organization,
            directory_group=DirectoryGroup.objects.get(name="Data"),
            group=UserGroup.objects.get(name="Viewer group"),
        )
    assert client.get("/acme/syncs").status_code == 200
    be(address, "00u1", groups=["Everybody"])
    assert sign_in()[0].get("/acme/syncs").status_code == 404
    assert "grace@acme.test" in admin.get(PAGE).content.decode()
    assert [name for name in events() if name.startswith("identity_provider.")] == [
        "identity_provider.saved",
        "identity_provider.tested",
        "identity_provider.switched",
    ]


def test_a_provider_that_changed_its_key_is_refused_until_its_certificate_is_added(
    world: World, address: str, settings: Any
) -> None:
    settings.OUTBOUND_ALLOW = ["*"]
    set_up(world, address)
    with workspace_scope(world.acme.workspace.pk):
        IdentityProvider.objects.update(certificates=[key_pair("old").certificate])
    be(address, "00u1")
    client, response = sign_in()
    assert (response.status_code, signed_in_as(client), last_failure()) == (403, None, "signature")
    with workspace_scope(world.acme.workspace.pk):
        IdentityProvider.objects.update(certificates=[key_pair(n).certificate for n in ("old", "program")])
    assert sign_in()[1].status_code == 302
