"""Making a deployment: each thing in a transaction of its own, in order; it stops at the first that fails.

What was deployed before that stays, linked and recorded, so that deploying the rest later is safe,
and so is a process that ends in the middle.
"""

from __future__ import annotations

from config.errors import Conflict, HeadraceError
from governance.audit.masking import mask
from governance.environments import services
from governance.environments.choices import Action
from governance.environments.models import Deployment, DeploymentItem
from governance.environments.planning import Plan, Planned, Wanted, plan_deployment, plan_item
from governance.environments.registry import Deployable, deployable
from governance.environments.sides import Side


def deploy(source: Side, target: Side, wanted: Wanted, *, digest: str = "") -> Deployment:
    """Deploy what was planned; refuses where something is in the way or either side is not as it was looked at."""
    plan = plan_deployment(source, target, wanted)
    if digest and digest != plan.digest:
        raise Conflict(
            "Something has changed since you looked at this deployment.", hint="Look at it again.", code="changed"
        )
    if not plan.ready:
        raise Conflict(_in_the_way(plan), hint="Look at the plan: each thing says what to do.", code="blocked")
    rows = [_row(planned) for planned in plan.items]
    with source.scope():
        deployment = services.begin_deployment(
            actor=source.actor,
            workspace=source.workspace,
            target=target.workspace,
            items=rows,
            with_schedule=wanted.with_schedule,
        )
    for planned, row in zip(plan.items, rows, strict=True):
        if not _deploy_one(plan, planned, row):
            break
    with source.scope():
        return services.end_deployment(actor=source.actor, deployment=deployment)


def _deploy_one(plan: Plan, planned: Planned, row: DeploymentItem) -> bool:
    """Whether it arrived."""
    owner = deployable(planned.item.kind)
    assert owner is not None, "the plan was made of registered kinds"
    try:
        if planned.outlook.action == Action.UNCHANGED:
            with plan.target.scope():
                services.finish_item(row, planned.aim.counterpart or 0)
            return True
        if planned.aim.coming:
            planned = _planned_again(plan, owner, planned)
        with plan.target.scope():
            owner.apply(actor=plan.target.actor, aim=planned.aim, outlook=planned.outlook, item=row)
    except HeadraceError as error:
        with plan.target.scope():
            services.fail_item(row, f"{error.message} {error.hint}".strip())
        return False
    return True


def _planned_again(plan: Plan, owner: Deployable, planned: Planned) -> Planned:
    """What it stands on has just been made: now it is known by its id, and can be checked against what it is."""
    again = plan_item(plan.source, plan.target, plan.wanted, owner, planned.item, ())
    if not again.ready:
        reasons = [problem.message for problem in again.outlook.problems]
        raise Conflict(" ".join(reasons) or "Something has to be chosen first.")
    return again


def _row(planned: Planned) -> DeploymentItem:
    outlook = planned.outlook
    return DeploymentItem(
        kind=planned.item.kind,
        thing_id=planned.item.pk,
        name=planned.thing.name[:400],
        action=outlook.action,
        before=mask(dict(outlook.before)),
        after=mask(dict(outlook.after)),
    )


def _in_the_way(plan: Plan) -> str:
    for planned in plan.items:
        for problem in planned.outlook.problems:
            return f"“{planned.thing.name}”: {problem.message}"
        for question in planned.outlook.questions:
            if not question.value:
                return f"“{planned.thing.name}”: {question.label} has to be chosen."
    return "There is nothing to deploy."
