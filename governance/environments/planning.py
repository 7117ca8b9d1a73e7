"""What a deployment would do: its things in the order they depend on each other, each with diff and obstacles.

A plan changes nothing. It asks the target's source and destination what it can, so it may take seconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.errors import Invalid, NotFound
from governance.environments import selectors
from governance.environments.choices import Action
from governance.environments.registry import Aim, Deployable, Need, Outlook, Problem, Thing, deployable
from governance.environments.sides import Side, require_one_organization
from workspaces.access import require
from workspaces.permissions import Permission

MAX_ITEMS = 50


@dataclass(frozen=True, slots=True)
class Item:
    """A thing to deploy."""

    kind: str
    pk: int

    @property
    def key(self) -> str:
        """As addresses and answers name it: ``sync:12``."""
        return f"{self.kind}:{self.pk}"

    @classmethod
    def parse(cls, text: str) -> Item:
        """The item that :attr:`key` names."""
        kind, _, pk = text.partition(":")
        if deployable(kind) is None or not (pk.isascii() and pk.isdigit() and len(pk) < 19):
            raise NotFound("Only models and syncs can be deployed; this names neither.")
        return cls(kind, int(pk))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to deploy, and what a person answered: item key → path → value."""

    items: Sequence[Item]
    with_schedule: bool = False
    answers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One thing of a plan. ``there`` is its counterpart as it is now."""

    item: Item
    thing: Thing
    aim: Aim
    outlook: Outlook
    there: Thing | None = None
    needs: Sequence[Need] = ()

    @property
    def ready(self) -> bool:
        """Whether nothing is in its way."""
        return self.outlook.ready

    @property
    def state(self) -> tuple[Any, ...]:
        """What the digest of a plan is made of: both sides as they were looked at."""
        there = self.there.pk if self.there else None
        return (
            self.item.key,
            dict(self.aim.captured),
            there,
            dict(self.outlook.before),
            sorted(self.aim.stands_on.items()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A deployment as it would be made now."""

    source: Side
    target: Side
    wanted: Wanted
    items: Sequence[Planned]

    @property
    def ready(self) -> bool:
        """Whether it could be made as it is."""
        return bool(self.items) and all(planned.ready for planned in self.items)

    @property
    def blocked(self) -> bool:
        """Whether something is in the way that answering questions does not solve."""
        return any(planned.outlook.problems for planned in self.items)

    @property
    def changes(self) -> bool:
        """Whether it would change anything."""
        return any(planned.outlook.action != Action.UNCHANGED for planned in self.items)

    @property
    def digest(self) -> str:
        """Stays the same as long as neither side changes."""
        told = json.dumps([planned.state for planned in self.items], sort_keys=True, default=str)
        return hashlib.sha256(told.encode()).hexdigest()[:32]


def plan_deployment(source: Side, target: Side, wanted: Wanted) -> Plan:
    """What deploying these things from one workspace to another would do."""
    require_one_organization(source, target)
    for side in (source, target):
        with side.scope():
            require(side.actor, Permission.MEMBER)
    if not wanted.items:
        raise Invalid.field("items", "Choose what to deploy.")
    if len(wanted.items) > MAX_ITEMS:
        raise Invalid.field("items", f"Deploy at most {MAX_ITEMS} things at a time.")
    planned: list[Planned] = []
    for owner, item in _in_order(wanted.items):
        planned.append(plan_item(source, target, wanted, owner, item, planned))
    return Plan(source=source, target=target, wanted=wanted, items=planned)


def plan_item(
    source: Side, target: Side, wanted: Wanted, owner: Deployable, item: Item, before: Sequence[Planned]
) -> Planned:
    """One thing of a plan; ``before`` is what is deployed ahead of it."""
    with source.scope():
        thing = owner.thing(source.actor, item.pk)
        if thing is None:
            raise NotFound(f"There is no such {item.kind} in “{source.workspace.name}”.")
        needs, captured = owner.needs(source.actor, item.pk), owner.capture(item.pk)
        obstacles = list(owner.obstacles(item.pk))
        counterpart = selectors.linked_id(item.kind, item.pk, target.workspace)
        stands_on, coming, missing = _foundations(needs, before, target)
        member = selectors.linked_thing(item.kind, counterpart) if counterpart else None
    aim = Aim(
        captured=captured,
        counterpart=counterpart,
        stands_on=stands_on,
        coming=coming,
        answers=wanted.answers.get(item.key, {}),
        remapped=member.remapped if member else {},
        with_schedule=wanted.with_schedule,
    )
    action = Action.UPDATE if counterpart else Action.CREATE
    with target.scope():
        there = owner.thing(target.actor, counterpart) if counterpart else None
        outlook = Outlook(action=action, problems=[*obstacles, *missing])
        if not outlook.problems:
            outlook = owner.look(target.actor, aim)
    return Planned(item=item, thing=thing, aim=aim, outlook=outlook, there=there, needs=needs)


def _in_order(items: Sequence[Item]) -> list[tuple[Deployable, Item]]:
    """Each thing once, those that others stand on first."""
    found: list[tuple[Deployable, Item]] = []
    for item in dict.fromkeys(items):
        owner = deployable(item.kind)
        if owner is None:
            raise NotFound(f"A {item.kind} cannot be deployed.")
        found.append((owner, item))
    return sorted(found, key=lambda pair: pair[0].order)


def _foundations(
    needs: Sequence[Need], before: Sequence[Planned], target: Side
) -> tuple[dict[str, int], dict[str, Outlook], list[Problem]]:
    """What the thing would stand on there: what is there already, what comes with it, and what is missing."""
    stands_on: dict[str, int] = {}
    coming: dict[str, Outlook] = {}
    problems: list[Problem] = []
    for need in needs:
        with_it = next((p for p in before if (p.item.kind, p.item.pk) == (need.thing.kind, need.thing.pk)), None)
        there = selectors.linked_id(need.thing.kind, need.thing.pk, target.workspace)
        if there is not None:
            stands_on[need.thing.kind] = there
        if with_it is not None and with_it.outlook.payload is not None:
            coming[need.thing.kind] = with_it.outlook
        elif with_it is not None:
            problems.append(Problem(f"The {need.thing.kind} “{need.thing.name}” cannot be deployed yet.", code="waits"))
        elif there is None:
            problems.append(_missing(need, target))
    return stands_on, coming, problems


def _missing(need: Need, target: Side) -> Problem:
    kind, name, place = need.thing.kind, need.thing.name, target.workspace.name
    if need.deployable:
        return Problem(
            f"The {kind} “{name}” has not been deployed to “{place}”.",
            hint=f"Deploy the {kind} too.",
            code="not_deployed",
            need=need,
        )
    return Problem(
        f"The {kind} “{name}” is not linked with one in “{place}”.",
        hint=f"Choose what stands for it there: a {kind} of the same type ({need.thing.type_name}).",
        code="unlinked",
        need=need,
    )
