"""What a person sets about the body of a request or message; :func:`connectors.sdk.payload.payload_of` reads it."""

from __future__ import annotations

from connectors.sdk.fields import Field, KeyValues, Select, Text, When
from connectors.sdk.types import Choice

_KINDS = (
    Choice("json_editor", "JSON from a template", "Write the JSON body in Liquid."),
    Choice("json_columns", "JSON from columns", "An object of the columns you choose, or of all of them."),
    Choice("json_column", "JSON in one column", "A column that already holds the JSON to send."),
    Choice("form", "Form", "URL-encoded names and values."),
    Choice("xml", "XML from a template", "Write the XML body in Liquid."),
    Choice("empty", "Empty", "No body; the address says it all."),
)


def payload_settings(*, json_only: bool = False, label: str = "Payload") -> tuple[Field, ...]:
    """The settings of one body; ``json_only`` for what takes nothing else."""
    kinds = _KINDS[:3] if json_only else _KINDS
    told = "Liquid with row." if json_only else "Liquid with row, or rows for a batch."
    fields: tuple[Field, ...] = (
        Select(name="payload", label=label, style="cards", default="json_columns", choices=kinds),
        Text(
            name="json",
            label="JSON",
            help=f"{told} Commas that loops leave behind are removed.",
            multiline=True,
            max_length=100_000,
            template=True,
            syntax="json",
            when=When(field="payload", values=("json_editor",)),
        ),
        Text(
            name="xml",
            label="XML",
            help="Liquid with row, or rows for a batch. Use the escape filter for text.",
            multiline=True,
            max_length=100_000,
            template=True,
            syntax="xml",
            when=When(field="payload", values=("xml",)),
        ),
        Select(name="column", label="Column", column=True, when=When(field="payload", values=("json_column",))),
        KeyValues(
            name="columns",
            label="Fields",
            help="Field name, and the column or Liquid value to send. Dots in names make nested objects. "
            "Leave empty to send every column.",
            template=True,
            column=True,
            when=When(field="payload", values=("json_columns",)),
        ),
        KeyValues(
            name="form",
            label="Form fields",
            help="Field name, and the column or Liquid value to send.",
            template=True,
            column=True,
            when=When(field="payload", values=("form",)),
        ),
    )
    return tuple(f for f in fields if not (json_only and f.name in ("xml", "form")))
