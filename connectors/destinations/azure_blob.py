"""Azure Blob Storage: a run's rows become blobs of a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.sdk.destination import DestinationDefinition
from connectors.sdk.fields import Text
from connectors.sdk.files import PGP_KEY, file_sync_type, pgp_keys
from connectors.sdk.files.uploads import Blobs, UploadDestination
from connectors.sdk.rest import Api, ClientCredentials, Line, Writer
from connectors.sdk.types import Verification

_ID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ID_HINT = "Paste the ID, 36 characters like 72f988bf-86f1-41af-91ab-2d7cd011db47."


def _base(config: Mapping[str, Any]) -> str:
    container = quote(str(config.get("container") or "").strip("/"), safe="$")
    return f"https://{config.get('account') or ''}.blob.core.windows.net/{container}"


def _tokens(config: Mapping[str, Any]) -> str:
    return f"https://login.microsoftonline.com/{config.get('tenant_id') or ''}/oauth2/v2.0/token"


API = Api(
    base=_base,
    version="2021-12-02",
    sign_in=ClientCredentials(
        tokens=_tokens,
        client_id=Text(name="client_id", label="Client ID", pattern=_ID, pattern_hint=_ID_HINT),
        client_secret=Text(
            name="client_secret",
            label="Client secret",
            help="The secret's value, not its ID. Azure shows it once, when the secret is made.",
            secret=True,
            max_length=500,
        ),
        scope="https://storage.azure.com/.default",
        in_header=False,
    ),
    headers={"x-ms-version": "2021-12-02"},
)


class AzureBlobDestination(UploadDestination):
    """A container that runs write blobs into."""

    api = API
    writers: ClassVar[Mapping[str, Writer]] = {}
    definition = DestinationDefinition(
        key="azure_blob",
        name="Azure Blob Storage",
        category="Files",
        summary="Write files into a container of Azure Blob Storage.",
        docs_url="docs/destinations/azure_blob.md",
        fields=(
            Text(
                name="account",
                label="Storage account",
                help="Its name, not its address.",
                pattern=r"[a-z0-9]{3,24}",
                pattern_hint="3 to 24 lower-case letters and digits.",
            ),
            Text(name="container", label="Container", help="It must exist.", max_length=63),
            Text(name="tenant_id", label="Tenant ID", pattern=_ID, pattern_hint=_ID_HINT),
            *API.sign_in.fields,
            PGP_KEY,
        ),
        sync_types=(file_sync_type("Rows of a model become blobs of the container."),),
        verification=Verification.DOCS,
    )

    async def check(self) -> None:
        """Lists one blob of the container: a right that the role for writing has."""
        pgp_keys(self.config)
        async with self.line() as line:
            await line.send("GET", f"{_base(self.config)}?restype=container&comp=list&maxresults=1")

    def store(self, line: Line) -> Blobs:
        return Blobs(line)
