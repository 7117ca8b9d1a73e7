"""Google Cloud Functions: rows are handed to a function, which says which of them it refuses."""

from __future__ import annotations

from connectors.sdk.destination import DestinationDefinition
from connectors.sdk.functions import HttpFunctionDestination, address_of, address_setting, function_sync_type
from connectors.sdk.rest import Api, ServiceAccount
from connectors.sdk.types import Verification

API = Api(
    base=address_of,
    sign_in=ServiceAccount(audience=address_of),
)


class GoogleCloudFunctionsDestination(HttpFunctionDestination):
    """One function."""

    api = API
    definition = DestinationDefinition(
        key="google_cloud_functions",
        name="Google Cloud Functions",
        category="Custom",
        summary="Call a function of yours when rows are added, changed or removed.",
        docs_url="docs/destinations/google_cloud_functions.md",
        fields=(
            address_setting(
                "Shown on the function's page, under Trigger or at the top.",
                "https://europe-west1-acme.cloudfunctions.net/customers",
            ),
            *API.sign_in.fields,
        ),
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(function_sync_type(),),
    )

    async def check(self) -> None:
        """Ask Google for a token that the function would take. Calling the function is left to runs."""
        async with self.line() as line:
            await line.prove()
