"""Writing messages from rows, for any service that can post one."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypedDict, TypeVar

from connectors.sdk.destination import (
    ACCEPTED,
    Batch,
    Destination,
    Job,
    Limits,
    RowResult,
    RowStreams,
    Session,
    rejected,
)
from connectors.sdk.errors import BatchRejected, ConfigError, ConnectorError, Gone
from connectors.sdk.files.formats import Format, FormatOptions, encoder
from connectors.sdk.liquid import Template, TemplateError, batch_variables, compile_template
from connectors.sdk.messages import run_context
from connectors.sdk.notifier.settings import FILE_BYTES
from connectors.sdk.rows import json_rows
from connectors.sdk.types import Operation

Line = TypeVar("Line")
_USER = re.compile("\ue000([^\ue000\ue001]*)\ue001")
_CELL = 40  # characters of a table's cell


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that is ready: whom it goes to, what it says, and perhaps a file. ``kind`` is the sync type.

    ``sender`` is who it comes from, where a message of one row says so (the setting ``from``).
    """

    kind: str
    to: str
    text: str
    settings: Mapping[str, Any]
    subject: str = ""
    file_name: str = ""
    file: bytes = b""
    cc: str = ""
    bcc: str = ""
    sender: str = ""


class Copies(TypedDict):
    """Who else gets a message, openly or not."""

    cc: str
    bcc: str


class NotifierDestination(Destination, Generic[Line]):
    """A service that takes messages; a connector opens a line, posts a message, and perhaps finds users."""

    longest: int  # characters of a message's text

    @abstractmethod
    def opened(self, job: Job) -> AbstractAsyncContextManager[Line]:
        """A line for one part of a run."""

    @abstractmethod
    async def post(self, line: Line, message: Outgoing) -> None:
        """Send one message; raises typed errors."""

    async def mention(self, line: Line, email: str) -> str:
        """How a message mentions the user with this address; the address where there is none."""
        return email

    def wanted(self, job: Job) -> frozenset[Operation]:
        """Those with a message; a full resync tells nobody what is no news."""
        if job.sync_type != "message":
            return frozenset(Operation)
        if job.resync:
            return frozenset()
        return frozenset(operation for operation in Operation if job.settings.get(operation.value))

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        limits = super().limits(job, operation)
        rows = job.settings.get("rows_per_message")
        return replace(limits, batch_rows=int(rows)) if job.sync_type == "batch_message" and rows else limits

    def validate(self, job: Job) -> None:
        if job.sync_type == "message" and not any(job.settings.get(o.value) for o in Operation):
            raise ConfigError("Switch on at least one message.", field=Operation.ADDED.value)

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[Session]:
        async with self.opened(job) as line:
            yield MessageSession(self, line, job)

    async def write(self, job: Job, rows: RowStreams) -> None:
        """All rows as a file beside a message."""
        made = encoder(rows.schema, FormatOptions(format=Format.CSV))
        parts = [made.start()]
        size = len(parts[0])
        for batch in rows.stream(Operation.ADDED):
            parts.append(made.add(batch.rows))
            size += len(parts[-1])
            if size > FILE_BYTES:
                told = f"The rows make a file of more than {FILE_BYTES // 1_000_000} MB."
                raise ConfigError(told, hint="Send fewer rows or columns, or write files to a folder instead.")
        parts.append(made.end())
        async with self.opened(job) as line:
            session = MessageSession(self, line, job)
            text = await session.rendered("text", {"context": session.context})
            subject = await session.rendered("subject", {"context": session.context})
            message = Outgoing(
                job.sync_type,
                str(job.settings.get("to") or ""),
                text,
                job.settings,
                subject,
                str(job.settings.get("file_name") or "rows.csv"),
                b"".join(parts),
                **session.copies,
            )
            await self.post(line, message)


class MessageSession(Generic[Line]):
    """One part's line, and the templates of the sync, parsed once."""

    def __init__(self, destination: NotifierDestination[Line], line: Line, job: Job) -> None:
        self._destination = destination
        self._line = line
        self._job = job
        self._templates: dict[str, Template] = {}
        self._users: dict[str, str] = {}
        self.context = run_context(job, Operation.ADDED)  # for messages of all rows

    @property
    def copies(self) -> Copies:
        """Who else gets each message, where the service sends copies."""
        settings = self._job.settings
        return Copies(cc=str(settings.get("cc") or ""), bcc=str(settings.get("bcc") or ""))

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        """One message for the row, or for the batch."""
        rows = json_rows(batch.rows)
        if self._job.sync_type != "message":
            return await self._together(rows, batch.rows.schema.names)
        results: list[RowResult] = []
        for row in rows:
            try:
                results.append(await self._by_row(row, batch.operation))
            except ConnectorError as error:
                if not results:
                    raise
                rest = len(rows) - len(results)
                return results + [rejected(error.message, code=error.code)] * rest
        return results

    async def _by_row(self, row: Mapping[str, Any], operation: Operation) -> RowResult:
        settings = self._job.settings.get(operation.value)
        if not settings:
            raise ConfigError(f"No message is written for rows that were {operation}.", field=operation.value)
        context = run_context(self._job, operation)
        try:
            to = self._render("to", self._job.settings, row, context).strip()
            text = await self._with_users(self._render("text", settings, row, context))
            subject = self._render("subject", settings, row, context)
            sender = self._render("from", self._job.settings, row, context).strip()
            copies = Copies(
                cc=self._render("cc", self._job.settings, row, context).strip(),
                bcc=self._render("bcc", self._job.settings, row, context).strip(),
            )
        except TemplateError as error:
            return error.result()
        if refusal := self._refused(to, text):
            return refusal
        try:
            await self._destination.post(
                self._line,
                Outgoing(self._job.sync_type, to, text, self._job.settings, subject, sender=sender, **copies),
            )
        except (BatchRejected, Gone) as error:
            return rejected(error.message)
        return ACCEPTED

    async def _together(self, rows: Sequence[dict[str, Any]], names: Sequence[str]) -> Sequence[RowResult]:
        settings = self._job.settings
        try:
            lines = [await self.rendered("header", batch_variables(rows, self.context))]
            if self._job.sync_type == "table":
                lines.append(table(rows, names))
            else:
                lines += [await self._with_users(self._render("text", settings, row, self.context)) for row in rows]
            lines.append(await self.rendered("footer", batch_variables(rows, self.context)))
            subject = await self.rendered("subject", batch_variables(rows, self.context))
        except TemplateError as error:
            raise BatchRejected(error.message, hint=error.hint) from error
        to, text = str(settings.get("to") or ""), "\n".join(line for line in lines if line)
        if refusal := self._refused(to, text):
            raise BatchRejected(refusal.message, hint="Put fewer rows into a message.")
        message = Outgoing(self._job.sync_type, to, text, settings, subject, **self.copies)
        await self._destination.post(self._line, message)
        return [ACCEPTED] * len(rows)

    async def rendered(self, name: str, variables: Mapping[str, Any]) -> str:
        """A template of the sync's settings; empty where it is not set."""
        template = self._template(str(self._job.settings.get(name) or ""))
        return await self._with_users(template.render(variables)) if template.source else ""

    def _render(
        self, name: str, settings: Mapping[str, Any], row: Mapping[str, Any], context: Mapping[str, Any]
    ) -> str:
        template = self._template(str(settings.get(name) or ""))
        return template.render(template.row_variables(row, context)) if template.source else ""

    def _template(self, source: str) -> Template:
        if source not in self._templates:
            self._templates[source] = compile_template(source)
        return self._templates[source]

    def _refused(self, to: str, text: str) -> RowResult | None:
        if not to:
            return rejected("Nobody is named whom the message goes to.", field="to")
        if not text.strip():
            return rejected("The message is empty.")
        if len(text) > self._destination.longest:
            return rejected(f"The message has {len(text):,} characters; {self._destination.longest:,} fit.")
        return None

    async def _with_users(self, text: str) -> str:
        """The text with users mentioned whom a template looked up."""
        for email in set(_USER.findall(text)):
            if email not in self._users:
                self._users[email] = await self._destination.mention(self._line, email)
        return _USER.sub(lambda found: self._users[found[1]], text)


def table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """The rows as a table of plain text, for a fixed-width font; long cells are cut."""
    cells = [list(names), *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(names))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "-+-".join("-" * width for width in widths), *lines[1:]])


def _cell(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split()).replace("`", "'").replace("|", "¦")
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
