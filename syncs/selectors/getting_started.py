"""What to do first in a workspace, for whoever looks: administrators, data teams, and those who use the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, QuerySet
from django.db.models.functions import JSONObject
from django.urls import reverse

from connectors import catalog
from connectors.access import can_host_planner
from connectors.choices import Kind, Planner
from connectors.models import Source
from connectors.selectors import destinations, sources
from governance.approvals.models import ApprovalPolicy
from governance.audit.actors import Actor
from notifications.models import Channel
from syncs.access import models_in_view, of_syncs_in_view, syncs_in_view
from syncs.choices import RunStatus
from syncs.models import Run, WorkspaceStorage
from workspaces.access import may
from workspaces.choices import Hint, RoleKind
from workspaces.models import (
    DismissedHint,
    GroupRole,
    IdentityProvider,
    Invitation,
    OrganizationMember,
    Workspace,
)
from workspaces.permissions import CONFIGURE_FROM_SOURCE, CONFIGURE_TO_DESTINATION, Permission

DELIVERED = (RunStatus.SUCCEEDED, RunStatus.WARNING)
CONNECT_BOTH = (Permission.CREATE_SOURCE, Permission.CREATE_DESTINATION)
BUILD_SYNC = (Permission.DRAFT_FROM_SOURCE, Permission.DRAFT_TO_DESTINATION)
MOST_PLANNERS = 20
PUBLISH_SYNC = (*CONFIGURE_FROM_SOURCE, *CONFIGURE_TO_DESTINATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do, where, whether it is done, and the guide that explains it.

    ``missing`` says which right is lacking, where it can be seen and not be done.
    """

    label: str
    text: str
    url: str
    done: bool
    guide: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """What one kind of person does, in order."""

    label: str
    steps: Sequence[Step]

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(step.done for step in self.steps)


@dataclass(frozen=True, slots=True)
class GettingStarted:
    """The paths open to whoever looks, and whether they put the list aside."""

    paths: Sequence[Path]
    dismissed: bool

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(path.done for path in self.paths)

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(len(path.steps) for path in self.paths)

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.done == self.total


def getting_started(actor: Actor, workspace: Workspace, *, operator: bool) -> GettingStarted:
    """What this person can do first here, and what is done already: one query, whatever there is."""
    there = _there(actor, workspace)
    made = [
        Path("Administrators", _administration(actor, workspace, there, operator=operator)),
        Path("Data teams", _data(actor, workspace, there)),
        Path("Teams that use the data", _use(actor, workspace, there)),
    ]
    return GettingStarted([path for path in made if path.steps], there["dismissed"])


def _there(actor: Actor, workspace: Workspace) -> Mapping[str, Any]:
    """What is there already, from one statement."""
    mine = {"user": actor.user_id}
    others = OrganizationMember.objects.filter(organization=workspace.organization_id).exclude(**mine)
    asked: dict[str, QuerySet[Any]] = {
        "dismissed": DismissedHint.objects.filter(hint=Hint.GET_STARTED, **mine),
        "people": others.filter(user__is_service=False),
        "invited": Invitation.objects.filter(organization=workspace.organization_id),
        "roles": GroupRole.objects.exclude(role__kind=RoleKind.ADMIN),
        "sso": IdentityProvider.objects.filter(organization=workspace.organization_id, enabled=True),
        "approvals": ApprovalPolicy.objects.filter(required=True),
        "channel": Channel.objects.all(),
        "storage": WorkspaceStorage.objects.all(),
        "source": sources(),
        "planner": sources().filter(planner=Planner.WAREHOUSE),
        "destination": destinations(),
        "model": models_in_view(actor),
        "sync": syncs_in_view(actor),
        "own_sync": syncs_in_view(actor).filter(created_by=actor.user_id),
        "delivered": of_syncs_in_view(Run.objects.filter(status__in=DELIVERED), actor),
    }
    rows = Workspace.objects.filter(pk=workspace.pk)
    exist = {name: Exists(found.order_by()) for name, found in asked.items()}
    return rows.values(**exist, planners=ArraySubquery(_able_sources()))[0]


def _able_sources() -> QuerySet[Source, Any]:
    """Sources of types that can host the planner, those that do not yet first."""
    able = [entry.key for entry in catalog.entries(Kind.SOURCE) if entry.write_planner and not entry.sample]
    rows = sources().filter(type__in=able).order_by("planner", "pk")
    return rows.values(source=JSONObject(pk="pk", name="name", type="type", config="config"))[:MOST_PLANNERS]


def _planner_source(actor: Actor, there: Mapping[str, Any]) -> Source | None:
    """A source that could move to the warehouse planner, if whoever looks may move it."""
    able = (Source(**found) for found in there["planners"])
    mine = (source for source in able if may(actor, Permission.MANAGE_SOURCE, source_id=source.pk))
    return next((source for source in mine if can_host_planner(source)), None)


def _administration(actor: Actor, workspace: Workspace, there: Mapping[str, Any], *, operator: bool) -> list[Step]:
    at, steps = _at(workspace), []
    organization = may(actor, Permission.MANAGE_ORGANIZATION)
    if organization and workspace.organization.allow_invitations:
        steps.append(
            Step(
                label="Invite teammates",
                text="Several at once, by e-mail or by links that you pass on.",
                url=at("workspaces:invite"),
                done=there["people"] or there["invited"],
                guide="people-and-roles",
            )
        )
    if may(actor, Permission.MANAGE_WORKSPACE):
        steps.append(
            Step(
                label="Decide who may do what",
                text="Groups hold a role in this workspace: one that comes with Headrace, or your own.",
                url=at("workspaces:access"),
                done=there["roles"],
                guide="people-and-roles",
            )
        )
    if organization:
        steps.append(
            Step(
                label="Let people sign in with your identity provider",
                text="SAML or OpenID Connect; its groups can bring roles.",
                url=at("workspaces:sso"),
                done=there["sso"],
                guide="people-and-roles",
            )
        )
    if may(actor, Permission.MANAGE_WORKSPACE):
        steps += _governance(at, there)
    if operator:
        steps.append(
            Step(
                label="Keep what moves in your own storage",
                text="S3, Google Cloud or Azure in place of a local folder, by HEADRACE_STORAGE_URL.",
                url=at("workspaces:guide", "running"),
                done=not settings.STORAGE_URL.startswith("file:"),
                guide="running",
            )
        )
    return steps


def _governance(at: Callable[..., str], there: Mapping[str, Any]) -> list[Step]:
    return [
        Step(
            label="Choose where this workspace's files are kept",
            text="A bucket of your own at Amazon, Google or Microsoft, chosen before the first run.",
            url=at("syncs:storage"),
            done=there["storage"],
            guide="storage",
        ),
        Step(
            label="Ask for approval of changes",
            text="Models and syncs go live once somebody else has looked.",
            url=at("approvals:policy"),
            done=there["approvals"],
            guide="approvals",
        ),
        Step(
            label="Say where alerts go",
            text="Slack, e-mail, PagerDuty and more, when a sync fails.",
            url=at("notifications:channels"),
            done=there["channel"],
            guide="alerts",
        ),
    ]


def _data(actor: Actor, workspace: Workspace, there: Mapping[str, Any]) -> list[Step]:
    at, steps = _at(workspace), []
    if may(actor, Permission.CREATE_SOURCE):
        steps.append(
            Step(
                label="Add a source",
                text="A database, a warehouse or files. Sample data works too.",
                url=at("connectors:source_new"),
                done=there["source"],
                guide="tunnels",
            )
        )
    if planner := _planner_source(actor, there):
        steps.append(
            Step(
                label="Turn on the warehouse planner",
                text=f"{planner.name} can find out itself what changed. Best above 100,000 rows; sync logs need it.",
                url=at("connectors:source_configuration", planner.pk),
                done=there["planner"],
                guide="planners",
            )
        )
    if may(actor, Permission.CREATE_DESTINATION):
        steps.append(
            Step(
                label="Add a destination",
                text="The tool or database that should get the rows; a spreadsheet or a folder to try it out.",
                url=at("connectors:destination_new"),
                done=there["destination"],
            )
        )
    if may(actor, CONFIGURE_FROM_SOURCE) and (may(actor, CONNECT_BOTH) or there["source"]):
        steps.append(
            Step(
                label="Write a model",
                text="A query or a table: customers active in the last 30 days, say.",
                url=at("syncs:model_new"),
                done=there["model"],
            )
        )
    if may(actor, PUBLISH_SYNC):
        steps += _first_sync(at, there)
    return steps


def _first_sync(at: Callable[..., str], there: Mapping[str, Any]) -> list[Step]:
    return [
        Step(
            label="Add a sync",
            text="Join a model to a destination. Nothing is sent before it runs.",
            url=at("syncs:sync_new"),
            done=there["sync"],
            guide="mapping",
        ),
        Step(
            label="Run it",
            text="Watch the rows arrive, and why one was refused if one was.",
            url=at("syncs:syncs"),
            done=there["delivered"],
            guide="runs",
        ),
    ]


def _use(actor: Actor, workspace: Workspace, there: Mapping[str, Any]) -> list[Step]:
    """For those who build on what others connected; whoever connects has that path instead."""
    if may(actor, Permission.CREATE_SOURCE) or may(actor, PUBLISH_SYNC):
        return []
    at = _at(workspace)
    steps = [
        Step(
            label="See which data is ready",
            text="Models hold the rows that can be sent. Your data team makes them.",
            url=at("syncs:models"),
            done=there["model"],
        )
    ]
    if may(actor, BUILD_SYNC):
        steps.append(
            Step(
                label="Draft a sync to your tool",
                text="It goes live once somebody who may publish has approved it.",
                url=at("syncs:sync_new"),
                done=there["own_sync"],
                guide="approvals",
            )
        )
    steps.append(
        Step(
            label="Follow what arrives where",
            text="Each sync shows its runs, what was refused, and why.",
            url=at("syncs:syncs"),
            done=there["delivered"],
            guide="runs",
        )
    )
    return steps


def _at(workspace: Workspace) -> Callable[..., str]:
    def address(route: str, *args: object) -> str:
        return reverse(route, args=[workspace.slug, *args])

    return address
