"""Deleting a workspace: asked for by an organization admin, carried out by a worker, in parts that survive a kill."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from django.apps import apps
from django.db.models import ForeignKey
from django.utils import timezone

from config.errors import Conflict, Invalid
from config.queue import enqueue
from governance.audit.actors import Actor, system
from governance.audit.services import record, service, snapshot, unchanged
from workspaces import contents
from workspaces.models import Workspace
from workspaces.scoping import TenantModel, unscoped
from workspaces.services.checks import lock, require_organization_admin

BATCH = 5_000
ERASER = system("workspace deletion")


@service("workspace.deletion_started")
def start_deletion(*, actor: Actor, workspace: Workspace, confirm_name: str) -> Workspace:
    """Close a workspace for good and delete all it holds, once its slug was typed and nothing runs in it any more."""
    with unscoped("a workspace is deleted from outside it"):
        require_organization_admin(actor, workspace.organization_id)
        lock(f"workspaces of {workspace.organization_id}")
        workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
        if confirm_name.strip() != workspace.slug:
            raise Invalid.field("confirm_name", f"Type {workspace.slug} to confirm.")
        if workspace.deleting_at is not None:
            unchanged()
            return workspace
        _check(workspace)
        counted = {f"{item.noun}s": item.number for item in contents.counts_of([workspace.pk])[workspace.pk]}
        workspace.deleting_at = timezone.now()
        workspace.save(update_fields=["deleting_at"])
        record(workspace, before={**snapshot(workspace, ("name", "slug", "region")), **counted})
        from workspaces.tasks import delete_workspace

        enqueue(delete_workspace, workspace.pk)
    return workspace


@service("workspace.deleted")
def finish_deletion(*, actor: Actor, workspace: Workspace) -> None:
    """Delete the row of a workspace that holds nothing any more; its slug is free again."""
    record(workspace, before=snapshot(workspace, ("name", "slug", "region")))
    workspace.delete()


def erase_workspace(workspace_id: int) -> bool:
    """Delete what a workspace keeps in storage and in every table, then the workspace. Carries on after a kill.

    Returns whether there was one to delete.
    """
    with unscoped("a workspace is deleted from outside it"):
        workspace = Workspace.objects.filter(pk=workspace_id, deleting_at__isnull=False).first()
        if workspace is None:
            return False
        contents.erase_outside(workspace_id)
        order, cut = _order()
        for model, field in cut:
            model.objects.filter(workspace_id=workspace_id).exclude(**{field: None}).update(**{field: None})
        for model in order:
            _erase_rows(model, workspace_id)
        finish_deletion(actor=ERASER, workspace=workspace)
    return True


def workspaces_to_erase() -> list[int]:
    """Workspaces whose deletion was asked for and is not done."""
    with unscoped("the scheduler serves every workspace"):
        return list(Workspace.objects.filter(deleting_at__isnull=False).values_list("pk", flat=True))


def _check(workspace: Workspace) -> None:
    others = Workspace.objects.filter(organization_id=workspace.organization_id, deleting_at=None)
    if not others.exclude(pk=workspace.pk).exists():
        raise Conflict(
            f"{workspace.name} is the only workspace of its organization.",
            hint="Make another workspace first.",
            code="last_workspace",
        )
    if obstacles := contents.obstacles_of(workspace.pk):
        raise Conflict(" ".join(obstacles), hint="Stop them first, then delete the workspace.", code="workspace_busy")


def _erase_rows(model: Any, workspace_id: int) -> None:
    """In parts, each committed by itself, so that no transaction holds millions of rows."""
    rows = model.objects.filter(workspace_id=workspace_id)
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        chosen = model.objects.filter(pk__in=ids)
        chosen._raw_delete(chosen.db)


def _order() -> tuple[list[Any], list[tuple[Any, str]]]:
    """Models of workspace rows, each before those it points to; and the nullable keys to empty first."""
    models: list[Any] = [m for m in apps.get_models() if issubclass(m, TenantModel)]
    graph: dict[Any, set[Any]] = {model: set() for model in models}
    loose: list[tuple[Any, str, Any]] = []
    for model in models:
        for field, target in _keys(model):
            if target is model or field.null:
                loose.append((model, field.name, target))
            else:
                graph[target].add(model)
    cut = [(model, name) for model, name, target in loose if target is model or not _fits(graph, model, target)]
    return list(TopologicalSorter(graph).static_order()), cut


def _fits(graph: dict[Any, set[Any]], model: Any, target: Any) -> bool:
    """Whether the model can go before the target too; it is kept so where it can."""
    if model in graph[target]:
        return True
    graph[target].add(model)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        graph[target].discard(model)
        return False
    return True


def _keys(model: Any) -> Iterator[tuple[Any, Any]]:
    """Foreign keys to other rows of the workspace."""
    for field in model._meta.concrete_fields:
        if isinstance(field, ForeignKey) and issubclass(field.related_model, TenantModel):
            yield field, field.related_model
