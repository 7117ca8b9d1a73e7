"""What a definition refers to: of stored ones asked in SQL, so that none has to be read."""

from __future__ import annotations

from typing import Any, Literal

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, JSONField, TextField, Value
from django.db.models.functions import Cast

from audiences.query.errors import Path

Kind = Literal["audience", "trait", "list", "relationship"]


class RefersTo(Func):
    """Whether the JSON in a field refers to one of some audiences, traits, uploaded lists or relationships."""

    function = "jsonb_path_exists"
    output_field = BooleanField()

    def __init__(self, field: str, kind: Kind, *ids: int) -> None:
        sought = Cast(Value(f"$.** ? ({_test(kind, ids)})"), _JsonPath())
        super().__init__(F(field), sought, Value({"ids": [str(pk) for pk in ids]}, JSONField()))


def _test(kind: Kind, ids: tuple[int, ...]) -> str:
    named = f"@.{kind} == $ids[*]"
    if kind == "relationship":
        return f"{named} || @.via[*] == $ids[*]"
    if kind == "trait":
        # Formulas refer to traits within their text.
        return f'{named} || @.sql like_regex "\\"trait\\\\.({"|".join(map(str, ids))})\\""'
    return named


def audiences_in(definition: Any) -> dict[str, Path]:
    """The audiences that a definition's conditions are about, each with the place of the first such condition."""
    found: dict[str, Path] = {}
    waiting: list[tuple[Path, Any]] = [((), definition)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            if value.get("type") == "audience":
                found.setdefault(str(value.get("audience")), path)
            waiting += [((*path, key), each) for key, each in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, place), each) for place, each in enumerate(value)]
    return found


class _JsonPath(TextField):  # type: ignore[type-arg]  # no value is read from it
    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "jsonpath"
