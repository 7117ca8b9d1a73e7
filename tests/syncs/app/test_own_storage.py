"""A workspace's own bucket: tried out, chosen, used by everything that keeps files, and locked once runs used it."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from moto.server import ThreadedMotoServer

from config.errors import Conflict, Invalid
from config.operating import backup
from connectors import services as connectors
from connectors.choices import Cloud
from connectors.models import CloudCredential
from connectors.secrets import encrypt
from governance.audit.models import AuditEntry
from syncs import services
from syncs.choices import PendingReset, RunStatus
from syncs.engine.guardrails import Rule
from syncs.holds import hold_of
from syncs.models import Run, Sync, WorkspaceStorage
from syncs.own_storage import explained, open_storage
from syncs.privacy.holdings import holdings_of
from syncs.registrations import erase_files
from syncs.storage import managed_storage, own_storage, storage
from tests.api.calls import caller, key_of
from tests.connectors.app.test_clouds import google_key
from tests.syncs.app.shop import Shop, work_off

KEYS = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "secret", "region_name": "eu-central-1"}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(moto: str, settings: Any) -> Iterator[Any]:
    """A store with the bucket "acme", which holds an object of somebody else's."""
    settings.CLOUD_ENDPOINTS = {"aws": moto}
    settings.OUTBOUND_ALLOW = ["*"]
    client = boto3.client("s3", endpoint_url=moto, **KEYS)
    for name in ("acme", "other"):
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    client.put_object(Bucket="acme", Key="theirs.txt", Body=b"theirs")
    yield client
    for name in ("acme", "other"):
        for key in keys(client, name):
            client.delete_object(Bucket=name, Key=key)
        client.delete_bucket(Bucket=name)


def keys(client: Any, bucket: str = "acme") -> list[str]:
    return [item["Key"] for item in client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def a_credential(shop: Shop, name: str = "Ours") -> CloudCredential:
    values = {"access": "keys", "access_key_id": KEYS["aws_access_key_id"], "secret_access_key": "secret"}
    return connectors.create_cloud_credential(actor=shop.actor, provider="aws", name=name, values=values)


def described(credential: CloudCredential, **changes: Any) -> dict[str, Any]:
    return {
        "provider": "aws",
        "region": "eu-central-1",
        "bucket": "acme",
        "prefix": "headrace/prod",
        "aws_credential": str(credential.pk),
        **changes,
    }


def moved(shop: Shop, **changes: Any) -> WorkspaceStorage:
    own = services.save_storage(actor=shop.actor, values=described(a_credential(shop), **changes))
    assert own is not None
    return own


def ten(shop: Shop) -> Sync:
    """Ten delivered customers."""
    shop.fill(10)
    sync = shop.sync()
    assert shop.run(sync).status == RunStatus.SUCCEEDED
    return sync


def test_a_bucket_is_tried_out_on_the_page_and_left_clean(shop: Shop, s3: Any, client: Client) -> None:
    client.force_login(shop.place.owner)
    page = reverse("syncs:storage", args=[shop.place.slug])
    assert "storage of this installation" in client.get(page).content.decode()
    sent = described(a_credential(shop))
    assert client.post(page, {**sent, "bucket": "nobodys"}).status_code == 422
    assert own_storage() is None
    assert client.post(page, sent).status_code == 302
    shown = client.get(page).content.decode()
    assert "s3://acme/headrace/prod" in shown
    assert keys(s3) == ["theirs.txt"]
    assert client.post(reverse("syncs:storage_check", args=[shop.place.slug])).status_code == 302
    s3.delete_object(Bucket="acme", Key="theirs.txt")
    assert [e.event for e in AuditEntry.objects.filter(event__startswith="storage.").order_by("id")] == [
        "storage.chosen",
        "storage.checked",
    ]


def test_a_sync_goes_on_in_the_new_bucket_and_sends_nothing_again(shop: Shop, s3: Any) -> None:
    sync = ten(shop)
    old = managed_storage().list(f"workspaces/{sync.workspace_id}")
    assert old
    moved(shop)
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 3")
    run = shop.run(sync)
    assert (run.status, run.planned, run.planned_changed) == (RunStatus.SUCCEEDED, 1, 1)
    assert shop.run(sync).planned == 0
    sync.refresh_from_db()
    assert sync.baseline is not None
    assert f"headrace/prod/{sync.baseline['spool']}" in keys(s3)
    new = set(managed_storage().list(f"workspaces/{sync.workspace_id}")) - set(old)
    assert not new
    assert "theirs.txt" in keys(s3)
    assert all(key == "theirs.txt" or key.startswith("headrace/prod/workspaces/") for key in keys(s3))


def test_rows_of_runs_before_and_after_are_seen_counted_and_deleted(shop: Shop, s3: Any) -> None:
    sync = ten(shop)
    moved(shop)
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 3")
    shop.run(sync)
    lines = holdings_of(None)
    both = "s3://acme/headrace/prod and, from before, Headrace's storage"
    assert {line.where for line in lines if line.size} == {both}
    sizes = storage().sizes(f"workspaces/{sync.workspace_id}")
    assert sum(line.size or 0 for line in lines) == sum(sizes.values())
    erase_files(sync.workspace_id)
    assert keys(s3) == ["theirs.txt"]
    assert managed_storage().list(f"workspaces/{sync.workspace_id}") == []


def test_the_place_is_locked_by_the_first_run_and_an_operator_unlocks_it(shop: Shop, s3: Any) -> None:
    sync = ten(shop)
    own = moved(shop)
    other = services.save_storage(actor=shop.actor, values=described(own.credential, prefix="headrace/staging"))
    assert other is not None
    assert other.prefix == "headrace/staging"
    shop.run(sync)
    for values in (described(own.credential), {"provider": "managed"}):
        with pytest.raises(Conflict, match="locked"):
            services.save_storage(actor=shop.actor, values=values)
    second = a_credential(shop, "Second")
    same = services.save_storage(actor=shop.actor, values=described(second, prefix="headrace/staging"))
    assert same is not None
    assert same.credential == second
    call_command("unlock_storage", shop.place.slug)
    services.save_storage(actor=shop.actor, values=described(second, bucket="other"))
    assert own_storage().url == "s3://other/headrace/prod"  # type: ignore[union-attr]
    with pytest.raises(CommandError, match="not locked"):
        call_command("unlock_storage", shop.place.slug)
    with pytest.raises(CommandError, match="no workspace"):
        call_command("unlock_storage", "nobody")


def test_an_operator_copies_the_files_to_another_bucket_and_nothing_is_sent_again(shop: Shop, s3: Any) -> None:
    moved(shop)
    sync = ten(shop)
    there = {"provider": "aws", "region": "eu-central-1", "bucket": "other", "prefix": "new"}
    with pytest.raises(CommandError, match="no credential “Nobody's”"):
        call_command("copy_storage", shop.place.slug, **there, credential="Nobody's")
    call_command("copy_storage", shop.place.slug, **there, credential="Ours")
    ours = {key.removeprefix("headrace/prod/") for key in keys(s3) if key != "theirs.txt"}
    assert {key.removeprefix("new/") for key in keys(s3, "other")} == ours
    damaged = next(key for key in keys(s3, "other") if key.endswith(".parquet"))
    sound = s3.get_object(Bucket="other", Key=damaged)["Body"].read()
    s3.put_object(Bucket="other", Key=damaged, Body=b"x" * len(sound))
    out = io.StringIO()
    call_command("copy_storage", shop.place.slug, **there, credential="Ours", stdout=out)
    assert f"{len(ours) - 1:,} were there before" in out.getvalue()
    assert s3.get_object(Bucket="other", Key=damaged)["Body"].read() == sound

    call_command_in_scope(shop)
    own = own_storage()
    assert own is not None
    services.save_storage(actor=shop.actor, values=described(own.credential, bucket="other", prefix="new"))
    for key in keys(s3):
        s3.delete_object(Bucket="acme", Key=key)
    again = shop.run(sync)
    assert (again.status, again.planned) == (RunStatus.SUCCEEDED, 0)
    copies = AuditEntry.objects.filter(event="storage.copied")
    assert [(entry.after or {}).get("bucket") for entry in copies] == ["other", "other"]


def test_no_change_takes_the_files_of_a_run_away(shop: Shop, s3: Any) -> None:
    sync = ten(shop)
    own = moved(shop)
    run = services.start_run(actor=shop.actor, sync=sync)
    with pytest.raises(Conflict, match="has not ended"):
        call_command_in_scope(shop)
    work_off()
    assert Run.objects.get(pk=run.pk).status == RunStatus.SUCCEEDED
    assert own_storage() == own


def call_command_in_scope(shop: Shop) -> None:
    from governance.audit.actors import system

    services.unlock_storage(actor=system("test"))


def test_a_deleted_baseline_holds_the_run_before_anything_is_sent(shop: Shop, s3: Any) -> None:
    """Somebody's lifecycle rule took the file: neither a failure nor rows sent again unseen."""
    sync = ten(shop)
    moved(shop)
    shop.run(sync)
    sync.refresh_from_db()
    assert sync.baseline is not None
    before = sync.baseline
    storage().delete(before["spool"])
    shop.query("DELETE FROM customers WHERE id = 1")
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 3")
    run = shop.run(sync)
    hold = hold_of(run)
    assert run.status == RunStatus.HELD
    assert hold is not None
    assert [breach.rule for breach in hold.breaches] == [Rule.BASELINE]
    assert "9 rows would be sent again" in hold.words
    assert (3, "c3@shop.test", "free") in shop.there()

    services.drop_run(actor=shop.actor, run=run)
    sync.refresh_from_db()
    assert sync.baseline == before
    services.reset_sync(actor=shop.actor, sync=sync, reset=PendingReset.RESET)
    again = shop.run(sync)
    assert (again.status, again.planned) == (RunStatus.SUCCEEDED, 0)
    shop.query("UPDATE customers SET plan = 'gold' WHERE id = 4")
    assert shop.run(sync).planned == 1


def test_a_released_run_sends_everything_and_finds_its_feet_again(shop: Shop, s3: Any) -> None:
    sync = ten(shop)
    moved(shop)
    sync.refresh_from_db()
    assert sync.baseline is not None
    managed_storage().delete(sync.baseline["spool"])
    run = shop.run(sync)
    assert run.status == RunStatus.HELD
    services.release_run(actor=shop.actor, run=run)
    work_off()
    done = Run.objects.get(pk=run.pk)
    assert (done.status, done.succeeded) == (RunStatus.SUCCEEDED, 10)
    assert shop.run(sync).planned == 0


def test_a_store_that_refuses_ends_the_run_in_its_own_words(shop: Shop, s3: Any) -> None:
    sync = ten(shop)
    moved(shop)
    s3.delete_object(Bucket="acme", Key="theirs.txt")
    s3.delete_bucket(Bucket="acme")
    run = shop.run(sync)
    s3.create_bucket(Bucket="acme", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert (run.status, run.error_code) == (RunStatus.FAILED, "storage_failed")
    assert "bucket does not exist" in run.error_message
    assert run.error_hint == "Create the bucket, or correct its name."
    sync.refresh_from_db()
    assert shop.run(sync).planned == 0


def test_a_credential_stays_while_the_storage_uses_it(shop: Shop, s3: Any) -> None:
    own = moved(shop)
    with pytest.raises(Conflict, match="storage settings"):
        connectors.delete_cloud_credential(actor=shop.actor, credential=own.credential)
    services.save_storage(actor=shop.actor, values={"provider": "managed"})
    assert own_storage() is None
    connectors.delete_cloud_credential(actor=shop.actor, credential=own.credential)


def test_only_credentials_of_the_provider_are_taken(shop: Shop, s3: Any) -> None:
    azure = {
        "tenant_id": "72f988bf-86f1-41af-91ab-2d7cd011db47",
        "client_id": "0a8f51b4-3c1f-4c39-9d9c-0f6f5f6d5b0e",
        "client_secret": "value",
    }
    made = connectors.create_cloud_credential(actor=shop.actor, provider="azure", name="Azure", values=azure)
    with pytest.raises(Invalid) as refused:
        services.save_storage(actor=shop.actor, values=described(made))
    assert "aws_credential" in refused.value.fields


@pytest.mark.parametrize("prefix", ["..", "a/../b", "/a", "a/", "a//b", "./a", "a b"])
def test_a_prefix_leads_nowhere_else(shop: Shop, s3: Any, prefix: str) -> None:
    with pytest.raises(Invalid) as refused:
        moved(shop, prefix=prefix)
    assert set(refused.value.fields) == {"prefix"}


def test_a_role_is_assumed_with_its_external_id(shop: Shop, s3: Any, settings: Any, monkeypatch: Any) -> None:
    settings.AWS_ACCOUNT_ID = "123456789012"
    for name in ("aws_access_key_id", "aws_secret_access_key"):
        monkeypatch.setenv(name.upper(), KEYS[name])
    values = {"access": "role", "role_arn": "arn:aws:iam::123456789012:role/headrace"}
    role = connectors.create_cloud_credential(actor=shop.actor, provider="aws", name="Role", values=values)
    sync = ten(shop)
    assert services.save_storage(actor=shop.actor, values=described(role)) is not None
    assert shop.run(sync).planned == 0
    assert len(keys(s3)) > 1


def test_private_addresses_are_closed_to_buckets_too(shop: Shop, s3: Any, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = []
    with pytest.raises(Invalid, match="not a public address"):
        moved(shop)


def test_a_backup_leaves_buckets_of_workspaces_out(shop: Shop, s3: Any, tmp_path: Any) -> None:
    sync = ten(shop)
    moved(shop)
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 3")
    shop.run(sync)
    sync.refresh_from_db()
    assert sync.baseline is not None
    assert sync.baseline["spool"] not in set(backup._files_needed())


@pytest.mark.parametrize(
    ("cloud", "said", "words"),
    [
        (Cloud.AWS, "An error occurred (AccessDenied) when calling the AssumeRole operation", "trust policy"),
        (Cloud.AWS, "Unable to locate credentials", "trust policy"),
        (Cloud.AWS, "An error occurred (AccessDenied) when calling the PutObject operation", "s3:PutObject"),
        (Cloud.GCP, "headrace@x does not have storage.objects.create access", "storage.objects.list"),
        (Cloud.GCP, "('invalid_grant: Invalid JWT Signature.')", "Upload a new one"),
        (Cloud.AZURE, "invalid_client: AADSTS7000215: Invalid client secret provided", "not its ID"),
        (Cloud.AZURE, "AADSTS7000222: The provided client secret keys for app are expired", "no sync can run"),
        (Cloud.AZURE, "This request is not authorized to perform this operation.", "network rules"),
    ],
)
def test_refusals_say_what_to_do(cloud: Cloud, said: str, words: str) -> None:
    message, hint = explained(cloud, RuntimeError(said))
    assert said in message
    assert words in hint


def test_the_api_does_what_the_page_does(shop: Shop, s3: Any) -> None:
    api = caller(key_of(shop.place, shop.place.owner))
    assert api("get", "/storage").json()["provider"] == "managed"
    assert api("post", "/storage/check").status_code == 409
    credential = a_credential(shop)
    body = {"provider": "aws", "region": "eu-central-1", "bucket": "acme", "credentialId": str(credential.pk)}
    assert api("put", "/storage", {**body, "bucket": "nobodys"}).status_code == 422
    saved = api("put", "/storage", {**body, "prefix": "a/b"}).json()
    assert (saved["bucket"], saved["prefix"], saved["locked"], saved["health"]) == ("acme", "a/b", False, "healthy")
    assert api("post", "/storage/check").json()["health"] == "healthy"
    assert api("put", "/storage", {"provider": "managed"}).json()["provider"] == "managed"


@pytest.fixture(scope="module")
def google() -> Iterator[dict[str, str]]:
    """A store that speaks Google's protocol with the bucket "acme", and a place that gives tokens for it."""
    from gcp_storage_emulator.server import create_server

    tokens = ThreadingHTTPServer(("127.0.0.1", 0), _Tokens)
    threading.Thread(target=tokens.serve_forever, daemon=True).start()
    store = create_server("127.0.0.1", 0, in_memory=True, default_bucket="acme")
    store.start()
    host, port = store._api._httpd.server_address
    yield {"gcp": f"http://{host}:{port}", "gcp_token": f"http://127.0.0.1:{tokens.server_port}/token"}
    store.stop()
    store._api._httpd.server_close()
    tokens.shutdown()
    tokens.server_close()


class _Tokens(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.dumps({"access_token": "token", "expires_in": 3600, "token_type": "Bearer"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nobody reads it."""


def test_google_cloud_storage_keeps_files_too(shop: Shop, google: dict[str, str], settings: Any) -> None:
    settings.CLOUD_ENDPOINTS = google
    key = {"key": google_key(token_uri=google["gcp_token"])}
    made = connectors.create_cloud_credential(actor=shop.actor, provider="gcp", name="Google", values=key)
    values = {"provider": "gcp", "project": "acme-analytics", "bucket": "acme", "gcp_credential": str(made.pk)}
    with pytest.raises(Invalid) as refused:
        services.save_storage(actor=shop.actor, values={**values, "bucket": "nobodys"})
    assert refused.value.hint == "Create the bucket, or correct its name."
    services.save_storage(actor=shop.actor, values={**values, "prefix": "headrace"})
    place, folder = storage(), f"workspaces/{shop.place.workspace.pk}"
    _keeps_files(place, folder)


def _keeps_files(place: Any, folder: str) -> None:
    """What syncs do with files: written, listed, read, deleted by one and by folder, beside other folders."""
    names = [f"{folder}/{name}" for name in ("a/1", "a/2", "ab/3")]
    for name in names:
        with place.writing(name) as unfinished:
            unfinished.write_bytes(name.encode())
        place.forget(name)
    assert place.list(folder) == names
    assert place.sizes(f"{folder}/a") == {name: len(name) for name in names[:2]}
    assert place.local(names[0]).read_bytes() == names[0].encode()
    place.delete(names[0])
    assert (place.exists(names[0]), place.exists(names[1])) == (False, True)
    place.delete_tree(f"{folder}/a")
    assert place.list(folder) == names[2:]
    place.delete_tree(folder)
    assert place.list(folder) == []


@pytest.mark.skipif("AZURITE_CONNECTION" not in os.environ, reason="no Azurite: set AZURITE_CONNECTION")
def test_azure_blob_storage_keeps_files_too(shop: Shop, settings: Any) -> None:
    """Against Azurite at the connection string of AZURITE_CONNECTION, with a container "acme"."""
    settings.CLOUD_ENDPOINTS = {"azure": os.environ["AZURITE_CONNECTION"]}
    azure = {
        "tenant_id": "72f988bf-86f1-41af-91ab-2d7cd011db47",
        "client_id": "0a8f51b4-3c1f-4c39-9d9c-0f6f5f6d5b0e",
        "client_secret": "value",
    }
    made = connectors.create_cloud_credential(actor=shop.actor, provider="azure", name="Azure", values=azure)
    values = {"provider": "azure", "account": "devstoreaccount1", "azure_credential": str(made.pk), "prefix": "p"}
    with pytest.raises(Invalid):
        services.save_storage(actor=shop.actor, values={**values, "container": "nobodys"})
    services.save_storage(actor=shop.actor, values={**values, "container": "acme"})
    _keeps_files(storage(), f"workspaces/{shop.place.workspace.pk}")


def test_an_azure_container_is_opened_by_its_own_credential_alone(monkeypatch: Any, settings: Any) -> None:
    """What the machine's environment holds is the operator's, and no workspace gets at it."""
    settings.CLOUD_ENDPOINTS = {}
    stranger = "DefaultEndpointsProtocol=https;AccountName=operators;AccountKey=c2VjcmV0"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", stranger)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")
    values = {"tenant_id": "72f988bf-86f1-41af-91ab-2d7cd011db47", "client_id": "app", "client_secret": "value"}
    credential = CloudCredential(provider="azure", access="service_principal", config={}, sealed=encrypt(values))
    own = WorkspaceStorage(provider="azure", account="acme", bucket="files", credential=credential)
    service = open_storage(own)._files.service_client
    assert service.account_name == "acme"
    assert type(service.credential).__name__ == "ClientSecretCredential"
