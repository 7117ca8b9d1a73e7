"""Sources and destinations that use a stored cloud credential instead of keys of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from config.errors import Conflict, Invalid
from connectors import access
from connectors import services as door
from connectors.models import CloudCredential, Source
from tests.connectors.app.test_clouds import google_key
from tests.world import Place, World
from workspaces.scoping import workspace_scope

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
STORED: dict[str, dict[str, str]] = {
    "aws": {"access": "keys", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI"},
    "azure": {"tenant_id": TENANT, "client_id": TENANT, "client_secret": "the-secrets-value"},
}


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


def a_credential(place: Place, provider: str) -> str:
    values = STORED.get(provider) or {"key": google_key()}
    return str(
        door.create_cloud_credential(actor=place.actor, provider=provider, name=f"Our {provider}", values=values).pk
    )


@pytest.mark.parametrize(
    ("type_key", "provider", "own", "secret"),
    [
        ("s3", "aws", {"bucket": "acme-files"}, "secret_access_key"),
        ("gcs", "gcp", {"project": "acme", "bucket": "acme-files"}, "service_account_key"),
        ("bigquery", "gcp", {"project": "acme", "sign_in": "credential"}, "service_account_key"),
        ("azure_blob", "azure", {"account": "acmefiles", "bucket": "files"}, "client_secret"),
    ],
)
def test_a_source_uses_a_stored_credential_of_its_provider(
    acme: Place, client: Client, type_key: str, provider: str, own: dict[str, str], secret: str
) -> None:
    chosen, other = a_credential(acme, provider), a_credential(acme, "azure" if provider == "aws" else "aws")
    client.force_login(acme.owner)
    form = client.get(reverse("connectors:source_connect", args=["acme", type_key])).text
    assert f"Our {provider}" in form
    assert ("Our aws" in form) == (provider == "aws")

    with pytest.raises(Invalid) as refused:
        door.create_source(actor=acme.actor, type=type_key, name="Files", values={**own, "credential": other})
    assert set(refused.value.fields) == {"credential"}
    source = door.create_source(actor=acme.actor, type=type_key, name="Files", values={**own, "credential": chosen})
    assert source.secret_set_at == {}
    assert access.open_source(source).config[secret]
    with pytest.raises(Conflict, match="source “Files”"):
        door.delete_cloud_credential(
            actor=acme.actor, credential=CloudCredential.objects.get(pk=source.config["credential"])
        )


def test_a_stored_credential_goes_to_no_place_that_somebody_entered(acme: Place) -> None:
    """Who may add a source does not learn the keys, nor have them used anywhere but at their provider."""
    own = {"bucket": "acme-files", "endpoint": "https://evil.example.com", "access_key_id": "AKIA", "role_arn": ""}
    values = {**own, "credential": a_credential(acme, "aws")}
    destination = door.create_destination(actor=acme.actor, type="s3", name="Files", values=values)
    opened = access.open_destination(destination)
    assert opened.config["endpoint"] is None
    assert opened.config["access_key_id"] == STORED["aws"]["access_key_id"]
    assert "aws_default_credentials" not in opened.environment.extra


def test_the_machine_acts_in_a_stored_role_and_in_no_other(acme: Place, settings: Any) -> None:
    settings.AWS_ACCOUNT_ID = "123456789012"
    role = "arn:aws:iam::210987654321:role/headrace"
    stored = door.create_cloud_credential(
        actor=acme.actor, provider="aws", name="Role", values={"access": "role", "role_arn": role}
    )
    named = a_source(acme, {"credential": str(stored.pk)})
    entered = a_source(acme, {"role_arn": role})
    opened = access.open_source(named)
    assert opened.config["role_arn"] == role
    assert opened.config["external_id"]
    assert opened.environment.extra["aws_default_credentials"] == "allowed"
    assert "aws_default_credentials" not in access.open_source(entered).environment.extra


def a_source(place: Place, values: dict[str, str]) -> Source:
    name = " ".join(values)
    return door.create_source(actor=place.actor, type="s3", name=name, values={"bucket": "acme-files", **values})
