"""Where the rows of a sync come from when its model is not a query of its own.

The studio registers here how it asks for an audience's members. What a sync gets of them depends on the sync (its
destination's rules, its groups), so the query belongs to the sync and is written anew for each run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.http import HttpRequest

from governance.audit.actors import Actor
from syncs.choices import ModelMethod
from syncs.models import Model, Run, Sync
from workspaces.models import Folder, Space


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run asks its source: ``sql`` for the rows, and ``counting``, if any, for how it came to so many.

    Both are made at once, of the same definitions and for the same moment. ``group`` is the column of the rows, if
    any, that names the experiment group each is in.
    """

    sql: str
    counting: str = ""
    group: str = ""


class Query(Protocol):
    """What makes the query of a sync."""

    def __call__(self, sync: Sync, columns: Sequence[str], at: datetime) -> Asked:
        """The SQL that returns these columns of the rows that the sync gets; ``at`` is the run's present moment.

        Raises :class:`~config.errors.HeadraceError` where there is no such query, saying what to do about it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """What makes the rows of some syncs.

    ``require_sending`` raises where a person may not send what a model stands for, whatever their rights on both
    sides. ``space_of`` is the part of the workspace that its syncs belong to. ``move`` puts what a model stands for
    into a folder, and all its syncs with it. ``tabs`` are more sections of their pages: name of the route, and label.
    ``begun`` says, with the request, for whom of the model a sync is being added, where that was chosen before;
    ``made`` is told, with the request, when somebody has added such a sync, which runs by hand only so far;
    ``prepared`` when a run of one knows its rows, and ``ended`` when it has ended, in the transactions that store
    that. ``narrow`` lets a sync that was just stored send some groups of what its model stands for alone, and says
    their names. ``erase`` deletes what is kept beside the sync about rows with these keys,
    and says where and how much. ``unseen`` are the model's columns that are sent and whose values nobody is shown.
    ``area`` is the product area that its syncs belong to.
    """

    area: str
    query: Query
    require_sending: Callable[[Actor, Model], None]
    space_of: Callable[[Model], Space | None]
    move: Callable[[Actor, Model, Folder | None], object]
    tabs: tuple[tuple[str, str], ...] = ()
    begun: Callable[[HttpRequest, Model], str] | None = None
    made: Callable[[HttpRequest, Sync], None] | None = None
    prepared: Callable[[Run], None] | None = None
    ended: Callable[[Run], None] | None = None
    narrow: Callable[[Sync, Sequence[int]], list[str]] | None = None
    erase: Callable[[Sync, frozenset[str]], Sequence[tuple[str, int]]] | None = None
    unseen: Callable[[Model], frozenset[str]] | None = None


_origins: dict[ModelMethod, Origin] = {}


def register(method: ModelMethod, origin: Origin) -> None:
    """Let syncs of models with this method ask ``origin`` for their rows."""
    _origins[method] = origin


def origin_of(model: Model) -> Origin | None:
    """What makes the rows of a model's syncs, where it does not say so itself."""
    return _origins.get(ModelMethod(model.method))


def area_of_method(method: str) -> str:
    """The product area of syncs of models with this method; empty where these have no origin."""
    origin = _origins.get(ModelMethod(method))
    return origin.area if origin else ""


def methods_of_area(area: str) -> list[str]:
    """The methods whose models' syncs belong to a product area by their origin."""
    return [method for method, origin in _origins.items() if origin.area == area]


def origin_methods() -> list[str]:
    """The methods of models that have an origin."""
    return list(_origins)


def unseen_in(model: Model) -> frozenset[str]:
    """The columns of a model whose values are sent, and shown to nobody."""
    origin = origin_of(model)
    return origin.unseen(model) if origin and origin.unseen else frozenset()


def sender_of(request: HttpRequest, model: Model) -> str:
    """What a sync that is being added here sends: the model, or whom of it."""
    origin = origin_of(model)
    part = origin.begun(request, model) if origin and origin.begun else ""
    return f"{model}: {part}" if part else str(model)


def asked_by(sync: Sync, columns: Sequence[str], dialect: str, at: datetime) -> Asked:
    """What a run of the sync asks its source."""
    from syncs.definitions import Definition  # on first use: who registers loads no connector

    origin = origin_of(sync.model)
    return Asked(Definition.of(sync.model).query(dialect)) if origin is None else origin.query(sync, columns, at)
