"""What a person sets for a sync that writes files, the same for every place files go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sdk.destination import Job, Limits, Mode, ModeSpec, RowSet, SyncType
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Field, Number, Select, Text, Toggle, When
from connectors.sdk.files.formats import Format, FormatOptions
from connectors.sdk.files.names import VARIABLES, file_name
from connectors.sdk.files.writing import FilePlan
from connectors.sdk.types import Choice

_CSV = When(field="format", values=(Format.CSV.value,))
_BOOLEANS = {"words": None, "numbers": (1, 0), "one_or_blank": (1, None)}
_DELIMITERS = {"comma": ",", "semicolon": ";", "pipe": "|", "tilde": "~", "tab": "\t"}

SETTINGS: tuple[Field, ...] = (
    Select(
        name="format",
        label="Format",
        default=Format.CSV.value,
        choices=(
            Choice(Format.CSV, "CSV"),
            Choice(Format.JSON, "JSON", "One array of objects"),
            Choice(Format.NDJSON, "NDJSON", "One JSON object a line"),
            Choice(Format.XML, "XML"),
            Choice(Format.PARQUET, "Parquet", "Keeps column types"),
        ),
    ),
    Text(
        name="filename",
        label="File name",
        help="Folders and name. Variables in braces, times in UTC: " + ", ".join(f"{{{v}}}" for v in VARIABLES) + ".",
        placeholder="exports/{YYYY}-{MM}-{DD}/{model.name}.csv",
        max_length=1_024,
    ),
    Number(
        name="offset",
        label="Time offset",
        help="Added to the run's time in the file name; -86400 gives the day before.",
        default=0,
        minimum=-31_536_000,
        maximum=31_536_000,
        unit="seconds",
    ),
    Select(
        name="delimiter",
        label="Delimiter",
        default="comma",
        choices=tuple(Choice(key, f"{key.capitalize()} {sign}".strip()) for key, sign in _DELIMITERS.items()),
        when=_CSV,
        group="CSV",
    ),
    Toggle(
        name="header",
        label="Header row",
        help="Column names in the first line.",
        default=True,
        when=_CSV,
        group="CSV",
    ),
    Toggle(
        name="bom",
        label="Byte order mark",
        help="Lets some spreadsheet programs recognise UTF-8.",
        when=_CSV,
        group="CSV",
    ),
    Select(
        name="booleans",
        label="True and false",
        default="words",
        choices=(
            Choice("words", "true, false"),
            Choice("numbers", "1, 0"),
            Choice("one_or_blank", "1, blank", "As some receivers of files expect it; null is blank, too."),
        ),
        when=_CSV,
        group="CSV",
    ),
    Toggle(
        name="gzip",
        label="Compress with gzip",
        help="The file name stays as it is: add .gz yourself. Parquet is compressed inside the file.",
        group="Files",
    ),
    Number(
        name="batch_size",
        label="Rows in a file",
        help="Splits large results into several numbered files. Leave empty for one file.",
        required=False,
        minimum=1,
        maximum=100_000_000,
        unit="rows",
        group="Files",
    ),
    Toggle(
        name="skip_empty",
        label="Skip empty files",
        help="Write nothing where there are no rows.",
        group="Files",
    ),
    Text(
        name="indicator",
        label="Indicator file",
        help="Name of an empty file written after all others, as a sign that they are complete.",
        required=False,
        max_length=1_024,
        group="Files",
    ),
)

# Sent one after another by one writer; there is nothing to batch or retry row by row.
LIMITS = Limits(batch_rows=50_000, batch_bytes=64_000_000, attempts=3, timeout_s=300.0)


def file_sync_type(description: str) -> SyncType:
    """The sync type of every file destination."""
    return SyncType(
        key="files",
        name="Files",
        description=description,
        settings=SETTINGS,
        limits=LIMITS,
        all_columns=True,
        mapping=True,
        custom_fields=True,
        single_writer=True,
        modes=(
            ModeSpec(
                mode=Mode.ALL,
                rows=RowSet.FULL,
                description="One file with every row of the model, at every run.",
                matching=False,
            ),
            ModeSpec(
                mode=Mode.INSERT,
                rows=RowSet.ADDED,
                description="One file with the rows added since the last run.",
                matching=False,
            ),
            ModeSpec(
                mode=Mode.DIFF,
                rows=RowSet.FILES,
                description="Three files: rows added, rows changed and rows removed since the last run.",
                matching=False,
            ),
        ),
    )


def file_plan(job: Job) -> FilePlan:
    """The plan that a sync's settings describe; raises ``ConfigError``."""
    settings = job.settings
    plan = FilePlan(
        name=str(settings.get("filename") or ""),
        options=_options(settings),
        offset_s=int(settings.get("offset") or 0),
        batch_rows=int(settings.get("batch_size") or 0),
        skip_empty=bool(settings.get("skip_empty")),
        indicator=str(settings.get("indicator") or ""),
    )
    _check(plan, job)
    return plan


def _options(settings: Mapping[str, Any]) -> FormatOptions:
    return FormatOptions(
        format=Format(settings.get("format") or Format.CSV),
        delimiter=_DELIMITERS[settings.get("delimiter") or "comma"],
        header=bool(settings.get("header", True)),
        bom=bool(settings.get("bom")),
        booleans=_BOOLEANS[settings.get("booleans") or "words"],
        gzip=bool(settings.get("gzip")),
    )


def _check(plan: FilePlan, job: Job) -> None:
    data = file_name(plan.name, job, offset_s=plan.offset_s)
    if not plan.indicator:
        return
    if job.mode != Mode.DIFF and not plan.batch_rows:
        raise ConfigError(
            "An indicator file is for runs that write several files.",
            field="indicator",
            hint="Use diff mode, or set how many rows go into a file.",
        )
    if file_name(plan.indicator, job, offset_s=plan.offset_s) == data:
        raise ConfigError("The indicator file would replace the data.", field="indicator")
