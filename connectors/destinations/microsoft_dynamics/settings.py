"""What a person sets for Dynamics 365, and what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sdk.destination import DestinationDefinition, Limits, Rate, Removal, SyncType
from connectors.sdk.fields import Select, Text
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import ClientCredentials, Either, OAuthApp
from connectors.sdk.types import Choice, Verification

VERSION = "v9.2"
LOGIN = "https://login.microsoftonline.com"
ENDPOINT = Text(
    name="endpoint",
    label="Web API endpoint",
    help="Power Apps → Settings → Developer resources.",
    placeholder="https://acme.crm.dynamics.com",
    pattern=r"https://[A-Za-z0-9.-]+\.(dynamics\.com|microsoftdynamics\.us|dynamics\.cn)(/.*)?",
    pattern_hint="Begin with https:// and the address of your environment.",
)
TENANT = Text(
    name="tenant",
    label="Directory (tenant) ID",
    help="Of the app registration in Microsoft Entra.",
    pattern=r"[A-Za-z0-9.-]+",
    pattern_hint="An ID, or the domain of the directory.",
)


def environment(config: Mapping[str, Any]) -> str:
    """The environment's address, without a path."""
    return "/".join(str(config["endpoint"]).split("/")[:3])


def _tokens(config: Mapping[str, Any]) -> str:
    return f"{LOGIN}/{config['tenant']}/oauth2/v2.0/token"


SIGN_IN = Either(
    ways={
        "app": (
            Choice("app", "As an app", "With a client secret, as an application user of the environment."),
            ClientCredentials(
                tokens=_tokens,
                client_id=Text(name="app_id", label="Application (client) ID", help="Of the app registration."),
                client_secret=Text(name="app_secret", label="Client secret", secret=True),
                scope=lambda config: f"{environment(config)}/.default",
                in_header=False,
            ),
        ),
        "oauth": (
            Choice("oauth", "Sign in as a user", "Through your own app; an admin may have to approve it."),
            OAuthApp(
                page=lambda config: f"{LOGIN}/{config['tenant']}/oauth2/v2.0/authorize",
                tokens=_tokens,
                scopes=("Dynamics CRM: user_impersonation",),
                scope_of=lambda config: f"{environment(config)}/user_impersonation offline_access",
                app="Microsoft Entra → App registrations",
            ),
        ),
    }
)
DEFINITION = DestinationDefinition(
    key="microsoft_dynamics",
    name="Microsoft Dynamics 365",
    category="CRM",
    summary="Rows of any Dataverse table, standard or custom.",
    docs_url="docs/destinations/microsoft_dynamics.md",
    fields=(ENDPOINT, TENANT, *SIGN_IN.fields),
    connects=SIGN_IN.connects,
    verification=Verification.DOCS,
    sync_types=(
        SyncType(
            key="objects",
            name="Objects",
            description="Rows of a table, matched by their GUID or by an alternate key of one or several columns.",
            modes=(upsert(Removal.CLEAR, Removal.DELETE), update(Removal.CLEAR, Removal.DELETE), insert()),
            settings=(
                Select(name="table", label="Table", discover="tables"),
                Select(
                    name="key",
                    label="Match by",
                    help="Map every column of the key, and tick it as matching. Inserts need none.",
                    discover="keys",
                    depends=("table",),
                    required=False,
                ),
            ),
            # Each operation of a batch counts: 6,000 in 5 minutes.
            limits=Limits(batch_rows=100, concurrency=2, rates=(Rate(requests=55, seconds=300),), timeout_s=120),
        ),
    ),
)
