"""Azure Functions: rows are handed to a function, which says which of them it refuses.

Access keys: https://learn.microsoft.com/azure/azure-functions/function-keys-how-to
"""

from __future__ import annotations

from connectors.sdk.destination import DestinationDefinition
from connectors.sdk.fields import Text
from connectors.sdk.functions import HttpFunctionDestination, address_of, address_setting, function_sync_type
from connectors.sdk.net import parse_url
from connectors.sdk.rest import Api, KeyHeader
from connectors.sdk.types import Verification

API = Api(
    base=address_of,
    sign_in=KeyHeader(
        key=Text(
            name="key",
            label="Access key",
            help="Of the function, or of its app: Functions → the function → Function keys.",
            secret=True,
        ),
        header="x-functions-key",
        prefix="",
    ),
)


class AzureFunctionsDestination(HttpFunctionDestination):
    """One function with an HTTP trigger."""

    api = API
    definition = DestinationDefinition(
        key="azure_functions",
        name="Azure Functions",
        category="Custom",
        summary="Call a function of yours when rows are added, changed or removed.",
        docs_url="docs/destinations/azure_functions.md",
        fields=(
            address_setting(
                "Functions → the function → Get function URL, without ?code=… at its end.",
                "https://acme.azurewebsites.net/api/customers",
            ),
            *API.sign_in.fields,
        ),
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(function_sync_type(),),
    )

    async def check(self) -> None:
        """Whether the app answers at all: any other request would be a call of the function."""
        async with self.line() as line:
            await line.send("HEAD", str(parse_url(address_of(self.config)).origin()), takes=range(200, 600))
