"""The declared part of pages under ``docs/sources/``: settings, what a source can do, the SQL that prepares it.

Between two marks the page is written from the declaration; what stands around them is written by people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from connectors.sdk.fields import Field, FileUpload, Number, Select, Toggle

BEGIN, END = "<!-- declared -->", "<!-- /declared -->"
_METHODS = {"sql": "SQL query", "table": "table or view", "file": "file", "sheet": "sheet"}
_VERIFIED = {
    "server": "Tested against a real server.",
    "emulator": "Tested against an emulator of the service, not the service itself.",
    "spec": "Checked against the vendor's machine-readable API description; not run against the service.",
    "docs": "Built from the vendor's documentation alone; not run against the service.",
}


def pages(folder: Path) -> dict[Path, str]:
    """Every page with such a part → its text as it should be."""
    from connectors.registry import SOURCES, source_class

    found = {}
    for key in SOURCES:
        path = folder / f"{key}.md"
        text = path.read_text() if path.exists() else ""
        head, begin, rest = text.partition(BEGIN)
        _, end, tail = rest.partition(END)
        if begin and end:
            found[path] = f"{head}{BEGIN}\n{part(source_class(key).definition)}\n{END}{tail}"
    return found


def part(definition: Any) -> str:
    """The declared part of a page."""
    return "\n\n".join(_blocks(definition))


def _blocks(definition: Any) -> Iterator[str]:
    yield "## Connect"
    rows = [f"| {f.label} | {_about(f, definition.fields)} |" for f in definition.fields]
    yield "\n".join(("| Setting | |", "| --- | --- |", *rows)) if rows else "There is nothing to log in to."
    methods = " or ".join(_METHODS[name] for name in definition.methods)
    yield (
        f"A model is a {methods}. Audiences can{'' if definition.studio else 'not'} be built on it. "
        f"Changes are found {'locally or in the source itself' if definition.write_planner else 'locally'} "
        "([the two planners](../concepts/planners.md)).\n\n"
        f"{_VERIFIED[definition.verification.value]}"
    )
    if definition.setup_sql:
        yield "## Permissions"
        yield "An administrator prepares a user like this; the set-up page shows it with your names filled in:"
        yield f"```sql\n{definition.setup_sql({})}\n```"
    if definition.write_setup_sql:
        yield (
            "For the warehouse planner and for [sync logs](../concepts/sync-logs.md) the user needs two schemas "
            "of its own as well:"
        )
        yield f"```sql\n{definition.write_setup_sql({})}\n```"


def _about(declared: Field, among: Sequence[Field]) -> str:
    words = [declared.help]
    if isinstance(declared, Select) and declared.choices:
        words.append(" ".join(f"*{c.label}*{f': {c.description}' if c.description else ''}" for c in declared.choices))
    if isinstance(declared, FileUpload) and declared.accept:
        words.append(f"A file ({declared.accept}).")
    if not isinstance(declared, Toggle | Select) and declared.default not in (None, "", []):
        words.append(f"{declared.default} unless yours differs.")
    if isinstance(declared, Number) and declared.unit:
        words.append(f"In {declared.unit}.")
    if declared.when is not None:
        words.append(_condition(declared, among))
    elif not declared.required and not isinstance(declared, Toggle | Select):
        words.append("Optional.")
    if declared.secret:
        words.append("Kept encrypted, never shown again.")
    return " ".join(word for word in words if word)


def _condition(declared: Field, among: Sequence[Field]) -> str:
    assert declared.when is not None
    other = next(f for f in among if f.name == declared.when.field)
    labels = {c.value: c.label for c in other.choices} if isinstance(other, Select) else {True: "on", False: "off"}
    return f"With {other.label.lower()}: {', '.join(f'*{labels.get(v, v)}*' for v in declared.when.values)}."
