"""Shopify: customers, products, inventory, discounts, and what becomes of fulfillment orders.

https://shopify.dev/docs/api/admin-graphql, or where it is chosen https://shopify.dev/docs/api/admin-rest
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.destinations.shopify import legacy
from connectors.destinations.shopify.changes import changed, made
from connectors.destinations.shopify.legacy import first_missing
from connectors.destinations.shopify.settings import (
    DEFINITION,
    METAFIELD,
    OWNERS,
    SIGN_IN,
    TOGETHER,
    VERSION,
    fields_of,
    is_legacy,
)
from connectors.sdk.destination import DestinationField, Job, Limits, Mode, RowResult
from connectors.sdk.errors import AuthError, RateLimited
from connectors.sdk.rest import Api, Record, RestDestination, Results, Work, field, row_by_row
from connectors.sdk.rest.graphql import GraphQL, GraphQLErrors, Mutation
from connectors.sdk.types import Operation

GRAPHQL = GraphQL("graphql.json")
# What records are found by, besides their IDs: the question, and what Shopify calls the field.
NAMED = {
    ("customers", "email"): ("customerByIdentifier", "emailAddress"),
    ("customers", "phone"): ("customerByIdentifier", "phoneNumber"),
    ("products", "handle"): ("productByIdentifier", "handle"),
}
METAFIELDS = (
    "query($owner: MetafieldOwnerType!) { metafieldDefinitions(ownerType: $owner, first: 250) "
    "{ nodes { namespace key name type { name } } } }"
)


async def write_records(work: Work) -> Results:
    """Looked up where that is asked for; then many changes in one request, each with an outcome of its own."""
    if is_legacy(work.job.sync_type, work.settings):
        return await legacy.WRITERS[work.job.sync_type](work)
    if work.job.mode is Mode.INSERT:
        return await create(work)
    found = await work.look_up(lambda values: known(work, values), chunk=TOGETHER)
    return await work.by_match(found, create=create, update=change, remove=remove)


async def create(part: Work) -> Results:
    """New records, events and actions; a row without what they need is refused by itself."""
    needed = [each.name for each in fields_of(part.job.sync_type, part.settings) if each.required]
    return await sent(part, [first_missing(record, needed) or made(part, record) for record in part.records])


async def change(part: Work, ids: Sequence[str]) -> Results:
    """Records that are there."""
    needed = ["productId"] if part.job.sync_type in ("variants", "options") else []
    pairs = zip(part.records, ids, strict=True)
    return await sent(part, [first_missing(record, needed) or changed(part, record, key) for record, key in pairs])


async def remove(part: Work, ids: Sequence[str]) -> Results:
    """Products alone can be deleted."""
    told = [{"input": ("ProductDeleteInput!", {"id": key})} for key in ids]
    return await sent(part, [Mutation("productDelete", each, "userErrors { field message }") for each in told])


async def sent(part: Work, told: Sequence[Mutation | RowResult]) -> list[RowResult]:
    """Carry out the changes; rows that were refused before are not sent."""
    answers = iter(await GRAPHQL.change(part.line, [each for each in told if isinstance(each, Mutation)]))
    return [next(answers) if isinstance(each, Mutation) else each for each in told]


async def known(work: Work, values: Sequence[str]) -> list[tuple[str, str]]:
    """The IDs of records with these values, many asked for at once; IDs are taken at their word."""
    if (work.job.sync_type, work.match) not in NAMED:
        return [(value, value) for value in values]
    question, name = NAMED[work.job.sync_type, work.match]
    declared = ", ".join(f"$v{n}: String!" for n in range(len(values)))
    parts = " ".join(f"q{n}: {question}(identifier: {{{name}: $v{n}}}) {{ id }}" for n in range(len(values)))
    asked = {f"v{n}": value for n, value in enumerate(values)}
    told = await GRAPHQL.ask(work.line, f"query({declared}) {{ {parts} }}", **asked)
    return [(value, told[f"q{n}"]["id"]) for n, value in enumerate(values) if told[f"q{n}"]]


class ShopifyDestination(RestDestination):
    """A store, by a custom app of its own."""

    api = Api(
        base=lambda config: f"https://{config['store']}.myshopify.com/admin/api/{VERSION}",
        version=VERSION,
        sign_in=SIGN_IN,
        codes=GraphQLErrors(meanings={"THROTTLED": RateLimited, "ACCESS_DENIED": AuthError}),
    )
    definition = DEFINITION
    writers: ClassVar = {each.key: write_records for each in DEFINITION.sync_types}

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        limits = super().limits(job, operation)
        return row_by_row(limits, job) if is_legacy(job.sync_type, job.settings) else limits

    async def check(self) -> None:
        """Ask for the name of the store."""
        async with self.line() as line:
            await GRAPHQL.ask(line, "{ shop { name } }")

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        own = fields_of(sync_type, settings)
        if sync_type not in OWNERS or is_legacy(sync_type, settings):
            return own
        async with self.line() as line:
            told = await GRAPHQL.ask(line, METAFIELDS, owner=OWNERS[sync_type])
        return [*own, *(field_of(each) for each in told["metafieldDefinitions"]["nodes"])]


def field_of(told: Record) -> DestinationField:
    """A metafield that the store defines."""
    kind = told["type"]["name"]
    return field(f"{METAFIELD}{told['namespace']}.{told['key']}", told["name"], "any", native_type=kind)
