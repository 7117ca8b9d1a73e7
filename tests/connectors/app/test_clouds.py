"""Credentials at cloud providers: entered once, named, never shown again, kept while something uses them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from config.errors import Conflict, Invalid, NotFound
from connectors import clouds
from connectors import services as door
from connectors.models import CloudCredential
from connectors.secrets import decrypt
from governance.audit.models import AuditEntry
from tests.api.calls import caller, key_of
from tests.world import Place, World
from workspaces.scoping import workspace_scope

KEYS = {"access": "keys", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI"}
ROLE = {"access": "role", "role_arn": "arn:aws:iam::123456789012:role/headrace"}
AZURE = {
    "tenant_id": "72f988bf-86f1-41af-91ab-2d7cd011db47",
    "client_id": "0a8f51b4-3c1f-4c39-9d9c-0f6f5f6d5b0e",
    "client_secret": "Q~8.value-of-the-secret",
}


@cache
def private_key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return made.private_bytes(pem, pkcs8, serialization.NoEncryption()).decode()


def google_key(**changes: Any) -> str:
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "acme-analytics",
            "private_key_id": "f00",
            "private_key": private_key(),
            "client_email": "headrace@acme-analytics.iam.gserviceaccount.com",
            "client_id": "104857600",
            "token_uri": "https://oauth2.googleapis.com/token",
            **changes,
        }
    )


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        CloudCredential.objects.all().delete()
        yield world.acme


def a_credential(place: Place, name: str = "Ours", provider: str = "aws", **values: Any) -> CloudCredential:
    return door.create_cloud_credential(actor=place.actor, provider=provider, name=name, values=values or KEYS)


def test_an_access_key_is_entered_on_the_page_and_never_shown_again(acme: Place, client: Client) -> None:
    client.force_login(acme.owner)
    made = client.post(reverse("connectors:cloud_credential_add", args=["acme", "aws"]), {"name": "Ours", **KEYS})
    credential = CloudCredential.objects.get()
    shown = client.get(made["Location"]).content.decode()
    assert KEYS["access_key_id"] in shown
    assert KEYS["secret_access_key"] not in shown
    assert KEYS["secret_access_key"] not in credential.sealed
    assert clouds.opened(credential).values["secret_access_key"] == KEYS["secret_access_key"]
    assert "Ours" in client.get(reverse("connectors:cloud_credentials", args=["acme"])).content.decode()

    entry = AuditEntry.objects.get(event="cloud_credential.created")
    assert KEYS["secret_access_key"] not in json.dumps([entry.before, entry.after])


def test_a_role_trusts_an_external_id_that_only_its_own_page_showed(acme: Place, client: Client, settings: Any) -> None:
    settings.AWS_ACCOUNT_ID = "210987654321"
    client.force_login(acme.owner)
    address = reverse("connectors:cloud_credential_add", args=["acme", "aws"])
    page = client.get(address).content.decode()
    assert "210987654321" in page
    proof = re.search(r'name="proof" value="([^"]+)"', page)[1]  # type: ignore[index]
    external_id = clouds.proven_external_id(proof)
    assert external_id in page

    refused = client.post(address, {"name": "Role", "proof": proof, **ROLE, "role_arn": "nonsense"})
    assert refused.status_code == 422
    assert external_id in refused.content.decode()  # it may be in the role's policy by now
    made = client.post(address, {"name": "Role", "proof": proof, **ROLE})
    credential = CloudCredential.objects.get()
    assert clouds.opened(credential).values["external_id"] == external_id
    assert external_id not in client.get(made["Location"]).content.decode()
    other = {**ROLE, "role_arn": "arn:aws:iam::123456789012:role/other"}
    del other["access"]
    door.update_cloud_credential(actor=acme.actor, credential=credential, name="Role", values=other)
    credential.refresh_from_db()
    assert clouds.opened(credential).values["external_id"] == external_id


def test_nobody_chooses_an_external_id_or_brings_one_of_another_workspace(world: World, settings: Any) -> None:
    settings.AWS_ACCOUNT_ID = "210987654321"
    with workspace_scope(world.globex.workspace.pk):
        foreign = clouds.new_external_id()[1]
    with workspace_scope(world.acme.workspace.pk):
        for proof in ("chosen", foreign):
            with pytest.raises(Invalid, match="run out"):
                door.create_cloud_credential(
                    actor=world.acme.actor, provider="aws", name="Role", values=ROLE, proof=proof
                )


def test_roles_are_offered_only_where_the_operator_named_the_account(acme: Place) -> None:
    with pytest.raises(Invalid) as refused:
        a_credential(acme, **ROLE)
    assert "access" in refused.value.fields


def test_a_google_key_is_read_confirmed_and_only_then_stored(acme: Place, client: Client) -> None:
    client.force_login(acme.owner)
    address = reverse("connectors:cloud_credential_add", args=["acme", "gcp"])
    file = SimpleUploadedFile("key.json", google_key().encode())
    asked = client.post(address, {"name": "Google", "key__file": file}).content.decode()
    assert "headrace@acme-analytics.iam.gserviceaccount.com" in asked
    assert "104857600" in asked
    assert "PRIVATE KEY" not in asked
    assert not CloudCredential.objects.exists()

    sealed = re.search(r'name="sealed" value="([^"]+)"', asked)[1]  # type: ignore[index]
    assert client.post(address, {"name": "Google", "sealed": "forged"}).status_code == 422
    client.post(address, {"name": "Google", "sealed": sealed})
    credential = CloudCredential.objects.get()
    assert credential.config["client_email"] == "headrace@acme-analytics.iam.gserviceaccount.com"
    assert json.loads(decrypt(credential.sealed)["key"])["private_key"] == private_key()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("MIIJqQIBAzCCCW8GCSqGSIb3DQEHAaCCCWAEgglc", "not a JSON key"),
        ("{}", "not the key of a service account"),
        ('{"type": "external_account"}', "not the key of a service account"),
        ('{"type": "service_account"}', "not complete"),
    ],
)
def test_what_is_no_google_key_is_refused(acme: Place, text: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_credential(acme, provider="gcp", key=text)
    assert words in refused.value.fields["key"]


def test_a_p12_file_is_refused_on_the_page(acme: Place, client: Client) -> None:
    client.force_login(acme.owner)
    file = SimpleUploadedFile("key.p12", b"0\x82\x09\xa9\x02\x01\x03\x00\xff\xfe")
    address = reverse("connectors:cloud_credential_add", args=["acme", "gcp"])
    assert client.post(address, {"name": "Google", "key__file": file}).status_code == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"token_uri": "http://169.254.169.254/token"},
        {"universe_domain": "evil.example"},
        {"private_key": "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----"},
    ],
)
def test_a_google_key_may_name_no_other_place_and_must_be_a_key(acme: Place, changes: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        a_credential(acme, provider="gcp", key=google_key(**changes))
    assert set(refused.value.fields) == {"key"}


def test_a_secret_is_replaced_and_kept_only_for_the_identity_it_belongs_to(acme: Place) -> None:
    credential = a_credential(acme, provider="azure", **AZURE)
    shown = {name: AZURE[name] for name in ("tenant_id", "client_id")}
    kept = door.update_cloud_credential(actor=acme.actor, credential=credential, name="Renamed", values=shown)
    assert (kept.name, kept.secret_set_at) == ("Renamed", credential.secret_set_at)
    moved = {**shown, "tenant_id": "11111111-86f1-41af-91ab-2d7cd011db47"}
    with pytest.raises(Invalid) as refused:
        door.update_cloud_credential(actor=acme.actor, credential=credential, name="Renamed", values=moved)
    assert set(refused.value.fields) == {"client_secret"}
    new = {**shown, "client_secret": "another"}
    replaced = door.update_cloud_credential(actor=acme.actor, credential=credential, name="Renamed", values=new)
    assert clouds.opened(replaced).values["client_secret"] == "another"
    assert replaced.secret_set_at > credential.secret_set_at
    entry = AuditEntry.objects.filter(event="cloud_credential.updated").latest("id")
    assert entry.after == {"secret": "••••"}
    assert entry.before == {}


def test_a_credential_in_use_is_not_deleted(acme: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    credential = a_credential(acme)
    use = clouds.Use("storage settings", "", "connectors:cloud_credentials")
    monkeypatch.setattr(clouds, "_users", [lambda: [(credential.pk, use)]])
    with pytest.raises(Conflict, match="storage settings"):
        door.delete_cloud_credential(actor=acme.actor, credential=credential)
    monkeypatch.setattr(clouds, "_users", [])
    door.delete_cloud_credential(actor=acme.actor, credential=credential)
    assert not CloudCredential.objects.exists()


def test_another_workspaces_credential_is_not_there(world: World) -> None:
    with workspace_scope(world.globex.workspace.pk):
        foreign = a_credential(world.globex).pk
    with workspace_scope(world.acme.workspace.pk):
        with pytest.raises(NotFound):
            clouds.credential_for(world.acme.actor, foreign)
        assert clouds.hold(foreign, "aws") is None


def test_the_api_does_what_the_pages_do(world: World, settings: Any) -> None:
    settings.AWS_ACCOUNT_ID = "210987654321"
    api = caller(key_of(world.acme, world.owner))
    made = api("post", "/cloud-credentials", {"name": "Role", "provider": "aws", "config": ROLE}).json()
    assert made["accountId"] == "210987654321"
    assert len(made["externalId"]) > 20
    address = f"/cloud-credentials/{made['id']}"
    assert "externalId" not in api("get", address).json()
    assert api("patch", address, {"name": "Renamed"}).json()["name"] == "Renamed"
    other = {"role_arn": "arn:aws:iam::123456789012:role/other"}
    assert api("patch", address, {"config": other}).json()["config"] == other
    assert api("patch", address, {"config": {"bucket": "x"}}).status_code == 422
    assert "Renamed" in [row["name"] for row in api("get", "/cloud-credentials").json()["data"]]
    assert api("delete", address).status_code == 204
    assert api("get", address).status_code == 404
