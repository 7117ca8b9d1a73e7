"""Where a connection's credentials go: a changed address asks for them again.

Credentials are write-only. Whoever may change a connection but does not know its
credentials must not learn them by sending them to a system of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from connectors.sdk.fields import Field
from connectors.sdk.validation import Cleaned, secret_paths, with_defaults

# Settings that say where to connect, by their names in the declarations.
_ADDRESSES = frozenset({"host", "base_url", "endpoint", "auth_url", "token_url", "refresh_url", "tunnel"})
_Place = tuple[str, str]
_WORDS = "Enter it again: the address has changed, and it would go to another system."


def to_enter_again(
    fields: Sequence[Field],
    before: Mapping[str, Any],
    known: Mapping[str, Any],
    cleaned: Cleaned,
    given: Mapping[str, Any],
) -> dict[str, str]:
    """Credentials that were kept although the address is another one, by path, with what to do.

    ``before`` and ``known`` are the stored settings and credentials, ``given`` is what was sent now.
    """
    # An address that was declared after this was stored is known too: it was empty.
    if not _moved(dict(_places(with_defaults(fields, before))), dict(_places(cleaned.config))):
        return {}
    declared = set(secret_paths(fields))
    kept = [path for path in cleaned.secrets if path in known and not _is_given(given, path)]
    # A row of names and values has no field of its own: its list tells.
    return {path if path in declared else path.rpartition(".")[0]: _WORDS for path in kept}


def places_of(fields: Sequence[Field], config: Mapping[str, Any]) -> dict[str, str]:
    """Where a connection's credentials go, by path: what tokens that a person got for it are bound to."""
    places = _places(with_defaults(fields, config))
    return {path: f"{scheme}://{host}" for path, (scheme, host) in places if host}


def _moved(before: Mapping[str, _Place], after: Mapping[str, _Place]) -> bool:
    """Whether an address is another one; a section that is new has no credentials to lose yet."""
    return any(
        place != before.get(path, ("", "")) for path, place in after.items() if path in before or "." not in path
    )


def _is_given(values: Any, path: str) -> bool:
    """Whether what was sent holds a value of its own at a path."""
    if isinstance(values, Mapping):
        head, _, rest = path.partition(".")
        return _is_given(values.get(head), rest)
    if isinstance(values, list | tuple):
        return any(isinstance(row, Mapping) and row.get("name") == path and row.get("value") for row in values)
    return bool(str(values or "").strip())


def _places(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, _Place]]:
    """Path → (protocol, host); another port or path is the same system."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _places(value, f"{prefix}{name}.")
        elif name in _ADDRESSES:
            yield prefix + name, _place(str(value or ""))


def _place(address: str) -> _Place:
    if "://" not in address:
        return "", address.strip().lower()
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", address
    return parts.scheme, parts.hostname or ""
