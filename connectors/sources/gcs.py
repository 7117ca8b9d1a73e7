"""Google Cloud Storage: CSV and JSON objects of a bucket as tables."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from connectors.sdk.bucket_source import UNSHARED, BucketSource
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import FileUpload, Text
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_TOKENS = "https://oauth2.googleapis.com/token"


class GcsSource(BucketSource):
    """One bucket, read with the key of a service account."""

    rights = "The service account needs the role Storage Object Viewer on the bucket."
    endpoint = "https://storage.googleapis.com"

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="gcs",
        name="Google Cloud Storage",
        category="Files",
        summary="CSV and JSON objects of a bucket of Google Cloud Storage.",
        docs_url="docs/sources/gcs.md",
        dialect="duckdb",
        methods=("table", "sql"),
        table_word="File",
        verification=Verification.EMULATOR,
        fields=(
            Text(name="project", label="Project ID", max_length=63),
            Text(name="bucket", label="Bucket", help="The bucket's name, not its address.", max_length=222),
            FileUpload(
                name="service_account_key",
                label="Service account key",
                help="The JSON file that Google Cloud gave you when you made the key. P12 keys are not taken.",
                accept=".json,application/json",
                max_bytes=20_000,
                secret=True,
            ),
        ),
    )

    def _files(self) -> Any:
        from gcsfs.core import GCSFileSystem  # the plain one: asking what kind a bucket is takes more rights

        return GCSFileSystem(
            project=self.config.get("project"),
            token=self._token(),
            endpoint_url=self.endpoint,
            session_kwargs={"trust_env": True},  # the operator's proxy
            **UNSHARED,
        )

    def _token(self) -> Any:
        from google.oauth2.service_account import Credentials

        wrong = "This is not the JSON key of a service account."
        try:
            key = json.loads(str(self.config.get("service_account_key") or ""))
        except ValueError as error:
            raise ConfigError(wrong, field="service_account_key") from error
        # A key that names another place for tokens would have Headrace call it.
        if not isinstance(key, dict) or key.get("token_uri") != _TOKENS:
            raise ConfigError(wrong, field="service_account_key", hint="Make a new key of the type JSON.")
        try:
            return Credentials.from_service_account_info(key, scopes=[_SCOPE])  # type: ignore[no-untyped-call]
        except ValueError as error:
            raise ConfigError(f"{wrong} {error}", field="service_account_key") from error
