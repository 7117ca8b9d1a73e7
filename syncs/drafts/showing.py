"""A draft's changes for the people who review it: what differs, in their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.choices import MODE_WORDS
from connectors.fields_table import described_settings
from connectors.models import Destination
from connectors.sdk.destination import FirstRun, Mode, Removal
from governance.approvals.registry import Part
from syncs.choices import ModelMethod, PendingReset
from syncs.configuration import definition_of
from syncs.drafts.state import definition_in, guardrails_in, reset_in, schedule_in
from syncs.forms.guardrails import described as guardrail_words
from syncs.forms.mapping import KINDS, line_of, summary_of
from syncs.forms.syncs import FIRST_RUN_WORDS, REMOVAL_WORDS

State = Mapping[str, Any]
_RESETS = {
    PendingReset.RESYNC: "Send every row again",
    PendingReset.RESET: "Remember the rows, send nothing",
}


def model_parts(before: State | None, after: State) -> list[Part]:
    """Query, key and columns."""
    parts = [
        Part("Query or table", "sql", _definition_words(before), _definition_words(after)),
        Part("Primary key", "fields", _key_words(before), _key_words(after)),
        Part("Columns", "fields", _column_words(before), _column_words(after)),
    ]
    return _differing(parts)


def sync_parts(destination: Destination, before: State | None, after: State, *, resealed: bool) -> list[Part]:
    """Configuration, mapping, schedule, guardrails; that credentials changed, never which."""
    secrets: tuple[dict[str, str], dict[str, str]] = ({}, {"Credentials": "Replaced"}) if resealed else ({}, {})
    parts = [
        Part("Configuration", "fields", _configuration(destination, before), _configuration(destination, after)),
        Part("Credentials", "fields", *secrets),
        Part("Field mapping", "fields", _mapping_words(before), _mapping_words(after)),
        Part("Schedule", "fields", _schedule_words(before), _schedule_words(after)),
        Part("Guardrails", "text", _guardrail_words(before), _guardrail_words(after)),
    ]
    return _differing(parts)


def _differing(parts: Sequence[Part]) -> list[Part]:
    return [part for part in parts if part.before != part.after]


def _definition_words(state: State | None) -> str:
    if state is None:
        return ""
    definition = definition_in(state)
    if definition.method is ModelMethod.SQL:
        return definition.sql
    return ".".join(filter(None, (definition.table_schema, definition.table_name)))


def _key_words(state: State | None) -> dict[str, str]:
    if state is None:
        return {}
    reset, run_now = reset_in(state)
    words = {"Primary key": state["primary_key"]}
    if reset in _RESETS:
        words["Syncs of the model"] = f"{_RESETS[reset]}, {'right away' if run_now else 'with their next run'}"
    return words


def _column_words(state: State | None) -> dict[str, str]:
    if state is None:
        return {}
    casts = {name: f"cast to {kind}" for name, kind in state["casts"].items()}
    off = {name: ", ".join(filter(None, (casts.get(name), "switched off"))) for name in state["off"]}
    return {**casts, **off}


def _configuration(destination: Destination, state: State | None) -> dict[str, str]:
    if state is None:
        return {}
    kind = definition_of(destination).sync_type(state["sync_type"])
    settings = {line.label: str(line.value) for line in described_settings(kind.settings, state["settings"])}
    return {
        "Type": kind.name,
        "Mode": MODE_WORDS[Mode(state["mode"])],
        "Rows that leave the model": REMOVAL_WORDS[Removal(state["removal"])][0],
        "First run": FIRST_RUN_WORDS[FirstRun(state["first_run"])][0],
        **settings,
    }


def _mapping_words(state: State | None) -> dict[str, str]:
    if state is None:
        return {}
    return {mapping["to"]: _value_words(mapping) for mapping in state["mappings"]}


def _value_words(mapping: Mapping[str, Any]) -> str:
    notes = [
        note
        for note, on in (("matches records", mapping["identifier"]), ("nulls left out", mapping["ignore_null"]))
        if on
    ]
    words = f"{KINDS[mapping['kind']]} {summary_of(mapping['kind'], line_of(mapping))}"
    return f"{words} ({', '.join(notes)})" if notes else words


def _schedule_words(state: State | None) -> dict[str, str]:
    return {} if state is None else {"Runs": schedule_in(state).whole_words}


def _guardrail_words(state: State | None) -> str:
    if state is None:
        return ""
    return "\n".join(map(str, guardrail_words(guardrails_in(state)))) or "Switched off: no run is held."
