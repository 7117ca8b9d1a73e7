"""File names from templates: ``exports/{YYYY}-{MM}-{DD}/{model.name}.csv``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from connectors.sdk.destination import Job
from connectors.sdk.errors import ConfigError

MAX_LENGTH = 1_024
_VARIABLE = re.compile(r"\{([^{}]*)\}")
_EXTENSIONS = re.compile(r"(?:(?<=[^/])\.[A-Za-z][A-Za-z0-9]{0,9}){0,2}$")
_TIMES: Mapping[str, Callable[[datetime], str]] = {
    "YYYY": lambda t: f"{t.year:04}",
    "YY": lambda t: f"{t.year % 100:02}",
    "MM": lambda t: f"{t.month:02}",
    "DD": lambda t: f"{t.day:02}",
    "HH": lambda t: f"{t.hour:02}",
    "mm": lambda t: f"{t.minute:02}",
    "ss": lambda t: f"{t.second:02}",
    "ms": lambda t: f"{t.microsecond // 1000:03}",
    "X": lambda t: str(int(t.timestamp())),
    "x": lambda t: str(int(t.timestamp() * 1000)),
}
_JOB: Mapping[str, Callable[[Job], str]] = {
    "model.id": lambda job: str(job.model_id),
    "model.name": lambda job: _flat(job.model_name),
    "sync.id": lambda job: str(job.sync_id),
    "sync.run.id": lambda job: str(job.run_id),
}
VARIABLES = (*_TIMES, *_JOB, "operation", "part")
_NOTHING: Mapping[str, str] = MappingProxyType({})


def file_name(template: str, job: Job, *, offset_s: int = 0, operation: str = "", part: int = 0) -> str:
    """The path a template gives for this run, relative, with ``/`` between folders.

    ``offset_s`` shifts the run's start time. Where several files come of one run,
    ``{operation}`` and ``{part}`` say which; a template without them gets
    ``-added`` or ``-0001`` before the extension. Raises ``ConfigError``.
    """
    rest = {"operation": operation, "part": f"{part:04}" if part else ""}
    path = expanded(template, job, "filename", offset_s=offset_s, more=rest)
    if operation and "{operation}" not in template:
        path = _suffixed(path, operation)
    if part and "{part}" not in template:
        path = _suffixed(path, rest["part"])
    return _safe(path)


def expanded(template: str, job: Job, setting: str, *, offset_s: int = 0, more: Mapping[str, str] = _NOTHING) -> str:
    """What a template in this setting says of a run, ``more`` variables included; raises ``ConfigError``."""
    moment = job.started_at + timedelta(seconds=offset_s)
    return _VARIABLE.sub(lambda m: _value(m.group(1), moment, job, more, setting), template.strip())


def _value(name: str, moment: datetime, job: Job, rest: Mapping[str, str], setting: str) -> str:
    if maker := _TIMES.get(name):
        return maker(moment)
    if reader := _JOB.get(name):
        return reader(job)
    if name in rest:
        return rest[name]
    raise ConfigError(
        f"The name uses “{{{name}}}”, which does not exist.",
        field=setting,
        hint=f"There are: {', '.join((*_TIMES, *_JOB, *rest))}.",
    )


def _flat(name: str) -> str:
    """A name that stays one part of a path."""
    return re.sub(r"[/\\\0]+", "-", name).strip() or "model"


def _suffixed(path: str, suffix: str) -> str:
    """``suffix`` put before the extensions: ``a/rows.csv.gz`` becomes ``a/rows-added.csv.gz``."""
    return _EXTENSIONS.sub(lambda m: f"-{suffix}{m.group()}", path, count=1)


def _safe(path: str) -> str:
    parts = path.lstrip("/").split("/")
    if not path or path.endswith("/") or any(part in ("", ".", "..") for part in parts) or "\0" in path:
        raise ConfigError(f"“{path}” is not a file name.", field="filename", hint="Folders and a name, without “..”.")
    if len(path) > MAX_LENGTH:
        raise ConfigError(f"The file name is longer than {MAX_LENGTH} characters.", field="filename")
    return "/".join(parts)
