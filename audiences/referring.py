"""What a stored definition refers to, asked in SQL: no definition has to be read for it."""

from __future__ import annotations

from typing import Literal

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, JSONField, TextField, Value
from django.db.models.functions import Cast


class RefersTo(Func):
    """Whether the definition in a JSON field refers to an audience, a saved trait or an uploaded list, at any depth."""

    function = "jsonb_path_exists"
    output_field = BooleanField()

    def __init__(self, definition: str, kind: Literal["audience", "trait", "list"], id: int) -> None:
        sought = Cast(Value(f"$.** ? (@.{kind} == $id)"), _JsonPath())
        super().__init__(F(definition), sought, Value({"id": str(id)}, JSONField()))


class _JsonPath(TextField):  # type: ignore[type-arg]  # no value is read from it
    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "jsonpath"
