"""Install locked requirements: ``python requirements/sync.py base|drivers|dev``, or ``… clients FOLDER`` elsewhere.

What runs beside Headrace in tests and benchmarks pins packages of its own, so each set has a
virtual environment of its own, made in the folder that is named.

uv does it in seconds; where uv cannot (no wheel for the platform, an index it
does not reach) pip does. Both check every hash. uv does not read pip's
configuration, so what pip was told about indexes and certificates is passed on.
Uses only the standard library: it runs before anything is installed.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEVELS = ("base", "drivers", "dev", "clients", "orchestrators", "chdb", "fakesnow", "bqemulator", "secantusdb", "peers")
# pip's setting → uv's variable. The names are pip's, without section.
PASSED_ON = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
COMMA_SEPARATED = {"UV_FIND_LINKS"}


def main(level: str, folder: str | None = None) -> int:
    """Exit status of the installer."""
    python = _environment(Path(folder)) if folder else sys.executable
    _pip("install", "--quiet", "--require-hashes", "-r", str(HERE / "bootstrap.txt"))
    lock = HERE / f"{level}.txt"
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "sync", "--quiet", "--require-hashes"]
    # Any index may hold the file the hash names, as with pip.
    uv += ["--index-strategy", "unsafe-best-match", "--python", python]
    # The locks are made for every Python; install for this one.
    uv += ["--python-version", platform.python_version(), str(lock)]
    try:
        if subprocess.run(uv, env=uv_environment(os.environ, _pip_settings()), check=False).returncode == 0:
            return 0
    except OSError as error:
        print(f"uv does not run here: {error}", file=sys.stderr)
    print("Installing with pip instead of uv (slower).", file=sys.stderr)
    pip = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
    return subprocess.run(pip, check=False).returncode


def _environment(folder: Path) -> str:
    """The Python of a virtual environment in this folder, which is made if need be."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    return str(python)


def uv_environment(environment: Mapping[str, str], pip_settings: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: what is set for uv already stands, pip's settings fill the rest."""
    passed_on = {}
    for setting, value in pip_settings.items():
        if variable := PASSED_ON.get(setting):
            passed_on[variable] = ",".join(value.split()) if variable in COMMA_SEPARATED else value
    return {**passed_on, **environment}


def _pip_settings() -> dict[str, str]:
    """pip's effective settings: files first, then ``PIP_*`` variables."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    settings: dict[str, str] = {}
    for prefix in ("global.", "install.", ":env:."):
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(prefix):
                settings[name.removeprefix(prefix)] = value.strip("'\"").replace("\\n", " ")
    return settings


def _pip(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pip", *arguments], check=False).returncode


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in LEVELS:
        sys.exit(f"usage: python requirements/sync.py {'|'.join(LEVELS)} [FOLDER]")
    sys.exit(main(*sys.argv[1:]))
