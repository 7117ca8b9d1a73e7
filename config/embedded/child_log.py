"""Read what a server wrote to its log since a moment, to say why it ended."""

from __future__ import annotations

from pathlib import Path

_LOUD = ("FATAL", "PANIC", "error:", "Fatal")


def log_size(log: Path) -> int:
    """Bytes in the log now, to be given to :func:`log_since`."""
    return log.stat().st_size if log.exists() else 0


def log_since(log: Path, offset: int) -> str:
    """What was written after ``offset``."""
    with log.open("rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace").strip()


def last_words(log: Path, offset: int) -> str:
    """The lines that name the failure, or the last one."""
    lines = log_since(log, offset).splitlines()
    loud = [line for line in lines if any(word in line for word in _LOUD)]
    return " / ".join(loud or lines[-1:]) or "no message"
