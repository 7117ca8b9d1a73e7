"""The wall around a workspace, and the one around its organization.

Three layers hold it: managers that raise outside a scope (django-scopes),
PostgreSQL row-level security on the same scope, and composite foreign keys
(workspace, id) so that no row can point across. Requests and jobs enter a
scope; the few places that must see everything say so with :func:`unscoped`.

Inside a workspace scope the people and groups of its organization are visible
too; the organization's other workspaces are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import models
from django_scopes import get_scope, scope, scopes_disabled
from django_scopes.manager import DisabledQuerySet

from config.postgres.base import visible_organizations, visible_workspaces

M = TypeVar("M", bound=models.Model, covariant=True)

Row = TypeVar("Row", bound=models.Model)


@contextmanager
def workspace_scope(workspace_id: int) -> Iterator[None]:
    """Everything inside sees exactly this workspace's rows, in Django and in PostgreSQL."""
    with _visible(workspaces=str(int(workspace_id))), scope(workspace=int(workspace_id), organization=None):
        yield


@contextmanager
def organization_scope(organization_id: int) -> Iterator[None]:
    """Everything inside sees this organization's people, groups and workspaces, and no workspace's rows."""
    # A workspace id that no row has: managers of workspace rows find nothing.
    within = scope(workspace=0, organization=int(organization_id))
    with _visible(organizations=str(int(organization_id))), within:
        yield


@contextmanager
def unscoped(reason: str) -> Iterator[None]:
    """See every workspace; ``reason`` is a literal that says why that is right here."""
    if not reason:
        raise ValueError("say why the wall is crossed")
    with _visible(workspaces="*"), scopes_disabled():
        yield


@contextmanager
def _visible(*, workspaces: str = "", organizations: str = "") -> Iterator[None]:
    workspace_token = visible_workspaces.set(workspaces)
    organization_token = visible_organizations.set(organizations)
    try:
        yield
    finally:
        visible_organizations.reset(organization_token)
        visible_workspaces.reset(workspace_token)


def current_workspace_id() -> int:
    """The workspace of the scope we are in."""
    return int(get_scope()["workspace"])


class ClosedQuerySet(DisabledQuerySet):  # type: ignore[misc]  # django-scopes ships no types
    """What a manager gives outside a scope: every way to read raises, these too."""

    alias = contains = defer = difference = distinct = exclude = exists = explain = extra = DisabledQuerySet.error
    in_bulk = intersection = prefetch_related = select_related = DisabledQuerySet.error


class _ClosingManager(models.Manager[M]):
    """Base of both kinds: ``all()`` must fail too, which a manager's shortcut would not."""

    use_in_migrations = False

    def all(self) -> models.QuerySet[M]:
        rows = self.get_queryset()
        # A copy of what was prefetched would ask the database again.
        return rows.all() if isinstance(rows, DisabledQuerySet) else rows

    def _closed(self, dimension: str) -> Any:
        return ClosedQuerySet(self.model, using=self._db, missing_scopes={dimension})


class TenantManager(_ClosingManager[M]):
    """Rows of the workspace in scope; outside a scope every read raises."""

    def get_queryset(self) -> models.QuerySet[M]:
        current = get_scope()
        if not current.get("_enabled", True):
            return super().get_queryset()
        if current.get("workspace") is None:
            closed: models.QuerySet[M] = self._closed("workspace")
            return closed
        return super().get_queryset().filter(workspace_id=current["workspace"])


class TenantModel(models.Model):
    """A row that belongs to a workspace.

    Every subclass is walled by a :class:`~workspaces.walls.BuildWall` operation
    in its migration; an invariant test checks that none was forgotten.
    """

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="+")

    objects = TenantManager()

    class Meta:
        abstract = True


class OrganizationManager(_ClosingManager[M]):
    """Fails closed like a workspace row's manager, and works in either kind of scope."""

    def get_queryset(self) -> models.QuerySet[M]:
        current = get_scope()
        if not current.get("_enabled", True):
            return super().get_queryset()
        if current.get("organization"):
            return super().get_queryset().filter(organization_id=current["organization"])
        if current.get("workspace"):
            return self._of_workspace(super().get_queryset(), int(current["workspace"]))
        closed: models.QuerySet[M] = self._closed("organization")
        return closed

    def _of_workspace(self, queryset: models.QuerySet[M], workspace_id: int) -> models.QuerySet[M]:
        from workspaces.models import Workspace

        own = Workspace._base_manager.filter(pk=workspace_id).values("organization_id")
        return queryset.filter(organization_id=models.Subquery(own))


class OrganizationModel(models.Model):
    """A row that belongs to an organization: its people, groups and invitations.

    Walled by :class:`~workspaces.walls.BuildOrganizationWall` in its migration.
    """

    organization = models.ForeignKey("workspaces.Organization", on_delete=models.CASCADE, related_name="+")

    objects = OrganizationManager()

    class Meta:
        abstract = True
