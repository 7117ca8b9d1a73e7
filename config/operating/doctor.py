"""Finds the usual misconfigurations of an installation and says what to do about each."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connection

from config.operating.alive import connection as redis_connection
from config.operating.probes import outcomes
from config.outbound import proxy
from config.timezones import timezone_names
from connectors.sdk.errors import ConfigError

_LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1"}
_GIGABYTE = 1 << 30
_MAX_SKEW_S = 5.0


class Level(StrEnum):
    """How bad a finding is: an error has to be mended, a warning should be understood."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    level: Level
    message: str
    hint: str = ""


def examine() -> list[Finding]:
    """Look at everything. What breaks down while being looked at is an error of its own."""
    found = [Finding(o.name, Level.OK if o.ok else Level.ERROR, o.message, o.hint) for o in outcomes()]
    reachable = {finding.name for finding in found if finding.level is Level.OK}
    for check in _CHECKS:
        if check.needs and check.needs not in reachable:
            continue
        try:
            found += check.look()
        except Exception as error:
            found.append(Finding(check.name, Level.ERROR, f"This could not be looked at: {error}"[:500]))
    return found


@dataclass(frozen=True, slots=True)
class _Check:
    name: str
    look: Callable[[], Iterator[Finding]]
    needs: str = ""


def _keys() -> Iterator[Finding]:
    local = Path(settings.DATA_DIR) / "secrets"
    own = local / "credentials"
    kept_here = own.exists() and [own.read_text().strip()] == settings.SECRET_KEYS
    for key in settings.SECRET_KEYS:
        try:
            Fernet(key)
        except ValueError:
            yield Finding(
                "secret keys",
                Level.ERROR,
                "HEADRACE_SECRET_KEYS holds a value that is no Fernet key.",
                "Make one: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'",
            )
            return
    if kept_here:
        yield Finding(
            "secret keys",
            Level.WARNING,
            f"The key that encrypts credentials is only in {local}.",
            "Set HEADRACE_SECRET_KEYS, the same for every process, and keep a copy elsewhere: without it "
            "a backup's credentials cannot be read.",
        )
    elif len(settings.SECRET_KEYS) > 1:
        yield Finding(
            "secret keys",
            Level.WARNING,
            f"{len(settings.SECRET_KEYS) - 1} older keys are still accepted.",
            "Run manage.py rotate_secrets --check, then take them out of HEADRACE_SECRET_KEYS.",
        )
    else:
        yield Finding("secret keys", Level.OK, "One key encrypts the stored credentials.")


def _signing_key() -> Iterator[Finding]:
    weak = len(settings.SECRET_KEY) < 32 or len(set(settings.SECRET_KEY)) < 8
    if weak:
        yield Finding(
            "signing key",
            Level.ERROR,
            "HEADRACE_DJANGO_SECRET_KEY is short or repeats itself: sessions could be forged.",
            "Set a long random text, the same for every web process. People sign in again afterwards.",
        )
    else:
        yield Finding("signing key", Level.OK, "Sessions are signed with a long key.")


def _debug() -> Iterator[Finding]:
    if settings.DEBUG:
        words = "HEADRACE_DEBUG is on: error pages show settings and source code to everybody."
        yield Finding("debug", Level.ERROR, words, "Take HEADRACE_DEBUG out.")
    else:
        yield Finding("debug", Level.OK, "Debug pages are off.")


def _addresses() -> Iterator[Finding]:
    base = urlsplit(settings.BASE_URL)
    hosts = {host.lower() for host in settings.ALLOWED_HOSTS}
    name = (base.hostname or "").lower()
    if "*" in hosts:
        yield Finding(
            "host names",
            Level.WARNING,
            "HEADRACE_ALLOWED_HOSTS is “*”: links in e-mails could be made to lead elsewhere.",
            f"Name the hosts people use, for example {name or 'headrace.example.com'}.",
        )
    elif not any(name == host or (host.startswith(".") and name.endswith(host)) for host in hosts):
        yield Finding(
            "host names",
            Level.ERROR,
            f"HEADRACE_BASE_URL names {name or 'no host'}, which HEADRACE_ALLOWED_HOSTS does not.",
            f"Add {name} to HEADRACE_ALLOWED_HOSTS.",
        )
    else:
        yield Finding("host names", Level.OK, f"People reach Headrace at {settings.BASE_URL}.")
    yield from _transport(base.scheme, name)


def _transport(scheme: str, name: str) -> Iterator[Finding]:
    public = name not in _LOOPBACK
    if public and scheme != "https":
        yield Finding(
            "TLS",
            Level.WARNING,
            f"HEADRACE_BASE_URL begins with {scheme}: passwords and cookies travel in the clear.",
            "Put a proxy with TLS in front, then set HEADRACE_BASE_URL and HEADRACE_HTTPS=true.",
        )
    elif scheme == "https" and not settings.SECURE_SSL:
        yield Finding(
            "TLS",
            Level.ERROR,
            "HEADRACE_BASE_URL begins with https, and HEADRACE_HTTPS is off: cookies are not marked as secure.",
            "Set HEADRACE_HTTPS=true; the proxy must send X-Forwarded-Proto.",
        )
    else:
        yield Finding("TLS", Level.OK, "Cookies are secure." if settings.SECURE_SSL else "Only this machine is served.")
    if settings.SECURE_SSL and settings.ALLAUTH_TRUSTED_PROXY_COUNT == 0:
        yield Finding(
            "proxy",
            Level.WARNING,
            "HEADRACE_TRUSTED_PROXIES is 0 behind a proxy: limits on sign-in attempts count all people as one.",
            "Set it to the number of proxies that append to X-Forwarded-For.",
        )
    for origin in settings.CSRF_TRUSTED_ORIGINS:
        if "://" not in origin or origin.endswith("/"):
            yield Finding(
                "trusted origins",
                Level.ERROR,
                f"HEADRACE_TRUSTED_ORIGINS holds “{origin}”, which is no origin.",
                "Write https://name, without a path.",
            )


def _role() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        rights = cursor.fetchone()
    if rights and any(rights):
        yield Finding(
            "database role",
            Level.ERROR,
            "DATABASE_URL names a role that is a superuser or bypasses row-level security.",
            "Connect as an ordinary role that owns its database: otherwise workspaces are not walled off.",
        )
    else:
        yield Finding("database role", Level.OK, "The database role is an ordinary one.")


def _pooling() -> Iterator[Finding]:
    """Two statements outside a transaction must meet the same session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('headrace.doctor', 'here', false)")
        seen = set()
        for _ in range(5):
            cursor.execute("SELECT coalesce(current_setting('headrace.doctor', true), ''), pg_backend_pid()")
            seen.add(cursor.fetchone())
    if len(seen) > 1 or "here" not in {value for value, _ in seen}:
        yield Finding(
            "connection pooling",
            Level.ERROR,
            "A pooler between Headrace and PostgreSQL pools transactions or statements.",
            "Let it pool sessions: what a connection may see is a variable of its session.",
        )
    else:
        yield Finding("connection pooling", Level.OK, "Each connection keeps its session.")


def _clock() -> Iterator[Finding]:
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        there = float(cursor.fetchone()[0])
    skew = there - (before + time.time()) / 2
    if abs(skew) > _MAX_SKEW_S:
        yield Finding(
            "clock",
            Level.ERROR,
            f"This machine's clock differs from the database's by {skew:+.0f} seconds.",
            "Synchronise both with NTP: schedules, leases and sign-in codes depend on it.",
        )
    else:
        yield Finding("clock", Level.OK, "This machine and the database agree on the time.")


def _redis_policy() -> Iterator[Finding]:
    client = redis_connection()
    try:
        policy = str(client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction"))
    except Exception:
        policy = ""
    finally:
        client.close()
    if not policy:
        yield Finding(
            "Redis eviction", Level.WARNING, "Redis does not tell its eviction policy.", "It should be noeviction."
        )
    elif policy != "noeviction":
        yield Finding(
            "Redis eviction",
            Level.WARNING,
            f"Redis may throw keys away when its memory is full ({policy}).",
            "Set maxmemory-policy noeviction: lost queue messages and limits cost seconds, or break rate limits.",
        )
    else:
        yield Finding("Redis eviction", Level.OK, "Redis keeps what it is given.")


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage(settings.DATA_DIR).free
    level = Level.ERROR if free < _GIGABYTE else Level.WARNING if free < 5 * _GIGABYTE else Level.OK
    hint = "Free some: queries and comparisons spill to it, and runs stop when it is full." if level != Level.OK else ""
    yield Finding("disk", level, f"{free / _GIGABYTE:.1f} GB are free in {settings.DATA_DIR}.", hint)


def _mail() -> Iterator[Finding]:
    if "smtp" not in settings.EMAIL_BACKEND:
        yield Finding(
            "mail",
            Level.WARNING,
            "No mail server is set: invitations, password resets and alerts go to files in the data folder.",
            "Set HEADRACE_EMAIL_URL, for example smtp://user:password@mail.example.com:587.",
        )
    elif settings.DEFAULT_FROM_EMAIL.endswith("@localhost>"):
        yield Finding("mail", Level.WARNING, "E-mails are sent from headrace@localhost.", "Set HEADRACE_EMAIL_FROM.")
    else:
        yield Finding("mail", Level.OK, f"E-mails leave through {settings.EMAIL_HOST}.")


def _zones() -> Iterator[Finding]:
    if "Europe/Berlin" in timezone_names():
        yield Finding("time zones", Level.OK, "Time zone data is there.")
    else:
        yield Finding("time zones", Level.ERROR, "There is no time zone data.", "Install tzdata.")


def _storage_place() -> Iterator[Finding]:
    if settings.STORAGE_URL.startswith("file:") and urlsplit(settings.DATABASE_URL).hostname not in _LOOPBACK:
        yield Finding(
            "storage place",
            Level.WARNING,
            "Baselines are in a local folder, and the database is on another machine.",
            "With workers on several machines, set HEADRACE_STORAGE_URL to object storage that all of them reach.",
        )
    else:
        yield Finding("storage place", Level.OK, "Every process reaches the same storage.")


def _outbound() -> Iterator[Finding]:
    if "*" in settings.OUTBOUND_ALLOW:
        yield Finding(
            "outbound calls",
            Level.WARNING,
            "HEADRACE_OUTBOUND_ALLOW is “*”: whoever adds a connection reaches this machine's private network.",
            "Name the hosts and ports that are needed, or use SSH tunnels.",
        )
    else:
        yield Finding("outbound calls", Level.OK, "Private networks are closed to connectors, but for named hosts.")


def _proxy() -> Iterator[Finding]:
    try:
        way = proxy()
    except ConfigError as error:
        yield Finding("way out", Level.ERROR, f"HEADRACE_OUTBOUND_PROXY: {error.message}", error.hint)
        return
    if way is None:
        yield Finding("way out", Level.OK, "Calls leave without a proxy.")
        return
    try:
        socket.create_connection((way.host, way.port), timeout=5).close()
    except OSError as error:
        yield Finding("way out", Level.ERROR, f"The proxy {way.place} does not answer: {error}", "Check its address.")
        return
    if way.resolves:
        words = f"The proxy {way.place} resolves names, so it alone keeps private networks closed."
        yield Finding("way out", Level.WARNING, words, "Let it refuse private, link-local and metadata addresses.")
    else:
        yield Finding("way out", Level.OK, f"Calls leave through the proxy {way.place}.")


def _reverse_tunnels() -> Iterator[Finding]:
    from connectors import reverse

    try:
        front = reverse.front() and reverse.ports()
    except ValueError as error:
        yield Finding("reverse tunnels", Level.ERROR, str(error), "Mend it, and start the processes again.")
        return
    if not front:
        yield Finding("reverse tunnels", Level.OK, "Reverse SSH tunnels are not offered.")
        return
    place = reverse.place()
    try:
        socket.create_connection((place.reachable, place.port), timeout=5).close()
    except OSError:
        yield Finding(
            "reverse tunnels",
            Level.WARNING,
            f"No server of reverse tunnels answers at {place.reachable}:{place.port}.",
            "Start one: manage.py run_tunnel_server. Where it runs on another machine, look there.",
        )
    else:
        yield Finding("reverse tunnels", Level.OK, f"Clients of reverse tunnels log in at {settings.TUNNEL_ADDRESS}.")


_CHECKS = (
    _Check("secret keys", _keys),
    _Check("signing key", _signing_key),
    _Check("debug", _debug),
    _Check("host names", _addresses),
    _Check("database role", _role, "database"),
    _Check("connection pooling", _pooling, "database"),
    _Check("clock", _clock, "database"),
    _Check("Redis eviction", _redis_policy, "redis"),
    _Check("disk", _disk),
    _Check("mail", _mail),
    _Check("time zones", _zones),
    _Check("storage place", _storage_place),
    _Check("outbound calls", _outbound),
    _Check("way out", _proxy),
    _Check("reverse tunnels", _reverse_tunnels),
)
