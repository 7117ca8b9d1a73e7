"""Where a measurement takes place: handed to each child process as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """``folder`` holds the source, the storage and all files of one benchmark."""

    folder: str
    database_url: str
    sink_port: int
    memory_mb: int = 512
    threads: int = 2
    concurrency: int = 64
    http_rows: int = 100
    postgres_rows: int = 10_000

    @property
    def source(self) -> Path:
        """The DuckDB file that syncs read."""
        return Path(self.folder) / "source.duckdb"

    def place(self, name: str) -> Path:
        """A folder of its own for one side of the comparison."""
        place = Path(self.folder) / name
        place.mkdir(parents=True, exist_ok=True)
        return place
