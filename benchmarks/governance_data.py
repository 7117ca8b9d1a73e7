"""A large organization for the governance benchmark: workspaces, people and groups by services and set-wise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.test import Client

from benchmarks.audit_data import fill_log
from benchmarks.pages_side import Page, deep
from governance.audit.actors import system
from workspaces import services
from workspaces.choices import RoleKind
from workspaces.models import (
    GroupMember,
    GroupRole,
    Organization,
    OrganizationMember,
    Role,
    User,
    UserGroup,
    Workspace,
)
from workspaces.scoping import organization_scope, unscoped, workspace_scope

ACTOR = system("benchmark")
GROUPS_OF_A_PERSON = 4


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows of each kind there are."""

    workspaces: int = 200
    people: int = 2_000
    groups: int = 500
    entries: int = 5_000_000


@dataclass(frozen=True, slots=True)
class Company:
    """Who asks for pages, and what they look at."""

    slug: str
    group: int
    member: int
    role: int
    somebody: User
    entry_words: str
    scim: str
    users: Mapping[str, User]
    keys: Mapping[str, str]

    def pages(self, client: Client) -> Iterator[Page]:
        """Every page of people, access and the audit log, as it opens, searched, filtered and far down."""
        place = f"/{self.slug}"
        organization = f"{place}/organization"
        yield Page("overview", f"{place}/")
        yield Page("settings", f"{place}/settings")
        for name in ("people", "groups", "workspaces", "invitations"):
            yield Page(name, f"{organization}/{name}", needs_admin=True)
        for name, words in (("people", "person1"), ("groups", "team 4"), ("workspaces", "shop 1")):
            yield Page(f"{name} searched", f"{organization}/{name}?q={words}", needs_admin=True)
        yield Page("people, page 20", deep(client, f"{organization}/people"), needs_admin=True)
        yield Page("a group", f"{organization}/groups/{self.group}", needs_admin=True)
        yield Page("people to add to a group", f"{organization}/groups/{self.group}/add?q=person", needs_admin=True)
        yield Page("a group's roles", f"{organization}/groups/{self.group}/roles", needs_admin=True)
        yield Page("a person", f"{organization}/people/{self.member}", needs_admin=True)
        yield Page("access", f"{place}/settings/access")
        yield Page("people with access", f"{place}/settings/access/people")
        yield Page("a person's access", f"{place}/settings/access/people/{self.member}")
        yield Page("who may", f"{place}/settings/access/who?permission=workspace.manage")
        yield Page("roles", f"{place}/settings/roles")
        yield Page("a role", f"{place}/settings/roles/{self.role}", needs_admin=True)
        yield Page("API keys", f"{place}/settings/api-keys", needs_admin=True)
        yield Page("service accounts", f"{place}/settings/api-keys/service-accounts", needs_admin=True)
        yield Page("workspaces to switch to", f"{place}/switch")
        yield Page("workspaces to switch to, searched", f"{place}/switch?q=shop+1")
        yield Page("palette", f"{place}/palette?q=person")
        yield Page("search", f"{place}/search?q=person1")
        yield Page("search, rare words", f"{place}/search?q={self.entry_words}")
        for name, log in (("audit log", f"{place}/audit-log"), ("organization's log", f"{organization}/audit-log")):
            yield from self._log(client, name, log)
        yield Page("integrity", f"{organization}/audit-log/integrity", needs_admin=True)

    def endpoints(self) -> Iterator[Page]:
        """The REST lists and what an identity provider asks for."""
        for name in ("members", "groups", "roles", "workspaces", "invitations", "audit-entries"):
            yield Page(f"REST {name}", f"/api/v1/{name}", needs_admin=True)
        yield Page("REST audit-entries, rare words", f"/api/v1/audit-entries?q={self.entry_words}", needs_admin=True)
        users, groups = "/api/scim/v2/Users", "/api/scim/v2/Groups"
        yield Page("SCIM users", users, needs_admin=True, key=self.scim)
        yield Page("SCIM user by name", f"{users}?filter=userName+eq+%22{self.somebody.email}%22", True, self.scim)
        yield Page("SCIM users, far down", f"{users}?startIndex=1500&count=100", needs_admin=True, key=self.scim)
        yield Page("SCIM groups", f"{groups}?excludedAttributes=members", needs_admin=True, key=self.scim)

    def _log(self, client: Client, name: str, log: str) -> Iterator[Page]:
        yield Page(name, log, needs_admin=True)
        yield Page(f"{name}, page 20", deep(client, log), needs_admin=True)
        asked = {
            "common words": "q=customers", "rare words": f"q={self.entry_words}", "nothing found": "q=zzzz",
            "two rare words": f"q=lifetime+{self.entry_words}", "one person": f"person={self.somebody.pk}",
            "common words of one person": f"q=after&person={self.somebody.pk}",
            "one type": "type=sync", "one event": "event=model.created", "Headrace": "person=system",
            "one thing": "resource=sync:77", "long ago": "since=2000-01-01&until=2000-01-02",
        }  # fmt: skip
        for words, query in asked.items():
            yield Page(f"{name}, {words}", f"{log}?{query}", needs_admin=True)


def build(size: Size) -> Company:
    """Fill an empty database."""
    owner = services.create_person(actor=ACTOR, email="owner@acme.example", password=None, name="Owner")
    home = services.create_organization(actor=ACTOR, owner=owner, name="Acme", workspace_name="Shop 0", slug="shop-0")
    with unscoped("a benchmark's own data"):
        organization = Organization.objects.get(pk=home.organization_id)
    workspaces = [home] + [
        services.create_workspace(actor=ACTOR, organization=organization, name=f"Shop {n}", slug=f"shop-{n}")
        for n in range(1, size.workspaces)
    ]
    with unscoped("a benchmark's own data"):
        groups, members = _people(organization, workspaces, size)
    users = {"admin": owner, "editor": members[1].user}
    with workspace_scope(home.pk):
        keys = {
            name: services.create_api_key(actor=ACTOR, workspace=home, name=name, owner=user).secret
            for name, user in users.items()
        }
        role = services.create_role(actor=ACTOR, workspace=home, name="Paid media")
    fill_log(
        organization.pk,
        [workspace.pk for workspace in workspaces],
        [member.user_id for member in members],
        size.entries,
    )
    somebody = members[len(members) // 2]
    return Company(
        home.slug, groups[0].pk, somebody.pk, role.pk, somebody.user, str(size.entries // 2 // 10 * 10 + 3),
        _scim(organization), users, keys,
    )  # fmt: skip


def _people(
    organization: Organization, workspaces: list[Workspace], size: Size
) -> tuple[list[UserGroup], list[OrganizationMember]]:
    users = User.objects.bulk_create(
        User(email=f"person{n}@acme.example", name=f"Person {n}", password="!") for n in range(size.people)
    )
    members = OrganizationMember.objects.bulk_create(
        OrganizationMember(organization=organization, user=user) for user in users
    )
    groups = UserGroup.objects.bulk_create(
        UserGroup(organization=organization, name=f"Team {n}") for n in range(size.groups)
    )
    GroupMember.objects.bulk_create(
        GroupMember(organization=organization, group=groups[(n * 7 + k * 31) % size.groups], member=member)
        for n, member in enumerate(members)
        for k in range(min(GROUPS_OF_A_PERSON, size.groups))
    )
    _give_roles(workspaces, groups)
    return groups, members


def _give_roles(workspaces: list[Workspace], groups: list[UserGroup]) -> None:
    """Every group in the first workspace, and in a tenth of the others."""
    kinds = RoleKind.built_in()
    by_kind = {(role.workspace_id, role.kind): role for role in Role.objects.all()}
    GroupRole.objects.bulk_create(
        GroupRole(
            workspace=workspace, organization_id=workspace.organization_id, group=group,
            role=by_kind[workspace.pk, RoleKind.EDITOR if n == 7 % len(groups) else kinds[n % len(kinds)]],
        )
        for place, workspace in enumerate(workspaces)
        for n, group in enumerate(groups)
        if place == 0 or (n + place) % 10 == 0
    )  # fmt: skip


def _scim(organization: Organization) -> str:
    with organization_scope(organization.pk):
        trust = services.Trust(protocol="oidc", issuer="https://id.example.test", client_id="headrace")
        services.save_identity_provider(actor=ACTOR, organization=organization, trust=trust)
        return services.make_scim_token(actor=ACTOR, organization=organization)
