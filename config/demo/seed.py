"""What the demo sets up, through the same services that pages and the API use."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.utils import timezone

from config.demo.audiences import LOYALTY, seed_audience_sync, seed_audiences
from config.demo.studio import seed_schema
from connectors.models import Destination, Source
from connectors.services import (
    check_destination,
    check_source,
    create_destination,
    create_source,
    refresh_schema,
    update_destination,
)
from governance.audit.actors import Actor, system
from syncs.configuration import Proposal
from syncs.definitions import Definition
from syncs.models import Model, Sync
from syncs.services.models import create_model
from syncs.services.syncs import create_sync
from workspaces.actors import person
from workspaces.models import User, Workspace
from workspaces.scoping import workspace_scope
from workspaces.services import create_api_key, create_organization, create_person

EMAIL = "demo@acme.example"
SEEDER = "demo"
CAMPAIGN_TOOL = "Campaign tool"

CUSTOMERS_TABLE = """
CREATE TABLE IF NOT EXISTS customers (
    customer_id bigint PRIMARY KEY,
    first_name text,
    last_name text,
    email text,
    city text,
    vip_tier text,
    lifetime_value numeric(12, 2),
    updated_by text
)
"""
CUSTOMERS_SQL = """SELECT
  customer_id,
  first_name,
  last_name,
  email,
  city,
  vip_tier,
  ltv AS lifetime_value
FROM public.customers"""
VIP_CARTS_SQL = """SELECT
  customer_id,
  first_name,
  email,
  vip_tier,
  ltv,
  items_in_cart
FROM public.customers
WHERE vip_tier <> 'Normal'
  AND items_in_cart > 0"""
UPSELL_SQL = """SELECT
  organization_id,
  name,
  segment,
  total_storage_used_mb,
  total_users_invited
FROM public.organizations
WHERE type = 'Free'"""
CART_BODY = """{
  "customers": [
    {% for row in rows %}
    {
      "id": {{ row.customer_id }},
      "email": {{ row.email | json }},
      "tier": {{ row.vip_tier | json }},
      "items_in_cart": {{ row.items_in_cart }}
    },
    {% endfor %}
  ]
}"""


@dataclass(frozen=True, slots=True)
class Demo:
    """What was set up. ``password`` and ``api_key`` are known only to whoever made them."""

    workspace: Workspace
    actor: Actor
    password: str
    api_key: str
    store: Source
    syncs: tuple[Sync, ...]


def seed() -> Demo:
    """Create the example company with its sources, models, destinations and syncs."""
    password = secrets.token_urlsafe(12)
    owner = create_person(actor=system(SEEDER), email=EMAIL, name="Dana Demo", password=password)
    workspace = create_organization(actor=system(SEEDER), owner=owner, name="Acme", workspace_name="Acme", slug="acme")
    with workspace_scope(workspace.pk):
        actor = person(owner)
        key = create_api_key(actor=actor, workspace=workspace, name="Demo key")
        store, product = _sources(actor)
        audiences = seed_audiences(actor, seed_schema(actor, store))
        database, endpoint = _destinations(actor)
        syncs = _syncs(actor, _models(actor, store, product), (database, endpoint))
        loyalty = seed_audience_sync(actor, audiences[LOYALTY], endpoint)
    return Demo(workspace, actor, password, key.secret, store, (*syncs, loyalty))


def find(email: str = EMAIL) -> User | None:
    """The demo's admin, if the demo was set up before."""
    return User.objects.with_email(email)


def point_at_inspector(actor: Actor) -> None:
    """Let the campaign tool's address follow the port of this start."""
    endpoint = Destination.objects.get(type="http_request", name=CAMPAIGN_TOOL)
    if endpoint.config["base_url"] != _inspector():
        values = {**endpoint.config, "base_url": _inspector()}
        endpoint = update_destination(actor=actor, destination=endpoint, values=values)
        check_destination(actor=actor, destination=endpoint)


def _inspector() -> str:
    return f"{settings.BASE_URL}/inspector/hook"


def _sources(actor: Actor) -> tuple[Source, Source]:
    # The shop's history ends today, so that audiences of the last days have members.
    today = timezone.now().date().isoformat()
    store = create_source(actor=actor, type="sample_b2c", name="Online shop", values={"first_day": today})
    product = create_source(actor=actor, type="sample_b2b", name="Product analytics", values={})
    for source in (store, product):
        check_source(actor=actor, source=source)
        refresh_schema(actor=actor, source=source)
    return store, product


def _models(actor: Actor, store: Source, product: Source) -> dict[str, Model]:
    def sql(source: Source, name: str, text: str, key: str, description: str) -> Model:
        definition = Definition.parse(method="sql", sql=text)
        return create_model(
            actor=actor, source=source, name=name, definition=definition, primary_key=key, description=description
        )

    table = Definition.parse(method="table", table_schema="public", table_name="users")
    return {
        "customers": sql(store, "Customers", CUSTOMERS_SQL, "customer_id", "Everyone who has an account in the shop."),
        "carts": sql(
            store,
            "VIP customers with items in the cart",
            VIP_CARTS_SQL,
            "customer_id",
            "VIPs who have not checked out.",
        ),
        "upsell": sql(product, "Free organizations", UPSELL_SQL, "organization_id", "Who might move to a paid plan."),
        "users": create_model(
            actor=actor, source=product, name="Product users", definition=table, primary_key="user_id"
        ),
    }


def _destinations(actor: Actor) -> tuple[Destination, Destination]:
    app = urlsplit(settings.DEMO_ACME_URL)
    with psycopg.connect(settings.DEMO_ACME_URL, autocommit=True) as connection:
        connection.execute(CUSTOMERS_TABLE)
    database = create_destination(
        actor=actor,
        type="postgres",
        name="Acme app database",
        values={
            "host": app.hostname,
            "port": app.port,
            "database": app.path.lstrip("/"),
            "user": app.username,
            "password": app.password,
            "sslmode": "disable",
        },
    )
    endpoint = create_destination(
        actor=actor,
        type="http_request",
        name=CAMPAIGN_TOOL,
        values={
            "base_url": _inspector(),
            "headers": [{"name": "X-Api-Key", "value": secrets.token_urlsafe(24), "secret": True}],
        },
    )
    for destination in (database, endpoint):
        check_destination(actor=actor, destination=destination)
    return database, endpoint


def _syncs(actor: Actor, models: dict[str, Model], destinations: tuple[Destination, Destination]) -> tuple[Sync, ...]:
    database, endpoint = destinations
    columns = ("first_name", "last_name", "email", "city", "vip_tier", "lifetime_value")
    rows = Proposal(
        sync_type="table",
        mode="upsert",
        removal="delete",
        settings={"table": "public.customers"},
        mappings=[
            {"to": "customer_id", "value": "customer_id", "identifier": True},
            *({"to": name, "value": name} for name in columns),
            {"to": "updated_by", "kind": "static", "value": "Headrace"},
        ],
    )
    trigger = {"batching": "batch", "method": "POST", "endpoint": "/carts", "payload": "json_editor", "json": CART_BODY}
    leave = {"method": "DELETE", "endpoint": "/carts/{{ row.customer_id }}", "payload": "empty"}
    requests = Proposal(
        sync_type="requests",
        mode="custom",
        first_run="backfill",
        settings={"added": trigger, "changed": {**trigger, "method": "PUT"}, "removed": leave},
    )
    customers = create_sync(
        actor=actor,
        model=models["customers"],
        destination=database,
        proposal=rows,
        name="Customers to the app database",
        slug="customers-to-app",
    )
    carts = create_sync(
        actor=actor,
        model=models["carts"],
        destination=endpoint,
        proposal=requests,
        name="VIP carts to the campaign tool",
        slug="vip-carts-to-campaigns",
    )
    return customers, carts
