"""What has to work for Headrace to work, one small probe each. None of them changes anything that lasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.operating.alive import connection as redis_connection
from config.operating.alive import living


class Failed(Exception):
    """A probe found that something does not work; ``hint`` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to look at; without it being ``vital`` pages can still be served."""

    name: str
    look: Callable[[], str]
    vital: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a probe found; ``message`` is for operators, who may read addresses."""

    name: str
    ok: bool
    vital: bool
    message: str
    hint: str = ""


def database() -> str:
    """PostgreSQL answers."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0]} answers."


def migrations() -> str:
    """The schema is that of this version."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise Failed(f"{len(missing)} migrations have not been applied.", "Run: manage.py migrate")
    return "The database schema is up to date."


def redis_server() -> str:
    """Redis answers."""
    client = redis_connection()
    try:
        version = client.info("server")["redis_version"]
    finally:
        client.close()
    return f"Redis (protocol of {version}) answers."


def storage() -> str:
    """The installation's storage can be written to, read and tidied up."""
    from syncs.engine import Storage

    place = Storage(settings.STORAGE_URL, settings.STORAGE_OPTIONS)
    path = f"probes/{uuid4().hex}"
    with place.writing(path) as unfinished:
        unfinished.write_bytes(b"headrace")
    try:
        if place.size(path) != len(b"headrace"):
            raise Failed("The storage returned another file than was written.")
    finally:
        place.delete(path)
    return "The storage can be written to and read."


def workers() -> str:
    """At least one worker lives."""
    return _process("worker", "python -m config.worker")


def scheduler() -> str:
    """At least one scheduler lives."""
    return _process("scheduler", "manage.py run_scheduler")


def _process(role: str, command: str) -> str:
    number = living()[role]
    if not number:
        raise Failed(f"No {role} has been heard of lately.", f"Start one: {command}")
    return f"{number} {role}{'s' if number > 1 else ''} running."


PROBES = (
    Probe("database", database),
    Probe("migrations", migrations),
    Probe("redis", redis_server),
    Probe("storage", storage),
    Probe("workers", workers, vital=False),
    Probe("scheduler", scheduler, vital=False),
)


def outcomes() -> list[Outcome]:
    """What every probe finds; a probe that breaks down has failed."""
    return [_outcome(probe) for probe in PROBES]


def _outcome(probe: Probe) -> Outcome:
    try:
        return Outcome(probe.name, True, probe.vital, probe.look())
    except Failed as failed:
        return Outcome(probe.name, False, probe.vital, failed.message, failed.hint)
    except Exception as error:
        words = " ".join(str(error).split()) or type(error).__name__
        return Outcome(probe.name, False, probe.vital, words[:500])
