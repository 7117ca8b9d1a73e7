"""The migration operations that build the database's side of the walls.

Row-level security is forced on the owner too, as the app connects as the owner
of its tables. Migrations that touch rows therefore enter ``unscoped(…)``.

What the session may see stands in subqueries: PostgreSQL evaluates those once a
statement, and a bare ``current_setting`` once a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps.registry import Apps
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

WORKSPACES = "current_setting('headrace.workspace', true)"
ORGANIZATION = "(SELECT current_setting('headrace.organization', true))"
ALL = f"(SELECT {WORKSPACES} = '*')"
# An array of numbers, none where the scope is "*"; the outer cast makes it one value instead of rows.
OWN_WORKSPACES = f"(SELECT string_to_array(nullif({WORKSPACES}, '*'), ',')::bigint[])::bigint[]"
# Organizations of the workspaces in scope; empty where the scope names none.
OWN_ORGANIZATIONS = f"SELECT organization_id FROM workspaces_workspace WHERE id = ANY({OWN_WORKSPACES})"

IN_WORKSPACE = f"{ALL} OR workspace_id = ANY({OWN_WORKSPACES})"
IN_ORGANIZATION = f"{ALL} OR organization_id::text = {ORGANIZATION} OR organization_id IN ({OWN_ORGANIZATIONS})"


class _Wall(Operation):
    """Row-level security on one column, a (column, id) key and composite foreign keys for one model."""

    reversible = True
    reduces_to_sql = True
    column = ""
    policy = ""
    condition = ""

    def __init__(self, model_name: str, references: tuple[str, ...] = ()) -> None:
        self.model_name = model_name
        self.references = references

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.model_name, self.references], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The wall is the database's alone: Django's model state does not change."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        model = self._model(app_label, to_state.apps)
        for statement in (*self._key(model, schema_editor), *self._rows(model), *self._keys(model, schema_editor)):
            schema_editor.execute(statement)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        model = self._model(app_label, from_state.apps)
        quote = schema_editor.quote_name
        table = quote(model._meta.db_table)
        for field in self._foreign_keys(model):
            schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {quote(self._name(model, field))}")
        for statement in drop_policy(model._meta.db_table, self.policy):
            schema_editor.execute(statement)
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {quote(self._key_name(model))}")

    def describe(self) -> str:
        return f"Wall {self.model_name} in by {self.column}"

    def _model(self, app_label: str, apps: Apps) -> type[models.Model]:
        return apps.get_model(app_label, self.model_name)

    def _key(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> Iterator[str]:
        quote = schema_editor.quote_name
        yield (
            f"ALTER TABLE {quote(model._meta.db_table)} ADD CONSTRAINT {quote(self._key_name(model))} "
            f"UNIQUE ({self.column}, id)"
        )

    def _rows(self, model: type[models.Model]) -> Iterator[str]:
        yield from create_policy(model._meta.db_table, self.policy, self.condition)

    def _keys(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> Iterator[str]:
        quote = schema_editor.quote_name
        for field in self._foreign_keys(model):
            yield (
                f"ALTER TABLE {quote(model._meta.db_table)} ADD CONSTRAINT {quote(self._name(model, field))} "
                f"FOREIGN KEY ({self.column}, {quote(field.column)}) "
                f"REFERENCES {quote(field.related_model._meta.db_table)} ({self.column}, id) "
                "DEFERRABLE INITIALLY DEFERRED"
            )

    def _foreign_keys(self, model: type[models.Model]) -> list[Any]:
        return [model._meta.get_field(name) for name in self.references]

    def _key_name(self, model: type[models.Model]) -> str:
        return f"{model._meta.db_table}_wall"

    def _name(self, model: type[models.Model], field: Any) -> str:
        return f"{model._meta.db_table}_{field.column}_wall"[:63]


class BuildWall(_Wall):
    """The workspace wall of one model.

    ``references`` names the foreign keys to other workspace rows; each becomes a
    second constraint (workspace_id, <fk>) → (workspace_id, id), so that the target
    must be in the same workspace. Put it right after the model's ``CreateModel``
    (and after that of every referenced model).
    """

    column = "workspace_id"
    policy = "workspace_wall"
    condition = IN_WORKSPACE


class JoinWorkspace(BuildWall):
    """Only the composite keys of foreign keys that a walled model got later."""

    def _key(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> Iterator[str]:
        yield from ()

    def _rows(self, model: type[models.Model]) -> Iterator[str]:
        yield from ()

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        model = self._model(app_label, from_state.apps)
        quote = schema_editor.quote_name
        for field in self._foreign_keys(model):
            name = quote(self._name(model, field))
            schema_editor.execute(f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {name}")

    def describe(self) -> str:
        return f"Hold new keys of {self.model_name} to its workspace"


class BuildOrganizationWall(_Wall):
    """The same by organization, for people, groups and what hangs on them."""

    column = "organization_id"
    policy = "organization_wall"
    condition = IN_ORGANIZATION

    def _key_name(self, model: type[models.Model]) -> str:
        return f"{model._meta.db_table}_organization_wall"


class JoinOrganization(BuildOrganizationWall):
    """Only the composite keys by organization, for a workspace row that points to organization rows."""

    def _rows(self, model: type[models.Model]) -> Iterator[str]:
        yield from ()

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        model = self._model(app_label, from_state.apps)
        quote = schema_editor.quote_name
        names = [self._name(model, field) for field in self._foreign_keys(model)]
        for name in (*names, self._key_name(model)):
            schema_editor.execute(f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(name)}")

    def describe(self) -> str:
        return f"Hold {self.model_name} to its organization"


def create_policy(table: str, policy: str, condition: str, check: str = "") -> Iterator[str]:
    """Statements that turn row-level security on for a table, for its owner too."""
    yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'
    yield f'CREATE POLICY {policy} ON "{table}" USING ({condition})' + (f" WITH CHECK ({check})" if check else "")


def drop_policy(table: str, policy: str) -> Iterator[str]:
    """Statements that undo :func:`create_policy`."""
    yield f'DROP POLICY {policy} ON "{table}"'
    yield f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY'
