"""A named world that tests share: two organizations, their people, and rows of every app.

``acme`` has an owner (organization admin), and one person for each pre-built
role, each in a group of its own; ``globex`` belongs to somebody else. Apps add
their rows with :func:`builds`; ``world.acme.rows["source"]`` makes them when they
are first asked for, and the route matrix takes the ids of its addresses from them.
Everything is made through services, as a user would.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings

from governance.audit.actors import Actor, system
from governance.audit.models import AuditEntry
from tests.support.rows import Taken, database_rows
from workspaces import services
from workspaces.actors import person
from workspaces.choices import RoleKind
from workspaces.models import (
    DirectoryGroup,
    MembershipRequest,
    Organization,
    OrganizationMember,
    Role,
    User,
    UserGroup,
    Workspace,
)
from workspaces.scoping import unscoped, workspace_scope

T = TypeVar("T")
BUILDER = system("test world")
PEOPLE: Mapping[str, RoleKind] = {
    "admin": RoleKind.ADMIN,
    "editor": RoleKind.EDITOR,
    "drafter": RoleKind.DRAFT_EDITOR,
    "viewer": RoleKind.VIEWER,
}


class Rows(dict[str, Any]):
    """Rows of a workspace by name, made when they are first asked for."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    def __missing__(self, name: str) -> Any:
        with workspace_scope(self.place.workspace.pk):
            self.update(_builders[name](self.place))
        return self[name]


@dataclass
class Place:
    """One workspace, and what the builders put into it."""

    workspace: Workspace
    owner: User

    def __post_init__(self) -> None:
        self.rows = Rows(self)

    @property
    def slug(self) -> str:
        return self.workspace.slug

    @property
    def actor(self) -> Actor:
        """The owner, acting."""
        return person(self.owner)

    def build_all(self) -> None:
        """Make every row that any app registered."""
        for name in _builders:
            self.rows[name]


@dataclass
class World:
    """``people`` belong to acme; ``outsider`` owns globex and is nobody in acme."""

    acme: Place
    globex: Place
    people: dict[str, User]

    @property
    def owner(self) -> User:
        return self.acme.owner

    @property
    def outsider(self) -> User:
        return self.globex.owner

    def __getitem__(self, name: str) -> User:
        return self.people[name]

    def actor(self, name: str) -> Actor:
        """A person of acme, acting."""
        return person(self.people[name])


@dataclass(frozen=True)
class Kept:
    """A world as it was built first, to be laid out again: its objects, its rows and its files."""

    world: World
    rows: Taken
    files: Path


@dataclass(frozen=True)
class Added:
    """What was made first on top of a world: the objects and their rows."""

    made: Any
    rows: Taken


_kept: dict[str, Kept] = {}
_added: dict[str, Added] = {}
Builder = Callable[[Place], Mapping[str, Any]]
_builders: dict[str, Builder] = {}


def builds(*names: str) -> Callable[[Builder], Builder]:
    """Register a function that makes rows in a workspace (inside its scope) and returns them by these names."""

    def add(builder: Builder) -> Builder:
        _builders.update(dict.fromkeys(names, builder))
        return builder

    return add


def build_world() -> World:
    """Both organizations and everyone; rows follow when they are asked for."""
    return _laid_out("bare", _build)


def full_world() -> World:
    """The same with every row that any app registered, in both organizations."""
    return _laid_out("full", _build_all)


def _laid_out(name: str, build: Callable[[], World]) -> World:
    """The first world of a process is built through services; later ones are its rows and files again."""
    # Its rows have the ids of the last test's, whose files are none of this one's.
    storage = settings.DATA_DIR / "storage"
    shutil.rmtree(storage, ignore_errors=True)
    if kept := _kept.get(name):
        database_rows().put(kept.rows)
        shutil.copytree(kept.files, storage)
        return deepcopy(kept.world)
    world = build()
    files = settings.DATA_DIR / f"world-{name}"
    storage.mkdir(parents=True, exist_ok=True)
    shutil.copytree(storage, files)
    _kept[name] = Kept(deepcopy(world), database_rows().take(name), files)
    return world


def made_again(name: str, make: Callable[[], T]) -> T:
    """Make something on top of the bare world: through services the first time, later its rows and objects again.

    It may only add rows.
    """
    if known := _added.get(name):
        database_rows().add(known.rows)
        again: T = deepcopy(known.made)
        return again
    before = database_rows().take("before")
    made = make()
    _added[name] = Added(deepcopy(made), database_rows().take(name, [before]))
    return made


def _build_all() -> World:
    world = build_world()
    for place in (world.acme, world.globex):
        place.build_all()
    return world


def _build() -> World:
    acme, globex = _found("acme", "Acme"), _found("globex", "Globex")
    people = {"owner": acme.owner}
    with workspace_scope(acme.workspace.pk):
        for name, kind in PEOPLE.items():
            people[name] = join(acme.workspace, name, kind)
    people["member"] = _person("member@acme.test", "Member")
    with unscoped("the world is built from outside"):
        OrganizationMember.objects.create(organization=acme.workspace.organization, user=people["member"])
    return World(acme, globex, people)


def join(workspace: Workspace, name: str, kind: RoleKind) -> User:
    """A new person in a new group that holds a pre-built role; to be called in the workspace's scope."""
    user = _person(f"{name}@{workspace.slug}.test", name.capitalize())
    member = OrganizationMember.objects.create(organization_id=workspace.organization_id, user=user)
    group = services.create_group(
        actor=BUILDER,
        organization=Organization.objects.get(pk=workspace.organization_id),
        name=f"{name.capitalize()} group",
        members=[member],
    )
    give_role(workspace, group, kind)
    return user


def give_role(workspace: Workspace, group: UserGroup, kind: RoleKind) -> None:
    """Let a group hold a pre-built role."""
    services.set_group_role(actor=BUILDER, workspace=workspace, group=group, role=Role.objects.get(kind=kind))


def _found(slug: str, name: str) -> Place:
    owner = _person(f"owner@{slug}.test", f"{name} owner")
    workspace = services.create_organization(actor=BUILDER, owner=owner, name=name, workspace_name=name, slug=slug)
    return Place(workspace, owner)


def _person(email: str, name: str) -> User:
    return services.create_person(actor=BUILDER, email=email, password=None, name=name)


@builds("group", "member", "invitation", "api_key", "role")
def _own_rows(place: Place) -> Mapping[str, Any]:
    """What this app's addresses name."""
    workspace, organization = place.workspace, place.workspace.organization
    group = services.create_group(actor=place.actor, organization=organization, name="Analysts")
    return {
        "group": group,
        "member": OrganizationMember.objects.get(user=place.owner),
        "invitation": services.invite_person(
            actor=place.actor, organization=organization, email=f"new@{place.slug}.test", groups=[group]
        ),
        "api_key": services.create_api_key(actor=place.actor, workspace=workspace, name="Airflow"),
        "role": services.create_role(actor=place.actor, workspace=workspace, name="Paid media"),
    }


@builds("membership_request")
def _membership_request(place: Place) -> Mapping[str, Any]:
    """Somebody outside asks to join."""
    asking = User.objects.create_user(f"asking@{place.slug}.test")
    services.ask_for_membership(actor=person(asking), slug=place.slug)
    return {"membership_request": MembershipRequest.objects.get(user=asking)}


@builds("space", "folder", "saved_filter")
def _order(place: Place) -> Mapping[str, Any]:
    """A space that nobody but admins sees, a folder, and a filter of the owner's own."""
    workspace = services.switch_spaces(actor=place.actor, workspace=place.workspace, enabled=True)
    return {
        "space": services.create_space(actor=place.actor, workspace=workspace, name="Finance"),
        "folder": services.create_folder(actor=place.actor, workspace=workspace, name="Marketing"),
        "saved_filter": services.create_saved_filter(
            actor=place.actor, workspace=workspace, page="syncs", name="Failing", query="health=failed"
        ),
    }


@builds("identity_provider", "email_domain", "group_mapping", "scim_token")
def _single_sign_on(place: Place) -> Mapping[str, Any]:
    """An identity provider that is not turned on, its SCIM token, a claimed domain, and a mapped group of its own."""
    organization = place.workspace.organization
    trust = services.Trust(protocol="oidc", issuer="https://id.example.test", client_id="headrace")
    known = DirectoryGroup.objects.create(organization=organization, name="Everybody")
    return {
        "identity_provider": services.save_identity_provider(actor=BUILDER, organization=organization, trust=trust),
        "scim_token": services.make_scim_token(actor=BUILDER, organization=organization),
        "email_domain": services.add_email_domain(actor=BUILDER, organization=organization, domain="example.com"),
        "group_mapping": services.map_group(
            actor=BUILDER, organization=organization, directory_group=known, group=place.rows["group"]
        ),
    }


@builds("person_case")
def _person_case(place: Place) -> Mapping[str, Any]:
    """Somebody who was looked up."""
    from governance.privacy.services import start_look_up

    return {"person_case": start_look_up(actor=place.actor, value="ada@example.test")}


@builds("audit_entry")
def _audit_entry(place: Place) -> Mapping[str, Any]:
    """An entry of the workspace itself."""
    assert place.rows["api_key"]
    return {"audit_entry": AuditEntry.objects.filter(workspace_id=place.workspace.pk).first()}


@builds("source", "destination", "table")
def _connections(place: Place) -> Mapping[str, Any]:
    """A source over a CSV file, with its tables read, and a destination with a secret header."""
    from tests.connectors.app.connections import a_destination, a_source

    source = a_source(place)
    return {"source": source, "destination": a_destination(place), "table": source.cached_tables.get(name="customers")}


@builds("tunnel")
def _tunnel(place: Place) -> Mapping[str, Any]:
    """An SSH tunnel whose server nobody has confirmed yet."""
    from connectors import services as connectors

    values = {"host": "127.0.0.1", "port": 9, "username": "headrace"}
    return {"tunnel": connectors.create_tunnel(actor=place.actor, name="Bastion", values=values)}


@builds("cloud_credential")
def _cloud_credential(place: Place) -> Mapping[str, Any]:
    """An access key of nobody's."""
    from connectors import services as connectors

    values = {"access": "keys", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "secret"}
    made = connectors.create_cloud_credential(actor=place.actor, provider="aws", name="Analytics AWS", values=values)
    return {"cloud_credential": made}


@builds("model", "sync", "run", "preview")
def _syncs(place: Place) -> Mapping[str, Any]:
    """A model of the source's table, a sync of it to the destination, a run and a preview that wait for a worker."""
    from syncs import services as syncs
    from syncs.choices import ModelMethod
    from syncs.configuration import Proposal
    from syncs.definitions import Definition

    model = syncs.create_model(
        actor=place.actor,
        source=place.rows["source"],
        name="Customers",
        definition=Definition(method=ModelMethod.SQL, sql="SELECT * FROM customers"),
        primary_key="id",
    )
    sync = syncs.create_sync(
        actor=place.actor,
        model=model,
        destination=place.rows["destination"],
        proposal=Proposal(sync_type="requests", settings={"added": {"endpoint": "/customers"}}),
    )
    preview = syncs.start_preview(actor=place.actor, sync=sync)
    return {"model": model, "sync": sync, "run": syncs.start_run(actor=place.actor, sync=sync), "preview": preview}


@builds("audience_sync")
def _audience_sync(place: Place) -> Mapping[str, Any]:
    """A sync of the audience to the destination."""
    from syncs import services as syncs
    from syncs.configuration import Proposal

    proposal = Proposal(sync_type="requests", settings={"added": {"endpoint": "/members"}})
    target = {"model": place.rows["audience_model"], "destination": place.rows["destination"]}
    return {"audience_sync": syncs.create_sync(actor=place.actor, proposal=proposal, **target)}


@builds("deployment")
def _deployment(place: Place) -> Mapping[str, Any]:
    """A deployment of nothing yet, to the workspace itself: what pages show of one."""
    from governance.environments.services import begin_deployment

    made = begin_deployment(
        actor=place.actor, workspace=place.workspace, target=place.workspace, items=[], with_schedule=False
    )
    return {"deployment": made}


@builds("draft")
def _drafts(place: Place) -> Mapping[str, Any]:
    """A drafted schedule of the sync, whose approval is asked for."""
    from governance.approvals import services as approvals
    from syncs import services as syncs
    from syncs.schedules import Schedule

    change = syncs.SyncChange(schedule=Schedule.every(1, "day"))
    draft = syncs.draft_sync(actor=place.actor, sync=place.rows["sync"], change=change)
    return {"draft": approvals.submit_draft(actor=place.actor, draft=draft, revision=1, reviewers=[place.owner])}


@builds("sequence", "sequence_run")
def _sequences(place: Place) -> Mapping[str, Any]:
    """A sequence of the one sync, and a run of it that waits for the sync's own run."""
    from syncs import services as syncs
    from syncs.services import StepProposal

    sequence = syncs.create_sequence(actor=place.actor, name="Nightly", steps=[StepProposal(place.rows["sync"].pk)])
    return {"sequence": sequence, "sequence_run": syncs.start_sequence(actor=place.actor, sequence=sequence)}


@builds("channel", "notification")
def _notifications(place: Place) -> Mapping[str, Any]:
    """A mailing list, and a message to it that waits for a worker."""
    from notifications import services as notifications
    from tests.notifications.support import a_channel, a_message

    channel = a_channel(place.actor, "email")
    message = a_message()
    return {
        "channel": channel,
        "notification": notifications.queue_notification(message=message, topic="test:1", channel=channel),
    }


@builds("webhook", "webhook_delivery", "stream")
def _webhooks(place: Place) -> Mapping[str, Any]:
    """A webhook with an event that waits for a worker, and a stream of the organization's audit log."""
    from notifications import services as notifications

    made = notifications.create_webhook(
        actor=place.actor, name="Ops", url="https://hooks.invalid/in/secret", events=["audit.*"]
    )
    stream = notifications.create_stream(
        actor=place.actor,
        organization=place.workspace.organization,
        kind="webhook",
        name="SIEM",
        values={"endpoint": "https://siem.invalid/", "signing_secret": "a-signing-secret-of-the-tests"},
        from_start=False,
    )
    return {
        "webhook": made.webhook,
        "webhook_delivery": notifications.test_webhook(actor=place.actor, webhook=made.webhook),
        "stream": stream,
    }


from tests import world_studio  # noqa: E402, F401 - adds the studio's rows
