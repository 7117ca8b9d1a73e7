"""What all views of one side share: its model, its addresses, its services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views import View

from connectors import access, catalog, consents, services
from connectors.choices import Kind
from connectors.models import Connection, Source
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest


@dataclass(frozen=True, slots=True)
class Doors:
    """The services of one side, taking the row as ``row``."""

    create: Callable[..., Any]
    update: Callable[..., Any]
    rename: Callable[..., Any]
    finish: Callable[..., Any]
    delete: Callable[..., Any]
    check: Callable[..., Any]


DOORS = {
    Kind.SOURCE: Doors(
        services.create_source,
        services.update_source,
        services.rename_source,
        services.finish_source,
        services.delete_source,
        services.check_source,
    ),
    Kind.DESTINATION: Doors(
        services.create_destination,
        services.update_destination,
        services.rename_destination,
        services.finish_destination,
        services.delete_destination,
        services.check_destination,
    ),
}


class ConnectionView(View):
    """A view of one side. ``request`` has passed the workspace middleware."""

    kind: Kind = Kind.SOURCE
    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Addresses name the id by its side (``source_id``); the views take it as ``pk``."""
        if (name := f"{self.kind.value}_id") in kwargs:
            kwargs["pk"] = kwargs.pop(name)
        return super().dispatch(request, *args, **kwargs)

    @property
    def here(self) -> WorkspaceRequest:
        """The request with its workspace and actor."""
        return cast(WorkspaceRequest, self.request)

    @property
    def doors(self) -> Doors:
        """This side's services."""
        return DOORS[self.kind]

    @property
    def model(self) -> type[Connection]:
        """This side's model."""
        return access.MODELS[self.kind]

    def row(self, pk: int, permission: Permission = Permission.MEMBER) -> Connection:
        """The row of the address, if the person has the permission on it."""
        return access.connection_for(self.model, self.here.actor, pk, permission)

    def call(self, door: Callable[..., Any], row: Connection, **kwargs: Any) -> Any:
        """Call one of :attr:`doors` for a row, as this person."""
        return door(actor=self.here.actor, **{self.kind.value: row}, **kwargs)

    def url(self, name: str = "", *args: Any) -> str:
        """The address of a route of this side: ``url("setup", pk)`` is ``source_setup``."""
        route = f"{self.kind.value}_{name}" if name else self.kind.value
        return reverse(f"connectors:{route}", args=[self.here.workspace.slug, *args])

    def after_test_url(self, row: Connection) -> str:
        """The step of the set-up that follows a passed test."""
        return self.url("setup_planner" if asks_for_planner(row) else "setup_finish", row.pk)

    def setup_sql(self, type_key: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """SQL that prepares the other side for a source of this type, filled in with ``values``."""
        if self.kind is not Kind.SOURCE:
            return {}
        make = access.definition_of(self.kind, type_key).setup_sql
        return {"setup_sql": make(values), "setup_sql_url": self.url("setup_sql", type_key)} if make else {}

    @property
    def list_url(self) -> str:
        """The address of the list."""
        return reverse(f"connectors:{self.kind.plural}", args=[self.here.workspace.slug])

    @property
    def crumbs(self) -> list[dict[str, str]]:
        """The way back to the list."""
        return [{"label": self.kind.plural.capitalize(), "url": self.list_url}]

    def shared(self, row: Connection | None = None) -> dict[str, Any]:
        """Context every page of this side has."""
        context: dict[str, Any] = {
            "kind": self.kind.value,
            "plural": self.kind.plural,
            "breadcrumb": self.crumbs,
            "list_url": self.list_url,
            "redirect_url": self.request.build_absolute_uri(reverse("oauth_callback")),
        }
        if row is None:
            return context
        entry = catalog.known_entry(self.kind, row.type)
        return {
            **context,
            "row": row,
            "entry": entry,
            "may_manage": access.may_manage(self.here.actor, row),
            "may_use": access.may_use(self.here.actor, row),
            "check_url": self.url("check", row.pk),
            "sign_in": consents.sign_in_of(row),
            "connect_url": self.url("sign_in", row.pk),
            "disconnect_url": self.url("sign_out", row.pk),
        }


def asks_for_planner(row: Connection) -> bool:
    """Whether the set-up asks where syncs are compared: of sample data nobody has to think about it."""
    return access.can_host_planner(row) and not catalog.known_entry(row.kind, row.type).sample


def write_setup(view: ConnectionView, row: Source) -> dict[str, Any]:
    """What the templates need to show how write access is set up and tested."""
    make = access.definition_of(Kind.SOURCE, row.type).write_setup_sql
    return {
        "write_sql": make(row.config) if make else "",
        "write_check_url": view.url("write_check", row.pk),
        "write_tested": row.write_health == "healthy",
    }
