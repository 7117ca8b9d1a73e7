"""Helpers for tests that run Headrace's processes as a person at a terminal would."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from config.embedded import EmbeddedServices
from tests.support.databases import alone, fingerprint
from tests.support.shared_services import shared_dir

CHECKOUT = Path(__file__).resolve().parents[2]
PLAIN_USER = "daemon"
END_LIMIT = 15.0


def wait_until(true: Callable[[], object], seconds: float, what: str) -> None:
    """Poll until ``true`` or fail with ``what``."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


def processes_of(folder: Path) -> list[psutil.Process]:
    """Living processes that were started for this data folder; servers rename themselves but work inside it."""
    found = []
    for process in psutil.process_iter():
        try:
            belongs = (
                str(folder) in " ".join(process.cmdline())
                or process.environ().get("HEADRACE_DATA_DIR") == str(folder)
                or Path(process.cwd()).is_relative_to(folder)
            )
            if belongs and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@dataclass(frozen=True)
class Account:
    """A system user that can run Python with this checkout's packages."""

    uid: int
    gid: int
    python: str
    env: Mapping[str, str]

    def run(self, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python code as this user."""
        return subprocess.run(
            [self.python, "-c", code, *arguments],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="session")
def plain_user() -> Iterator[Account]:
    """An ordinary system user, as the superuser can become one, with a Python they may run."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    account = pwd.getpwnam(PLAIN_USER)
    env = {"PATH": os.defpath, "PYTHONPATH": f"{CHECKOUT}:{sysconfig.get_paths()['purelib']}"}
    user = Account(account.pw_uid, account.pw_gid, sys.executable, env)
    if _works(user):
        yield user
        return
    with tempfile.TemporaryDirectory(prefix="headrace-python-") as folder:
        libraries = {"LD_LIBRARY_PATH": f"{folder}/lib"}
        yield replace(user, python=_copy_python(Path(folder)), env=env | libraries)


def _works(user: Account) -> bool:
    try:
        return user.run("import config.embedded").returncode == 0
    except PermissionError:
        return False


def _copy_python(folder: Path) -> str:
    """A copy of this interpreter outside a private home folder."""
    folder.chmod(0o755)
    library = Path(sysconfig.get_paths()["stdlib"])
    unneeded = shutil.ignore_patterns("site-packages", "test", "__pycache__", "idlelib", "ensurepip", "*.a")
    shutil.copytree(library, folder / "lib" / library.name, ignore=unneeded)
    (folder / "bin").mkdir()
    python = folder / "bin" / library.name
    shutil.copy(Path(sys.executable).resolve(), python)
    for shared in Path(sysconfig.get_config_var("LIBDIR")).glob("libpython3*.so*"):
        shutil.copy(shared, folder / "lib")
    return str(python)


@pytest.fixture
def work_dir() -> Iterator[Path]:
    """A temporary folder that other system users can reach (pytest's own are private)."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-open-"))
    folder.chmod(0o755)
    yield folder
    for process in processes_of(folder):
        with suppress(psutil.NoSuchProcess):  # it may end by itself just now
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def clean_env(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a person who set nothing but the folder."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "HEADRACE_DATA_DIR": str(folder), "PYTHONPATH": str(CHECKOUT), **more}


class Terminal:
    """A supervisor started as from a terminal, with what it said so far."""

    def __init__(self, folder: Path, command: str = "serve", **env: str) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.supervisor", command],
            cwd=CHECKOUT,
            env=clean_env(folder, **env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            self.lines.extend(stream)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        wait_until(
            lambda: re.search(pattern, self.text) or self.process.poll() is not None,
            seconds,
            f"{pattern!r} in:\n{self.text}",
        )
        found = re.search(pattern, self.text)
        assert found, self.text
        return found

    def end(self, number: signal.Signals) -> float:
        """Send the signal; return the seconds until the supervisor was gone."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=END_LIMIT + 10)
        self._reader.join(timeout=5)
        return time.monotonic() - began


@pytest.fixture(scope="session")
def first_start() -> Path:
    """A data folder whose servers ran once; making a cluster takes seconds, so all processes share one."""
    kept = shared_dir() / f"first-start-{fingerprint()}"
    with alone(shared_dir() / "first-start.lock"):
        if not kept.exists():
            for old in shared_dir().glob("first-start-*"):
                shutil.rmtree(old)
            new = shared_dir() / "first-start-new"
            with EmbeddedServices(new):
                pass
            new.rename(kept)
    return kept


@pytest.fixture
def data_dir(work_dir: Path, first_start: Path) -> Path:
    """A copy of it for one test, owners and all."""
    subprocess.run(["cp", "-a", str(first_start), str(work_dir / "data")], check=True)
    return work_dir / "data"
