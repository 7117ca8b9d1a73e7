"""Helpers for tests that run Headrace's processes as a person at a terminal would."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PLAIN_USER = "daemon"


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
        process.kill()
    shutil.rmtree(folder, ignore_errors=True)
