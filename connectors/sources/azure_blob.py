"""Azure Blob Storage: CSV and JSON blobs of a container as tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from connectors.sdk.bucket_source import BucketSource
from connectors.sdk.buckets import open_azure
from connectors.sdk.fields import AZURE_CREDENTIAL, NO_CREDENTIAL, Text
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification

_ID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ID_HINT = "Paste the ID, 36 characters like 72f988bf-86f1-41af-91ab-2d7cd011db47."


class AzureBlobSource(BucketSource):
    """One container, read by an app registration."""

    rights = (
        "Give the app registration the role Storage Blob Data Reader on the container, and let the addresses of "
        "Headrace through the network rules of the storage account."
    )

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="azure_blob",
        name="Azure Blob Storage",
        category="Files",
        summary="CSV and JSON blobs of a container in Azure Blob Storage.",
        docs_url="docs/sources/azure_blob.md",
        dialect="duckdb",
        methods=("table", "sql"),
        table_word="File",
        verification=Verification.DOCS,
        fields=(
            Text(
                name="account",
                label="Storage account",
                help="Its name, not its address.",
                pattern=r"[a-z0-9]{3,24}",
                pattern_hint="3 to 24 lower-case letters and digits.",
            ),
            Text(name="bucket", label="Container", max_length=63),
            AZURE_CREDENTIAL,
            Text(name="tenant_id", label="Tenant ID", pattern=_ID, pattern_hint=_ID_HINT, when=NO_CREDENTIAL),
            Text(name="client_id", label="Client ID", pattern=_ID, pattern_hint=_ID_HINT, when=NO_CREDENTIAL),
            Text(
                name="client_secret",
                when=NO_CREDENTIAL,
                label="Client secret",
                help="The secret's value, not its ID. Azure shows it once, when the secret is made.",
                secret=True,
                max_length=500,
            ),
        ),
    )

    def _files(self) -> Any:
        names = ("tenant_id", "client_id", "client_secret")
        return open_azure(str(self.config.get("account")), **{name: str(self.config.get(name) or "") for name in names})

    async def _pages(self, files: Any, prefix: str) -> AsyncIterator[tuple[str, Any]]:
        async with files.service_client.get_container_client(container=self._bucket) as container:
            async for blob in container.list_blobs(name_starts_with=prefix or None):
                yield blob.name, blob.last_modified
