"""Writes to templates of audiences: conditions to begin with, some of their values left blank."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from audiences import access
from audiences.definitions import problems_of, schema_with_audiences, unseen_in
from audiences.models import AudienceTemplate, SchemaModel
from audiences.services.audiences import as_stored
from audiences.services.checks import checked_name, require_version
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.scoping import current_workspace_id

AUDITED = ("name", "description", "parent_model", "definition", "approved_at")


@service("audience_template.created")
def create_template(
    *, actor: Actor, parent: SchemaModel, name: str, definition: Any, description: str = ""
) -> AudienceTemplate:
    """Add a template of audiences of a parent model."""
    parent = access.parent_to_build_on(actor, parent.pk)
    template = AudienceTemplate(
        workspace_id=current_workspace_id(),
        parent_model=parent,
        name=checked_name(name, "template"),
        description=description.strip(),
        definition=_checked(actor, parent, definition),
        created_by_id=actor.user_id,
    )
    template.save()
    record(template, after=snapshot(template, AUDITED))
    return template


@service("audience_template.updated")
def update_template(
    *,
    actor: Actor,
    template: AudienceTemplate,
    name: str | None = None,
    description: str | None = None,
    definition: Any = None,
    seen: str = "",
) -> AudienceTemplate:
    """Change a template; what is ``None`` stays, and so does every audience that was made from it.

    With other conditions it has to be approved anew. Refused where it is not the version any more that was ``seen``.
    """
    template = access.template_to_change(actor, template.pk)
    require_version(template, seen)
    before = snapshot(template, AUDITED)
    if name is not None:
        template.name = checked_name(name, "template")
    if description is not None:
        template.description = description.strip()
    if definition is not None:
        template.definition = _checked(actor, template.parent_model, definition)
    if template.definition != before["definition"]:
        template.approved_at = template.approved_by = None
    changed = changes(before, snapshot(template, AUDITED))
    if not changed:
        unchanged()
        return template
    template.save()
    record(template, before=changed.before, after=changed.after)
    return template


@service("audience_template.approved")
def approve_template(*, actor: Actor, template: AudienceTemplate, seen: str = "") -> AudienceTemplate:
    """Let audiences begin with a template, as it is now, where the workspace asks for approved ones."""
    template = access.template_to_change(actor, template.pk, approving=True)
    require_version(template, seen)
    if template.approved_at is not None:
        unchanged()
        return template
    template.approved_at, template.approved_by_id = timezone.now(), actor.user_id
    template.save(update_fields=["approved_at", "approved_by"])
    record(template, after={"definition": template.definition})
    return template


@service("audience_template.approval_withdrawn")
def withdraw_approval(*, actor: Actor, template: AudienceTemplate) -> AudienceTemplate:
    """Let no more audiences begin with a template; those that did stay."""
    template = access.template_to_change(actor, template.pk, approving=True)
    if template.approved_at is None:
        unchanged()
        return template
    record(template, before={"approved_at": template.approved_at})
    template.approved_at = template.approved_by = None
    template.save(update_fields=["approved_at", "approved_by"])
    return template


@service("audience_template.deleted")
def delete_template(*, actor: Actor, template: AudienceTemplate) -> None:
    """Delete a template; the audiences that were made from it stay as they are."""
    template = access.template_to_change(actor, template.pk)
    record(template, before=snapshot(template, AUDITED))
    template.delete()


def _checked(actor: Actor, parent: SchemaModel, definition: Any) -> Any:
    """The definition as it is stored: blanks are no problem here. Raises :class:`Invalid`."""
    schema = schema_with_audiences(parent.source)
    found = [problem for problem in problems_of(parent, definition, schema) if problem.code != "blank"]
    return as_stored(parent, definition, found or unseen_in(actor, definition, schema))
