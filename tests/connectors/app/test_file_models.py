"""A model of a bucket's file, from connecting the bucket to saving the model, as a person does it in the browser."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.test import Client
from django.urls import reverse
from moto.server import ThreadedMotoServer

from connectors import services
from syncs.forms.models import TABLE_SEPARATOR
from syncs.models import Model
from tests.world import World
from workspaces.scoping import workspace_scope

KEYS = {"aws_access_key_id": "AKIA0000000000000000", "aws_secret_access_key": "x"}


@pytest.fixture
def bucket() -> Iterator[dict[str, Any]]:
    """A bucket with two exports, and the settings of its source."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    store = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", **KEYS)
    store.create_bucket(Bucket="acme-files")
    store.put_object(Bucket="acme-files", Key="crm/2026-01.csv", Body=b"id,name\n1,Ada\n")
    store.put_object(Bucket="acme-files", Key="crm/2026-02.csv", Body=b"id,name\n2,Grace\n")
    settings = {"bucket": "acme-files", "endpoint": f"http://{host}:{port}", "path_style": True}
    yield {**settings, "access_key_id": KEYS["aws_access_key_id"], "secret_access_key": "x"}
    server.stop()


def test_a_file_or_the_newest_of_its_folder_becomes_a_model(
    world: World, client: Client, bucket: dict[str, Any], settings: Any
) -> None:
    settings.OUTBOUND_ALLOW = ["*"]
    acme = world.acme
    with workspace_scope(acme.workspace.pk):
        source = services.create_source(actor=acme.actor, type="s3", values=bucket, name="Exports")
        services.refresh_schema(actor=acme.actor, source=source)
    client.force_login(acme.owner)
    page = reverse("syncs:model_define", args=[acme.workspace.slug, source.pk])
    shown = html.unescape(client.get(page, {"method": "table"}).content.decode())
    assert "Choose a file" in shown
    for offered in (f"{TABLE_SEPARATOR}crm/2026-01.csv", f"newest{TABLE_SEPARATOR}crm/*"):
        assert offered in shown

    def post(table: str, **more: str) -> Any:
        return client.post(f"{page}?method=table", {"table": table, **more})

    assert "Ada" in post(f"{TABLE_SEPARATOR}crm/2026-01.csv").content.decode()
    newest = f"newest{TABLE_SEPARATOR}crm/*"
    assert "Grace" in post(newest).content.decode()
    assert post(newest, action="save", name="People", primary_key="id").status_code in (204, 302)
    with workspace_scope(acme.workspace.pk):
        model = Model.objects.get(name="People")
        assert (model.table_schema, model.table_name) == ("newest", "crm/*")
        assert [c.name for c in model.columns.all()] == ["id", "name"]
