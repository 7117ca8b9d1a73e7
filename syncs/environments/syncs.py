"""Deploying syncs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from config.errors import HeadraceError, Invalid
from connectors import access as connections
from connectors.fields_table import described_settings
from connectors.models import Destination
from connectors.sdk.destination import SyncType
from connectors.secrets import decrypt
from governance.audit.actors import Actor
from governance.environments.choices import Action
from governance.environments.models import DeploymentItem
from governance.environments.registry import Aim, Need, Outlook, Problem, Thing, thing_of
from syncs import access
from syncs.choices import JOB_KINDS, ScheduleKind
from syncs.codec import load
from syncs.configuration import Checked, Proposal, check_proposal, sync_type_of
from syncs.drafts import SYNC as SYNC_KIND
from syncs.engine.guardrails import Guardrails
from syncs.environments.copied import SYNC, Copy, fields_with
from syncs.environments.drafted import becomes_draft, draft_warnings, require_live, unpublished
from syncs.environments.models import ModelPayload
from syncs.environments.settings import SettingsThere, settings_there
from syncs.forms.guardrails import described as described_guardrails
from syncs.forms.mapping import KINDS, line_of, summary_of
from syncs.mappings import from_json, read_columns
from syncs.models import AlertPolicy, Model, ModelColumn, Sync
from syncs.models.scheduled import SCHEDULE_FIELDS
from syncs.schedules import Schedule
from syncs.services.deployments import deploy_sync, propose_sync

MAPPING = "Field "


@dataclass(frozen=True, slots=True)
class SyncPayload:
    """A sync as it would be there: what it joins, and its checked configuration."""

    model: Model
    destination: Destination
    checked: Checked | None
    schedule: Schedule | None
    as_draft: bool


class DeployableSync:
    """Syncs, for ``governance.environments``."""

    kind = "sync"
    order = 2

    def thing(self, actor: Actor, pk: int) -> Thing | None:
        """The sync with this id."""
        found = _deployable(actor).filter(pk=pk).first()
        return _thing(found) if found else None

    def things(self, actor: Actor) -> list[Thing]:
        """Every sync, newest first."""
        return [_thing(sync) for sync in _deployable(actor)]

    def needs(self, actor: Actor, pk: int) -> list[Need]:
        """Its model and its destination."""
        sync = Sync.objects.get(pk=pk)
        model = thing_of(actor, "model", sync.model_id)
        destination = thing_of(actor, "destination", sync.destination_id)
        assert model is not None, "a sync's model is in its workspace"
        assert destination is not None, "a sync's destination is in its workspace"
        return [Need(model, deployable=True), Need(destination)]

    def obstacles(self, pk: int) -> list[Problem]:
        """What is not live, or not yet all of it, waits until it is."""
        return unpublished(SYNC_KIND, Sync.objects.get(pk=pk))

    def capture(self, pk: int) -> Mapping[str, Any]:
        """What is copied of the sync. Of its credentials only the names of the settings that hold them."""
        sync = Sync.objects.get(pk=pk)
        copied = fields_with(SYNC, Copy.COPIED, Copy.FIRST, Copy.REMAPPED, Copy.SCHEDULE)
        return {
            **{name: getattr(sync, name) for name in copied},
            "credentials": sorted(decrypt(sync.sealed_settings)),
            "in_space": sync.space_id is not None,
            "own_alerts": AlertPolicy.objects.filter(sync=sync).exists(),
        }

    def look(self, actor: Actor, aim: Aim) -> Outlook:
        """Check the configuration against the model and the destination there, and compare with what is there."""
        destination = connections.destination_for(actor, aim.stands_on["destination"])
        model, columns = _model_there(actor, aim)
        seen = access.syncs_in_view(actor).select_related("model", "destination")
        current = seen.filter(pk=aim.counterpart or 0).first()
        if aim.counterpart and current is None:
            hidden = Problem("The sync there is in a space that you do not see.", code="out_of_view")
            return Outlook(action=Action.UPDATE, problems=[hidden])
        refused, as_draft = _rights(actor, model, destination, current)
        problems = [*refused, *_other_ends(current, model, destination)]
        kind, settings, checked = None, SettingsThere(), None
        try:
            kind = sync_type_of(destination, aim.captured["sync_type"])
            settings = settings_there(kind, destination, current, aim)
            if not problems and settings.complete:
                checked = _checked(model, destination, aim.captured, settings, columns)
        except Invalid as error:
            problems += [Problem(message, hint=error.hint, code="missing") for message in _messages(error)]
        except HeadraceError as error:
            problems.append(Problem(error.message, hint=error.hint, code="missing"))
        schedule = _schedule_in(aim.captured) if aim.with_schedule else None
        kept = schedule if schedule is not None else current.schedule if current else Schedule.manual()
        before = describe_sync(sync_values(current), kind, current.schedule) if current and kind else {}
        captured = {**aim.captured, "settings": checked.cleaned.config if checked else settings.values}
        after = describe_sync(captured, kind, kept) if kind else {}
        action = _action(current, before, after, settings)
        return Outlook(
            action=action,
            before=before,
            after=after,
            problems=problems,
            questions=settings.questions,
            warnings=[
                *draft_warnings(SYNC_KIND, current, action, as_draft=as_draft),
                *settings.warnings,
                *_warnings(current, aim, columns),
            ],
            remapped=settings.remapped,
            payload=SyncPayload(model, destination, checked, schedule, as_draft),
        )

    def apply(self, *, actor: Actor, aim: Aim, outlook: Outlook, item: DeploymentItem) -> Sync:
        """Create or update the sync there."""
        payload: SyncPayload = outlook.payload
        assert payload.checked is not None, "only ready outlooks are applied"
        if payload.as_draft and aim.counterpart:
            return propose_sync(
                actor=actor,
                counterpart=aim.counterpart,
                captured=aim.captured,
                checked=payload.checked,
                schedule=payload.schedule,
                remapped=outlook.remapped,
                item=item,
            )
        return deploy_sync(
            actor=actor,
            model=payload.model,
            destination=payload.destination,
            captured=aim.captured,
            checked=payload.checked,
            schedule=payload.schedule,
            counterpart=aim.counterpart,
            remapped=outlook.remapped,
            as_draft=payload.as_draft,
            item=item,
        )


def sync_values(sync: Sync) -> dict[str, Any]:
    """A stored sync as :meth:`DeployableSync.capture` gives it."""
    return dict(DeployableSync().capture(sync.pk))


def describe_sync(captured: Mapping[str, Any], kind: SyncType, schedule: Schedule) -> dict[str, Any]:
    """A captured sync by what people call its parts."""
    lines: dict[str, Any] = {
        "Name": captured["name"],
        "Sync type": kind.name,
        "Mode": captured["mode"],
        "Rows that leave the model": captured["removal"],
        "First run": captured["first_run"],
    }
    for line in described_settings(kind.settings, captured["settings"]):
        lines[line.label] = line.value
    for mapping in captured["mappings"]:
        words = f"{KINDS[mapping['kind']]}: {summary_of(mapping['kind'], line_of(mapping))}"
        notes = [" (matches records)"] if mapping["identifier"] else []
        notes += [" (nulls are left out)"] if mapping["ignore_null"] else []
        lines[f"{MAPPING}{mapping['to']}"] = words + "".join(notes)
    guardrails = described_guardrails(load(Guardrails, captured["guardrails"]))
    lines["Guardrails"] = " ".join(guardrails) or "Switched off"
    lines["Schedule"] = schedule.whole_words
    return {label: value for label, value in lines.items() if value != ""}


def _thing(sync: Sync) -> Thing:
    return Thing(kind="sync", pk=sync.pk, name=str(sync), url=sync.get_absolute_url())


def _deployable(actor: Actor) -> QuerySet[Sync]:
    """The syncs that can be deployed: those of audiences stay with their schema."""
    rows = access.syncs_in_view(actor).select_related("workspace")
    return rows.filter(model__parent_model_id=None)


def _model_there(actor: Actor, aim: Aim) -> tuple[Model, Sequence[ModelColumn]]:
    """The model there, as this deployment leaves it where it is part of it."""
    coming = aim.coming.get("model")
    if coming is not None:
        payload: ModelPayload = coming.payload
        return payload.model, payload.columns
    model = access.defined_model_for(actor, aim.stands_on["model"])
    return model, list(model.columns.all())


def _rights(actor: Actor, model: Model, destination: Destination, current: Sync | None) -> tuple[list[Problem], bool]:
    """What keeps the actor from deploying, and whether it would be a draft; on a drafted model it always is."""
    sides = (actor, model, destination.pk)
    try:
        connections.require_ready(destination)
        require_live(current, "sync")
        drafts = becomes_draft(actor, lambda: access.require_configure(*sides), lambda: access.require_draft(*sides))
        return [], drafts or not model.published
    except HeadraceError as error:
        return [Problem(error.message, hint=error.hint, code=error.code)], False


def _other_ends(current: Sync | None, model: Model, destination: Destination) -> list[Problem]:
    """What a sync joins cannot be changed, so it has to be what is linked."""
    if current is None or (current.model_id, current.destination_id) == (model.pk, destination.pk):
        return []
    return [
        Problem(
            f"The sync there joins “{current.model}” and “{current.destination}”, but “{model}” and “{destination}” "
            "are linked now.",
            hint="Link what the sync there joins, or delete it there and deploy again.",
            code="other_ends",
        )
    ]


def _checked(
    model: Model,
    destination: Destination,
    captured: Mapping[str, Any],
    settings: SettingsThere,
    columns: Sequence[ModelColumn],
) -> Checked:
    proposal = Proposal(
        sync_type=captured["sync_type"],
        mode=captured["mode"],
        removal=captured["removal"],
        first_run=captured["first_run"],
        settings=settings.values,
        mappings=from_json(captured["mappings"]),
    )
    return check_proposal(model, destination, proposal, stored_secrets=settings.credentials, columns=columns)


def _messages(error: Invalid) -> list[str]:
    """Each thing that is wrong, once, with the field it is about where that says more."""
    return list(dict.fromkeys(error.fields.values())) or [error.message]


def _schedule_in(captured: Mapping[str, Any]) -> Schedule:
    """The schedule of a captured sync."""
    if captured["schedule_kind"] in JOB_KINDS:  # credentials are each workspace's own
        return Schedule.manual()
    values = {name: captured[name] for name in SCHEDULE_FIELDS if name in captured}
    return Sync(**values).schedule


def _action(
    current: Sync | None, before: Mapping[str, Any], after: Mapping[str, Any], settings: SettingsThere
) -> Action:
    if current is None:
        return Action.CREATE
    return Action.UNCHANGED if before == after and not settings.entered else Action.UPDATE


def _warnings(current: Sync | None, aim: Aim, columns: Sequence[ModelColumn]) -> list[str]:
    said = []
    if current is None and aim.captured["own_alerts"]:
        said.append("Alerts are each workspace's own: set the thresholds and recipients of the new sync there.")
    if current is None and aim.captured["in_space"]:
        said.append("Spaces are each workspace's own: everybody there sees the new sync until it is moved to one.")
    if current is None:
        said.append("The new sync is disabled until somebody enables it there.")
        if aim.captured["schedule_kind"] != ScheduleKind.MANUAL and not aim.with_schedule:
            said.append("Its schedule stays behind: the new sync runs when somebody or something asks.")
    if aim.captured["schedule_kind"] in JOB_KINDS and aim.with_schedule:
        said.append("The jobs that it waits for stay behind: choose them there, with a credential of that workspace.")
    lost = set(read_columns(from_json(aim.captured["mappings"]))) - {column.name for column in columns}
    if lost and current is not None:
        said.append(f"Its mappings name columns that the model there lacks: {', '.join(sorted(lost))}.")
    return said
