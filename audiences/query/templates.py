"""What is made from a template: the template's definition, its blanks filled in, and narrowed by conditions.

Definitions are JSON values here, as people may leave them unfinished.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

Tree = dict[str, Any]


def blanks_of(tree: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """The blanks of a definition: where each stands (a JSON Pointer), and what its label is."""
    if isinstance(tree, dict) and tree.get("kind") == "blank":
        yield pointer, str(tree.get("label", ""))
        return
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list | tuple) else ()
    for name, child in children:
        yield from blanks_of(child, f"{pointer}/{name}")


def derived(template: Tree, extra: Tree | None = None, blanks: Mapping[str, Any] | None = None) -> Tree:
    """The definition of a trait that follows a template. What is not filled in stays blank."""
    made: Tree = _filled(copy.deepcopy(template), blanks or {})
    if extra and extra.get("conditions"):
        made["where"] = narrowed(made.get("where"), extra)
    return made


def narrowed(where: Tree | None, extra: Tree) -> Tree:
    """Conditions of which both have to hold."""
    extra = {"type": "group", **copy.deepcopy(extra)}
    if not where or not where.get("conditions"):
        return extra
    conditions: list[Any] = []
    for group in (where, extra):
        one = {"type": "group", **group}
        conditions += [one] if one.get("match") == "any" and len(one["conditions"]) > 1 else one["conditions"]
    return {"type": "group", "match": "all", "conditions": conditions}


def keeps(base: Tree, made: Tree) -> bool:
    """Whether a definition asks all that a template asks, its blanks filled in somehow, and perhaps more.

    Both are read as they are stored, so that what is left out means the same in both.
    """
    if base.get("limit") and not _alike(base["limit"], made.get("limit")):
        return False
    held = list(_conjuncts(made.get("where")))
    for wanted in _conjuncts(base.get("where")):
        place = next((number for number, each in enumerate(held) if _alike(wanted, each)), None)
        if place is None:
            return False
        del held[place]
    return True


def _conjuncts(where: Any) -> Iterator[Any]:
    """The conditions that all have to hold, from groups in groups."""
    if not isinstance(where, dict):
        return
    if "conditions" not in where and where.get("type", "group") != "group":
        yield where
        return
    conditions = where.get("conditions") or []
    if where.get("match") == "any" and len(conditions) > 1:
        yield where
        return
    for each in conditions:
        if isinstance(each, dict) and each.get("type") == "group":
            yield from _conjuncts(each)
        else:
            yield each


def _alike(wanted: Any, found: Any) -> bool:
    """Whether two parts of definitions are the same but for what is blank in the first."""
    if isinstance(wanted, dict):
        if wanted.get("kind") == "blank":
            return True
        same = isinstance(found, dict) and wanted.keys() == found.keys()
        return same and all(_alike(each, found[name]) for name, each in wanted.items())
    if isinstance(wanted, list | tuple):
        same = isinstance(found, list | tuple) and len(wanted) == len(found)
        return same and all(map(_alike, wanted, found))
    return bool(wanted == found) and type(wanted) is type(found)


def _filled(tree: Any, blanks: Mapping[str, Any]) -> Any:
    if isinstance(tree, dict):
        if tree.get("kind") == "blank":
            return copy.deepcopy(blanks.get(str(tree.get("label", "")), tree))
        return {name: _filled(child, blanks) for name, child in tree.items()}
    return [_filled(child, blanks) for child in tree] if isinstance(tree, list | tuple) else tree
