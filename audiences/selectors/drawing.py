"""Where the models of a schema stand in its picture: columns by distance from the parents, and the links between."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audiences.choices import Cardinality, ModelKind
from audiences.models import Relationship, SchemaModel

WIDTH, HEIGHT = 212, 64
ACROSS, DOWN = 140, 26
MARGIN = 16


@dataclass(frozen=True, slots=True)
class Node:
    """A model with its place, in pixels."""

    model: SchemaModel
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Link:
    """A direct relationship as a curve, with where its two cardinality marks stand."""

    relationship: Relationship
    curve: str
    start: tuple[int, int]
    end: tuple[int, int]
    start_mark: str
    end_mark: str
    words: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole picture."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    width: int
    height: int


def drawing_of(models: Sequence[SchemaModel], relationships: Iterable[Relationship]) -> Drawing:
    """Place the models of one source and draw its direct relationships."""
    direct = [row for row in relationships if row.keys]
    levels = _levels(models, direct)
    rows: dict[int, list[SchemaModel]] = defaultdict(list)
    for model in _ordered(models, direct, levels):
        rows[levels[model.pk]].append(model)
    tallest = max((len(column) for column in rows.values()), default=0)
    height = MARGIN * 2 + max(0, tallest * (HEIGHT + DOWN) - DOWN)
    nodes = {}
    for level, column in rows.items():
        used = len(column) * (HEIGHT + DOWN) - DOWN
        top = MARGIN + (height - 2 * MARGIN - used) // 2
        for place, model in enumerate(column):
            x = MARGIN + level * (WIDTH + ACROSS)
            nodes[model.pk] = Node(model, x, top + place * (HEIGHT + DOWN))
    width = MARGIN * 2 + max((node.x + WIDTH - MARGIN for node in nodes.values()), default=0)
    ends = _ends(direct, nodes)
    links = tuple(_link(row, nodes, ends) for row in direct if row.from_model_id in nodes and row.to_model_id in nodes)
    return Drawing(tuple(nodes[model.pk] for model in models), links, width, height)


def _levels(models: Sequence[SchemaModel], direct: Sequence[Relationship]) -> dict[int, int]:
    """How far each model is from a parent; what hangs on nothing stands beside the parents' neighbours."""
    beside: dict[int, set[int]] = defaultdict(set)
    for row in direct:
        beside[row.from_model_id].add(row.to_model_id)
        beside[row.to_model_id].add(row.from_model_id)
    levels = {model.pk: 0 for model in models if model.kind == ModelKind.PARENT}
    edge = list(levels)
    while edge:
        step = [other for pk in edge for other in beside[pk] if other not in levels]
        for other in step:
            levels[other] = min(levels[pk] for pk in beside[other] if pk in levels) + 1
        edge = list(dict.fromkeys(step))
    return {model.pk: levels.get(model.pk, 1) for model in models}


def _ordered(
    models: Sequence[SchemaModel], direct: Sequence[Relationship], levels: dict[int, int]
) -> list[SchemaModel]:
    """By level, then beside what each hangs on, so that few links cross."""
    place: dict[int, float] = {}
    found: list[SchemaModel] = []
    for level in sorted(set(levels.values())):
        column = [model for model in models if levels[model.pk] == level]
        middles = {model.pk: _middle(model, direct, place, len(models)) for model in column}
        column.sort(key=lambda model, at=middles: (at[model.pk], model.name, model.pk))  # type: ignore[misc]
        place |= {model.pk: float(at) for at, model in enumerate(column)}
        found += column
    return found


def _middle(model: SchemaModel, direct: Sequence[Relationship], place: dict[int, float], last: int) -> float:
    """Beside which place of the levels before it a model stands best."""
    ends = [(row.from_model_id, row.to_model_id) for row in direct]
    near = [b if a == model.pk else a for a, b in ends if model.pk in (a, b)]
    known = [place[pk] for pk in near if pk in place]
    return sum(known) / len(known) if known else float(last)


def _ends(direct: Sequence[Relationship], nodes: dict[int, Node]) -> dict[tuple[int, int], int]:
    """How far down a model's side each of its links begins: they are spread, in the order of the other ends."""
    sides: dict[tuple[int, bool], list[tuple[int, int]]] = defaultdict(list)
    for row in direct:
        if row.from_model_id not in nodes or row.to_model_id not in nodes:
            continue
        a, b = nodes[row.from_model_id], nodes[row.to_model_id]
        sides[a.model.pk, b.x >= a.x].append((b.y, row.pk))
        sides[b.model.pk, a.x > b.x].append((a.y, row.pk))
    found = {}
    for (model_id, _), links in sides.items():
        for at, (_, pk) in enumerate(sorted(links), start=1):
            found[model_id, pk] = HEIGHT * at // (len(links) + 1)
    return found


def _link(row: Relationship, nodes: dict[int, Node], ends: dict[tuple[int, int], int]) -> Link:
    a, b = nodes[row.from_model_id], nodes[row.to_model_id]
    kind = Cardinality(row.cardinality)
    if b.x < a.x:
        a, b, kind = b, a, kind.turned
    start = (a.x + WIDTH, a.y + ends[a.model.pk, row.pk])
    same = a.x == b.x
    end = (b.x + (WIDTH if same else 0), b.y + ends[b.model.pk, row.pk])
    reach = 60 if same else (end[0] - start[0]) // 2
    bent = end[0] + reach if same else end[0] - reach
    curve = f"M {start[0]} {start[1]} C {start[0] + reach} {start[1]}, {bent} {end[1]}, {end[0]} {end[1]}"
    one, many = "1", "n"
    marks = {
        Cardinality.ONE_TO_MANY: (one, many),
        Cardinality.ONE_TO_ONE: (one, one),
        Cardinality.MANY_TO_ONE: (many, one),
    }[kind]
    keys = " and ".join(f"{mine} = {theirs}" for mine, theirs in row.keys)
    words = f"{row.from_model.name} to {row.to_model.name}, {Cardinality(row.cardinality).label}: {keys}"
    return Link(row, curve, start, end, *marks, words)
