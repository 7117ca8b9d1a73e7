"""Twilio: an SMS for each row that is added, changed or removed."""

from __future__ import annotations

from typing import Any, ClassVar

from connectors.sdk.destination import DestinationDefinition, Job, Limits, Rate
from connectors.sdk.errors import BatchRejected, ConfigError
from connectors.sdk.fields import Select, Text, When
from connectors.sdk.notifier import MessageKinds, Outgoing, message_types
from connectors.sdk.notifier.chat import ChatDestination
from connectors.sdk.people import PHONE_COUNTRY, in_e164
from connectors.sdk.rest import Api, Basic, Line
from connectors.sdk.types import Choice, Verification

ACCOUNT = Text(
    name="account_sid", label="Account SID", help="Twilio console → Account info.", pattern=r"AC[0-9a-fA-F]{32}"
)
API = Api(
    base=lambda config: f"https://api.twilio.com/2010-04-01/Accounts/{config.get('account_sid') or ''}",
    version="2010-04-01",
    sign_in=Basic(user=ACCOUNT, password=Text(name="auth_token", label="Auth token", help="Beside it.", secret=True)),
    test=("GET", "IncomingPhoneNumbers.json"),
    says=lambda answer: f"{answer['message']} ({answer['code']})",
)
KINDS = MessageKinds(
    to=None,
    to_by_row=Text(
        name="to",
        label="To",
        help="A phone number, or a column that holds it: {{ row.phone }}.",
        template=True,
        syntax="liquid",
    ),
    limits=Limits(rates=(Rate(requests=10, seconds=1),), concurrency=2),
    together=0,
    tables=False,
    more=(
        Select(
            name="sender",
            label="Sent from",
            default="number",
            choices=(Choice("number", "A phone number"), Choice("service", "A messaging service")),
        ),
        Text(
            name="from",
            label="From",
            help="One of your numbers at Twilio, or a column that holds it: {{ row.sender }}.",
            template=True,
            syntax="liquid",
            when=When(field="sender", values=("number",)),
        ),
        Select(
            name="service",
            label="Messaging service",
            discover="services",
            when=When(field="sender", values=("service",)),
        ),
        PHONE_COUNTRY,
    ),
)


def next_page(answer: Any) -> str | None:
    """The address of the next page."""
    return (answer.get("meta") or {}).get("next_page_url")


class TwilioDestination(ChatDestination):
    """A Twilio account."""

    api = API
    longest = 1_600
    definition: ClassVar = DestinationDefinition(
        key="twilio",
        name="Twilio",
        category="Messaging",
        summary="SMS to people of a model.",
        docs_url="docs/destinations/twilio.md",
        status_page="https://status.twilio.com",
        fields=API.sign_in.fields,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=message_types(KINDS),
    )

    def validate(self, job: Job) -> None:
        super().validate(job)
        if job.settings.get("sender") != "service" and not job.settings.get("from"):
            raise ConfigError("Choose the number that messages come from.", field="from")

    async def say(self, line: Line, message: Outgoing) -> None:
        settings = message.settings
        try:
            to = in_e164(message.to, str(settings.get("phone_country") or "").upper())
        except ValueError as error:
            raise BatchRejected(f"“{message.to[:40]}” {error}.") from error
        by_service = settings.get("sender") == "service"
        if not by_service and not message.sender:
            raise BatchRejected("No number is named that the message comes from.")
        sender = {"MessagingServiceSid": settings["service"]} if by_service else {"From": message.sender}
        await line.send("POST", "Messages.json", form={"To": to, "Body": message.text, **sender})

    async def services(self) -> list[Choice]:
        """The account's messaging services."""

        async with self.line() as line:
            pages = line.pages("https://messaging.twilio.com/v1/Services", "services", next_page, {"PageSize": 100})
            return [Choice(each["sid"], each["friendly_name"]) async for each in pages]
