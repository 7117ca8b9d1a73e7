"""The migrations say what the models say, and what they do."""

from __future__ import annotations

import re

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from tests.invariants.tree import APPS, files


def test_no_migration_is_missing() -> None:
    loader = MigrationLoader(None)
    changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(graph=loader.graph)
    ours = {label: [str(op) for m in migrations for op in m.operations] for label, migrations in changes.items()}
    assert ours == {}


def test_migrations_have_names_that_say_something() -> None:
    names = [path for path in files(*APPS) if path.parent.name == "migrations" and path.name != "__init__.py"]
    assert [str(path) for path in names if re.search(r"\d{4}_auto_", path.name)] == []
