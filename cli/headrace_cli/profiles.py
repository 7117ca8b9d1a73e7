"""Where keys are kept: one file that only its owner reads, with a profile for each workspace."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from headrace_cli.errors import CliError, NotSignedIn

DEFAULT = "default"
LOCAL = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Profile:
    """An installation's address and a key to one of its workspaces."""

    url: str
    key: str


def profile_named(name: str, *, url: str = "", key: str = "") -> Profile:
    """The stored profile, with an address or key from the command line or the environment in place of its own."""
    stored = _read().get(name)
    url, key = url or (stored.url if stored else ""), key or (stored.key if stored else "")
    if not url or not key:
        missing = "address and key" if not url and not key else "address" if not url else "key"
        raise NotSignedIn(
            f"No {missing} for the profile “{name}”.",
            hint="Run `headrace login`, or set HEADRACE_URL and HEADRACE_APIKEY.",
        )
    return Profile(checked_url(url), key)


def save_profile(name: str, profile: Profile) -> Path:
    """Keep a profile; the path of the file."""
    return _write({**_read(), name: profile})


def forget_profile(name: str) -> bool:
    """Remove a profile; whether there was one."""
    profiles = _read()
    if profiles.pop(name, None) is None:
        return False
    _write(profiles)
    return True


def file_path() -> Path:
    """``$HEADRACE_CONFIG``, or ``headrace/profiles.json`` in the person's configuration folder."""
    if given := os.environ.get("HEADRACE_CONFIG"):
        return Path(given)
    base = os.environ.get("APPDATA") if os.name == "nt" else os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "headrace" / "profiles.json"


def checked_url(url: str) -> str:
    """The address without its path; plain HTTP only on this machine, as the key travels with every request."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CliError(f"“{url}” is no address.", hint="Give one such as https://headrace.example.")
    if parts.scheme == "http" and parts.hostname not in LOCAL and os.environ.get("HEADRACE_ALLOW_HTTP") != "1":
        raise CliError(
            f"{url} is not encrypted, and the key would be readable on its way.",
            hint="Use https, or set HEADRACE_ALLOW_HTTP=1 if the network is your own.",
        )
    return f"{parts.scheme}://{parts.netloc}"


def _read() -> dict[str, Profile]:
    path = file_path()
    try:
        stored = json.loads(path.read_text())["profiles"]
        return {name: Profile(**values) for name, values in stored.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CliError(f"{path} cannot be read as profiles.", hint="Remove it and run `headrace login`.") from error


def _write(profiles: Mapping[str, Profile]) -> Path:
    """Replace the file whole; it is made so that only its owner can read it."""
    path = file_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".profiles-")  # made with mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            json.dump({"profiles": {name: asdict(profile) for name, profile in profiles.items()}}, file, indent=2)
            file.write("\n")
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path
