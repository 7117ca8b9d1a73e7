"""What the docs say of connectors' declarations: settings, modes, limits, the SQL that prepares a user.

Between two marks a page is written from the declaration; what stands around them is written by people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from connectors.catalog import VERIFICATION_WORDS
from connectors.registry import DESTINATIONS, SOURCES, destination_class, source_class
from connectors.sdk.destination import Destination, Limits, ModeSpec, Removal, SyncType
from connectors.sdk.fields import Field, FileUpload, Number, Select, Toggle
from connectors.sdk.rest import RestDestination

DOCS = Path(__file__).resolve().parents[1] / "docs"
BEGIN, END = "<!-- declared -->", "<!-- /declared -->"
_METHODS = {"sql": "SQL query", "table": "table or view", "file": "file", "sheet": "sheet"}
_REMOVALS = {
    Removal.NOTHING: "leave as it is",
    Removal.CLEAR: "clear the mapped fields",
    Removal.DELETE: "delete or take out",
}


def pages() -> dict[Path, str]:
    """Path of every page with such a part → its text as it should be."""
    parts = {DOCS / "sources" / f"{key}.md": source_part(source_class(key).definition) for key in SOURCES}
    for key in DESTINATIONS:
        parts[DOCS / "destinations" / f"{key}.md"] = _destination_part(destination_class(key))
    return {path: text for path, part in parts.items() if (text := _filled(path, part))}


def _filled(path: Path, part: str) -> str:
    """The page with this part; nothing where it leaves no place for one."""
    head, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN) if path.exists() else ("", "", "")
    _, end, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{part}\n{END}{tail}" if begin and end else ""


def source_part(definition: Any) -> str:
    """The declared part of a source's page."""
    return "\n\n".join(_source_blocks(definition))


def _source_blocks(definition: Any) -> Iterator[str]:
    yield "## Connect"
    rows = [f"| {f.label} | {_about(f, definition.fields)} |" for f in definition.fields]
    yield "\n".join(("| Setting | |", "| --- | --- |", *rows)) if rows else "There is nothing to log in to."
    methods = " or ".join(_METHODS[name] for name in definition.methods)
    yield (
        f"A model is a {methods}. Audiences can{'' if definition.studio else 'not'} be built on it. "
        f"Changes are found {'locally or in the source itself' if definition.write_planner else 'locally'} "
        "([the two planners](../concepts/planners.md)).\n\n"
        f"{VERIFICATION_WORDS[definition.verification.value][1]}"
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
    if declared.when.values == (None,):
        return f"Without {other.label.lower()}."
    labels = {c.value: c.label for c in other.choices} if isinstance(other, Select) else {True: "on", False: "off"}
    return f"With {other.label.lower()}: {', '.join(f'*{labels.get(v, v)}*' for v in declared.when.values)}."


def _destination_part(loaded: type[Destination]) -> str:
    definition = loaded.definition
    version = loaded.api.version if issubclass(loaded, RestDestination) else ""
    about = VERIFICATION_WORDS[definition.verification.value][1]
    spoken = f" Requests name version `{version}` of the service's interface." if version else ""
    return "\n\n".join((f"## What it does\n\n{about}{spoken}", *map(_sync_type, definition.sync_types)))


def _sync_type(kind: SyncType) -> str:
    checked = (VERIFICATION_WORDS[kind.verification.value][1],) if kind.verification else ()
    modes = "\n".join(_modes(kind.modes))
    return "\n\n".join((f"### {kind.name}", kind.description, *checked, modes, _limits(kind.limits)))


def _modes(modes: tuple[ModeSpec, ...]) -> Iterator[str]:
    yield "| Mode | What it does | Rows that left the model |"
    yield "| --- | --- | --- |"
    for spec in modes:
        yield f"| {spec.mode.value} | {spec.description} | {', '.join(_REMOVALS[each] for each in spec.removals)} |"


def _limits(limits: Limits) -> str:
    rows = "One row a request" if limits.batch_rows == 1 else f"Up to {limits.batch_rows:,} rows a batch"
    rates = " and ".join(f"{rate.requests:,} requests in {rate.seconds:g} s" for rate in limits.rates)
    return f"{rows}{f', at most {rates}' if rates else ''}."
