"""Every row stands behind a wall: managers fail closed, and PostgreSQL holds it too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django_scopes.exceptions import ScopeError

from tests.invariants.tree import APPS
from workspaces.scoping import OrganizationModel, TenantModel

# Models of ours whose manager works outside a scope, and why.
OPEN_MANAGERS = {
    "workspaces.User": "one person may belong to several organizations, and signing in comes before any scope",
    "workspaces.Organization": "it is the wall; PostgreSQL shows only the one in scope",
    "audit.AuditEntry": "the audit log knows no other app; PostgreSQL walls it by its two plain ids",
    "audit.AuditChain": "the same, by its organization's plain id",
}
# Tables without row-level security: those of people alone.
OPEN_TABLES = {"workspaces_user"}


def our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.partition(".")[0] in APPS]


def walled_models() -> list[type[models.Model]]:
    return [model for model in our_models() if issubclass(model, TenantModel | OrganizationModel)]


def test_every_manager_fails_closed_or_says_why_not() -> None:
    outside = {model._meta.label for model in our_models()} - {model._meta.label for model in walled_models()}
    assert outside == set(OPEN_MANAGERS)


READS: dict[str, Callable[[models.Manager[models.Model]], object]] = {
    "all": lambda manager: list(manager.all()),
    "count": lambda manager: manager.count(),
    "exclude": lambda manager: list(manager.exclude(pk=1)),
    "exists": lambda manager: manager.exists(),
    "filter": lambda manager: manager.filter(pk=1).exists(),
    "in_bulk": lambda manager: manager.in_bulk([1]),
    "iterator": lambda manager: list(manager.iterator()),
    "select_related": lambda manager: list(manager.select_related()),
    "update": lambda manager: manager.update(pk=1),
    "values": lambda manager: list(manager.values("pk")),
}


@pytest.mark.django_db
def test_managers_raise_outside_a_scope() -> None:
    open_ = [f"{m._meta.label}: {name}" for m in walled_models() for name, read in READS.items() if _answers(m, read)]
    assert open_ == []


def _answers(model: type[models.Model], read: Callable[[models.Manager[models.Model]], object]) -> bool:
    try:
        with transaction.atomic():
            read(model._default_manager)
    except ScopeError:
        return False
    return True


@pytest.mark.django_db
def test_row_level_security_is_forced_on_every_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity "
            "AND EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = pg_class.oid)"
        )
        secured = {name for (name,) in cursor.fetchall()}
    assert {model._meta.db_table for model in our_models()} - secured == OPEN_TABLES


@pytest.mark.django_db
def test_the_tests_themselves_run_as_an_ordinary_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
