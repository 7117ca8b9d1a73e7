"""A sync's configuration checked as a whole: declarations, the destination's fields, the model's columns.

This calls the destination, so it runs before the transaction that stores the result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from config.errors import HeadraceError, Invalid
from connectors.access import open_destination
from connectors.discovery import asked_settings, destination_fields
from connectors.models import Destination
from connectors.registry import destination_class
from connectors.sdk.destination import DestinationDefinition, DestinationField, FirstRun, Job, Mode, Removal, SyncType
from connectors.sdk.errors import ConfigError, ConnectorError
from connectors.sdk.validation import Cleaned, InvalidSettings, assemble, clean
from connectors.sdk.waiting import answered
from connectors.secrets import decrypt
from syncs.blanks import Blanks
from syncs.engine.spec import FieldMapping
from syncs.expansion import check_expansion, with_elements
from syncs.mapping_checks import Configuration, check
from syncs.mappings import Problems, parse, sources_of
from syncs.models import Model, ModelColumn, Sync


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A configuration as a form or the API gives it; ``mappings`` are values or their JSON."""

    sync_type: str
    mode: str = ""
    removal: str = Removal.NOTHING.value
    first_run: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    mappings: Sequence[FieldMapping | Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A configuration that can work. ``cleaned`` holds the settings with their secrets apart."""

    configuration: Configuration
    cleaned: Cleaned


def definition_of(destination: Destination) -> DestinationDefinition:
    """What the destination's type declares."""
    return destination_class(destination.type).definition


def sync_type_of(destination: Destination, key: str) -> SyncType:
    """One of the destination's sync types, or :class:`Invalid`."""
    kinds = definition_of(destination).sync_types
    kind = next((kind for kind in kinds if kind.key == key), None)
    if kind is None:
        offered = ", ".join(kind.key for kind in kinds)
        raise Invalid.field("sync_type", f"“{key}” is not a sync type of this destination; choose {offered}.")
    return kind


def columns_of(model: Model) -> dict[str, str]:
    """Name → type of the model's columns that mappings may use."""
    return {c.name: c.effective_type for c in model.columns.filter(enabled=True, missing=False)}


def check_proposal(
    model: Model,
    destination: Destination,
    proposal: Proposal,
    *,
    stored_secrets: Mapping[str, Any] | None = None,
    columns: Sequence[ModelColumn] | None = None,
    blanks: Blanks | None = None,
) -> Checked:
    """Everything that can be known to be wrong before a run, each under its input's path.

    ``columns`` stand for those of a model that is not stored yet. ``blanks`` takes what may be missing: that is left
    for somebody to fill in, and what depends on it is not checked before it is there.
    """
    blanks = blanks or Blanks()
    kind = _told_settings(destination, sync_type_of(destination, proposal.sync_type), proposal, blanks)
    problems = Problems()
    cleaned = _clean_settings(kind, proposal, stored_secrets or {}, problems, blanks)
    configuration = _configuration(kind, proposal, problems)
    _stop_at(problems)
    columns = list(model.columns.all()) if columns is None else columns
    configuration = replace(configuration, mappings=with_elements(columns, configuration.mappings))
    usable = {c.name: c.effective_type for c in columns if c.enabled and not c.missing}
    usable |= check_expansion(model, columns, configuration.mappings, problems)
    settings = assemble(cleaned.config, cleaned.secrets)
    fields = _told_fields(destination, kind, settings, blanks)
    # Which fields there are may not be known yet: then their names are not held against any.
    checked_kind = replace(kind, custom_fields=True) if blanks.some and not fields else kind
    check(configuration, checked_kind, usable, fields, problems)
    blanks.take_mapping(problems)
    _stop_at(problems)
    if not blanks.some:
        _ask_connector(model, destination, configuration, settings, fields)
    return Checked(configuration=configuration, cleaned=cleaned)


def secret_times(sync: Sync) -> dict[str, str]:
    """When each secret setting of a sync was set, as far as is known: with its last change."""
    return dict.fromkeys(decrypt(sync.sealed_settings), sync.updated_at.isoformat())


def mapped_fields(
    mappings: Sequence[FieldMapping], discovered: Sequence[DestinationField]
) -> tuple[DestinationField, ...]:
    """The destination field of each mapping, in order; custom names are fields of unknown type."""
    known = {f.name: f for f in discovered}
    return tuple(known.get(m.to) or DestinationField(name=m.to, label=m.to) for m in mappings)


def _told_settings(destination: Destination, kind: SyncType, proposal: Proposal, blanks: Blanks) -> SyncType:
    """The sync type with the settings that the destination tells; what depends on a blank is not told yet."""
    try:
        return asked_settings(destination, kind, proposal.settings)
    except HeadraceError:
        if not blanks.may_be:
            raise
        return kind


def _told_fields(
    destination: Destination, kind: SyncType, settings: Mapping[str, Any], blanks: Blanks
) -> tuple[DestinationField, ...]:
    """The fields of the destination; none where they depend on what is left blank."""
    try:
        return destination_fields(destination, kind.key, settings)
    except HeadraceError:
        if not blanks.some:
            raise
        return ()


def _clean_settings(
    kind: SyncType, proposal: Proposal, stored: Mapping[str, Any], problems: Problems, blanks: Blanks
) -> Cleaned:
    try:
        return clean(kind.settings, proposal.settings, stored=stored)
    except InvalidSettings as wrong:
        for path, message in blanks.take_settings(proposal.settings, wrong.errors).items():
            problems.add(f"settings.{path}", message)
        return wrong.rest


def _configuration(kind: SyncType, proposal: Proposal, problems: Problems) -> Configuration:
    only_mode = kind.modes[0].mode.value if len(kind.modes) == 1 else ""
    mode = _member(Mode, proposal.mode or only_mode, "mode", "Choose a mode.", problems)
    removal = _member(Removal, proposal.removal, "removal", "Choose what happens to removed rows.", problems)
    first = proposal.first_run or kind.first_run[0].value
    return Configuration(
        sync_type=kind.key,
        mode=mode or kind.modes[0].mode,
        removal=removal or Removal.NOTHING,
        first_run=_member(FirstRun, first, "first_run", "Choose what the first run sends.", problems)
        or kind.first_run[0],
        mappings=parse(proposal.mappings, problems),
    )


def _member(enum: Any, value: str, path: str, message: str, problems: Problems) -> Any:
    try:
        return enum(value)
    except ValueError:
        problems.add(path, message)
        return None


def _ask_connector(
    model: Model,
    destination: Destination,
    configuration: Configuration,
    settings: Mapping[str, Any],
    fields: Sequence[DestinationField],
) -> None:
    """What only the connector's own code knows to be wrong."""
    job = Job(
        sync_id=0,
        sync_slug="",
        run_id=0,
        model_id=model.pk,
        model_name=model.name,
        sync_type=configuration.sync_type,
        mode=configuration.mode,
        removal=configuration.removal,
        settings=settings,
        identifiers=tuple(m.to for m in configuration.mappings if m.identifier),
        fields=mapped_fields(configuration.mappings, fields),
        started_at=datetime.now(UTC),
        primary_key=model.primary_key,
        sources=sources_of(configuration.mappings),
    )
    try:
        opened = open_destination(destination)
        opened.validate(job)
        asyncio.run(answered(opened.review(job)))
    except ConfigError as error:
        path = f"settings.{error.field}" if error.field else ""
        raise Invalid(error.message, fields={path: error.message}, hint=error.hint) from error
    except ConnectorError as error:
        raise Invalid(error.message, fields={"": error.message}, hint=error.hint) from error


def _stop_at(problems: Problems) -> None:
    if problems.fields:
        first = next(iter(problems.fields.values()))
        raise Invalid(first, fields=problems.fields)
