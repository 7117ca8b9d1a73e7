"""E-mail by a mail server: a mail for each row, several rows in one, tables, and CSV files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from connectors.destinations.email.mail import composed, recipients
from connectors.destinations.email.server import Postbox, Server
from connectors.sdk.destination import DestinationDefinition, Job, Limits
from connectors.sdk.fields import TUNNEL, Field, Number, Select, Text, Toggle, When
from connectors.sdk.notifier import MessageKinds, NotifierDestination, Outgoing, message_types
from connectors.sdk.server_settings import authority
from connectors.sdk.tables import traced
from connectors.sdk.types import Choice, Verification

KINDS = MessageKinds(
    to=Text(name="to", label="To", help="Addresses, separated by commas.", placeholder="team@example.com"),
    to_by_row=Text(
        name="to",
        label="To",
        help="Addresses, separated by commas, or a column that holds them: {{ row.email }}.",
        template=True,
        syntax="liquid",
    ),
    limits=Limits(concurrency=3, timeout_s=60.0),
    subject=True,
    copies=True,
    files=True,
    of_files=(Toggle(name="zip", label="Zip the file", help="Some mailboxes refuse ZIP files."),),
    more=(
        Select(
            name="content",
            label="Messages are",
            default="text",
            choices=(
                Choice("text", "Text", "Sent as it is written."),
                Choice("html", "HTML", "Write {{ row.name | escape }} for values that are no HTML."),
            ),
        ),
        Text(name="reply_to", label="Replies go to", required=False, help="Left out, to the sender."),
    ),
)
_FIELDS: tuple[Field, ...] = (
    Text(name="host", label="Mail server", placeholder="smtp.example.com", max_length=253),
    Number(
        name="port",
        label="Port",
        help="Usually 587 with STARTTLS, 465 with TLS.",
        default=587,
        minimum=1,
        maximum=65_535,
    ),
    Select(
        name="encryption",
        label="Encryption",
        default="starttls",
        group="Security",
        choices=(
            Choice("starttls", "STARTTLS", "Begins in the open, then encrypts or gives up."),
            Choice("tls", "TLS", "Encrypted from the beginning."),
            Choice("none", "Off", "Only on a network that you trust."),
        ),
    ),
    authority(When(field="encryption", values=("starttls", "tls"))),
    Text(name="user", label="User", help="Left out, nobody signs in.", required=False),
    Text(name="password", label="Password", required=False, secret=True),
    Text(
        name="sender",
        label="From",
        help="An address that the server lets this user send from.",
        placeholder="Acme <news@example.com>",
    ),
    TUNNEL,
)


class EmailDestination(NotifierDestination[Postbox]):
    """One sender at one mail server."""

    longest = 1_000_000
    definition: ClassVar = DestinationDefinition(
        key="email",
        name="E-mail (SMTP)",
        category="Messaging",
        summary="E-mails from rows, with tables and CSV files, by your own mail server.",
        docs_url="docs/destinations/email.md",
        fields=_FIELDS,
        verification=Verification.SERVER,
        safe_to_resync=False,
        sync_types=message_types(KINDS),
    )

    async def check(self) -> None:
        """Signs in; sends nothing."""
        recipients(str(self.config.get("sender") or ""), field="sender")
        async with self._postbox(20.0) as postbox:
            await postbox.greet()

    def validate(self, job: Job) -> None:
        super().validate(job)
        recipients(str(self.config.get("sender") or ""), field="sender")
        for name in ("to", "cc", "bcc", "reply_to"):
            if job.sync_type != "message" and job.settings.get(name):
                recipients(str(job.settings[name]), field=name)

    @asynccontextmanager
    async def opened(self, job: Job) -> AsyncIterator[Postbox]:
        async with self._postbox(self.limits(job).timeout_s) as postbox:
            yield postbox

    async def post(self, line: Postbox, message: Outgoing) -> None:
        mail = composed(message, str(self.config["sender"]))
        with traced("MAIL", ", ".join(mail.recipients)) as told:
            told.answer = await line.send(mail)

    @asynccontextmanager
    async def _postbox(self, timeout_s: float) -> AsyncIterator[Postbox]:
        postbox = Postbox(Server.of(self.config, timeout_s), self.environment)
        try:
            yield postbox
        finally:
            await postbox.close()
