"""Deployments: their history, the wizard that makes one, its outcome; and the forms that link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from config.errors import Conflict, HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from governance.environments import selectors
from governance.environments.choices import DeploymentState, ItemState
from governance.environments.deploying import deploy as make_deployment
from governance.environments.linking import link_things, unlink_thing
from governance.environments.models import Deployment, DeploymentItem
from governance.environments.planning import Item, Plan, Wanted, plan_deployment
from governance.environments.registry import deployables, thing_of
from governance.environments.review import review_of
from governance.environments.sides import Side, environment_for, environments_of
from workspaces.access import may
from workspaces.models import Workspace
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires

COLUMNS = [
    Column("State", fit=True),
    Column("When", fit=True),
    Column("From"),
    Column("To"),
    Column("What"),
    Column("Who"),
]
# Answers arrive as ``answer:sync:12:setting.table``.
ANSWER = "answer:"


@requires(Permission.MEMBER)
def deployments(request: WorkspaceRequest) -> HttpResponse:
    """What was deployed from and to this workspace."""
    listing = Listing(request, columns=COLUMNS)
    page = listing.page(selectors.deployments_of(request.workspace))
    names = selectors.workspaces_by_id(request.workspace.organization_id)
    items = selectors.items_of(page.rows)
    lines = [
        {
            "deployment": row,
            "source": names[row.workspace_id],
            "target": names[row.target_id],
            "items": items[row.pk],
            "outward": row.workspace_id == request.workspace.pk,
        }
        for row in page.rows
    ]
    context = {
        "listing": listing,
        "page": page,
        "lines": lines,
        "environments": environments_of(_here(request)),
        "may_add": may(request.actor, Permission.MANAGE_ORGANIZATION),
    }
    return render_page(request, "environments/deployments.html", context)


@requires(Permission.MEMBER)
def deployment(request: WorkspaceRequest, deployment_id: int) -> HttpResponse:
    """How one deployment went, with the way to what it made."""
    found = selectors.deployment_for(request.workspace, deployment_id)
    names = selectors.workspaces_by_id(request.workspace.organization_id)
    open_to = {workspace.pk: workspace for workspace in environments_of(_here(request))}
    open_to[request.workspace.pk] = request.workspace
    items = selectors.items_of([found])[found.pk]
    waiting = [item for item in items if item.state != ItemState.DONE]
    here = found.workspace_id == request.workspace.pk
    context = {
        "deployment": found,
        "source": names[found.workspace_id],
        "target": names[found.target_id],
        "lines": [_outcome(request, found, item, open_to) for item in items],
        "rest_url": _deploy_url(request, waiting, names[found.target_id]) if here and waiting else "",
        "sees_target": found.target_id in open_to,
        "stopped": found.state != DeploymentState.DONE,
        "breadcrumb": _crumbs(request),
    }
    return render_page(request, "environments/deployment.html", context)


@requires(Permission.MEMBER)
def deploy(request: WorkspaceRequest) -> HttpResponse:
    """The wizard: what and where to, then what would happen; a POST deploys, or looks again with the answers given."""
    sent = request.POST if request.method == "POST" else request.GET
    here, slug = _here(request), sent.get("to", "")
    items = [Item.parse(text) for text in dict.fromkeys(sent.getlist("item"))]
    if not items or not slug or "change" in sent:
        return _choose(request, here, items, slug)
    target = environment_for(here, slug)
    wanted = Wanted(items=items, with_schedule="with_schedule" in sent, answers=_answers(sent))
    if request.method != "POST" or sent.get("action") != "deploy":
        return _review(request, plan_deployment(here, target, wanted))
    try:
        made = make_deployment(here, target, wanted, digest=sent.get("digest", ""))
    except Conflict as error:
        return _review(request, plan_deployment(here, target, wanted), error)
    words, tone = "Deployed.", "good"
    if made.state != DeploymentState.DONE:
        words, tone = "The deployment stopped before its end.", "warn"
    return go_to(request, reverse("environments:deployment", args=[request.workspace.slug, made.pk]), words, tone=tone)  # type: ignore[arg-type]


@requires(Permission.MEMBER)
def link(request: WorkspaceRequest) -> HttpResponse:
    """Link a thing of this workspace with one of another; the services check the rights in both."""
    back = _back(request)
    try:
        here = _here(request)
        there = environment_for(here, request.POST.get("to", ""))
        ids = {name: _id(request.POST, name) for name in ("thing", "other")}
        link_things(here=here, kind=request.POST.get("kind", ""), pk=ids["thing"], there=there, other_pk=ids["other"])
    except HeadraceError as error:
        return go_to(request, back, f"{error.message} {error.hint}".strip(), tone="bad")
    return go_to(request, back, "Linked.")


@requires(Permission.MEMBER)
def unlink(request: WorkspaceRequest) -> HttpResponse:
    """Take a thing of this workspace out of its link."""
    back = _back(request)
    try:
        unlink_thing(here=_here(request), kind=request.POST.get("kind", ""), pk=_id(request.POST, "thing"))
    except HeadraceError as error:
        return go_to(request, back, f"{error.message} {error.hint}".strip(), tone="bad")
    return go_to(request, back, "Unlinked. What was deployed stays as it is.")


def _choose(request: WorkspaceRequest, here: Side, items: list[Item], slug: str) -> HttpResponse:
    """The first step: what to deploy, and where to."""
    chosen = {item.key for item in items}
    with here.scope():
        kinds = [
            {
                "kind": owner.kind,
                "things": [
                    {"thing": t, "key": f"{t.kind}:{t.pk}", "on": f"{t.kind}:{t.pk}" in chosen}
                    for t in owner.things(here.actor)
                ],
            }
            for owner in deployables()
        ]
    context = {
        "kinds": kinds,
        "environments": environments_of(here),
        "to": slug,
        "any": any(kind["things"] for kind in kinds),
        "may_add": may(request.actor, Permission.MANAGE_ORGANIZATION),
        "breadcrumb": _crumbs(request),
        "steps": [
            {"label": "What and where to", "state": "current"},
            {"label": "Review", "state": "todo"},
        ],
    }
    return render_page(request, "environments/choose.html", context)


def _review(request: WorkspaceRequest, plan: Plan, error: HeadraceError | None = None) -> HttpResponse:
    """The second step: what is in the way, and what would change."""
    change = f"{_deploy_url(request, plan.wanted.items, plan.target.workspace)}&change=1"
    names = ", ".join(planned.thing.name for planned in plan.items[:3])
    more = f" and {len(plan.items) - 3} more" if len(plan.items) > 3 else ""
    context = {
        "plan": plan,
        "target": plan.target.workspace,
        "lines": review_of(plan),
        "error": error,
        "has_schedules": any(planned.item.kind == "sync" for planned in plan.items),
        "here_url": _deploy_url(request, plan.wanted.items, plan.target.workspace),
        "breadcrumb": _crumbs(request),
        "steps": [
            {
                "label": "What and where to",
                "state": "done",
                "url": change,
                "choice": f"{names}{more} to {plan.target.workspace.name}",
            },
            {"label": "Review", "state": "current"},
        ],
    }
    return render_page(request, "environments/review.html", context, status=409 if error else 200)


def _outcome(
    request: WorkspaceRequest, found: Deployment, item: DeploymentItem, open_to: Mapping[int, Workspace]
) -> dict[str, Any]:
    """One thing of a deployment, with its page on each side that this person may open."""
    source, target = open_to.get(found.workspace_id), open_to.get(found.target_id)
    made = item.target_thing_id
    origin = selectors.thing_in(Side(source, request.actor), item.kind, item.thing_id) if source else None
    there = selectors.thing_in(Side(target, request.actor), item.kind, made) if target and made else None
    return {
        "item": item,
        "origin": origin,
        "there": there,
        "before": item.before or {},
        "after": item.after or {},
        "changed": item.before != item.after and there is not None,
    }


def _answers(sent: QueryDict) -> dict[str, dict[str, str]]:
    """What a person answered: item key → path → value."""
    found: dict[str, dict[str, str]] = {}
    for name, value in sent.items():
        if name.startswith(ANSWER) and isinstance(value, str):
            item, _, path = name.removeprefix(ANSWER).rpartition(":")
            found.setdefault(item, {})[path] = value
    return found


def _deploy_url(request: WorkspaceRequest, items: Any, target: Workspace) -> str:
    """The wizard's address for these things."""
    pairs = [("item", f"{item.kind}:{getattr(item, 'thing_id', None) or item.pk}") for item in items]
    return f"{reverse('environments:deploy', args=[request.workspace.slug])}?{urlencode([*pairs, ('to', target.slug)])}"


def _back(request: WorkspaceRequest) -> str:
    """Where a form was: an address of this site that it names, or the thing's own page."""
    back = request.POST.get("next", "")
    if back and url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return back
    kind, pk = request.POST.get("kind", ""), request.POST.get("thing", "")
    thing = thing_of(request.actor, kind, int(pk)) if pk.isascii() and pk.isdigit() and len(pk) < 19 else None
    return f"{thing.url}/linking" if thing else reverse("environments:deployments", args=[request.workspace.slug])


def _id(sent: QueryDict, name: str) -> int:
    text = sent.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid.field(name, "Choose what to link.")
    return int(text)


def _here(request: WorkspaceRequest) -> Side:
    return Side(request.workspace, request.actor)


def _crumbs(request: WorkspaceRequest) -> list[dict[str, str]]:
    return [{"label": "Deployments", "url": reverse("environments:deployments", args=[request.workspace.slug])}]
