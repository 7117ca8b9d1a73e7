"""Attentive: identifiers and attributes of users, events, and subscriptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    Mode,
    ModeSpec,
    Rate,
    Removal,
    RowResult,
    RowSet,
    SyncType,
    rejected,
)
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Select, Text, Toggle, When
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import (
    Api,
    KeyHeader,
    PerRow,
    Record,
    RestDestination,
    Results,
    Work,
    besides,
    field,
    inside,
    missing,
)
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import text
from connectors.sdk.types import Choice, Verification

CUSTOM = "customIdentifiers."
PHONE = field("phone", "Phone number", identifier=True, description="With + and the country's code.")
EMAIL = field("email", "E-mail", identifier=True)
EXTERNAL = (
    field("clientUserId", "Client user ID", identifier=True),
    field("shopifyId", "Shopify ID", identifier=True),
    field("klaviyoId", "Klaviyo ID", identifier=True),
)
USER = (PHONE, EMAIL, *EXTERNAL)
HAPPENED = (
    field("externalEventId", "Event ID", description="Left out, one is made for each row."),
    field("occurredAt", "Time", "moment", description="Left out, it is when the event arrives."),
)
TYPES = PerRow(
    name="event",
    label="Event type",
    field=field("type", "Event type", required=True),
    help="Upper and lower case are told apart.",
)
LOCALE = (
    field("locale.language", "Language", description="Two letters, such as en."),
    field("locale.country", "Country", description="Two letters, such as US."),
)
FORBIDDEN_IN_KEYS = frozenset('"{}[]\\|')
FORBIDDEN_IN_TYPES = FORBIDDEN_IN_KEYS | frozenset("'(),")
# Attentive takes a hundred requests a second, each with one user.
LIMITS = Limits(batch_rows=500, concurrency=2, rates=(Rate(requests=90, seconds=1),), batch_s=300)
ONE = Limits(batch_rows=1, concurrency=8, rates=LIMITS.rates)


async def write_identities(work: Work) -> Results:
    """Identifiers of one user a request."""

    async def send(record: Record) -> RowResult | None:
        if refusal := missing(record, work.match):
            return refusal
        told, own = known(record, USER), custom(record)
        if not own and "clientUserId" not in told:
            return rejected("There is neither a client user ID nor an identifier of your own.", field="clientUserId")
        if len(told) + len(own) < 2:
            return rejected("There is only one identifier; two or more can be tied together.")
        await work.line.send("POST", "identity-resolution/user-identifiers", json=with_custom(told, own))
        return None

    return await work.each(send, at_once=8)


async def write_event(work: Work) -> Results:
    """One event, once."""
    record = work.records[0]
    refusal = TYPES.refusal(work.settings, record) or nobody(record)
    if refusal:
        return [refusal]
    name = text(TYPES.of(work.settings, record))
    properties = properties_of(record, (*USER, *HAPPENED, TYPES.field))
    if odd := forbidden([name], FORBIDDEN_IN_TYPES) or forbidden(properties, FORBIDDEN_IN_KEYS):
        return [odd]
    told: Record = {"type": name, "properties": properties, "user": user_of(record)}
    told["externalEventId"] = text(record.get("externalEventId") or work.event_ids[0])
    if record.get("occurredAt") is not None:
        told["occurredAt"] = moment(record["occurredAt"], field="occurredAt").isoformat(timespec="milliseconds")
    return await work.each(partial(post, work, "events/custom", told))


async def write_attributes(work: Work) -> Results:
    """Attributes of one user a request."""

    async def send(record: Record) -> RowResult | None:
        if refusal := missing(record, work.match):
            return refusal
        told = {name: value for name, value in properties_of(record, USER).items() if value is not None}
        if odd := forbidden(told, FORBIDDEN_IN_KEYS):
            return odd
        if told:
            await work.line.send("POST", "attributes/custom", json={"properties": told, "user": user_of(record)})
        return None

    return await work.each(send, at_once=8)


async def write_subscription(work: Work) -> Results:
    """Subscribe one person, or unsubscribe: either may send a message, so never twice."""
    record = work.records[0]
    if refusal := missing(record, EMAIL.name, PHONE.name):
        return [refusal]
    make, path = (leaving, "subscriptions/unsubscribe") if work.leaving else (joining, "subscriptions")
    return await work.each(partial(post, work, path, make(work.settings, record)))


async def post(work: Work, path: str, told: Record, record: Record) -> None:
    """Send what was made of the only row."""
    await work.line.send("POST", path, json=told)


def joining(settings: Mapping[str, Any], record: Record) -> Record:
    """What subscribes a person: through a sign-up unit, or the one that fits a language and country."""
    told: Record = {"user": known(record, (PHONE, EMAIL))}
    external = with_custom(known(record, EXTERNAL), custom(record))
    if external:
        told["externalIdentifiers"] = external
    if settings.get("sign_up") == "locale":
        told["locale"] = inside(record, LOCALE, "locale.")
        told["subscriptionType"] = settings["kind"]
    else:
        told["signUpSourceId"] = settings["source"]
    return {**told, **({"singleOptIn": True} if settings.get("single_opt_in") else {})}


def leaving(settings: Mapping[str, Any], record: Record) -> Record:
    """What unsubscribes a person: from one kind of message on the channels that the row has an address for."""
    told: Record = {"user": known(record, (PHONE, EMAIL))}
    if settings.get("kind"):
        channels = [each for name, each in (("phone", "TEXT"), ("email", "EMAIL")) if record.get(name)]
        told["subscriptions"] = [{"type": settings["kind"], "channel": channel} for channel in channels]
    return {**told, **({"notification": {"disabled": True}} if settings.get("silent") else {})}


def user_of(record: Record) -> Record:
    """A person as events and attributes name them."""
    told, external = known(record, (PHONE, EMAIL)), with_custom(known(record, EXTERNAL), custom(record))
    return {**told, **({"externalIdentifiers": external} if external else {})}


def known(record: Record, own: Sequence[DestinationField]) -> Record:
    """The identifiers among these, as texts."""
    return {name: text(value) for name, value in inside(record, own).items()}


def nobody(record: Record) -> RowResult | None:
    """The refusal of a row that names nobody."""
    return None if custom(record) else missing(record, *(each.name for each in USER))


def custom(record: Record) -> list[Record]:
    """The identifiers of one's own."""
    mapped = ((name, value) for name, value in record.items() if name.startswith(CUSTOM))
    return [{"name": n.removeprefix(CUSTOM), "value": text(v)} for n, v in mapped if v not in (None, "")]


def with_custom(told: Record, own: list[Record]) -> Record:
    """Identifiers with those of one's own."""
    return {**told, **({"customIdentifiers": own} if own else {})}


def properties_of(record: Record, own: Sequence[DestinationField]) -> Record:
    """What is mapped to fields that a person named, besides identifiers."""
    return {name: value for name, value in besides(record, own).items() if not name.startswith(CUSTOM)}


def forbidden(names: Iterable[str], characters: frozenset[str]) -> RowResult | None:
    """The refusal of a row with a name that Attentive does not take."""
    odd = next((name for name in names if characters & set(name)), None)
    return rejected(f"“{odd}” has one of {' '.join(sorted(characters))}, which Attentive refuses.") if odd else None


SUBSCRIPTION = (
    Select(
        name="sign_up",
        label="Sign-up unit",
        style="cards",
        default="source",
        choices=(
            Choice("source", "By its ID", "Shown in the Sign-up Units tab."),
            Choice("locale", "By language and country", "Rows name both; one unit must fit."),
        ),
    ),
    Text(
        name="source",
        label="ID of the sign-up unit",
        required=False,
        help="Needed to subscribe people.",
        when=When(field="sign_up", values=("source",)),
    ),
    Select(
        name="kind",
        label="Kind of messages",
        default="MARKETING",
        choices=(Choice("MARKETING", "Marketing"), Choice("TRANSACTIONAL", "Transactional")),
    ),
    Toggle(name="single_opt_in", label="Subscribe without asking to confirm", help="Attentive has to allow it."),
    Toggle(name="silent", label="Unsubscribe without a message"),
)


class AttentiveDestination(RestDestination):
    """A company in Attentive."""

    api = Api(
        base="https://api.attentivemobile.com/v1",
        version="v1",
        sign_in=KeyHeader(key=Text(name="api_key", label="API key", help="Of a custom app.", secret=True)),
        test=("GET", "me"),
    )
    definition = DestinationDefinition(
        key="attentive",
        name="Attentive",
        category="E-mail & lifecycle",
        summary="Identifiers and attributes of users, events and subscriptions.",
        docs_url="docs/destinations/attentive.md",
        fields=api.sign_in.fields,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(
            SyncType(
                key="identities",
                name="Identities",
                description="IDs of your own, tied to the other identifiers of a user.",
                modes=(update(noun="users"),),
                limits=LIMITS,
                custom_fields=True,
            ),
            SyncType(
                key="events",
                name="Custom events",
                description="What people did, once a row.",
                modes=(insert("events"),),
                settings=TYPES.settings,
                limits=ONE,
                custom_fields=True,
            ),
            SyncType(
                key="attributes",
                name="Custom attributes",
                description="Attributes of users; those that are new are made.",
                modes=(upsert(noun="attributes"),),
                limits=LIMITS,
                custom_fields=True,
            ),
            SyncType(
                key="subscribers",
                name="Subscribers",
                description="People who are subscribed, or unsubscribed.",
                modes=(
                    ModeSpec(
                        mode=Mode.ADD,
                        rows=RowSet.CHANGES,
                        description="Subscribes the people of new rows.",
                        removals=(Removal.NOTHING, Removal.DELETE),
                        idempotent=False,
                    ),
                    ModeSpec(
                        mode=Mode.REMOVE,
                        rows=RowSet.ADDED,
                        description="Unsubscribes the people of new rows.",
                        idempotent=False,
                    ),
                ),
                settings=SUBSCRIPTION,
                limits=ONE,
                custom_fields=True,
            ),
        ),
    )
    writers: ClassVar = {
        "identities": write_identities,
        "events": write_event,
        "attributes": write_attributes,
        "subscribers": write_subscription,
    }

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "events":
            return [*USER, *HAPPENED, *TYPES.fields(settings)]
        if sync_type == "subscribers":
            return [*USER, *(LOCALE if settings.get("sign_up") == "locale" else ())]
        return USER

    def validate(self, job: Job) -> None:
        by_id = job.sync_type == "subscribers" and job.settings.get("sign_up") != "locale"
        if by_id and job.mode is Mode.ADD and not job.settings.get("source"):
            raise ConfigError("The ID of the sign-up unit is missing.", field="source")
