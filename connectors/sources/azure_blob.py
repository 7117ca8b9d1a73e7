"""Azure Blob Storage: CSV and JSON blobs of a container as tables."""

from __future__ import annotations

from typing import Any, ClassVar

from connectors.sdk.bucket_source import UNSHARED, BucketSource
from connectors.sdk.fields import Text
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
            Text(name="tenant_id", label="Tenant ID", pattern=_ID, pattern_hint=_ID_HINT),
            Text(name="client_id", label="Client ID", pattern=_ID, pattern_hint=_ID_HINT),
            Text(
                name="client_secret",
                label="Client secret",
                help="The secret's value, not its ID. Azure shows it once, when the secret is made.",
                secret=True,
                max_length=500,
            ),
        ),
    )

    def _files(self) -> Any:
        from adlfs import AzureBlobFileSystem
        from azure.identity.aio import ClientSecretCredential

        given = (str(self.config.get(name) or "") for name in ("tenant_id", "client_id", "client_secret"))
        login = ClientSecretCredential(*given)
        account = self.config.get("account")
        files = AzureBlobFileSystem(account_name=account, credential=login, anon=False, **UNSHARED)
        # The library prefers what it finds in the machine's environment, which is the operator's.
        files.connection_string = files.account_key = files.sas_token = None
        files.do_connect()
        return files
