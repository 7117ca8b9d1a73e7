"""Holding many things to one check in few tests: each is judged by itself, and a failure names all that do not hold."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, TypeVar

import pytest

from tests.invariants.addresses import Route

T = TypeVar("T")
# Addresses of one test: few tests share their set-up, and none of them takes long by itself.
STRETCH = 40


def every(things: Iterable[T], check: Callable[[T], None]) -> None:
    """Hold each thing to the check; what it did to the database is undone."""
    failures = [f"--- {thing}\n{failure}" for thing in things if (failure := _failure(thing, check))]
    assert not failures, "\n".join([f"{len(failures)} do not hold:", *failures])


def _failure(thing: T, check: Callable[[T], None]) -> str:
    from django.db import transaction

    from tests.invariants.conftest import undone

    with undone():
        try:
            check(thing)
        except (Exception, pytest.fail.Exception) as error:
            return "".join(traceback.format_exception(error, limit=-4))
        finally:
            transaction.set_rollback(True)
    return ""


def stretches(routes: Iterable[Route]) -> list[Any]:
    """The routes app by app, as parameters of tests."""
    by_app = groupby(sorted(routes, key=_app), key=_app)
    return [pytest.param(part, id=name) for app, found in by_app for name, part in _parts(app, list(found))]


def _app(route: Route) -> str:
    return route.name.rpartition(":")[0] or "outside"


def _parts(app: str, routes: list[Route]) -> Iterator[tuple[str, list[Route]]]:
    for number, start in enumerate(range(0, len(routes), STRETCH), 1):
        yield f"{app}-{number}", routes[start : start + STRETCH]
