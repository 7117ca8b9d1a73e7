"""The only ways from an id to a source or destination, and from a row to an open connection.

Members of a workspace read all its configuration; acting on a source or
destination needs a right on it. While somebody is still setting one up, the
right to create is enough for what they created themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from django.conf import settings

from config.errors import Conflict, Denied, HeadraceError, NotFound
from config.outbound import proxy
from connectors import catalog, secrets
from connectors.addresses import places_of
from connectors.choices import Kind
from connectors.models import Connection, Destination, Source
from connectors.registry import destination_class, source_class
from connectors.sdk import destination as sdk_destination
from connectors.sdk import source as sdk_source
from connectors.sdk.context import Environment, Workload
from connectors.sdk.errors import ConnectorError
from connectors.sdk.fields import Field
from connectors.sdk.source import SourceDefinition
from connectors.sdk.validation import assemble, with_defaults
from governance.audit.actors import Actor
from workspaces import access
from workspaces.permissions import Permission

C = TypeVar("C", bound=Connection)
MODELS: dict[Kind, type[Connection]] = {Kind.SOURCE: Source, Kind.DESTINATION: Destination}
CREATE = {Kind.SOURCE: Permission.CREATE_SOURCE, Kind.DESTINATION: Permission.CREATE_DESTINATION}
MANAGE = {Kind.SOURCE: Permission.MANAGE_SOURCE, Kind.DESTINATION: Permission.MANAGE_DESTINATION}
USE = {Kind.SOURCE: Permission.DRAFT_FROM_SOURCE, Kind.DESTINATION: Permission.DRAFT_TO_DESTINATION}


def source_for(
    actor: Actor, source_id: int, permission: Permission = Permission.MEMBER, *, lock: bool = False
) -> Source:
    """A source of this workspace on which the actor holds the permission.

    ``lock`` holds the row until the transaction ends, against changes and deletion.
    """
    return connection_for(Source, actor, source_id, permission, lock=lock)


def destination_for(
    actor: Actor, destination_id: int, permission: Permission = Permission.MEMBER, *, lock: bool = False
) -> Destination:
    """A destination of this workspace on which the actor holds the permission."""
    return connection_for(Destination, actor, destination_id, permission, lock=lock)


def connection_for(
    model: type[C], actor: Actor, pk: int, permission: Permission = Permission.MEMBER, *, lock: bool = False
) -> C:
    """A source or destination; :class:`NotFound` for other workspaces' ids, :class:`Denied` without the right."""
    rows = model.objects.select_for_update(no_key=True) if lock else model.objects.select_related("created_by")
    found: C | None = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no such {model.kind.value} in this workspace.")
    if not allowed(actor, found, permission):
        access.require(actor, permission, **_side(found))
    return found


def allowed(actor: Actor, connection: Connection, permission: Permission) -> bool:
    """Whether the actor holds the permission on this connection."""
    if permission in (MANAGE[connection.kind], USE[connection.kind]) and setting_up(actor, connection):
        return True
    return access.may(actor, permission, **_side(connection))


def may_manage(actor: Actor, connection: Connection) -> bool:
    """Whether the actor may change its settings and credentials, rename or delete it."""
    return allowed(actor, connection, MANAGE[connection.kind])


def may_use(actor: Actor, connection: Connection) -> bool:
    """Whether the actor may build on it: test it, read its tables and fields again."""
    return allowed(actor, connection, USE[connection.kind])


def setting_up(actor: Actor, connection: Connection) -> bool:
    """Whether this is the actor's own connection whose set-up is not finished."""
    own = connection.created_by_id is not None and connection.created_by_id == actor.user_id
    return own and not connection.setup_done and access.may(actor, CREATE[connection.kind])


def require_ready(connection: Connection) -> None:
    """Refuse to build on a connection whose set-up is not finished."""
    if not connection.setup_done:
        raise Denied(
            f"The set-up of “{connection}” is not finished.", hint=f"Finish it on the {connection.kind.plural} page."
        )


def require_running(destination: Destination) -> None:
    """Refuse to send anything to a destination that somebody stopped."""
    if destination.stopped_at is not None:
        reason = f" Their reason: {destination.stop_reason}" if destination.stop_reason else ""
        raise Conflict(
            f"“{destination}” was stopped by {destination.stopped_by}.{reason}",
            hint="Nothing is sent to it until somebody who may change its connection lets it go on.",
            code="destination_stopped",
        )


def fields_of(kind: Kind, type_key: str) -> tuple[Field, ...]:
    """The declared settings of a type."""
    return definition_of(kind, type_key).fields  # type: ignore[no-any-return]


def definition_of(kind: Kind, type_key: str) -> Any:
    """The definition of a type: a ``SourceDefinition`` or a ``DestinationDefinition``."""
    load = source_class if kind is Kind.SOURCE else destination_class
    return load(type_key).definition


def connects(connection: Connection) -> bool:
    """Whether a person signs this connection in on the service's own page, as it is set up now."""
    declared = definition_of(connection.kind, connection.type).connects
    if declared is None:
        return False
    value: Any = connection.config
    for part in declared.field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return not declared.values or value in declared.values


def can_host_planner(connection: Connection) -> bool:
    """Whether Headrace could write into this source's warehouse, given the rights: planner and sync logs."""
    if not catalog.known_entry(connection.kind, connection.type).write_planner:
        return False
    definition: SourceDefinition = definition_of(Kind.SOURCE, connection.type)
    if definition.write_when is None:
        return True
    values = with_defaults(definition.fields, connection.config)
    return values.get(definition.write_when.field) in definition.write_when.values


def lists_audiences(connection: Connection) -> bool:
    """Whether a destination lists the audiences of its accounts."""
    return catalog.known_entry(connection.kind, connection.type).lists_audiences


def environment() -> Environment:
    """What the operator's settings allow connectors."""
    return Environment(
        outbound_allow=tuple(settings.OUTBOUND_ALLOW),
        routes=settings.OUTBOUND_ROUTES,
        proxy=proxy(),
        local_roots=tuple(settings.LOCAL_FILES_ROOTS),
        memory_mb=settings.ENGINE_MEMORY_MB,
        threads=settings.ENGINE_THREADS,
        extra={"data_dir": str(settings.DATA_DIR), **_aws()},
    )


def _environment_of(connection: Connection) -> Environment:
    """What connectors are allowed, with this connection's tunnel and the place of its tokens, where it has them."""
    allowed = environment()
    allowed = replace(allowed, extra={**allowed.extra, "workspace": str(connection.workspace_id)})
    if connection.config.get("tunnel"):
        from connectors.tunnels import way_of

        allowed = replace(allowed, tunnel=way_of(connection))
    if connection.config.get("credential"):
        from connectors.clouds import is_role

        if is_role(connection.config):
            allowed = replace(allowed, extra={**allowed.extra, "aws_default_credentials": "allowed"})
    if not connects(connection):
        return allowed
    from connectors.vault import StoredTokens

    places = places_of(fields_of(connection.kind, connection.type), connection.config)
    return replace(allowed, vault=StoredTokens(connection, places))


def _aws() -> dict[str, str]:
    return {"aws_default_credentials": "allowed"} if settings.AWS_DEFAULT_CREDENTIALS else {}


def open_source(source: Source, workload: Workload = Workload.INTERACTIVE) -> sdk_source.Source:
    """The source as the SDK knows it, with its credentials."""
    return source_class(source.type)(settings_of(source), replace(_environment_of(source), workload=workload))


def open_destination(destination: Destination) -> sdk_destination.Destination:
    """The destination as the SDK knows it, with its credentials."""
    return destination_class(destination.type)(settings_of(destination), _environment_of(destination))


def open_connection(connection: Connection) -> sdk_source.Source | sdk_destination.Destination:
    """Either, as the SDK knows it."""
    if isinstance(connection, Source):
        return open_source(connection)
    assert isinstance(connection, Destination)
    return open_destination(connection)


def settings_of(connection: Connection) -> dict[str, Any]:
    """The whole configuration, credentials included: for opening it, never for showing."""
    fields = fields_of(connection.kind, connection.type)
    whole = assemble(with_defaults(fields, connection.config), secrets.decrypt(connection.secret_config))
    if not whole.get("credential"):
        return whole
    from connectors.clouds import filled

    return {**whole, **filled(fields, whole)}


def acts_as(connection: Connection) -> str:
    """The e-mail address of the Google service account that a connection signs in as: what people share things with.

    Empty for every other way of signing in, and where the key is none.
    """
    if not any(
        field.name in ("service_account_key", "credential") for field in fields_of(connection.kind, connection.type)
    ):
        return ""
    try:
        key = json.loads(str(settings_of(connection).get("service_account_key") or "null"))
    except (ValueError, HeadraceError, ConnectorError):
        return ""
    return str(key.get("client_email") or "") if isinstance(key, Mapping) else ""


def _side(connection: Connection) -> dict[str, int]:
    return {f"{connection.kind.value}_id": connection.pk}
