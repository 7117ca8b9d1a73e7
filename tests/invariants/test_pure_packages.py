"""The engine and the connectors are libraries: they import without Django and without the app."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.invariants import tree

IMPORT_ALL = """
import importlib, pathlib, sys

class NoDjango:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"django", "rest_framework", "dramatiq"}:
            raise ImportError(f"a pure package imported {name}")

sys.meta_path.insert(0, NoDjango())
for path in sorted(path for folder in sys.argv[1:] for path in pathlib.Path(folder).rglob("*.py")):
    parts = path.with_suffix("").parts
    importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
"""
ALLOWED = {
    "connectors/sdk": ("connectors.sdk",),
    "connectors/sources": ("connectors.sdk", "connectors.sources"),
    "connectors/destinations": ("connectors.sdk", "connectors.destinations"),
    "syncs/engine": ("connectors.sdk", "syncs.engine"),
    "audiences/query": (
        "connectors.sdk",
        "syncs.engine.warehouse.dialects",
        "syncs.engine.warehouse.profile",
        "audiences.query",
    ),
}


def test_pure_packages_import_without_django() -> None:
    """All in one process, as most of it is loading the same engines: none of them may ask for Django at any time."""
    command = [sys.executable, "-c", IMPORT_ALL, *tree.PURE_PACKAGES]
    done = subprocess.run(command, cwd=tree.CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", tree.PURE_PACKAGES)
def test_a_pure_package_imports_only_its_own_side_of_the_house(package: str) -> None:
    def strays(path: Path) -> list[str]:
        return [
            f"{path}:{line} imports {name}"
            for name, line in tree.imported(path)
            if name.partition(".")[0] in {*tree.PACKAGES, "django"}
            and name.partition(".")[0] != name
            and not any(name == allowed or name.startswith(f"{allowed}.") for allowed in ALLOWED[package])
        ]

    assert [stray for path in tree.files(package) for stray in strays(path)] == []
