"""Where to begin in the studio: by what somebody is after, and step by step for those who set it up or use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, Q, QuerySet
from django.urls import reverse

from audiences import access
from audiences.choices import ModelKind, Privacy
from audiences.models import (
    AudienceLogs,
    AudienceTemplate,
    DestinationRule,
    Experiment,
    PriorityList,
    Recording,
    Sampling,
    SchemaColumn,
    SchemaModel,
    Subset,
    SyncTemplate,
    Trait,
)
from connectors import catalog
from connectors.choices import Kind, Planner
from connectors.selectors import destinations, sources
from governance.audit.actors import Actor
from governance.audit.models import AuditEntry
from syncs.access import of_syncs_in_view, syncs_in_view
from syncs.choices import ModelMethod
from syncs.models import Run
from syncs.selectors.getting_started import DELIVERED, Path, Step
from workspaces.access import may
from workspaces.choices import RoleKind
from workspaces.models import GroupRole, Workspace
from workspaces.permissions import Permission

INSIGHTS = ("schema_model.audiences_compared", "schema_model.members_broken_down")


# Steps by the heading over them: what to do, that in a few more words, its page, the fact that ticks it, its guide,
# and the right it takes.
Told = Mapping[str, Sequence[tuple[Any, ...]]]
SETTING_UP: Told = {
    "Set up once": (
        (
            "Connect a warehouse",
            "Audiences are questions to it. Sample data works too.",
            "connectors:source_new",
            "source",
            "tunnels",
            Permission.CREATE_SOURCE,
        ),
        (
            "Add destinations",
            "The tools that audiences are sent to.",
            "connectors:destination_new",
            "destination",
            "audience-syncs",
            Permission.CREATE_DESTINATION,
        ),
        (
            "Define the schema: a parent model",
            "One row for each person, household or account.",
            "audiences:schema",
            "parent",
            "schema",
            Permission.CONFIGURE_SCHEMA,
        ),
        (
            "Add what belongs to it",
            "Purchases, visits, subscriptions: related models and events to filter by.",
            "audiences:schema",
            "context",
            "schema",
            Permission.CONFIGURE_SCHEMA,
        ),
        (
            "Let marketers in",
            "A role may build audiences and send them, and leave the schema alone.",
            "workspaces:access",
            "roles",
            "people-and-roles",
            Permission.MANAGE_WORKSPACE,
        ),
    ),
    "Govern": (
        (
            "Say how private each column is",
            "Six levels; what looks like personal data has a badge.",
            "audiences:governance",
            "privacy",
            "studio-governance",
            Permission.CONFIGURE_SCHEMA,
        ),
        (
            "Divide people into subsets",
            "By region, brand or consent: who may build from which.",
            "audiences:subset_categories",
            "subset",
            "studio-governance",
            Permission.CONFIGURE_SCHEMA,
        ),
        (
            "Set destination rules",
            "Who may never be sent to a tool, whatever the audience says.",
            "audiences:destination_rules",
            "rule",
            "studio-governance",
            Permission.CONFIGURE_SCHEMA,
        ),
    ),
    "For large data and measurement": (
        (
            "Turn on the warehouse planner",
            "The warehouse finds out itself what changed. Best above 100,000 rows.",
            "connectors:sources",
            "planner",
            "planners",
            Permission.MANAGE_SOURCE,
        ),
        (
            "Sample large models",
            "Previews answer from a part of the rows, quickly and about right.",
            "audiences:schema",
            "sampling",
            "schema",
            Permission.CONFIGURE_SCHEMA,
        ),
        (
            "Write down who was in which audience",
            "Snapshots and held-out members, in tables of your warehouse.",
            "connectors:sources",
            "logs",
            "audiences",
            Permission.MANAGE_SOURCE,
        ),
    ),
}
USING: Told = {
    "Build": (
        (
            "Create an audience",
            "Everybody for whom your conditions hold.",
            "audiences:audience_new",
            "audience",
            "audiences",
            Permission.CONFIGURE_AUDIENCES,
        ),
        (
            "Use traits",
            "Lifetime value, last purchase, favourite brand: calculated for each person.",
            "audiences:traits",
            "trait",
            "traits",
        ),
    ),
    "Activate": (
        (
            "Send it",
            "Open an audience, then Syncs: who enters is added, who leaves is removed.",
            "audiences:audiences",
            "sync",
            "audience-syncs",
            access.ADD_SYNC,
        ),
        (
            "Follow what arrives",
            "Each sync shows its runs, what was refused, and why.",
            "syncs:syncs",
            "delivered",
            "audience-syncs",
        ),
    ),
    "Analyse": (
        (
            "Break an audience down",
            "Show insights: by region or trait, and whom it shares with others.",
            "audiences:audiences",
            "insight",
            "insights",
            Permission.CONFIGURE_AUDIENCES,
        ),
        (
            "Run an experiment",
            "Groups at random, one of them held out.",
            "audiences:experiments",
            "experiment",
            "experiments",
        ),
        (
            "Rank your audiences",
            "Priority lists: one message for each person.",
            "audiences:priority_lists",
            "priority",
            "audiences",
        ),
    ),
    "Reuse": (
        (
            "Keep conditions as a template",
            "With blanks for what differs each time.",
            "audiences:templates",
            "template",
            "audiences",
        ),
        (
            "Send by templates",
            "Mapping, schedule and removals set up once for everybody.",
            "audiences:sync_templates",
            "sync_template",
            "sync-templates",
        ),
        (
            "Look back",
            "Who was in an audience at any moment, on its History tab.",
            "audiences:audiences",
            "history",
            "audiences",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Goal:
    """Something to be after, and where that begins; ``missing`` says which right is lacking."""

    label: str
    text: str
    icon: str
    url: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """What the start page shows."""

    goals: Sequence[Goal]
    setting_up: Sequence[Path]
    using: Sequence[Path]


@dataclass(frozen=True, slots=True)
class _Steps:
    """Makes steps for one person: what is there, and what they may."""

    actor: Actor
    at: Callable[..., str]
    there: Mapping[str, Any]

    def step(self, label: str, text: str, route: str, done: str, guide: str, needs: Any = Permission.MEMBER) -> Step:
        """One step, locked where the right is missing."""
        return Step(
            label=label,
            text=text,
            url=self.at(route),
            done=self.there[done],
            guide=guide,
            missing=self.missing(needs),
        )

    def missing(self, needs: Any) -> str:
        """Which right is missing, in words."""
        wanted = needs if isinstance(needs, tuple) else (needs,)
        if may(self.actor, wanted):
            return ""
        lacking = [each for each in wanted if not may(self.actor, each)] or list(wanted)
        return f"It takes the right to {' and to '.join(each.words for each in lacking)}."


def starting(actor: Actor, workspace: Workspace) -> Start:
    """Where this person can begin: one query, whatever there is."""
    steps = _Steps(actor, _at(workspace), _there(actor, workspace))
    sets_up = any(may(actor, right) for right in (Permission.CREATE_SOURCE, Permission.CONFIGURE_SCHEMA))
    return Start(_goals(steps), _paths(steps, SETTING_UP) if sets_up else [], _paths(steps, USING))


def _there(actor: Actor, workspace: Workspace) -> Mapping[str, Any]:
    """What is there already, from one statement."""
    studio = [entry.key for entry in catalog.entries(Kind.SOURCE) if entry.studio]
    models = SchemaModel.objects.filter(archived_at=None)
    sent = syncs_in_view(actor).filter(model__method=ModelMethod.AUDIENCE)
    seen = access.audiences_in_view(actor)
    asked: dict[str, QuerySet[Any]] = {
        "source": sources().filter(type__in=studio),
        "destination": destinations(),
        "planner": sources().filter(planner=Planner.WAREHOUSE),
        "parent": models.filter(kind=ModelKind.PARENT),
        "context": models.exclude(kind=ModelKind.PARENT),
        "roles": GroupRole.objects.exclude(role__kind=RoleKind.ADMIN),
        "privacy": SchemaColumn.objects.exclude(privacy=Privacy.UNREVIEWED),
        "subset": Subset.objects.all(),
        "rule": DestinationRule.objects.all(),
        "sampling": Sampling.objects.filter(enabled=True),
        "logs": AudienceLogs.objects.filter(Q(snapshots=True) | Q(holdouts=True)),
        "audience": seen,
        "trait": Trait.objects.filter(archived_at=None, is_template=False),
        "sync": sent,
        "delivered": of_syncs_in_view(Run.objects.filter(status__in=DELIVERED), actor).filter(
            sync__model__method=ModelMethod.AUDIENCE
        ),
        "insight": AuditEntry.objects.filter(workspace_id=workspace.pk, event__in=INSIGHTS),
        "experiment": Experiment.objects.filter(audience__in=seen),
        "priority": PriorityList.objects.all(),
        "template": AudienceTemplate.objects.all(),
        "sync_template": SyncTemplate.objects.all(),
        "history": Recording.objects.filter(audience__in=seen),
    }
    exist = {name: Exists(found.order_by()) for name, found in asked.items()}
    return Workspace.objects.filter(pk=workspace.pk).values(**exist)[0]


def _goals(steps: _Steps) -> list[Goal]:
    build = steps.missing(Permission.CONFIGURE_AUDIENCES)
    goals = [
        Goal(
            "Reach the right people",
            "Say who they are by clicking, see how many there are, and send them to your ad or e-mail tool.",
            "users-round",
            steps.at("audiences:audience_new"),
            build,
        ),
        Goal(
            "Find out what works",
            "Divide an audience into groups at random, treat each differently, and keep one apart to compare with.",
            "flask-conical",
            steps.at("audiences:experiments"),
        ),
        Goal(
            "Write to nobody twice",
            "Rank your audiences: whoever is in several of them gets the most important message alone.",
            "arrow-down-up",
            steps.at("audiences:priority_lists"),
        ),
        Goal(
            "Understand one customer",
            "Look somebody up: what is known, what they did, and which audiences they are in.",
            "user-search",
            steps.at("audiences:profiles"),
        ),
    ]
    return goals


def _paths(steps: _Steps, told: Told) -> list[Path]:
    return [Path(label, [steps.step(*row) for row in rows]) for label, rows in told.items()]


def _at(workspace: Workspace) -> Callable[..., str]:
    def address(route: str, *args: object) -> str:
        return reverse(route, args=[workspace.slug, *args])

    return address
