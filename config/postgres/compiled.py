"""Statements of the ORM that are compiled once, for questions that every request asks."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Model, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler
from django_scopes import get_scope

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class _Blank:
    """Stands for a value that is told when the statement is asked."""

    name: str


class Compiled(Generic[M]):
    """A queryset with blanks: making its SQL takes longer than the answer, so that is done once a process.

    ``build`` gets a stand-in for each name and returns the queryset. What it returns may
    depend on nothing else, and on no scope: ask inside ``unscoped`` only.
    """

    def __init__(self, build: Callable[..., QuerySet[M]], *names: str) -> None:
        self._build = build
        self._names = names

    def first(self, **values: Any) -> M | None:
        """The first row with these values in the blanks, with the related rows that ``build`` selects."""
        return next(iter(self.rows(**values)), None)

    def rows(self, **values: Any) -> QuerySet[M]:
        """All rows with these values in the blanks: to be read as they are, and narrowed no further."""
        queryset, made, statement, parameters = self._made
        bound = copy(made)
        bound.connection = connections[queryset.db]
        told = tuple(values[p.name] if isinstance(p, _Blank) else p for p in parameters)
        bound.as_sql = lambda *args, **options: (statement, told)  # type: ignore[method-assign]
        asked = queryset.all()
        asked.query.get_compiler = lambda *args, **options: bound  # type: ignore[method-assign]
        return asked

    @cached_property
    def _made(self) -> tuple[QuerySet[M], SQLCompiler, str, tuple[Any, ...]]:
        if get_scope().get("_enabled", True):
            raise RuntimeError("A statement compiled within a scope would be held to that scope for ever.")
        queryset = self._build(**{name: Value(_Blank(name)) for name in self._names})
        compiler = queryset.query.get_compiler(queryset.db)
        statement, parameters = compiler.as_sql()
        return queryset, compiler, statement, tuple(parameters)
