"""Google Cloud Storage: CSV and JSON objects of a bucket as tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from connectors.sdk.bucket_source import BucketSource
from connectors.sdk.buckets import GCS, open_gcs, service_account
from connectors.sdk.fields import GCP_CREDENTIAL, NO_CREDENTIAL, FileUpload, Text
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"


class GcsSource(BucketSource):
    """One bucket, read with the key of a service account."""

    rights = "The service account needs the role Storage Object Viewer on the bucket."
    endpoint = GCS

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
            GCP_CREDENTIAL,
            FileUpload(
                name="service_account_key",
                when=NO_CREDENTIAL,
                label="Service account key",
                help="The JSON file that Google Cloud gave you when you made the key. P12 keys are not taken.",
                accept=".json,application/json",
                max_bytes=20_000,
                secret=True,
            ),
        ),
    )

    def _files(self) -> Any:
        return open_gcs(self._token(), self.config.get("project"), self.endpoint)

    def _token(self) -> Any:
        return service_account(str(self.config.get("service_account_key") or ""), _SCOPE)

    async def _pages(self, files: Any, prefix: str) -> AsyncIterator[tuple[str, Any]]:
        token = None
        while True:
            asked = {"prefix": prefix or None, "maxResults": 1_000, "pageToken": token, "json_out": True}
            page = await files._call("GET", "b/{}/o", self._bucket, **asked)
            for found in page.get("items", ()):
                yield found["name"], found.get("updated")
            if not (token := page.get("nextPageToken")):
                return
