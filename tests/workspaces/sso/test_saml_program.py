"""SAML with an identity provider program of somebody else's making (samlify, on Node): metadata in, people in."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from zlib import compress

import pytest
from django.core.cache import cache
from django.test import Client

from tests.workspaces.sign_in_calls import sign_in_row
from tests.workspaces.sso.saml_idp import DIGEST1, SHA1, Answer, encode, key_pair
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


def put(address: str, body: str) -> str:
    with urlopen(Request(address, body.encode(), method="PUT")) as answer:  # noqa: S310 - loopback
        assert answer.status == 200
        return str(answer.read().decode())


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


def be(address: str, subject: str, index: str = "_1", **attributes: list[str]) -> None:
    """Who is signed in at the provider, and as which session."""
    put(f"{address}/person", json.dumps({"subject": subject, "index": index, "attributes": {**GRACE, **attributes}}))


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


def ask(address: str) -> Any:
    with urlopen(address) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def path_of(address: str) -> str:
    """An address of ours, for a client without a host."""
    assert address.startswith("http://127.0.0.1:8000/"), address
    return address.removeprefix("http://127.0.0.1:8000")


def test_who_signs_out_here_is_signed_out_there(world: World, address: str, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["*"]
    set_up(world, address)
    be(address, "00u1", index="_a&b")
    client, _ = sign_in()
    left = client.post("/accounts/logout/")
    assert signed_in_as(client) is None, "here first, whatever the provider says"
    page = client.get(left["Location"])
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]+)"', page.content.decode())
    assert found is not None
    assert client.get(left["Location"])["Location"] == "/accounts/login/", "the way there opens once"
    heard = ask(unescape(found[1]))
    assert (heard["nameID"], unescape(heard["index"])) == ("00u1", "_a&b"), "it verified our signature"
    back = path_of(heard["to"])
    assert Client().get(back.replace("Signature=", "Signature=AAAA")).status_code == 403
    be_again = client.get(back)
    assert be_again.status_code == 403, "an answer counts once, even one that was refused"
    left = client.post("/accounts/logout/")
    assert left["Location"] == "/accounts/login/", "nobody is signed in any more"

    client, _ = sign_in()
    page = client.get(client.post("/accounts/logout/")["Location"])
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]+)"', page.content.decode())
    assert found is not None
    done = client.get(path_of(ask(unescape(found[1]))["to"]), follow=True)
    assert "signed out, here and at your identity provider" in done.content.decode()
    client, _ = sign_in()
    with workspace_scope(world.acme.workspace.pk):
        IdentityProvider.objects.update(slo_url="")
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"


def test_who_signs_out_there_is_signed_out_here_whatever_browser_brings_it(
    world: World, address: str, settings: Any
) -> None:
    settings.OUTBOUND_ALLOW = ["*"]
    set_up(world, address)
    browsers = {}
    for index in ("_1", "_2", "_3"):
        be(address, "00u1", index=index)
        browsers[index] = sign_in()[0]
    be(address, "00u2", index="_1", email=["ada@acme.test"])
    ada = sign_in()[0]

    def request(**asked: str) -> str:
        return path_of(put(f"{address}/sign-out", json.dumps({"subject": "00u1", **asked})))

    first = request(index="_2")
    assert "done" in ask(Client().get(first)["Location"]), "it verified the signature of our answer"
    assert [signed_in_as(browsers[n]) is None for n in browsers] == [False, True, False]
    assert signed_in_as(ada) is not None
    assert events()[-1] == "session.ended"
    assert Client().get(first).status_code == 403, "a request counts once"
    unsigned = "&".join(part for part in request(index="_1").split("&") if not part.startswith("Sig"))
    other = request(index="_3")
    forged = request(index="_1").replace("SAMLRequest=", "SAML%52equest=")
    for bad in (
        unsigned,
        f"{other}&{forged.partition('?')[2]}",
        other.replace("Signature=", "Signature=AAAA"),
        "/sso/acme/logout",
        "/sso/acme/logout?SAMLRequest=AAAA",
    ):
        assert Client().get(bad).status_code == 403, bad
    with workspace_scope(world.acme.workspace.pk):
        IdentityProvider.objects.update(certificates=[key_pair("old").certificate])
    assert Client().get(other).status_code == 403
    assert [signed_in_as(browsers[n]) is None for n in browsers] == [False, True, False]


def test_a_posted_request_must_be_signed_as_a_whole(world: World, address: str, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["*"]
    set_up(world, address)
    be(address, "00u1", index="_1")
    client, _ = sign_in()

    def said(subject: str, name: str, age: int = 0, inside: str = "") -> str:
        at = (datetime.now(UTC) - timedelta(minutes=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
            f' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{name}" Version="2.0" IssueInstant="{at}"'
            f' Destination="http://127.0.0.1:8000/sso/acme/logout"><saml:Issuer>{address}/metadata</saml:Issuer>{inside}'
            f"<saml:NameID>{subject}</saml:NameID></samlp:LogoutRequest>"
        )

    def post(xml: str) -> int:
        return Client().post("/sso/acme/logout", {"SAMLRequest": encode(xml)}).status_code

    signer = Answer("", "", pair=key_pair("program"))
    sound = signer.signed(said("00u1", "_sound"))
    signature = sound[sound.index("<ds:Signature") : sound.index("</ds:Signature>") + len("</ds:Signature>")]
    elsewhere = f"<samlp:Extensions>{signer.signed(said('00u9', '_real'))}</samlp:Extensions>"
    of_it = elsewhere[elsewhere.index("<ds:Signature") : elsewhere.index("</ds:Signature>") + len("</ds:Signature>")]
    bomb = base64.b64encode(compress(b"<a>" + b" " * 5_000_000, wbits=-15)).decode()
    assert Client().post("/sso/acme/logout", {"SAMLRequest": bomb}).status_code == 403
    for bad in (
        said("00u1", "_unsigned"),
        sound.replace("00u1", "00u2"),
        said("00u1", "_other", inside=signature),
        said("00u1", "_wrapped", inside=of_it + elsewhere.replace(of_it, "")),
        signer.signed(said("00u1", "_old", age=30)),
        Answer("", "", pair=key_pair("mallory")).signed(said("00u1", "_mallory")),
        Answer("", "", pair=key_pair("program"), algorithm=(SHA1, DIGEST1)).signed(said("00u1", "_sha1")),
        '<!DOCTYPE r [<!ENTITY a "ha">]>' + sound,
    ):
        assert post(bad) == 403, bad
        assert signed_in_as(client) is not None
    assert post(sound) == 302
    assert signed_in_as(client) is None
    assert post(sound) == 403, "it counts once"
