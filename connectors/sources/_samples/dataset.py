"""Makes a sample data set's database file, once for each scale, day and first day.

The file is complete or absent: it is written under a working name and moved into
place, by one process at a time. Others that need it wait for that one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from importlib.resources import files
from pathlib import Path

import duckdb

from connectors.sdk.context import Environment
from connectors.sdk.errors import Unavailable
from connectors.sdk.local_paths import allowed_roots

FOLDER = "samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One variant of a data set. ``version`` rises whenever the SQL makes other rows.

    ``scale`` multiplies the numbers of rows, ``day`` counts days that have passed
    since ``first_day``.
    """

    name: str
    version: int
    scale: float
    day: int
    first_day: date

    @property
    def file_name(self) -> str:
        """Tells every setting, so that no two variants meet."""
        return f"{self.name}-v{self.version}-scale{self.scale:g}-{self.first_day:%Y%m%d}-day{self.day}.duckdb"


def prepared(dataset: Dataset, environment: Environment) -> Path:
    """The data set's database file, made now if it is not there."""
    folder = allowed_roots(environment)[0] / FOLDER
    path = folder / dataset.file_name
    if path.exists():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / ".lock"):
            if not path.exists():
                _make(dataset, path, environment)
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise Unavailable(
            f"The sample data could not be made: {error}",
            hint=f"Check that {folder} can be written and has room, or choose a smaller scale.",
        ) from error
    return path


def _make(dataset: Dataset, path: Path, environment: Environment) -> None:
    working = path.with_name(f".{path.name}.part")
    _remove(working)  # what a killed process left
    try:
        _generate(dataset, working, environment)
        os.replace(working, path)  # noqa: PTH105 - the atomic one
    finally:
        _remove(working)


def _generate(dataset: Dataset, path: Path, environment: Environment) -> None:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{environment.memory_mb}MB",
        "threads": environment.threads,
        "temp_directory": f"{path}.spill",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("ATTACH ? AS sample", [str(path)])
        connection.execute("CREATE SCHEMA sample.public")
        for name, value in _variables(dataset).items():
            connection.execute(f"SET VARIABLE {name} = ?", [value])
        for script in ("common", dataset.name):
            connection.execute(files(__package__).joinpath(f"{script}.sql").read_text("utf-8"))
        connection.execute("CHECKPOINT sample")
        connection.execute("DETACH sample")


def _variables(dataset: Dataset) -> dict[str, object]:
    start = datetime.combine(dataset.first_day, time(), UTC)
    return {"scale": dataset.scale, "day": dataset.day, "first_day": dataset.first_day, "start": start}


def _remove(path: Path) -> None:
    for leftover in (path, path.with_name(f"{path.name}.wal")):
        leftover.unlink(missing_ok=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
