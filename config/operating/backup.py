"""A backup: the database and the files it points at, in one archive, taken while Headrace runs.

The database is read in one snapshot. Files are immutable and only deleted once nothing
points at them any more, so the archive holds those from before the snapshot and those that
came meanwhile; where one that the snapshot points at was deleted in between, the database is
read again. Keys are never part of a backup: the archive only knows their digests.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from workspaces.scoping import unscoped

FORMAT = 1
MANIFEST = "manifest.json"
DUMP = "database.dump"
FILES = "storage/"
ATTEMPTS = 5
Say = Callable[[str], None]


class BackupFailed(Exception):
    """The backup could not be made or used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive is. ``keys`` are digests of the keys its credentials are encrypted with."""

    format: int
    made_at: str
    migrations: dict[str, str]
    keys: list[str]
    files: int
    bytes: int


def back_up(target: Path, say: Say = lambda words: None) -> Manifest:
    """Write an archive to ``target``, which appears whole or not at all; other people cannot read it."""
    if target.exists():
        raise BackupFailed(f"{target} exists already. Give another name.")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream, tarfile.open(fileobj=stream, mode="w") as archive:
            manifest = _fill(archive, say)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def key_digests() -> list[str]:
    """What tells keys apart without telling them."""
    return [hashlib.sha256(b"headrace key\0" + key.encode()).hexdigest()[:16] for key in settings.SECRET_KEYS]


def program(name: str) -> str:
    """A PostgreSQL program: the one that Headrace brings along, of the newest version it works with."""
    from config.embedded.place import postgres_program

    return str(postgres_program(name))


def program_environment() -> dict[str, str]:
    """How those programs reach the database, seeing every workspace; no password shows among the processes."""
    known = connection.settings_dict
    named = {
        "PGHOST": known["HOST"],
        "PGPORT": str(known["PORT"] or ""),
        "PGUSER": known["USER"],
        "PGPASSWORD": known["PASSWORD"],
        "PGDATABASE": known["NAME"],
        **{f"PG{name.upper()}": str(value) for name, value in known.get("OPTIONS", {}).items() if "ssl" in name},
    }
    return {**os.environ, **{k: v for k, v in named.items() if v}, "PGOPTIONS": "-c headrace.workspace=*"}


def _fill(archive: tarfile.TarFile, say: Say) -> Manifest:
    from syncs.engine import Storage

    storage = Storage(settings.STORAGE_URL, settings.STORAGE_OPTIONS)
    kept: dict[str, int] = {}
    _add_files(archive, storage, kept)
    say(f"{len(kept):,} files copied.")
    with tempfile.TemporaryDirectory(prefix="headrace-backup-") as folder:
        dump = Path(folder) / DUMP
        for _ in range(ATTEMPTS):
            needed, applied = _dump_database(dump)
            _add_files(archive, storage, kept)
            if needed <= kept.keys():
                break
            say("Files were replaced meanwhile; reading the database again.")
        else:
            raise BackupFailed("Files were replaced faster than they could be copied. Try again at a quieter time.")
        archive.add(dump, DUMP)
    say("The database was read.")
    manifest = Manifest(FORMAT, datetime.now(UTC).isoformat(), applied, key_digests(), len(kept), sum(kept.values()))
    _add_text(archive, MANIFEST, json.dumps(asdict(manifest), indent=1))
    return manifest


def _add_files(archive: tarfile.TarFile, storage: Any, kept: dict[str, int]) -> None:
    """Every file that the archive has not got yet; one that vanishes meanwhile is nobody's any more."""
    from syncs.engine.errors import StorageFailed

    for path in storage.list("workspaces"):
        if path in kept:
            continue
        try:
            local = storage.local(path)
            size = local.stat().st_size
            archive.add(local, FILES + path, recursive=False)
        except (StorageFailed, FileNotFoundError):
            continue
        kept[path] = size


def _dump_database(dump: Path) -> tuple[set[str], dict[str, str]]:
    """Read the database in one snapshot; the files it points at, and the last migration of each app."""
    with unscoped("a backup holds every workspace"), transaction.atomic(), connection.cursor() as cursor:
        # Past the wrapper that tells the session its scope first: this has to be the first statement.
        connection.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        needed = set(_files_needed())
        cursor.execute("SELECT app, max(name) FROM django_migrations GROUP BY app ORDER BY app")
        applied = dict(cursor.fetchall())
        run(
            "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            "--enable-row-security",
            f"--snapshot={snapshot}",
            f"--file={dump}",
        )
    return needed, applied


def run(name: str, *arguments: str) -> None:
    """Run a PostgreSQL program; its own words where it fails."""
    done = subprocess.run(
        [program(name), *arguments], env=program_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupFailed(f"{name} failed: {done.stderr.strip()[-2_000:]}")


def _files_needed() -> Iterator[str]:
    """Files without which a sync could not go on: its baseline, and what its live run has made.

    Workspaces with a bucket of their own keep theirs there, and back it up themselves.
    """
    from syncs.models import Run, RunStep, Sync, WorkspaceStorage

    elsewhere = WorkspaceStorage.objects.values("workspace_id")
    syncs = Sync.objects.filter(baseline__isnull=False).exclude(workspace_id__in=elsewhere)
    yield from _paths(list(syncs.values_list("baseline", flat=True)))
    live = Run.objects.filter(finished_at__isnull=True).exclude(workspace_id__in=elsewhere)
    yield from _paths(list(live.values_list("prepared", flat=True)))
    yield from _paths(list(RunStep.objects.filter(run__in=live).values_list("outcome", flat=True)))


def _paths(value: Any) -> Iterator[str]:
    """Every path of a file in a JSON document."""
    if isinstance(value, str):
        if value.startswith("workspaces/") and value.endswith(".parquet"):
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _paths(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner)


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode()
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    archive.addfile(member, io.BytesIO(data))


@contextmanager
def opened(path: Path) -> Iterator[tuple[tarfile.TarFile, Manifest]]:
    """An archive and what it says of itself; refuses what is none, or is of a later format."""
    try:
        with tarfile.open(path, "r:") as archive:
            member = archive.extractfile(MANIFEST)
            if member is None:
                raise BackupFailed(f"{path} is no backup of Headrace.")
            manifest = Manifest(**json.loads(member.read()))
            if manifest.format > FORMAT:
                raise BackupFailed("This backup was made by a later version of Headrace. Restore it with that version.")
            yield archive, manifest
    except (tarfile.TarError, KeyError, TypeError, json.JSONDecodeError, OSError) as error:
        raise BackupFailed(f"{path} is no whole backup of Headrace: {error}") from error
