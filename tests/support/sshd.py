"""A real OpenSSH server on loopback, run without any account or file of the machine's own."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.embedded.ports import choose
from connectors.sdk.tunnels import SshServer

PROGRAM = shutil.which("sshd") or "/usr/sbin/sshd"
MISSING = "" if Path(PROGRAM).exists() else "there is no OpenSSH server here (Debian: openssh-server)"


@dataclass
class Sshd:
    """A running server. ``admit`` writes its authorized_keys."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    host = "127.0.0.1"
    user = getpass.getuser()

    @property
    def host_key(self) -> str:
        """The public key it proves."""
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    def admit(self, *lines: str) -> None:
        """Let exactly these keys in."""
        (self.folder / "authorized_keys").write_text("".join(f"{line}\n" for line in lines))

    def server(self, private_key: str, **changed: object) -> SshServer:
        """It, as connectors are told."""
        known = {"host": self.host, "port": self.port, "user": self.user, "host_key": self.host_key}
        return SshServer(**{**known, "private_key": private_key, **changed})  # type: ignore[arg-type]

    def sessions(self) -> list[psutil.Process]:
        """Who is logged in: one process each, those of the same session apart.

        A connection that has yet to log in, or that only asked whether the server is there, has one for a moment too.
        """
        return [child for child in psutil.Process(self.process.pid).children() if self._logged_in(child)]

    def _logged_in(self, child: psutil.Process) -> bool:
        try:
            return f": {self.user}" in " ".join(child.cmdline())
        except psutil.Error:
            return False

    def cut_off(self) -> None:
        """End every connection as a crash of the network would."""
        for session in psutil.Process(self.process.pid).children(recursive=True):
            session.send_signal(signal.SIGKILL)


@contextmanager
def running_sshd(folder: Path) -> Iterator[Sshd]:
    """A server that lives in ``folder``."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host_key")], check=True)
    port = choose(None)
    (folder / "authorized_keys").write_text("")
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host_key\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nAllowTcpForwarding local\nX11Forwarding no\nMaxStartups 100\n"
        "Subsystem sftp internal-sftp\n"
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        _wait(port, process)
        yield Sshd(port, folder, process)
    finally:
        left = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.wait()
        for session in left:
            if session.is_running():
                session.kill()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("the SSH server did not start")
