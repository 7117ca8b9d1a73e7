"""Bringing a backup back into an empty installation."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from config.operating.backup import DUMP, FILES, BackupFailed, Manifest, Say, key_digests, opened, run


def restore(source: Path, say: Say = lambda words: None, *, without_keys: bool = False) -> Manifest:
    """Put an archive's files and database in place, then bring the schema up to this version.

    The database must be empty. Raises :class:`BackupFailed` before anything is changed where
    it is not, or where no configured key reads the archive's credentials.
    """
    from syncs.engine import Storage

    with opened(source) as (archive, manifest):
        _require_keys(manifest, without_keys)
        _require_empty()
        storage = Storage(settings.STORAGE_URL, settings.STORAGE_OPTIONS)
        with tempfile.TemporaryDirectory(prefix="headrace-restore-") as folder:
            dump = Path(folder) / DUMP
            files = 0
            for member in archive:
                if member.isfile() and member.name == DUMP:
                    _copy(archive, member, dump)
                elif member.isfile() and member.name.startswith(FILES):
                    with storage.writing(member.name.removeprefix(FILES)) as unfinished:
                        _copy(archive, member, unfinished)
                    files += 1
            if files < manifest.files or not dump.exists():
                raise BackupFailed(f"{source} is not whole: {files:,} of {manifest.files:,} files were found in it.")
            say(f"{files:,} files are in place.")
            connection.close()
            run(
                "pg_restore",
                "--no-owner",
                "--no-privileges",
                "--enable-row-security",
                "--single-transaction",
                f"--dbname={connection.settings_dict['NAME']}",
                str(dump),
            )
        say("The database is in place.")
    call_command("migrate", interactive=False, verbosity=0)
    say("The schema is that of this version.")
    return manifest


def _require_keys(manifest: Manifest, without_keys: bool) -> None:
    if without_keys or set(manifest.keys) & set(key_digests()):
        return
    raise BackupFailed(
        "None of the keys in HEADRACE_SECRET_KEYS is one that this backup was made with: its credentials could not "
        "be read. Put that key back, or restore with --without-keys and enter every credential again."
    )


def _require_empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        (tables,) = cursor.fetchone()
    if tables:
        raise BackupFailed(
            f"The database is not empty: it has {tables} tables. Restore into a new one, and keep the old one "
            "until you have seen that everything is there."
        )


def _copy(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    stream: Any = archive.extractfile(member)
    with target.open("wb") as out:
        shutil.copyfileobj(stream, out, 1 << 20)
