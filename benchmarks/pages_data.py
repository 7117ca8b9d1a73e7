"""A busy company for the page benchmark: the demo's rows, multiplied in the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.test import Client

from benchmarks.pages_side import Page, deep
from config.demo.seed import EMAIL, seed
from connectors.models import Destination, Source
from governance.audit.actors import system
from governance.audit.models import AuditEntry
from syncs.models import Model, Run, Sync
from syncs.services.runs import start_run
from workspaces.actors import person
from workspaces.choices import RoleKind
from workspaces.models import Organization, OrganizationMember, Role, User, Workspace
from workspaces.scoping import unscoped, workspace_scope
from workspaces.services import create_api_key, create_group, create_person, set_group_role

ACTOR = system("benchmark")
PEOPLE = 200
GROUPS = 20
API_KEYS = 60
DAYS = 30  # that runs and audit entries are spread over

_OF_COPY = "(SELECT id FROM {table} WHERE slug = (SELECT slug FROM {table} WHERE id = row.{key}) || '-' || {number})"
# A fifth of the runs are those of the first sync of each kind, so that two syncs have more than ten thousand.
_RUN_OF = "CASE WHEN n % 5 = 0 THEN 1 ELSE 2 + n % ({syncs} - 1) END"
# The newest runs of different syncs have not ended.
_LIVE = "n > {times} - 10 AND n % 5 <> 0"


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows of each kind there are."""

    connections: int = 200
    models: int = 500
    syncs: int = 1_000
    runs: int = 100_000
    audit_entries: int = 200_000


@dataclass(frozen=True, slots=True)
class Company:
    """Who asks for pages, and the sync whose runs they look at."""

    slug: str
    busy_sync: int
    busy_model: int
    users: Mapping[str, User]
    keys: Mapping[str, str]

    def pages(self, client: Client) -> Iterator[Page]:
        """Every list, as it opens, searched, filtered, sorted and far down."""
        with unscoped("a benchmark's own data"):
            source = Source.objects.order_by("pk")[20].pk
            destination = Destination.objects.order_by("pk")[20].pk
        user = User.objects.order_by("pk")[30].pk
        place = f"/{self.slug}"
        runs = f"{place}/syncs/{self.busy_sync}"
        yield Page("overview", f"{place}/")
        for kind, type_key in (("sources", "sample_b2c"), ("destinations", "postgres")):
            yield Page(kind, f"{place}/{kind}")
            yield Page(f"{kind} searched", f"{place}/{kind}?q=a+7")
            yield Page(f"{kind} filtered", f"{place}/{kind}?type={type_key}&health=failing")
        yield Page("models", f"{place}/models")
        yield Page("models searched", f"{place}/models?q=customers+9")
        yield Page("models of a source", f"{place}/models?source={source}")
        yield Page("models by syncs", f"{place}/models?order=-sync_count")
        yield Page("a model's syncs", f"{place}/models/{self.busy_model}/syncs")
        yield Page("a model's activity", f"{place}/models/{self.busy_model}/activity")
        yield Page("syncs", f"{place}/syncs")
        for health in ("healthy", "warning", "failed", "idle"):
            yield Page(f"syncs {health}", f"{place}/syncs?health={health}")
        yield Page("syncs searched", f"{place}/syncs?q=campaign")
        yield Page("syncs, nothing found", f"{place}/syncs?q=zzzz")
        yield Page("syncs to a destination", f"{place}/syncs?destination={destination}")
        for order in ("model__name", "-last_run__started_at"):
            yield Page(f"syncs by {order}", f"{place}/syncs?order={order}")
        yield Page("syncs, last page", deep(client, f"{place}/syncs"))
        yield Page("a sync's runs", runs)
        yield Page("a sync's runs, page 20", deep(client, runs))
        yield Page("a sync's activity", f"{runs}/activity")
        log = f"{place}/audit-log"
        yield Page("audit log", log, needs_admin=True)
        yield Page("audit log, page 20", deep(client, log), needs_admin=True)
        asked = {
            "common words": "q=acme", "rare words": "q=customers+9999", "nothing found": "q=zzzz",
            "one person": f"person={user}", "Headrace": "person=system", "one type": "type=sync",
            "one event": "event=model.created", "two days": "since=2000-01-01&until=2000-01-02",
            "everything": f"q=person30&person={user}&type=sync&event=sync.created&since=2000-01-01",
        }  # fmt: skip
        for words, query in asked.items():
            yield Page(f"audit log, {words}", f"{log}?{query}", needs_admin=True)
        yield Page("people", f"{place}/organization/people")
        yield Page("people searched", f"{place}/organization/people?q=person1")
        yield Page("groups", f"{place}/organization/groups")
        yield Page("access", f"{place}/settings/access")
        yield Page("people with access", f"{place}/settings/access/people")
        yield Page("workspaces of the organization", f"{place}/organization/workspaces")
        yield Page("roles", f"{place}/settings/roles")
        yield Page("API keys", f"{place}/settings/api-keys", needs_admin=True)
        yield Page("API keys searched", f"{place}/settings/api-keys?q=key&status=working", needs_admin=True)
        yield Page("palette", f"{place}/palette?q=cust")

    def endpoints(self) -> Iterator[Page]:
        """The REST lists, with the page size that callers get when they name none."""
        for name in ("sources", "models", "destinations", "syncs"):
            yield Page(f"REST {name}", f"/api/v1/{name}")
        yield Page("REST a sync's runs", f"/api/v1/syncs/{self.busy_sync}/runs")


def build(size: Size) -> Company:
    """Fill an empty database."""
    demo = seed()
    owner = User.objects.get(email=EMAIL)
    with workspace_scope(demo.workspace.pk):
        editor = _people(demo.workspace)
        users = {"admin": owner, "editor": editor}
        keys = {name: _key(demo.workspace, name, user) for name, user in users.items()}
        for number in range(API_KEYS):
            _key(demo.workspace, f"Key {number}", owner)
        runs = [start_run(actor=person(owner), sync=sync).pk for sync in demo.syncs]
    with unscoped("a benchmark's own data"):
        _connections_and_syncs(demo.syncs, size)
        _runs(runs, size)
        _audit_entries(size.audit_entries)
        first = Sync.objects.get(slug=f"{demo.syncs[0].slug}-1")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as the database does by itself after a while
    return Company(demo.workspace.slug, first.pk, first.model_id, users, keys)


def _people(workspace: Workspace) -> User:
    """Everyone, in groups with a role; returns somebody who may edit."""
    organization = Organization.objects.get(pk=workspace.organization_id)
    users = [create_person(actor=ACTOR, email=f"person{n}@acme.example", name=f"Person {n}", password=None)
             for n in range(PEOPLE)]  # fmt: skip
    members = OrganizationMember.objects.bulk_create(
        OrganizationMember(organization=organization, user=user) for user in users
    )
    kinds = RoleKind.built_in()
    for number in range(GROUPS):
        kind = RoleKind.EDITOR if number == 0 else kinds[number % len(kinds)]
        group = create_group(actor=ACTOR, organization=organization, name=f"Team {number}", members=members[number::20])
        set_group_role(actor=ACTOR, workspace=workspace, group=group, role=Role.objects.get(kind=kind))
    return users[0]


def _key(workspace: Workspace, name: str, owner: User) -> str:
    return create_api_key(actor=ACTOR, workspace=workspace, name=name, owner=owner).secret


def _connections_and_syncs(syncs: tuple[Sync, ...], size: Size) -> None:
    named = {"name": "row.name || ' ' || n", "slug": "row.slug || '-' || n"}
    checked = {"health": "(ARRAY['healthy', 'healthy', 'failing', 'untested'])[1 + n % 4]"}
    each = size.connections // 2
    _multiply(Source, Source.objects.all(), each, {**named, **checked})
    _multiply(Destination, Destination.objects.all(), each, {**named, **checked})
    models_ = Model.objects.filter(syncs__in=syncs)
    source = _OF_COPY.format(table="connectors_source", key="source_id", number=f"(1 + n % {each})")
    _multiply(Model, models_, size.models // 2, {**named, "source_id": source})
    changed = {
        **named,
        "model_id": _OF_COPY.format(table="syncs_model", key="model_id", number=f"(1 + n % {size.models // 2})"),
        "destination_id": _OF_COPY.format(
            table="connectors_destination", key="destination_id", number=f"(1 + n % {each})"
        ),
        "schedule_kind": "CASE WHEN n % 3 = 0 THEN 'manual' ELSE 'interval' END",
        "interval_count": "1",
        "interval_unit": "'hour'",
        "paused": "n % 17 = 3",
        "schedule_enabled": "n % 13 <> 5",
        "last_run_id": "NULL",
        "created_at": "now() - n * interval '1 hour'",
        "updated_at": "now() - n * interval '31 minutes'",
    }
    _multiply(Sync, Sync.objects.all(), size.syncs // 2, changed)


def _runs(templates: list[int], size: Size) -> None:
    times = size.runs // len(templates)
    live = _LIVE.format(times=times)
    asked = f"now() - interval '{DAYS} days' * ({times} - n) / {times}"
    number = _RUN_OF.format(syncs=size.syncs // 2)
    rejected = "CASE WHEN n % 10 = 3 THEN 7 ELSE 0 END"
    ended = "WHEN n % 20 = 7 THEN 'failed' WHEN n % 10 = 3 THEN 'warning' WHEN n % 50 = 9 THEN 'cancelled'"
    changed = {
        "sync_id": "(SELECT s.id FROM syncs_sync s JOIN syncs_sync t ON t.id = row.sync_id "
                   f"WHERE s.slug = t.slug || '-' || {number})",
        "number": "n",
        "status": f"CASE WHEN {live} THEN 'writing' {ended} ELSE 'succeeded' END",
        "trigger": "'schedule'",
        "created_at": asked,
        "started_at": f"{asked} + interval '2 seconds'",
        "finished_at": f"CASE WHEN {live} THEN NULL ELSE {asked} + interval '1 second' * (5 + n % 90) END",
        "queried": "10000 + n % 5000",
        "planned_added": "n % 400", "planned_changed": "n % 90", "planned_removed": "n % 11",
        "succeeded_added": f"n % 400 - least(n % 400, {rejected})",
        "succeeded_changed": "n % 90", "succeeded_removed": "n % 11",
        "rejected_added": f"least(n % 400, {rejected})",
        "error_message": "CASE WHEN n % 20 = 7 THEN 'The destination refused the connection.' ELSE '' END",
    }  # fmt: skip
    _multiply(Run, Run.objects.filter(pk__in=templates), times, changed)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE syncs_run SET finished_at = now(), status = 'succeeded' WHERE id = ANY(%s)", [templates])
        cursor.execute(
            "UPDATE syncs_sync SET last_run_id = latest.id, runs_started = latest.number FROM "
            "(SELECT DISTINCT ON (sync_id) sync_id, id, number FROM syncs_run ORDER BY sync_id, id DESC) latest "
            "WHERE latest.sync_id = syncs_sync.id"
        )


def _audit_entries(wanted: int) -> None:
    """What the setting-up left in the workspace's log, over and over, by all people and about all syncs."""
    templates = AuditEntry.objects.filter(workspace_id__isnull=False)
    times = wanted // templates.count()
    changed = {
        "at": f"now() - interval '{DAYS} days' * ({times} - n) / {times}",
        "user_id": f"(SELECT min(id) FROM workspaces_user) + (row.id + n) % {PEOPLE}",
        "actor_kind": "'person'",
        "actor_label": f"'person' || (row.id + n) % {PEOPLE} || '@acme.example'",
        "resource_label": "row.resource_label || ' ' || n",
        "correlation_id": "md5(n::text)",
    }
    _multiply(AuditEntry, templates, times, changed)


def _multiply(model: type[models.Model], rows: models.QuerySet[Any], times: int, changed: Mapping[str, str]) -> None:
    """Copy rows ``times`` times, in turns; ``changed`` holds SQL over ``row`` and the number ``n`` of the copy."""
    fields = [str(f.column) for f in model._meta.concrete_fields if not f.primary_key]
    if unknown := changed.keys() - set(fields):
        raise ValueError(f"{model.__name__} has no {sorted(unknown)}")
    columns = ", ".join(f'"{name}"' for name in fields)
    values = ", ".join(changed.get(name) or f'row."{name}"' for name in fields)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({columns}) SELECT {values} FROM "{table}" AS row, '
            f"generate_series(1, {times}) n WHERE row.id = ANY(%s) ORDER BY n, row.id".replace(" % ", " %% "),
            [list(rows.values_list("pk", flat=True))],
        )
