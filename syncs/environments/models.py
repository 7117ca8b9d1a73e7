"""Deploying models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.errors import HeadraceError
from connectors import access as connections
from connectors.models import Source
from connectors.sdk.types import Column
from governance.audit.actors import Actor
from governance.environments.choices import Action
from governance.environments.models import DeploymentItem
from governance.environments.registry import Aim, Need, Outlook, Problem, Question, Thing, thing_of
from syncs import access
from syncs.choices import ModelMethod, PendingReset
from syncs.definitions import Definition, describe
from syncs.drafts import MODEL as MODEL_KIND
from syncs.environments.copied import COLUMN, MODEL, Copy, fields_with
from syncs.environments.drafted import becomes_draft, draft_warnings, require_live, unpublished
from syncs.models import Model, ModelColumn
from syncs.runspec import names_column
from syncs.services.deployments import deploy_model, propose_model
from workspaces import access as rights
from workspaces.permissions import CONFIGURE_FROM_SOURCE, Permission
from workspaces.scoping import current_workspace_id

KEY_CHANGE = "key_change"
RESETS = (
    (PendingReset.RESYNC.value, "Send every row again as new"),
    (PendingReset.RESET.value, "Remember the rows and send nothing"),
)


@dataclass(frozen=True, slots=True)
class ModelPayload:
    """A model as it would be there (unsaved where it is new), and its columns as the source there tells them."""

    model: Model
    source: Source
    described: Sequence[Column]
    columns: Sequence[ModelColumn]
    reset: PendingReset
    as_draft: bool


class DeployableModel:
    """Models, for ``governance.environments``."""

    kind = "model"
    order = 1

    def thing(self, actor: Actor, pk: int) -> Thing | None:
        """The model with this id."""
        found = access.models_in_view(actor).select_related("workspace").filter(pk=pk).first()
        return _thing(found) if found else None

    def things(self, actor: Actor) -> list[Thing]:
        """Every model, by name."""
        return [_thing(model) for model in access.models_in_view(actor).select_related("workspace")]

    def needs(self, actor: Actor, pk: int) -> list[Need]:
        """Its source."""
        source = thing_of(actor, "source", Model.objects.get(pk=pk).source_id)
        assert source is not None, "a model's source is in its workspace"
        return [Need(source)]

    def obstacles(self, pk: int) -> list[Problem]:
        """What is not live, or not yet all of it, waits until it is."""
        return unpublished(MODEL_KIND, Model.objects.get(pk=pk))

    def capture(self, pk: int) -> Mapping[str, Any]:
        """What is copied of the model, and what people decided about its columns."""
        model = Model.objects.get(pk=pk)
        decided = fields_with(COLUMN, Copy.COPIED)
        columns = {row.name: {name: getattr(row, name) for name in decided} for row in model.columns.all()}
        return {
            **{name: getattr(model, name) for name in fields_with(MODEL, Copy.COPIED, Copy.FIRST)},
            "columns": {name: values for name, values in columns.items() if is_decided(values)},
        }

    def look(self, actor: Actor, aim: Aim) -> Outlook:
        """Ask the source there for the query's columns, and compare with what is there."""
        source = connections.source_for(actor, aim.stands_on["source"])
        current = Model.objects.select_related("source").filter(pk=aim.counterpart or 0).first()
        refused, as_draft = _rights(actor, source, current)
        problems = [*refused, *_other_source(current, source)]
        described, problem = _described(source, definition_in(aim.captured))
        if problem is not None:
            problems.append(problem)
        problems += _key_missing(aim.captured, described)
        columns = columns_there(aim.captured, described)
        questions = _key_question(current, aim)
        problems += _switched_off(current, columns)
        before = describe_model(model_values(current)) if current else {}
        after = describe_model(aim.captured, known={column.name for column in described})
        reset = next((PendingReset(q.value) for q in questions if q.value), PendingReset.NONE)
        action = _action(current, before, after)
        return Outlook(
            action=action,
            before=before,
            after=after,
            problems=problems,
            questions=questions,
            warnings=[
                *draft_warnings(MODEL_KIND, current, action, as_draft=as_draft),
                *_warnings(current, aim.captured, described),
            ],
            payload=ModelPayload(_there(aim.captured, source, current), source, described, columns, reset, as_draft),
        )

    def apply(self, *, actor: Actor, aim: Aim, outlook: Outlook, item: DeploymentItem) -> Model:
        """Create or update the model there."""
        payload: ModelPayload = outlook.payload
        if payload.as_draft and aim.counterpart:
            return propose_model(
                actor=actor,
                counterpart=aim.counterpart,
                captured=aim.captured,
                columns=payload.described,
                reset=payload.reset,
                item=item,
            )
        return deploy_model(
            actor=actor,
            source=payload.source,
            captured=aim.captured,
            described=payload.described,
            counterpart=aim.counterpart,
            reset=payload.reset,
            as_draft=payload.as_draft,
            item=item,
        )


def is_decided(values: Mapping[str, Any]) -> bool:
    """Whether people decided anything about a column."""
    return bool(values["override_type"] or values["description_edited"] or not values["enabled"])


def model_values(model: Model) -> dict[str, Any]:
    """A stored model as :meth:`DeployableModel.capture` gives it."""
    return dict(DeployableModel().capture(model.pk))


def definition_in(captured: Mapping[str, Any]) -> Definition:
    """The query or table of a captured model."""
    return Definition(
        method=ModelMethod(captured["method"]),
        sql=captured["sql"],
        table_schema=captured["table_schema"],
        table_name=captured["table_name"],
    )


def describe_model(captured: Mapping[str, Any], *, known: set[str] | None = None) -> dict[str, Any]:
    """A captured model by what people call its parts; columns that the source there lacks are left out."""
    table = ".".join(filter(None, (captured["table_schema"], captured["table_name"])))
    lines: dict[str, Any] = {
        "Name": captured["name"],
        "Description": captured["description"],
        "Query": captured["sql"] if captured["method"] == ModelMethod.SQL else "",
        "Table or view": table if captured["method"] == ModelMethod.TABLE else "",
        "Primary key": captured["primary_key"],
    }
    for name, values in sorted(captured["columns"].items()):
        if known is None or name in known:
            lines[f"Column {name}"] = _column_words(values)
    return {label: value for label, value in lines.items() if value != ""}


def columns_there(captured: Mapping[str, Any], described: Sequence[Column]) -> list[ModelColumn]:
    """The model's columns as they will be, unsaved: the source's, with what people decided about them."""
    made = []
    for position, column in enumerate(described):
        decided = captured["columns"].get(column.name, {})
        made.append(
            ModelColumn(
                name=column.name,
                position=position,
                type=column.type,
                native_type=column.native_type,
                override_type=decided.get("override_type", ""),
                enabled=decided.get("enabled", True) or column.name == captured["primary_key"],
            )
        )
    return made


def _thing(model: Model) -> Thing:
    return Thing(kind="model", pk=model.pk, name=model.name, url=model.get_absolute_url())


def _column_words(values: Mapping[str, Any]) -> str:
    said = [f"cast to {values['override_type']}"] if values["override_type"] else []
    said += [] if values["enabled"] else ["off"]
    said += [f"“{values['description']}”"] if values["description_edited"] else []
    return ", ".join(said)


def _rights(actor: Actor, source: Source, current: Model | None) -> tuple[list[Problem], bool]:
    """What keeps the actor from deploying, and whether it would be a draft."""

    def publish() -> None:
        if current is None:
            rights.require(actor, CONFIGURE_FROM_SOURCE, source_id=source.pk)
        else:
            access.require_model_change(actor, current)

    def draft() -> None:
        if current is None:
            rights.require(actor, Permission.DRAFT_FROM_SOURCE, source_id=source.pk)
        else:
            access.require_model_draft(actor, current)

    try:
        connections.require_ready(source)
        require_live(current, "model")
        return [], becomes_draft(actor, publish, draft)
    except HeadraceError as error:
        return [Problem(error.message, hint=error.hint, code=error.code)], False


def _other_source(current: Model | None, source: Source) -> list[Problem]:
    if current is None or current.source_id == source.pk:
        return []
    return [
        Problem(
            f"The model there reads from “{current.source}”, but “{source}” is linked now.",
            hint="Link the source that the model there reads from.",
            code="other_source",
        )
    ]


def _described(source: Source, definition: Definition) -> tuple[Sequence[Column], Problem | None]:
    try:
        return describe(source, definition), None
    except HeadraceError as error:
        return (), Problem(f"“{source}” refuses the query: {error.message}", hint=error.hint, code="missing")


def _key_missing(captured: Mapping[str, Any], described: Sequence[Column]) -> list[Problem]:
    key = captured["primary_key"]
    if not described or key in {column.name for column in described}:
        return []
    return [Problem(f"The query returns no column “{key}” there, which is the model's key.", code="missing")]


def _key_question(current: Model | None, aim: Aim) -> list[Question]:
    """Another key concerns the syncs that are there already."""
    if current is None or current.primary_key == aim.captured["primary_key"] or not current.syncs.exists():
        return []
    answer = aim.answers.get(KEY_CHANGE, "")
    return [
        Question(
            path=KEY_CHANGE,
            label="What the syncs there do with the new key",
            help=f"The key changes from {current.primary_key} to {aim.captured['primary_key']}.",
            choices=RESETS,
            value=answer if answer in dict(RESETS) else "",
        )
    ]


def _switched_off(current: Model | None, columns: Sequence[ModelColumn]) -> list[Problem]:
    off = [column.name for column in columns if not column.enabled]
    if current is None or not off:
        return []
    used = {
        name: str(sync)
        for sync in current.syncs.select_related("destination")
        for name in off
        if names_column(sync, name)
    }
    return [
        Problem(
            f"The sync “{sync}” there maps the column “{name}”, which is switched off here.",
            hint="Remove it from that mapping first.",
            code="column_in_use",
        )
        for name, sync in used.items()
    ]


def _warnings(current: Model | None, captured: Mapping[str, Any], described: Sequence[Column]) -> list[str]:
    names = {column.name for column in described}
    if not names:
        return []
    said = [
        f"The source there has no column “{name}”; what was decided about it is not copied."
        for name in captured["columns"]
        if name not in names
    ]
    if current is None:
        if Model.objects.filter(name=captured["name"]).exists():
            said.append("A model of this name is there already, but not linked: this makes another one.")
        return said
    known = set(current.columns.filter(missing=False).values_list("name", flat=True))
    for sync in current.syncs.select_related("destination"):
        lost = [name for name in sorted(known - names) if names_column(sync, name)]
        if lost:
            said.append(f"The sync “{sync}” there maps {', '.join(lost)}, which the query no longer returns.")
    return said


def _action(current: Model | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> Action:
    if current is None:
        return Action.CREATE
    return Action.UNCHANGED if before == after else Action.UPDATE


def _there(captured: Mapping[str, Any], source: Source, current: Model | None) -> Model:
    """The model that syncs of the same deployment are checked against."""
    return Model(
        pk=current.pk if current else 0,
        workspace_id=current_workspace_id(),
        source=source,
        **{name: captured[name] for name in fields_with(MODEL, Copy.COPIED)},
    )
