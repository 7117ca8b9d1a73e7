"""A backup is taken while Headrace runs, restored into an empty place, and goes on there without sending again."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from psycopg import sql

from config.embedded import Urls
from syncs import scheduler, services
from syncs.models import Run, Sync
from syncs.schedules import Schedule
from syncs.services.stages import claim
from tests.support.databases import RUN_PREFIX, at, use_database
from tests.syncs.app.shop import Shop, wait_until
from tests.syncs.app.test_schedules import lose_lease
from tests.syncs.app.workers import WORKER, process
from tests.world import World


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, settings: Any, tmp_path: Path, transactional_db: None) -> Iterator[None]:
    """The way to an empty database and an empty storage, which `move` takes."""
    databases: Urls = request.getfixturevalue("services")
    name = f"{RUN_PREFIX}{uuid4().hex[:12]}"
    here = str(connection.settings_dict["NAME"])
    with psycopg.connect(databases.database_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    settings.NEW_PLACE = (at(databases.database_url, name), (tmp_path / "new-storage").as_uri())
    yield
    connection.close()
    use_database(at(databases.database_url, here))
    with psycopg.connect(databases.database_url, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def move(settings: Any) -> None:
    """Leave for the new place, as an installation whose settings name it."""
    url, storage = settings.NEW_PLACE
    connection.close()
    use_database(url)
    settings.STORAGE_URL = storage


def become_an_older_release() -> set[tuple[str, str]]:
    """Take back the newest migration, and record the others under the names they had before they were put together.

    Returns what the upgrade has to have applied in the end.
    """
    loader = MigrationLoader(connection)
    (newest,) = loader.graph.leaf_nodes("workspaces")
    (earlier,) = [node.key for node in loader.graph.node_map[newest].parents if node.key[0] == "workspaces"]
    call_command("migrate", *earlier, interactive=False, verbosity=0)
    recorder, wanted = MigrationRecorder(connection), {newest}
    for (app, name), migration in loader.disk_migrations.items():
        if migration.replaces:
            recorder.record_unapplied(app, name)
            for replaced in migration.replaces:
                recorder.record_applied(*replaced)
            wanted.add((app, name))
    assert not wanted & set(recorder.applied_migrations())
    return wanted


def columns() -> set[tuple[str, str]]:
    """The columns of all tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
        return set(cursor.fetchall())


def test_a_restored_installation_goes_on_where_the_backup_stood(
    shop: Shop, elsewhere: None, settings: Any, tmp_path: Path
) -> None:
    """With a schedule that is due and a run that a worker had taken when the backup was made."""
    shop.fill(20)
    delivered = shop.sync(schedule=Schedule.every(1, "hour"))
    shop.run(delivered)
    started = services.start_run(actor=shop.actor, sync=shop.sync())
    assert claim(started.steps.get().pk) is not None
    lose_lease(started.steps.get().pk)
    archive = tmp_path / "headrace.tar"
    call_command("backup", archive)
    assert archive.stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", archive)

    move(settings)
    call_command("restore", archive)
    restored = columns()
    names = become_an_older_release()
    assert columns() < restored
    call_command("migrate", interactive=False, verbosity=0)  # the upgrade
    assert names < set(MigrationLoader(connection).applied_migrations)
    assert columns() == restored
    assert Sync.objects.get(pk=delivered.pk).baseline is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(headrace_find_entries('sync')) > 0")
        assert cursor.fetchone() == (True,), "the index over the audit log's words came along"
    with process(WORKER, HEADRACE_STORAGE_URL=settings.STORAGE_URL):
        assert scheduler.start_due(timezone.now() + timedelta(hours=2)) >= 1
        scheduler.resend(timezone.now() + timedelta(minutes=5))
        wait_until(lambda: not Run.objects.filter(finished_at=None).exists(), "both runs to end")
    again = Run.objects.filter(sync=delivered).latest("pk")
    assert (again.number, again.status, again.queried, again.planned) == (2, "succeeded", 20, 0)
    assert Run.objects.get(pk=started.pk).status == "succeeded"


def test_a_backup_without_its_key_is_refused_before_anything_changes(
    world: World, elsewhere: None, settings: Any, tmp_path: Path
) -> None:
    archive = tmp_path / "headrace.tar"
    call_command("backup", archive)
    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", archive)
    move(settings)
    settings.SECRET_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="None of the keys"):
        call_command("restore", archive)
    with connection.cursor() as cursor:
        assert "django_migrations" not in connection.introspection.table_names(cursor)


@pytest.mark.parametrize("content", [b"", b"not a tar", b"x" * 20_000])
def test_what_is_no_backup_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "wrong.tar"
    path.write_bytes(content)
    with pytest.raises(CommandError, match="no whole backup"):
        call_command("restore", path)


def test_a_member_that_leads_out_of_the_storage_is_refused(
    world: World, elsewhere: None, settings: Any, tmp_path: Path
) -> None:
    archive, evil = tmp_path / "headrace.tar", tmp_path / "evil.tar"
    call_command("backup", archive)
    with tarfile.open(archive) as good, tarfile.open(evil, "w") as bad:
        for member in good:
            bad.addfile(member, good.extractfile(member))
        bad.addfile(tarfile.TarInfo("storage/../../escaped"))
    move(settings)
    with pytest.raises(Exception, match="leaves the storage"):
        call_command("restore", evil)
    assert not (tmp_path.parent / "escaped").exists()
