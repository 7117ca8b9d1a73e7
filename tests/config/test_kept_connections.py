"""Threads of requests and jobs hand their connections on, and nothing with them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from config.postgres.kept import MOST, kept
from tests.world import World
from workspaces.jobs import working_connection
from workspaces.scoping import unscoped, workspace_scope

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = "SELECT DISTINCT workspace_id FROM workspaces_apikey"


@pytest.fixture(autouse=True)
def _begin_without() -> None:
    """Nothing is kept, and this thread has a connection of its own."""
    kept.close()
    connection.ensure_connection()


def a_request(work: Callable[[], Any]) -> Any:
    """Done as under ASGI and in a worker's pool: in a thread of its own, on a connection that is let go of after."""

    def request() -> Any:
        with working_connection():
            return work()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(request).result()


def ask(sql: str) -> Any:
    """Past everything that tells the server of the scope."""
    connection.ensure_connection()
    row = connection.connection.execute(sql).fetchone()
    return row and row[0]


def backend() -> int:
    return int(ask("SELECT pg_backend_pid()"))


def test_a_kept_connection_knows_nothing_of_whom_it_served(world: World) -> None:
    assert world.acme.rows["api_key"]
    assert world.globex.rows["api_key"]

    def of_acme() -> object:
        with workspace_scope(world.acme.workspace.pk), connection.cursor() as cursor:
            cursor.execute(ROWS)
            assert cursor.fetchall() == [(world.acme.workspace.pk,)]
            cursor.execute("SET statement_timeout = '1h'; CREATE TEMP TABLE left_behind AS SELECT 1;")
            cursor.execute("SELECT pg_advisory_lock(42)")
        return backend()

    def of_nobody() -> object:
        assert ask("SELECT current_setting('headrace.workspace')") == ""
        assert ask(ROWS) is None
        assert ask("SHOW statement_timeout") == "0"
        assert ask("SELECT to_regclass('left_behind')") is None
        assert ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
        return backend()

    def of_globex() -> object:
        with workspace_scope(world.globex.workspace.pk), connection.cursor() as cursor:
            cursor.execute(ROWS)
            assert cursor.fetchall() == [(world.globex.workspace.pk,)]
        return backend()

    served = [a_request(work) for work in (of_acme, of_nobody, of_globex)]
    # A thread that an earlier test left may let go of its own connection in between.
    assert len(set(served)) < 3


def test_an_operators_view_of_everything_ends_with_the_request(world: World) -> None:
    assert world.acme.rows["api_key"]

    def of_everybody() -> object:
        with unscoped("the test looks at everything"), connection.cursor() as cursor:
            cursor.execute(ROWS)
            assert cursor.fetchall() != []
        return backend()

    served = a_request(of_everybody)
    assert a_request(lambda: (backend(), ask(ROWS))) == (served, None)


def test_a_connection_that_the_server_ended_is_replaced() -> None:
    ended = a_request(backend)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
    assert a_request(backend) not in (ended, None)


def test_a_connection_in_the_middle_of_a_transaction_is_not_handed_on() -> None:
    def left_open() -> object:
        with transaction.atomic():
            served = backend()
            connection.close()
        return served

    assert a_request(left_open) != a_request(backend)


def test_a_crowd_is_served_and_few_connections_stay() -> None:
    together = Barrier(MOST + 4)

    def one_of_many() -> object:
        served = backend()
        together.wait(30)
        return served

    with ThreadPoolExecutor(MOST + 4) as pool:
        crowd = list(pool.map(lambda _: a_request(one_of_many), range(MOST + 4)))
    assert len(set(crowd)) == MOST + 4
    place = tuple(connection.settings_dict[name] for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD"))
    stayed = []
    while one := kept.take(place):
        stayed.append(one.info.backend_pid)
        one.close()
    assert len(stayed) == MOST
    assert set(stayed) <= set(crowd)
