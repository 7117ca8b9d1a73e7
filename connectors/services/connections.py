"""Writes to sources and destinations: their settings, names and health.

The two sides share their steps; each public function is one side's service with
its own audit event. Calls to other systems happen before or after a service,
never inside its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models.deletion import ProtectedError
from django.utils import timezone as clock
from slugify import slugify

from config.errors import Conflict, Invalid
from config.timezones import timezone_names
from connectors import access, catalog, clouds, discovery, secrets, tunnels
from connectors.addresses import to_enter_again
from connectors.choices import Health, Kind
from connectors.dependants import dependants_of
from connectors.discovery import CheckOutcome
from connectors.models import Connection, Destination, OAuthToken, Source
from connectors.sdk.fields import Field, Text
from connectors.sdk.validation import Cleaned, InvalidSettings, clean
from connectors.sealed import SealedModel, sealed
from connectors.selectors import free_slug
from governance.audit.actors import Actor, system
from governance.audit.services import changes, record, service, unchanged
from workspaces import access as rights
from workspaces.models import Workspace
from workspaces.permissions import Permission
from workspaces.scoping import current_workspace_id
from workspaces.services import give_to_maker, share_new

C = TypeVar("C", bound=Connection)
MAX_NAME = 200
Shares = Mapping[int, Iterable[Permission]]
NOBODY: Shares = {}


@service("source.created")
def create_source(
    *,
    actor: Actor,
    type: str,
    values: Mapping[str, Any],
    name: str = "",
    slug: str = "",
    timezone: str = "UTC",
    setup_done: bool = True,
) -> Source:
    """Add a source. ``values`` are raw settings, credentials among them; an empty name becomes the type's.

    ``setup_done=False`` starts the wizard: the source cannot be used before
    :func:`finish_source`. Raises ``Invalid`` with the path of each wrong setting.
    """
    return _create(Source, actor, type, values, name, slug, timezone, setup_done)


@service("destination.created")
def create_destination(
    *,
    actor: Actor,
    type: str,
    values: Mapping[str, Any],
    name: str = "",
    slug: str = "",
    timezone: str = "UTC",
    setup_done: bool = True,
) -> Destination:
    """Add a destination; see :func:`create_source`."""
    return _create(Destination, actor, type, values, name, slug, timezone, setup_done)


@service("source.updated")
def update_source(
    *,
    actor: Actor,
    source: Source,
    values: Mapping[str, Any] | None = None,
    name: str | None = None,
    timezone: str | None = None,
) -> Source:
    """Change settings, name or time zone; what is not given stays, credentials too.

    A blank credential keeps the stored one, ``None`` removes it; another host asks for
    it again. Changed settings make the source untested; its tables are read again
    when somebody next looks.
    """
    return _update(Source, actor, source, values, name, timezone)


@service("destination.updated")
def update_destination(
    *,
    actor: Actor,
    destination: Destination,
    values: Mapping[str, Any] | None = None,
    name: str | None = None,
    timezone: str | None = None,
) -> Destination:
    """Change settings, name or time zone; see :func:`update_source`."""
    return _update(Destination, actor, destination, values, name, timezone)


@service("source.renamed")
def rename_source(*, actor: Actor, source: Source, name: str) -> Source:
    """Give a source another name; its slug stays, so that API clients go on working."""
    return _rename(Source, actor, source, name)


@service("destination.renamed")
def rename_destination(*, actor: Actor, destination: Destination, name: str) -> Destination:
    """Give a destination another name; its slug stays."""
    return _rename(Destination, actor, destination, name)


@service("source.finished")
def finish_source(*, actor: Actor, source: Source, name: str, timezone: str = "UTC", shares: Shares = NOBODY) -> Source:
    """End the set-up: name the source and open it for use. Its connection test must have passed.

    ``shares`` are the rights on it that custom roles get, by the ids of the roles.
    """
    return _finish(Source, actor, source, name, timezone, shares)


@service("destination.finished")
def finish_destination(
    *, actor: Actor, destination: Destination, name: str, timezone: str = "UTC", shares: Shares = NOBODY
) -> Destination:
    """End the set-up: name the destination and open it for use; see :func:`finish_source`."""
    return _finish(Destination, actor, destination, name, timezone, shares)


@service("source.deleted")
def delete_source(*, actor: Actor, source: Source) -> None:
    """Remove a source with its credentials; refused while anything is built on it."""
    _delete(Source, actor, source)


@service("destination.deleted")
def delete_destination(*, actor: Actor, destination: Destination) -> None:
    """Remove a destination with its credentials; refused while anything is built on it."""
    _delete(Destination, actor, destination)


def check_source(*, actor: Actor, source: Source) -> CheckOutcome:
    """Test the connection and remember the outcome as the source's health."""
    rights_to_use(actor, source)
    outcome = discovery.check(source)
    record_source_check(actor=actor, source=source, outcome=outcome)
    return outcome


def check_destination(*, actor: Actor, destination: Destination) -> CheckOutcome:
    """Test the connection and remember the outcome as the destination's health."""
    rights_to_use(actor, destination)
    outcome = discovery.check(destination)
    record_destination_check(actor=actor, destination=destination, outcome=outcome)
    return outcome


@service("source.checked")
def record_source_check(*, actor: Actor, source: Source, outcome: CheckOutcome) -> Source:
    """Keep what a test of ``source`` (as it was read) found; nothing if its settings changed meanwhile."""
    return _record_check(Source, actor, source, outcome)


@service("destination.checked")
def record_destination_check(*, actor: Actor, destination: Destination, outcome: CheckOutcome) -> Destination:
    """Keep what a test of ``destination`` (as it was read) found; nothing if its settings changed meanwhile."""
    return _record_check(Destination, actor, destination, outcome)


def as_entered(
    *, actor: Actor, kind: Kind, type_key: str, values: Mapping[str, Any], row: Connection | None = None
) -> Connection:
    """The connection that a form describes before it is sent: to ask the other side, never to be saved.

    What the other side would list may still be missing. ``row`` is the saved one that the form changes; its
    credentials go along as far as an update would keep them. Raises ``Invalid`` where more is missing.
    """
    fields = [f for f in access.fields_of(kind, type_key) if not (isinstance(f, Text) and f.discover)]
    names = {declared.name for declared in fields}
    known = {name: value for name, value in values.items() if name in names}
    if row is not None:
        made = access.connection_for(access.MODELS[kind], actor, row.pk, access.MANAGE[kind])
        made.config = {name: value for name, value in made.config.items() if name in names}
        _apply(made, fields, known, actor)
        return made
    rights.require(actor, access.CREATE[kind])
    cleaned = _cleaned(fields, known, {})
    made = access.MODELS[kind](workspace_id=current_workspace_id(), type=type_key, config=cleaned.config)
    _keep_secrets(made, {}, cleaned)
    return made


@service("credentials.rotated")
def rotate_credentials(*, actor: Actor, workspace: Workspace) -> int:
    """Encrypt a workspace's stored credentials under the newest key; the number of rows changed.

    Rows that are under it already are left alone, so that an interrupted rotation goes on where it stopped.
    """
    if not actor.is_system:
        rights.require(actor, Permission.MANAGE_WORKSPACE)
    counts = {noun: _rotate(model, column) for noun, (model, column) in sealed_columns().items()}
    if not any(counts.values()):
        unchanged()
        return 0
    record(workspace, after=counts)
    return sum(counts.values())


def sealed_columns() -> dict[str, tuple[SealedModel, str]]:
    """Every column that holds credentials, by what its rows are called."""
    own = {kind.plural: (access.MODELS[kind], "secret_config") for kind in Kind}
    return {**own, "tokens": (OAuthToken, "sealed"), **sealed()}


def rights_to_use(actor: Actor, connection: Connection) -> None:
    """Refuse whoever may not build on this connection."""
    if not access.may_use(actor, connection):
        rights.require(actor, access.USE[connection.kind], **{f"{connection.kind.value}_id": connection.pk})


def _create(
    model: type[C],
    actor: Actor,
    type_key: str,
    values: Mapping[str, Any],
    name: str,
    slug: str,
    timezone: str,
    setup_done: bool,
) -> C:
    kind = model.kind
    rights.require(actor, access.CREATE[kind])
    workspace_id = current_workspace_id()
    # Held until commit, so that two people who add the same name get different slugs.
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)
    entry = catalog.entry(kind, type_key)
    cleaned = _cleaned(access.fields_of(kind, type_key), values, {})
    name = _named(name or entry.name)
    row = model(
        workspace_id=workspace_id,
        name=name,
        slug=_slug(model, slug) if slug else free_slug(model, slugify(name)[:70] or type_key),
        type=type_key,
        config=cleaned.config,
        timezone=_zone(timezone),
        setup_done=setup_done,
        created_by_id=actor.user_id,
    )
    _keep_secrets(row, {}, cleaned)
    row.save(force_insert=True)
    roles = give_to_maker(actor, kind.value, row.pk, access.CREATE[kind])
    given = {"full rights for the roles": roles} if roles else {}
    record(row, after={**_facts(row), **_secret_names({}, cleaned.secrets), **given})
    return row


def _update(
    model: type[C],
    actor: Actor,
    connection: C,
    values: Mapping[str, Any] | None,
    name: str | None,
    timezone: str | None,
) -> C:
    locked = _locked(model, actor, connection, access.MANAGE[model.kind])
    before = _facts(locked)
    replaced: dict[str, Any] = {}
    if name is not None:
        locked.name = _named(name)
    if timezone is not None:
        locked.timezone = _zone(timezone)
    if values is not None:
        replaced = _apply(locked, access.fields_of(model.kind, locked.type), values, actor)
    difference = changes(before, _facts(locked))
    if not difference and not replaced:
        unchanged()
        return locked
    if replaced or "config" in difference.after:
        forget_health(locked)
    locked.save()
    record(locked, before=difference.before, after={**difference.after, **replaced})
    return locked


def _apply(locked: Connection, fields: Sequence[Field], values: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """Put new settings on a row; what happened to credentials, by name."""
    known = secrets.decrypt(locked.secret_config)
    cleaned = _cleaned(fields, {**locked.config, **values}, known)
    # Who is still setting it up entered the credentials a moment ago.
    entered = actor.is_system or access.setting_up(actor, locked)
    if not entered and (again := to_enter_again(fields, locked.config, known, cleaned, values)):
        raise Invalid("Some credentials need to be entered again.", fields=again)
    locked.config = cleaned.config
    _keep_secrets(locked, known, cleaned)
    return _secret_names(known, cleaned.secrets)


def _rename(model: type[C], actor: Actor, connection: C, name: str) -> C:
    locked = _locked(model, actor, connection, access.MANAGE[model.kind])
    before, locked.name = locked.name, _named(name)
    if before == locked.name:
        unchanged()
        return locked
    locked.save(update_fields=["name", "updated_at"])
    record(locked, before={"name": before}, after={"name": locked.name})
    return locked


def _finish(model: type[C], actor: Actor, connection: C, name: str, timezone: str, shares: Shares) -> C:
    locked = _locked(model, actor, connection, access.MANAGE[model.kind])
    entry = catalog.entry(model.kind, locked.type)
    if entry.needs_test and locked.health != Health.HEALTHY:
        raise Conflict("The connection has not passed its test yet.", hint="Test the connection, then finish.")
    if shares and locked.setup_done:
        raise Conflict("The set-up has ended already.", hint="A workspace admin gives rights under Settings, Roles.")
    if not locked.setup_done:
        Workspace.objects.select_for_update(no_key=True).get(pk=locked.workspace_id)
        locked.slug = free_slug(model, slugify(_named(name))[:70] or locked.type, besides=locked.pk)
    before = _facts(locked)
    locked.name, locked.timezone, locked.setup_done = _named(name), _zone(timezone), True
    locked.save(update_fields=["name", "slug", "timezone", "setup_done", "updated_at"])
    difference = changes(before, _facts(locked))
    given = share_new(model.kind.value, locked.pk, shares)
    shared = {"shared_with": given} if given else {}
    record(locked, before=difference.before, after={**difference.after, "setup_done": True, **shared})
    return locked


def _delete(model: type[C], actor: Actor, connection: C) -> None:
    # FOR UPDATE, not NO KEY: whoever builds on the row meanwhile must wait and then find it gone.
    locked = model.objects.select_for_update().filter(pk=connection.pk).first()
    if locked is None:
        access.connection_for(model, actor, connection.pk)
    _locked(model, actor, connection, access.MANAGE[model.kind])
    assert locked is not None
    # Everything counts, also what this person does not see; that is not named.
    if everything := dependants_of(system("deletion"), model.kind, locked.pk):
        seen = dependants_of(actor, model.kind, locked.pk)
        hidden = "what other spaces hold" if everything.total > seen.total else ""
        users = " and ".join(filter(None, [seen.sentence(), hidden]))
        raise Conflict(f"“{locked}” is still used by {users}.", hint="Delete those first, or move them elsewhere.")
    record(locked, before=_facts(locked))
    try:
        locked.delete()
    except ProtectedError as error:
        names = ", ".join(f"“{row}”" for row in list(error.protected_objects)[:20])
        raise Conflict(f"“{locked}” is still used by {names}.", hint="Delete those first.") from None


def _record_check(model: type[C], actor: Actor, tested: C, outcome: CheckOutcome) -> C:
    locked = _locked(model, actor, tested, access.USE[model.kind])
    if (locked.config, locked.secret_config) != (tested.config, tested.secret_config):
        unchanged()
        return locked
    before = {"health": locked.health}
    locked.health = Health.HEALTHY if outcome.ok else Health.FAILING
    locked.last_checked_at = clock.now()
    locked.last_check_message, locked.last_check_hint = outcome.message[:2_000], outcome.hint[:2_000]
    locked.save(update_fields=["health", "last_checked_at", "last_check_message", "last_check_hint"])
    record(locked, before=before, after={"health": locked.health, "message": locked.last_check_message})
    return locked


def _locked(model: type[C], actor: Actor, connection: C, permission: Permission) -> C:
    return access.connection_for(model, actor, connection.pk, permission, lock=True)


def _cleaned(fields: Sequence[Field], values: Mapping[str, Any], stored: Mapping[str, Any]) -> Cleaned:
    try:
        cleaned = clean(fields, values, stored=stored)
    except InvalidSettings as error:
        raise Invalid("Some settings need another look.", fields=error.errors) from None
    if wrong := tunnels.hold(cleaned.config):
        raise Invalid.field("tunnel", wrong)
    if wrong := clouds.hold_chosen(fields, cleaned.config):
        raise Invalid.field("credential", wrong)
    return cleaned


def _keep_secrets(row: Connection, known: Mapping[str, Any], cleaned: Cleaned) -> None:
    """Encrypt again only when something differs, so that an unchanged row keeps its token."""
    if dict(known) == cleaned.secrets:
        return
    row.secret_set_at = secrets.set_times(known, cleaned.secrets, row.secret_set_at, clock.now())
    row.secret_config = secrets.encrypt(cleaned.secrets)


def _secret_names(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Which credentials were set and removed; the values stay out."""
    put = sorted(path for path, value in after.items() if before.get(path) != value)
    removed = sorted(path for path in before if path not in after)
    return {**({"replaced": put} if put else {}), **({"removed": removed} if removed else {})}


def _facts(row: Connection) -> dict[str, Any]:
    return {"name": row.name, "type": row.type, "config": row.config, "timezone": row.timezone}


def forget_health(row: Connection) -> None:
    """Call an unsaved row untested: what was known of it is about other settings."""
    row.health, row.last_checked_at = Health.UNTESTED, None
    row.last_check_message = row.last_check_hint = ""
    if isinstance(row, Source):
        row.schema_refreshed_at = None
        row.forget_write_check()


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Invalid.field("name", "Enter a name.")
    if len(name) > MAX_NAME:
        raise Invalid.field("name", f"Enter at most {MAX_NAME} characters.")
    return name


def _slug(model: type[Connection], wanted: str) -> str:
    """A slug that was asked for: taken as it is or refused, never changed."""
    if wanted != slugify(wanted) or len(wanted) > 70:
        raise Invalid.field("slug", "Use at most 70 lower-case letters, digits and hyphens.")
    if model.objects.filter(slug=wanted).exists():
        raise Invalid.field("slug", f"Another {model.kind.value} has the slug “{wanted}”.")
    return wanted


def _zone(name: str) -> str:
    if name not in timezone_names():
        raise Invalid.field("timezone", f"“{name}” is not a time zone.", hint="For example: Europe/Berlin.")
    return name


def _rotate(model: SealedModel, column: str) -> int:
    stored = model._default_manager.select_for_update(no_key=True).exclude(**{column: ""}).order_by("pk")
    rows: list[Any] = [row for row in stored if not secrets.is_newest(getattr(row, column))]
    for row in rows:
        setattr(row, column, secrets.rotate(getattr(row, column)))
    model._default_manager.bulk_update(rows, [column], batch_size=500)
    return len(rows)
