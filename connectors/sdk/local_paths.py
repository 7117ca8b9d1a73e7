"""Files on the machine that runs Headrace, kept inside the folders the operator allows."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError

MAX_MATCHES = 10_000


def allowed_file(text: str, environment: Environment, *, field: str) -> Path:
    """The existing file a setting names, symbolic links resolved.

    A relative path starts at the first allowed folder. Raises
    :class:`ConfigError` where it is outside the allowed folders or no file.
    """
    path = _absolute(text, environment, field)
    resolved = _inside(path, environment, field)
    if not resolved.exists():
        raise ConfigError(f"There is no file “{text}”.", field=field, hint="Check the path and its spelling.")
    if not resolved.is_file():
        raise ConfigError(f"“{text}” is not a file.", field=field, hint="Give the path of a file, not of a folder.")
    return resolved


def allowed_files(pattern: str, environment: Environment, *, field: str) -> Sequence[Path]:
    """Every file a path or pattern (``*``, ``?``, ``[…]``, ``**``) names, sorted; at least one."""
    if not glob.has_magic(pattern):
        return (allowed_file(pattern, environment, field=field),)
    absolute = _absolute(pattern, environment, field)
    _inside(_fixed_part(absolute), environment, field)
    matches = sorted(Path(match) for match in glob.iglob(str(absolute), recursive=True))  # noqa: PTH207 - absolute patterns
    found = [_inside(match, environment, field) for match in matches if match.is_file()]
    if not found:
        raise ConfigError(f"No file matches “{pattern}”.", field=field, hint="Check the pattern and its folder.")
    if len(found) > MAX_MATCHES:
        raise ConfigError(
            f"“{pattern}” matches more than {MAX_MATCHES:,} files.", field=field, hint="Use a narrower pattern."
        )
    return found


def allowed_roots(environment: Environment) -> Sequence[Path]:
    """The allowed folders, resolved. Raises :class:`ConfigError` where there are none."""
    if not environment.local_roots:
        raise ConfigError(
            "This installation allows no local files.", hint="The operator lists folders in HEADRACE_LOCAL_FILES_ROOTS."
        )
    return [Path(root).resolve() for root in environment.local_roots]


def _absolute(text: str, environment: Environment, field: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ConfigError("Give the path of a file.", field=field)
    path = Path(text.strip())
    return path if path.is_absolute() else allowed_roots(environment)[0] / path


def _inside(path: Path, environment: Environment, field: str) -> Path:
    roots = allowed_roots(environment)
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"“{path}” cannot be read: {error}.", field=field) from error
    if not any(resolved.is_relative_to(root) for root in roots):
        folders = ", ".join(str(root) for root in roots)
        raise ConfigError(
            "This path is outside the folders that may be read.",
            field=field,
            hint=f"Allowed here: {folders}. The operator changes this with HEADRACE_LOCAL_FILES_ROOTS.",
        )
    return resolved


def _fixed_part(pattern: Path) -> Path:
    """The folders before the first wildcard."""
    parts: list[str] = []
    for part in pattern.parts:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)
