"""Stripe: customers, products, prices, subscriptions, invoices, invoice items and quotes.

https://docs.stripe.com/api; requests carry a key by which Stripe knows one that comes twice
(https://docs.stripe.com/api/idempotent_requests).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, ClassVar

from connectors.destinations.stripe.kinds import CUSTOMER, KINDS, MAKES, Kind
from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Limits,
    Mode,
    ModeSpec,
    Rate,
    Removal,
    RowResult,
    SyncType,
    rejected,
)
from connectors.sdk.errors import Unavailable
from connectors.sdk.fields import Text
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import Api, KeyHeader, Record, RestDestination, Results, Work
from connectors.sdk.rest.times import unix_s
from connectors.sdk.rest.work import text
from connectors.sdk.rows import dumps
from connectors.sdk.types import ColumnType, Operation, Verification

VERSION = "2024-06-20"
AT_ONCE = 4
LISTED = 20  # products that one request asks for
LEFT = RowResult(True, "The invoice item is on an invoice that is no draft; it was left as it is.", "kept")


def write(kind: Kind) -> Callable[[Work], Awaitable[Results]]:
    """The writer of one kind of object."""

    async def records(work: Work) -> Results:
        async def make(record: Record, event: str) -> RowResult | None:
            return await sent(work, kind, record, kind.path, event, new=True)

        async def create(part: Work) -> Results:
            return await part.each_found(part.event_ids, make, at_once=AT_ONCE)

        async def change(part: Work, ids: Sequence[str]) -> Results:
            async def send(record: Record, key: str) -> RowResult | None:
                return await sent(work, kind, record, f"{kind.path}/{key}", "")

            return await part.each_found(ids, send, at_once=AT_ONCE)

        async def matched(part: Work) -> Results:
            found = await part.look_up(
                lambda values: known(part, kind, values), chunk=1 if part.match == "email" else LISTED, at_once=AT_ONCE
            )
            return await part.by_match(found, create=create, update=change, remove=lambda w, ids: gone(w, kind, ids))

        if work.job.mode is Mode.INSERT:
            return await create(work)
        # Stripe makes IDs itself: a row that is new and has none yet stands for a record that is to be made.
        fresh = work.job.mode is Mode.UPSERT and work.operation is Operation.ADDED and work.match == "id"
        new = [n for n, record in enumerate(work.records) if fresh and record.get("id") in (None, "")]
        return await work.in_groups((new, create), ([n for n in range(len(work)) if n not in new], matched))

    return records


async def known(work: Work, kind: Kind, values: Sequence[str]) -> list[tuple[str, str]]:
    """The ids of customers with an address, or of the products that are there; other IDs are taken at their word."""
    if work.match == "email":
        found = await customers(work, values[0])
        return [(values[0], key) for key in found]
    if kind.path == "products" and work.job.mode is Mode.UPSERT:
        answer = await work.line.get("products", {"ids[]": list(values), "limit": 100})
        return [(each["id"], each["id"]) for each in answer["data"]]
    return [(value, value) for value in values]


async def customers(work: Work, email: str) -> list[str]:
    """The ids of customers with this address, written just so."""
    answer = await work.line.get("customers", {"email": email, "limit": 100})
    return [str(each["id"]) for each in answer["data"]]


async def sent(work: Work, kind: Kind, record: Record, path: str, event: str, *, new: bool = False) -> RowResult | None:
    """Make or change a record; ``event`` is the key by which Stripe knows the request again."""
    told = dict(form_of(kind, record, new=new))
    named = (new or kind.path == "quotes") and not told.get("customer")
    if named and record.get(CUSTOMER) is not None:
        email = text(record[CUSTOMER])
        if email not in work.memo:
            work.memo[email] = await customers(work, email)
        if len(work.memo[email]) != 1:
            many = "No customer" if not work.memo[email] else "More than one customer"
            return rejected(f"{many} has the e-mail address “{email}”.", field=CUSTOMER)
        told["customer"] = work.memo[email][0]
    headers = {"Idempotency-Key": event} if event else {}
    await work.line.send("POST", path, form=told, headers=headers)
    return None


async def gone(work: Work, kind: Kind, ids: Sequence[str]) -> Results:
    """Delete records; subscriptions and quotes are cancelled."""

    async def send(record: Record, key: str) -> RowResult | None:
        if kind.path == "quotes":
            await work.line.send("POST", f"quotes/{key}/cancel", takes=(404,))
            return None
        takes = (400, 404) if kind.path == "invoiceitems" else (404,)
        answer = await work.line.send("DELETE", f"{kind.path}/{key}", takes=takes)
        return LEFT if answer.status == 400 else None

    return await work.each_found(ids, send, at_once=AT_ONCE)


def form_of(kind: Kind, record: Record, *, new: bool) -> Iterator[tuple[str, str]]:
    """A row as Stripe's form: ``shipping[address][city]``; what Stripe does not have becomes metadata."""
    for name, value in record.items():
        declared = kind.of(name)
        made_here = name == "id" and new and kind.path == "products"
        fixed = declared is not None and declared.modes == MAKES and not new
        if name == CUSTOMER or (name == "id" and not made_here) or fixed or (value is None and new):
            continue
        if declared is not None and declared.type is ColumnType.TIMESTAMP and value not in (None, "now"):
            value = unix_s(value, field=name)
        if kind.is_own(name):
            root, *rest = name.split(".")
            yield from flat(root + "".join(f"[{step}]" for step in rest), value)
        else:
            nested = isinstance(value, dict | list)
            yield f"metadata[{name}]", dumps(value).decode() if nested else plain(value)


def flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A value as fields of a form; an empty list or object is an empty field.

    Nothing inside an object is left out: tables know no difference between that and a member that is missing.
    """
    if isinstance(value, dict | list) and value:
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for step, each in inner:
            if each is not None:
                yield from flat(f"{name}[{step}]", each)
    else:
        yield name, "" if isinstance(value, dict | list) else plain(value)


def plain(value: Any) -> str:
    """A value as text; nothing empties a field."""
    return "" if value is None else text(value)


def sync_type(path: str, name: str, words: str, *removals: Removal) -> SyncType:
    """One kind of object."""
    noun = name.lower()
    modes: tuple[ModeSpec, ...] = (upsert(*removals, noun=noun), update(noun=noun), insert(noun, idempotent=True))
    return SyncType(
        key=path,
        name=name,
        description=words,
        modes=modes,
        custom_fields=True,
        limits=Limits(batch_rows=50, concurrency=2, rates=(Rate(requests=20, seconds=1),), timeout_s=80, batch_s=900),
    )


class StripeDestination(RestDestination):
    """A Stripe account."""

    api = Api(
        base="https://api.stripe.com/v1",
        version=VERSION,
        headers={"Stripe-Version": VERSION},
        sign_in=KeyHeader(
            key=Text(
                name="secret_key",
                label="Secret key",
                help="Developers → API keys. A restricted key needs the right to write what is synced.",
                placeholder="sk_live_…",
                secret=True,
            )
        ),
        test=("GET", "customers?limit=1"),
        # Another request with the same key, or on the same object, is still under way.
        errors={409: lambda response, message: Unavailable(message)},
    )
    definition = DestinationDefinition(
        key="stripe",
        name="Stripe",
        category="Finance",
        summary="Customers, products, prices, subscriptions, invoices, invoice items and quotes.",
        docs_url="docs/destinations/stripe.md",
        status_page="https://status.stripe.com",
        fields=api.sign_in.fields,
        verification=Verification.DOCS,
        sync_types=(
            sync_type("customers", "Customers", "Customers, by e-mail address or ID.", Removal.DELETE),
            sync_type("products", "Products", "Products, by their ID.", Removal.DELETE),
            sync_type("prices", "Prices", "Prices, by their ID. Stripe never deletes any."),
            sync_type("subscriptions", "Subscriptions", "Subscriptions, by their ID.", Removal.DELETE),
            sync_type("invoices", "Invoices", "Invoices, by their ID. Only drafts can be deleted.", Removal.DELETE),
            sync_type("invoiceitems", "Invoice items", "Lines of invoices, by their ID.", Removal.DELETE),
            sync_type("quotes", "Quotes", "Quotes, by their ID. Removed ones are cancelled.", Removal.DELETE),
        ),
    )
    writers: ClassVar = {path: write(kind) for path, kind in KINDS.items()}

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        return KINDS[sync_type].fields
