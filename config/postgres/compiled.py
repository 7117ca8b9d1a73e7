"""Statements of the ORM that are compiled once, for questions that every request or step of a run asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Model, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler
from django_scopes import get_scope, scope

M = TypeVar("M", bound=Model)
_WORKSPACE = "workspace in scope"


@dataclass(frozen=True)
class _Blank:
    """Stands for a value that is told when the statement is asked."""

    name: str


class Compiled(Generic[M]):
    """A queryset with blanks: making its SQL takes longer than the answer, so that is done once a process.

    ``build`` gets a stand-in for each name and returns the queryset. What it returns may
    depend on nothing else, and on no scope: ask inside ``unscoped`` only. One that is
    ``walled`` is asked inside the scope of a workspace only, which is one more blank; one of rows that no wall stands
    around (``open``: accounts, sessions) is asked anywhere, and cannot be made of other rows.
    """

    def __init__(
        self, build: Callable[..., QuerySet[M]], *names: str, walled: bool = False, open: bool = False
    ) -> None:
        self._build = build
        self._names = names
        self._walled = walled
        self._open = open

    def first(self, **values: Any) -> M | None:
        """The first row with these values in the blanks, with the related rows that ``build`` selects."""
        return next(iter(self.rows(**values)), None)

    def get(self, **values: Any) -> M:
        """The same where there is such a row; raises the model's ``DoesNotExist`` otherwise."""
        found = self.first(**values)
        if found is None:
            raise self._made[0].model.DoesNotExist("There is no such row.")  # type: ignore[attr-defined]  # each model has its own
        return found

    def rows(self, **values: Any) -> QuerySet[M]:
        """All rows with these values in the blanks: to be read as they are, and narrowed no further."""
        queryset, made, statement, parameters = self._made
        if self._walled:
            values[_WORKSPACE] = _workspace()
        bound = copy(made)
        bound.connection = connections[queryset.db]
        told = tuple(values[p.name] if isinstance(p, _Blank) else p for p in parameters)
        bound.as_sql = lambda *args, **options: (statement, told)  # type: ignore[method-assign]
        asked = queryset.all()
        asked.query.get_compiler = lambda *args, **options: bound  # type: ignore[method-assign]
        return asked

    @cached_property
    def _made(self) -> tuple[QuerySet[M], SQLCompiler, str, tuple[Any, ...]]:
        with self._within():
            queryset = self._build(**{name: Value(_Blank(name)) for name in self._names})
            compiler = queryset.query.get_compiler(queryset.db)
            statement, parameters = compiler.as_sql()
        return queryset, compiler, statement, tuple(parameters)

    @contextmanager
    def _within(self) -> Iterator[None]:
        """Where managers hold rows to a workspace that is a blank, to none, or give none that have a wall."""
        if self._walled:
            _workspace()
            with scope(workspace=Value(_Blank(_WORKSPACE)), organization=None):
                yield
        elif self._open:
            with scope(workspace=None, organization=None):
                yield
        elif get_scope().get("_enabled", True):
            raise RuntimeError("A statement compiled within a scope would be held to that scope for ever.")
        else:
            yield


def _workspace() -> int:
    """The workspace that we are in the scope of."""
    current = get_scope()
    if not current.get("_enabled", True) or not current.get("workspace"):
        raise RuntimeError("This statement is about the rows of one workspace: ask inside its scope.")
    return int(current["workspace"])
