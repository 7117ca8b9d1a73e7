"""Which services the code of a place leads to: a graph of names over the syntax trees, without running anything.

Names are followed through imports, tables of functions and helpers of any file, but not through
a service into another: what a service does is its own affair.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.invariants import tree

MOST_ALIASES = 10


@cache
def modules() -> Mapping[str, Path]:
    """Files that may touch Django, by dotted name."""
    return {_dotted_name(path): path for path in tree.shell_files()}


@cache
def definitions() -> Mapping[str, tuple[str, ast.AST]]:
    """Functions, classes and assigned values at the top of each module, by dotted name, with their module."""
    return {f"{module}.{name}": (module, node) for module in modules() for name, node in _top(module)}


def services() -> frozenset[str]:
    """Every service, by dotted name."""
    return frozenset(name for name, (_, node) in definitions().items() if _is_service(node))


def services_of(starts: Callable[[Path], bool]) -> frozenset[str]:
    """The services that the code of these files leads to."""
    all_services = services()
    waiting = [name for name, (module, _) in definitions().items() if starts(modules()[module])]
    seen = set(waiting)
    while waiting:
        for found in _mentions(waiting.pop()) - seen:
            seen.add(found)
            if found not in all_services and not is_entrance(modules()[definitions()[found][0]]):
                waiting.append(found)
    return frozenset(seen & all_services)


def is_rest(path: Path) -> bool:
    """Whether the file holds endpoints of the REST API."""
    return path.stem == "api" or path.stem.startswith("api_") or "api" in path.parent.parts


def is_page(path: Path) -> bool:
    """Whether the file holds views of pages."""
    views = path.stem == "views" or path.stem.endswith("_views") or "views" in path.parent.parts
    return views and not (is_rest(path) or tree.is_service(path) or "scim" in path.parts)


def is_entrance(path: Path) -> bool:
    """Whether the file is where requests come in; another one's own calls do not count for whoever imports it."""
    return is_rest(path) or is_page(path)


def _dotted_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _is_service(node: ast.AST) -> bool:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(isinstance(each, ast.Call) and tree.dotted(each)[-1:] == ["service"] for each in decorators)


def _top(module: str) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.tree(modules()[module]).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, node.value) for target in targets if isinstance(target, ast.Name))


@cache
def _names(module: str) -> Mapping[str, str]:
    """What each name of a module stands for: something imported, or its own."""
    names: dict[str, str] = {}
    for node in ast.walk(tree.tree(modules()[module])):
        if isinstance(node, ast.ImportFrom):
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            names |= {each.asname or each.name.partition(".")[0]: each.name for each in node.names if each.asname}
    return {**names, **{name: f"{module}.{name}" for name, _ in _top(module)}}


@cache
def _home(name: str, aliases: int = 0) -> str:
    """Where something is defined, whatever packages hand it on; empty where that is not in the project."""
    if name in definitions() or name in modules() or aliases > MOST_ALIASES:
        return name
    package, _, last = name.rpartition(".")
    holder = _home(package, aliases + 1) if package else ""
    if holder in definitions():
        return holder  # an attribute of a class or table
    known = _names(holder).get(last, "") if holder in modules() else ""
    return _home(known, aliases + 1) if known and known != name else ""


def _mentions(name: str) -> frozenset[str]:
    """Definitions that the code of this one names."""
    module, node = definitions()[name]
    names = _names(module)
    chains = (_chain(each) for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute))
    homes = {_home(".".join([names[chain[0]], *chain[1:]])) for chain in chains if chain and chain[0] in names}
    return frozenset(homes & definitions().keys())


def _chain(node: ast.AST) -> list[str]:
    """``a.b.c`` as its names; empty where it does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else []
