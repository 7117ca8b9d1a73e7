"""The project's own Python files as syntax trees, for rules that hold in all of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
APPS = ("workspaces", "governance", "connectors", "notifications", "syncs", "audiences")
PACKAGES = ("config", *APPS)
PURE_PACKAGES = ("connectors/sdk", "connectors/sources", "connectors/destinations", "syncs/engine", "audiences/query")


def files(*roots: str) -> list[Path]:
    """Python files under the folders, as paths relative to the checkout, sorted."""
    found = (path for root in roots for path in (CHECKOUT / root).rglob("*.py"))
    return sorted(path.relative_to(CHECKOUT) for path in found if "node_modules" not in path.parts)


def shell_files() -> list[Path]:
    """Files that may touch Django: everything but pure packages and migrations."""
    return [path for path in files(*PACKAGES) if not is_pure(path) and "migrations" not in path.parts]


def is_pure(path: Path) -> bool:
    return any(path.as_posix().startswith(f"{package}/") for package in PURE_PACKAGES)


def is_service(path: Path) -> bool:
    """Whether the file is an app's door for writes."""
    return path.name == "services.py" or "services" in path.parent.parts


@cache
def source(path: Path) -> str:
    return (CHECKOUT / path).read_text()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(source(path), filename=str(path))


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names of everything the file imports, with line numbers."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def dotted(node: ast.AST) -> list[str]:
    """Names along an attribute and call chain: ``Sync.objects.filter(…).update`` → those four words."""
    names: list[str] = []
    while True:
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Name):
            return [node.id, *reversed(names)]
        else:
            return list(reversed(names))


def unexplained(found: Iterable[tuple[Path, int]], exempt: Mapping[str, str]) -> list[str]:
    """``file:line`` of what no exemption covers, and exemptions that nothing needs any more.

    An exemption maps a file to the reason why the rule does not hold there.
    """
    places = [(path.as_posix(), line) for path, line in found]
    unneeded = [f"{path}: exemption no longer needed" for path in exempt if path not in {place for place, _ in places}]
    return [f"{path}:{line}" for path, line in places if path not in exempt] + unneeded
