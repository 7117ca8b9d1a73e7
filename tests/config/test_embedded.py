"""The embedded servers start, stop, survive kills, and keep out of each other's way."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config.embedded import EmbeddedError, EmbeddedServices, Urls, ports
from config.embedded.place import fallback_folder, prepare
from config.embedded.services import running_urls
from tests.config.conftest import CHECKOUT, Account, processes_of, wait_until

pytestmark = pytest.mark.services

HOLD = """
import sys, time
from pathlib import Path
from config.embedded import EmbeddedServices
with EmbeddedServices(Path(sys.argv[1])) as services:
    print("ready", flush=True)
    time.sleep(600)
"""
START_AND_STOP = """
import sys
from pathlib import Path
from config.embedded import EmbeddedError, EmbeddedServices
try:
    with EmbeddedServices(Path(sys.argv[1])) as services:
        import psycopg
        with psycopg.connect(services.urls.acme_url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS visits (who text)")
            connection.execute("INSERT INTO visits VALUES (current_user)")
            print(connection.execute("SELECT count(*) FROM visits").fetchone()[0])
except EmbeddedError as error:
    sys.exit(str(error))
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """Run the servers in a process of their own; returns when they are ready."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == "ready\n"
    return holder


@pytest.fixture
def used(data_dir: Path) -> Path:
    """A folder whose servers have run before, at addresses of its own from now on: making a cluster takes seconds."""
    (data_dir / "ports.json").unlink()
    return data_dir


def write_row(urls: Urls) -> None:
    with psycopg.connect(urls.acme_url) as connection:
        connection.execute("CREATE TABLE rows AS SELECT generate_series(1, 1000) AS n")
    with redis.Redis.from_url(urls.redis_url) as client:
        client.set("kept", "yes")


def count_rows(urls: Urls) -> object:
    with psycopg.connect(urls.acme_url) as connection:
        row = connection.execute("SELECT count(*) FROM rows").fetchone()
    return row and row[0]


def test_the_app_connects_as_an_ordinary_role_with_a_password(work_dir: Path) -> None:
    with EmbeddedServices(work_dir / "d") as services:
        with psycopg.connect(services.urls.database_url) as connection:
            row = connection.execute(
                "SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
        assert row == (False, False, True)
        wrong = services.urls.database_url.replace("headrace:", "headrace:x")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(services.urls.acme_url.replace("acme_app", "headrace"))


def test_secrets_are_readable_only_for_their_owner(used: Path) -> None:
    with EmbeddedServices(used) as services:
        private = [used / "services.json", used / "secrets" / "embedded.json"]
        assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
        password = services.urls.database_url.split(":")[2].split("@")[0]
        assert password not in " ".join(" ".join(process.cmdline()) for process in processes_of(used))


def test_data_and_addresses_survive_a_restart(used: Path) -> None:
    with EmbeddedServices(used) as services:
        first = services.urls
        write_row(first)
    assert running_urls(used) is None
    with EmbeddedServices(used) as services:
        assert services.urls == first
        assert count_rows(services.urls) == 1000


def test_everything_killed_at_once_recovers(used: Path) -> None:
    holder = hold(used)
    urls = running_urls(used)
    assert urls is not None
    write_row(urls)
    for process in [psutil.Process(holder.pid), *psutil.Process(holder.pid).children(recursive=True)]:
        process.kill()
    holder.wait()
    wait_until(lambda: not processes_of(used), 10, "killed servers are gone")
    with EmbeddedServices(used) as services:
        assert count_rows(services.urls) == 1000


def test_servers_end_when_their_owner_is_killed(used: Path) -> None:
    holder = hold(used)
    holder.kill()
    holder.wait()
    wait_until(lambda: not processes_of(used), 10, "servers are gone")


def test_a_pid_file_whose_number_was_reused_does_not_bar_the_start(used: Path) -> None:
    with EmbeddedServices(used) as services:
        write_row(services.urls)
    (used / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    with EmbeddedServices(used) as services:
        assert count_rows(services.urls) == 1000


def test_a_server_left_behind_is_ended_first(used: Path) -> None:
    with EmbeddedServices(used) as services:
        write_row(services.urls)
    place = prepare(used)
    who = {"user": place.identity.uid, "group": place.identity.gid, "extra_groups": []} if place.identity else {}
    address = ["-h", ports.LOOPBACK, "-p", str(ports.choose(None)), "-k", ""]
    orphan = subprocess.Popen(
        [place.postgres_bin / "postgres", "-D", used / "postgres", *address],
        cwd="/",
        stderr=subprocess.DEVNULL,
        **who,  # type: ignore[call-overload]
    )
    wait_until((used / "postgres" / "postmaster.pid").exists, 10, "the server left behind runs")
    with EmbeddedServices(used) as services:
        assert orphan.wait(timeout=5) is not None
        assert count_rows(services.urls) == 1000


def test_two_checkouts_run_at_once_and_long_paths_work(work_dir: Path) -> None:
    long = work_dir / ("x" * (130 - len(str(work_dir))))
    assert len(str(long)) > 120
    with EmbeddedServices(work_dir / "one") as one, EmbeddedServices(long) as two:
        write_row(one.urls)
        write_row(two.urls)
        assert one.urls.database_url != two.urls.database_url
        assert one.urls.redis_url != two.urls.redis_url


def test_a_second_owner_of_the_same_folder_is_told_who_holds_it(used: Path) -> None:
    holder = hold(used)
    try:
        with pytest.raises(EmbeddedError, match=rf"already runs .*process {holder.pid}.*HEADRACE_DATA_DIR"):
            EmbeddedServices(used).start()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()


def test_a_taken_port_is_replaced(work_dir: Path) -> None:
    with EmbeddedServices(work_dir / "one") as one:
        (work_dir / "two").mkdir()
        shutil.copy(work_dir / "one" / "ports.json", work_dir / "two" / "ports.json")
        with EmbeddedServices(work_dir / "two") as two:
            assert two.urls.database_url.rpartition(":")[2] != one.urls.database_url.rpartition(":")[2]


def test_a_server_that_dies_is_started_again_at_its_address(used: Path) -> None:
    with EmbeddedServices(used) as services:
        write_row(services.urls)
        postmaster = psutil.Process(int((used / "postgres" / "postmaster.pid").read_text().split()[0]))
        postmaster.kill()
        postmaster.wait(timeout=10)
        services.revive()
        assert count_rows(services.urls) == 1000


def test_only_the_wanted_server_is_started(work_dir: Path) -> None:
    with EmbeddedServices(work_dir / "d", postgres=False) as services:
        assert set(services.env()) == {"REDIS_URL"}


def test_a_plain_user_runs_the_servers(plain_user: Account, work_dir: Path) -> None:
    folder = work_dir / "plain"
    folder.mkdir()
    os.chown(folder, plain_user.uid, plain_user.gid)
    done = plain_user.run(START_AND_STOP, str(folder))
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert (folder / "postgres").stat().st_uid == plain_user.uid


def test_root_leaves_a_plain_users_folder_usable_for_them(plain_user: Account, work_dir: Path) -> None:
    folder = work_dir / "plain"
    folder.mkdir()
    os.chown(folder, plain_user.uid, plain_user.gid)
    plain_user.run(START_AND_STOP, str(folder))
    with EmbeddedServices(folder) as services, psycopg.connect(services.urls.acme_url) as connection:
        assert connection.execute("SELECT count(*) FROM visits").fetchone() == (1,)
    again = plain_user.run(START_AND_STOP, str(folder))
    assert (again.stdout, again.stderr) == ("2\n", "")


def test_a_plain_user_in_roots_folder_is_told_what_to_do(plain_user: Account, work_dir: Path) -> None:
    folder = work_dir / "of-root"
    with EmbeddedServices(folder):
        pass
    refused = plain_user.run(START_AND_STOP, str(folder))
    assert refused.returncode == 1
    assert "belongs to root" in refused.stderr
    assert "HEADRACE_DATA_DIR" in refused.stderr


def test_root_in_a_private_folder_keeps_the_servers_files_elsewhere(work_dir: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root runs the servers as another user")
    private = work_dir / "private"
    private.mkdir(mode=0o700)
    folder = private / "data"
    try:
        with EmbeddedServices(folder) as services:
            write_row(services.urls)
            nobody = pwd.getpwnam("nobody").pw_uid
            assert (fallback_folder(folder) / "postgres").stat().st_uid == nobody
        assert private.stat().st_mode & 0o777 == 0o700
        with EmbeddedServices(folder) as services:
            assert count_rows(services.urls) == 1000
    finally:
        shutil.rmtree(fallback_folder(folder), ignore_errors=True)
