"""Google Cloud Functions: rows are handed to a function, which says which of them it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sdk.destination import DestinationDefinition
from connectors.sdk.fields import Text
from connectors.sdk.functions import FunctionRules, function_body, function_sync_type, refused_rows
from connectors.sdk.rest import Api, RestDestination, Results, ServiceAccount, Work
from connectors.sdk.types import Verification


def _address(config: Mapping[str, Any]) -> str:
    return str(config.get("url") or "").strip()


API = Api(
    base=_address,
    sign_in=ServiceAccount(audience=_address),
)


async def call(work: Work) -> Results:
    """One call for the batch."""
    answer = await work.line.send(
        "POST", _address(work.config), body=function_body(work.job, work.batch), content_type="application/json"
    )
    return refused_rows(answer.json() if answer.body.strip() else None, work.batch.keys)


class GoogleCloudFunctionsDestination(FunctionRules, RestDestination):
    """One function."""

    api = API
    writers = {"calls": call}
    definition = DestinationDefinition(
        key="google_cloud_functions",
        name="Google Cloud Functions",
        category="Custom",
        summary="Call a function of yours when rows are added, changed or removed.",
        docs_url="docs/destinations/google_cloud_functions.md",
        fields=(
            Text(
                name="url",
                label="Address of the function",
                help="Shown on the function's page, under Trigger or at the top.",
                placeholder="https://europe-west1-acme.cloudfunctions.net/customers",
                pattern=r"https://[^\s/?#@]+(/[^\s?#]*)?",
                pattern_hint="Begin with https:// and leave out any query.",
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
