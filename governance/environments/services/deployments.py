"""The history of deployments: begun, each thing settled, ended."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from governance.audit.actors import Actor
from governance.audit.context import correlation_id
from governance.audit.services import record, service
from governance.environments.choices import DeploymentState, ItemState
from governance.environments.models import Deployment, DeploymentItem
from governance.environments.services.links import bind, remember_values
from workspaces.access import require
from workspaces.models import Workspace
from workspaces.permissions import Permission
from workspaces.scoping import TenantModel

MAX_ERROR = 2_000


@service("deployment.started")
def begin_deployment(
    *, actor: Actor, workspace: Workspace, target: Workspace, items: Sequence[DeploymentItem], with_schedule: bool
) -> Deployment:
    """Write down what is about to be deployed, in the order of ``items`` (unsaved)."""
    require(actor, Permission.MEMBER)
    deployment = Deployment.objects.create(
        organization_id=workspace.organization_id,
        workspace=workspace,
        target=target,
        with_schedule=with_schedule,
        actor_label=actor.label[:320],
        user_id=actor.user_id,
        correlation_id=correlation_id(),
    )
    for position, item in enumerate(items):
        item.organization_id, item.deployment, item.position = workspace.organization_id, deployment, position
    DeploymentItem.objects.bulk_create(items)
    record(deployment, after={"to": str(target), "what": [str(item) for item in items]})
    return deployment


@service("deployment.finished")
def end_deployment(*, actor: Actor, deployment: Deployment) -> Deployment:
    """Note how a deployment ended."""
    require(actor, Permission.MEMBER)
    items = list(deployment.items.all())
    whole = all(item.state == ItemState.DONE for item in items)
    deployment.state = DeploymentState.DONE if whole else DeploymentState.STOPPED
    deployment.finished_at = timezone.now()
    deployment.save(update_fields=["state", "finished_at"])
    outcome = {str(item): item.get_action_display() if item.state == ItemState.DONE else item.state for item in items}
    record(deployment, after={"to": str(deployment.target), "outcome": outcome})
    return deployment


def settle_item(item: DeploymentItem, row: TenantModel, *, remapped: dict[str, object], by: str) -> None:
    """Within the transaction that made or changed ``row``: link it with its origin, and count it as deployed."""
    origin = (item.deployment.workspace_id, item.thing_id)
    there = bind(kind=item.kind, origin=origin, pk=row.pk, workspace=row.workspace, by=by)
    remember_values(there, remapped)
    finish_item(item, row.pk)


def finish_item(item: DeploymentItem, target_thing_id: int) -> None:
    """Count a thing as deployed."""
    item.state, item.target_thing_id = ItemState.DONE, target_thing_id
    item.save(update_fields=["state", "target_thing_id"])


def fail_item(item: DeploymentItem, error: str) -> None:
    """Keep why a thing could not be deployed."""
    item.state, item.error = ItemState.FAILED, error[:MAX_ERROR]
    item.save(update_fields=["state", "error"])
