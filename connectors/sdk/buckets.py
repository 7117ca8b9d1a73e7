"""Buckets and containers of the three clouds, opened with a credential: for sources and for a workspace's storage.

File systems are kept by who opens them, with the credential of the moment, and never by their library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError

GCS = "https://storage.googleapis.com"
_TOKENS = "https://oauth2.googleapis.com/token"
_NO_KEY = "This is not the JSON key of a service account."
_UNSHARED: Mapping[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}


def s3_network(environment: Environment, endpoint: str | None) -> dict[str, Any]:
    """Time limits, retries and the way out of clients of AWS."""
    from connectors.sdk.aws import way_out

    return {
        "connect_timeout": 10,
        "read_timeout": 60,
        "retries": {"mode": "standard", "max_attempts": 3},
        **way_out(environment, endpoint),
    }


def open_s3(login: Mapping[str, Any], client: Mapping[str, Any], network: Mapping[str, Any]) -> Any:
    """``login`` is a pair of keys or a session, ``client`` region and endpoint."""
    from s3fs import S3FileSystem

    return S3FileSystem(**login, client_kwargs=dict(client), config_kwargs=dict(network), **_UNSHARED)


def open_gcs(token: Any, project: str | None, endpoint: str = GCS) -> Any:
    """``token`` are Google's credentials."""
    from gcsfs.core import GCSFileSystem  # the plain one: asking what kind a bucket is takes rights that files do not

    network = {"trust_env": True}  # the operator's proxy, see settings
    return GCSFileSystem(project=project, token=token, endpoint_url=endpoint, session_kwargs=network, **_UNSHARED)


def service_account(text: str, scope: str, *, field: str = "service_account_key") -> Any:
    """The credentials in the JSON key of a service account of Google Cloud; ``ConfigError`` where it is none."""
    try:
        key = json.loads(text)
    except ValueError as error:
        raise ConfigError(_NO_KEY, field=field) from error
    # A key that names another place for tokens would have Headrace call it.
    if not isinstance(key, dict) or key.get("token_uri") != _TOKENS:
        raise ConfigError(_NO_KEY, field=field, hint="Make a new key of the type JSON.")
    return google_credentials(key, scope, field=field)


def google_credentials(key: Mapping[str, Any], scope: str, *, field: str = "key") -> Any:
    """The credentials in a key that was judged already."""
    from google.oauth2.service_account import Credentials

    try:
        return Credentials.from_service_account_info(key, scopes=[scope])  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ConfigError(f"{_NO_KEY} {error}", field=field) from error


def open_azure(account: str, *, tenant_id: str, client_id: str, client_secret: str) -> Any:
    """With the credential of an app registration."""
    from adlfs import AzureBlobFileSystem
    from azure.identity.aio import ClientSecretCredential

    login = ClientSecretCredential(tenant_id, client_id, client_secret)
    files = AzureBlobFileSystem(account_name=account, credential=login, anon=False, **_UNSHARED)
    # The library prefers what it finds in the machine's environment, which is the operator's.
    files.connection_string = files.account_key = files.sas_token = None
    files.do_connect()
    return files


def open_azure_emulator(connection: str) -> Any:
    """An emulator, by its connection string."""
    from adlfs import AzureBlobFileSystem

    return AzureBlobFileSystem(connection_string=connection, **_UNSHARED)
