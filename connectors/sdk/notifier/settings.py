"""The sync types of services that take messages, and what a person sets for each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connectors.sdk.destination import FirstRun, Limits, Mode, ModeSpec, RowSet, SyncType
from connectors.sdk.fields import Builder, Field, Number, Section, Text
from connectors.sdk.types import Operation

TABLE_ROWS = 50
FILE_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageKinds:
    """What a service takes. ``to`` says whom messages of many rows go to, ``to_by_row`` (a template) whom those of one.

    ``subject`` adds one to every message, ``copies`` people who get one, too, openly or not. ``formatting`` are
    settings of messages made of templates, ``of_files`` of those with a file, ``more`` those of every kind; ``builder``
    is where messages can be looked at that are JSON.
    ``together`` is how many rows a message may hold at most (0: one).
    """

    to: Field | None
    to_by_row: Text
    limits: Limits
    subject: bool = False
    copies: bool = False
    together: int = 20
    tables: bool = True
    files: bool = False
    more: tuple[Field, ...] = ()
    formatting: tuple[Field, ...] = ()
    builder: Builder | None = None
    of_files: tuple[Field, ...] = ()


def message_types(kinds: MessageKinds) -> tuple[SyncType, ...]:
    """The sync types of such a service."""
    found = [_by_row(kinds)]
    if kinds.together:
        found.append(_together(kinds))
    if kinds.tables:
        found.append(_table(kinds))
    if kinds.files:
        found.append(_file(kinds))
    return tuple(found)


def _by_row(kinds: MessageKinds) -> SyncType:
    return SyncType(
        key="message",
        name="Message",
        description="A message for each row that is added, changed or removed.",
        modes=(
            ModeSpec(
                mode=Mode.CUSTOM,
                rows=RowSet.CHANGES,
                description="Sends the messages you write; nothing for a full resync.",
                idempotent=False,
                matching=False,
            ),
        ),
        settings=(
            kinds.to_by_row,
            *_copies(kinds, by_row=True),
            *(_section(operation, kinds) for operation in Operation),
            *kinds.formatting,
            *kinds.more,
        ),
        limits=replace(kinds.limits, batch_rows=1),
        all_columns=True,
        mapping=False,
        first_run=(FirstRun.SKIP, FirstRun.BACKFILL),
    )


def _section(operation: Operation, kinds: MessageKinds) -> Section:
    return Section(
        name=operation.value,
        label=f"Rows {operation.value}",
        help=f"Send a message for each row that was {operation.value}.",
        group="Messages",
        fields=(*_subject(kinds), _template("text", "Message", "Liquid may use the row: {{ row.email }}.", kinds)),
    )


def _together(kinds: MessageKinds) -> SyncType:
    rows = Number(
        name="rows_per_message",
        label="Rows in a message",
        default=kinds.together,
        minimum=1,
        maximum=kinds.together,
        unit="rows",
    )
    parts = (
        _template("header", "Above the rows", "Once in each message.", kinds, required=False),
        _template("text", "Each row", "Repeated for each row: {{ row.email }}.", kinds),
        _template("footer", "Below the rows", "Once in each message.", kinds, required=False),
        *kinds.formatting,
    )
    return _whole(kinds, "batch_message", "Batch message", "All rows, several in a message.", (rows, *parts))


def _table(kinds: MessageKinds) -> SyncType:
    words = f"All rows as a table, {TABLE_ROWS} in a message. For small models."
    return _whole(kinds, "table", "Table", words, (_template("header", "Above the table", "", required=False),))


def _file(kinds: MessageKinds) -> SyncType:
    settings = (
        Text(name="file_name", label="Name of the file", default="rows.csv", max_length=200),
        _template("text", "Message", "Beside the file.", required=False),
        *kinds.of_files,
    )
    made = _whole(kinds, "csv", "CSV file", "All rows as a CSV file.", settings)
    return replace(made, single_writer=True)


def _whole(kinds: MessageKinds, key: str, name: str, words: str, settings: tuple[Field, ...]) -> SyncType:
    mode = ModeSpec(mode=Mode.ALL, rows=RowSet.FULL, description=words, idempotent=False, matching=False)
    return SyncType(
        key=key,
        name=name,
        description=words,
        modes=(mode,),
        settings=(*_to(kinds), *_copies(kinds), *_subject(kinds), *settings, *kinds.more),
        limits=replace(kinds.limits, batch_rows=TABLE_ROWS, concurrency=1),
        all_columns=True,
        mapping=False,
    )


def _to(kinds: MessageKinds) -> tuple[Field, ...]:
    return (kinds.to,) if kinds.to is not None else ()


def _copies(kinds: MessageKinds, *, by_row: bool = False) -> tuple[Field, ...]:
    if not kinds.copies:
        return ()
    words = f"Separated by commas{', or a column that holds them: {{ row.manager }}' if by_row else ''}."
    labels = {"cc": "Copies (CC)", "bcc": "Blind copies (BCC)"}
    return tuple(
        Text(name=name, label=label, help=words, required=False, template=by_row, syntax="liquid" if by_row else "")
        for name, label in labels.items()
    )


def _subject(kinds: MessageKinds) -> tuple[Field, ...]:
    return (
        (Text(name="subject", label="Subject", required=False, template=True, syntax="liquid"),)
        if kinds.subject
        else ()
    )


def _template(name: str, label: str, words: str, kinds: MessageKinds | None = None, *, required: bool = True) -> Text:
    return Text(
        name=name,
        label=label,
        help=words,
        multiline=True,
        max_length=50_000,
        template=True,
        syntax="liquid",
        required=required,
        builder=kinds.builder if kinds else None,
    )
