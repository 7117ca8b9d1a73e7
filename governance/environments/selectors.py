"""Reads of links and deployments that pages and the API share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from config.errors import NotFound
from governance.environments.models import Deployment, DeploymentItem, LinkedThing
from governance.environments.registry import Linkable, Thing, thing_of
from governance.environments.sides import Side, environments_of
from workspaces.models import Workspace
from workspaces.scoping import organization_scope, unscoped


@dataclass(frozen=True, slots=True)
class Counterpart:
    """What stands for a thing in another workspace."""

    workspace: Workspace
    thing: Thing


@dataclass(frozen=True, slots=True)
class LinkLine:
    """One other workspace as the Linking tab shows it: what is linked there, or what could be."""

    workspace: Workspace
    linked: Thing | None
    options: Sequence[Thing]


def linked_id(kind: str, pk: int, workspace: Workspace) -> int | None:
    """The id of a thing's counterpart in a workspace."""
    there = LinkedThing.objects.filter(link__things__kind=kind, link__things__thing_id=pk, workspace=workspace)
    return there.values_list("thing_id", flat=True).first()


def linked_thing(kind: str, pk: int) -> LinkedThing | None:
    """A thing's place in its link."""
    return LinkedThing.objects.filter(kind=kind, thing_id=pk).first()


def counterparts(here: Side, kind: str, pk: int) -> list[Counterpart]:
    """What stands for a thing in the other workspaces that this person may open."""
    rows = LinkedThing.objects.filter(link__things__kind=kind, link__things__thing_id=pk).exclude(
        kind=kind, thing_id=pk
    )
    ids = dict(rows.values_list("workspace_id", "thing_id"))
    if not ids:
        return []
    return [
        Counterpart(workspace, thing)
        for workspace in environments_of(here)
        if workspace.pk in ids and (thing := thing_in(Side(workspace, here.actor), kind, ids[workspace.pk]))
    ]


def link_lines(here: Side, kind: Linkable, thing: Thing) -> list[LinkLine]:
    """Every other workspace that this person may open, with what a thing is or could be linked with there."""
    linked = {found.workspace.pk: found.thing for found in counterparts(here, kind.kind, thing.pk)}
    others = environments_of(here)
    with unscoped("the options lie in the other workspaces, which this person may open"):
        options = unlinked(kind.kind, kind.things(thing.type, [workspace.pk for workspace in others]))
    return [
        LinkLine(workspace, linked.get(workspace.pk), [o for o in options if o.workspace_id == workspace.pk])
        for workspace in others
    ]


def unlinked(kind: str, things: Sequence[Thing]) -> list[Thing]:
    """Those of the things that stand for nothing elsewhere yet."""
    ids = [thing.pk for thing in things]
    taken = set(LinkedThing.objects.filter(kind=kind, thing_id__in=ids).values_list("thing_id", flat=True))
    return [thing for thing in things if thing.pk not in taken]


def thing_in(side: Side, kind: str, pk: int) -> Thing | None:
    """A thing of a workspace that the person may open."""
    with side.scope():
        return thing_of(side.actor, kind, pk)


def deployments_of(workspace: Workspace) -> QuerySet[Deployment]:
    """Deployments from or to a workspace, newest first. Their workspaces are read with :func:`workspaces_by_id`."""
    return Deployment.objects.filter(Q(workspace=workspace) | Q(target=workspace))


def workspaces_by_id(organization_id: int) -> dict[int, Workspace]:
    """The organization's workspaces; a workspace's own scope shows only itself."""
    with organization_scope(organization_id):
        return {workspace.pk: workspace for workspace in Workspace.objects.all()}


def deployment_for(workspace: Workspace, deployment_id: int) -> Deployment:
    """A deployment from or to this workspace."""
    found = deployments_of(workspace).filter(pk=deployment_id).first()
    if found is None:
        raise NotFound("There is no such deployment here.")
    return found


def items_of(deployments: Iterable[Deployment]) -> dict[int, list[DeploymentItem]]:
    """The items of several deployments, in one query."""
    found: dict[int, list[DeploymentItem]] = {deployment.pk: [] for deployment in deployments}
    for item in DeploymentItem.objects.filter(deployment__in=found):
        found[item.deployment_id].append(item)
    return found
