"""Buckets of a workspace's own: opened with a stored credential, tried out, and their refusals in plain words."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings

from connectors import clouds
from connectors.access import environment
from connectors.choices import Cloud, CloudAccess
from connectors.clouds import Opened
from connectors.sdk import buckets
from syncs.models import WorkspaceStorage

if TYPE_CHECKING:
    from syncs.engine import Storage

_GOOGLE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_ROLE = (
    "Check that the role exists, that it has a trust policy, that the policy's principal is the AWS account shown when "
    "the credential was made, and that its external ID is the one shown there. If the external ID is lost, add the "
    "credential again."
)
_AWS = (
    "The role or key needs s3:GetObject, s3:GetObjectVersion, s3:PutObject, s3:DeleteObject, s3:ListBucket and "
    "s3:GetBucketLocation on the bucket and prefix, and the right to use the bucket's KMS key if it has one."
)
_GOOGLE = (
    "The service account needs storage.objects.list, create, get and delete on the bucket, and the bucket must be in "
    "the same VPC service perimeter if it has one."
)
_AZURE = (
    "Give the app registration the role Storage Blob Data Contributor on the container, and let the addresses of "
    "Headrace through the network rules of the storage account."
)
# What part of an error's text means, and what to do. The first that fits counts.
_MEANINGS: dict[Cloud, tuple[tuple[tuple[str, ...], str, str], ...]] = {
    Cloud.AWS: (
        (("assumerole", "unable to locate credentials", "nocredentials"), "Missing credentials", _ROLE),
        (
            ("invalidaccesskeyid", "signaturedoesnotmatch", "invalidtoken", "expiredtoken"),
            "",
            "Replace the access key.",
        ),
        (("nosuchbucket", "bucket does not exist"), "", "Create the bucket, or correct its name."),
        (("permanentredirect", "authorizationheadermalformed", "illegallocation"), "", "Choose the bucket's region."),
        (("accessdenied", "forbidden", "access denied", "permission"), "", _AWS),
    ),
    Cloud.GCP: (
        (("invalid_grant", "refresherror", "invalid jwt"), "", "The key was deleted or disabled. Upload a new one."),
        (("bucket does not exist", "/upload/storage/v1/b/"), "", "Create the bucket, or correct its name."),
        (("403", "forbidden", "does not have", "permission"), "", _GOOGLE),
    ),
    Cloud.AZURE: (
        (
            ("aadsts7000222", "secret keys for app", "expired"),
            "The client secret has expired",
            "Make a new client secret and replace it in the credential: until then no sync can run.",
        ),
        (
            ("invalid_client", "aadsts7000215"),
            "invalid_client",
            "Enter the client secret's value, not its ID, in the credential; replace it if it has run out.",
        ),
        (("aadsts",), "", "Check tenant ID and client ID of the credential."),
        (("not authorized to perform", "authorizationfailure", "authorizationpermissionmismatch"), "", _AZURE),
        (("containernotfound", "container does not exist"), "", "Create the container, or correct its name."),
        (("name or service not known", "cannot connect to host"), "", "Check the name of the storage account."),
    ),
}


def open_storage(own: WorkspaceStorage, before: Storage | None = None, *, cache: Any = None) -> Storage:
    """The storage that the settings name; files that are only in ``before`` are read from there."""
    from syncs.engine.storage import MovedStorage, Storage

    cloud, credential = Cloud(own.provider), clouds.opened(own.credential)
    files = {Cloud.AWS: _s3, Cloud.GCP: _gcs, Cloud.AZURE: _azure}[cloud](own, credential)
    url = f"{own.bucket}/{own.prefix}"
    options = {"cache": cache, "files": files, "explain": partial(explained, cloud)}
    return Storage(url, **options) if before is None else MovedStorage(url, before, **options)


def try_out(own: WorkspaceStorage) -> None:
    """Write, read, list and delete one object under the prefix; raises ``StorageFailed`` in the store's own words."""
    from syncs.engine.errors import StorageFailed

    place, folder = open_storage(own), f"probes/{uuid4().hex}"
    path, said = f"{folder}/headrace-test", b"Headrace was here; this object can be deleted."
    place.sizes(folder)
    with place.writing(path) as unfinished:
        unfinished.write_bytes(said)
    try:
        if place.sizes(folder) != {path: len(said)}:
            raise StorageFailed("The test object was written, and the listing does not show it.")
        place.forget(path)
        if place.local(path).read_bytes() != said:
            raise StorageFailed("The test object was read back, and is another one.")
    finally:
        place.delete(path)
    if place.exists(path):
        raise StorageFailed("The test object was deleted, and is still there.", hint="Switch the bucket's hold off.")


def explained(cloud: Cloud, error: BaseException) -> tuple[str, str]:
    """What a store's error means and what to do next."""
    text = _words(error)
    said = f"{' '.join(text.split())[:600]}"
    for marks, meaning, hint in _MEANINGS[cloud]:
        if any(mark in text.lower() for mark in marks):
            return f"{meaning}: {said}" if meaning else said, hint
    return said, "Check the settings under Settings, Storage, and test them there."


def _words(error: BaseException) -> str:
    """What an error and those beneath it say, each once."""
    found: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        name = type(cause).__name__
        said = str(getattr(cause, "message", "") or cause) or name
        said = said if name in ("OSError", "PermissionError", "FileNotFoundError") else f"{name}: {said}"
        if not any(said in known for known in found):
            found.append(said)
        cause = cause.__cause__ or cause.__context__
    return " ".join(found)


def _s3(own: WorkspaceStorage, credential: Opened) -> Any:
    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session

    from connectors.sdk.aws import Role, machine_role_session

    endpoint = settings.CLOUD_ENDPOINTS.get("aws")
    network = buckets.s3_network(environment(), endpoint)
    client = {"region_name": own.region, "endpoint_url": endpoint}
    values = credential.values
    if credential.access is CloudAccess.ROLE:
        client_of = partial(get_session().create_client, **client, config=AioConfig(**network))
        role = Role(arn=values["role_arn"], external_id=values["external_id"])
        login: dict[str, Any] = {"session": machine_role_session(role, client_of)}
    else:
        login = {"key": values["access_key_id"], "secret": values["secret_access_key"]}
    return buckets.open_s3(login, client, network)


def _gcs(own: WorkspaceStorage, credential: Opened) -> Any:
    token = buckets.google_credentials(json.loads(credential.values["key"]), _GOOGLE_SCOPE)
    return buckets.open_gcs(token, own.project, settings.CLOUD_ENDPOINTS.get("gcp") or buckets.GCS)


def _azure(own: WorkspaceStorage, credential: Opened) -> Any:
    if emulator := settings.CLOUD_ENDPOINTS.get("azure"):
        return buckets.open_azure_emulator(emulator)
    names = ("tenant_id", "client_id", "client_secret")
    return buckets.open_azure(own.account, **{name: credential.values[name] for name in names})
