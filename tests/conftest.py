"""What every test can ask for; see ``tests/support`` for how the servers are shared.

Nothing is started until a test asks for the database, Redis or ``services``:
tests of the pure packages run without any.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

if TYPE_CHECKING:
    from tests.world import World

# Looking for garbage as often as Python does by itself took a fifteenth of the tests' time: modules fill the memory
# with what stays.
gc.set_threshold(20_000, 20, 20)
# The tests' own world, before any module reads the settings. The addresses lead
# nowhere until the `services` fixture replaces them.
_process_dir = Path(tempfile.mkdtemp(prefix="headrace-test-"))
(_process_dir / "static").mkdir()  # whitenoise warns where it is missing
_TEST_KEY = "dGhlIGtleSBvZiB0ZXN0cywgbmV2ZXIgYW55d2hlcmU="
_given = {name: os.environ.get(f"TEST_{name}", "") for name in ("DATABASE_URL", "REDIS_URL")}
for _name in [name for name in os.environ if name.startswith("HEADRACE_")]:
    del os.environ[_name]
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/unasked",
    "REDIS_URL": "redis://127.0.0.1:9",
    "HEADRACE_DATA_DIR": str(_process_dir),
    "HEADRACE_DJANGO_SECRET_KEY": "test",
    "HEADRACE_SECRET_KEYS": _TEST_KEY,
    "HEADRACE_STYLEGUIDE": "true",
    # Where the stand-in for S3 keeps the requests that a test asks for; it would be the checkout.
    "MOTO_RECORDER_FILEPATH": str(_process_dir / "moto_recording"),
}

from django.conf import settings  # noqa: E402 - the environment comes first

from config.embedded import Urls  # noqa: E402 - the environment comes first
from tests.support import grids  # noqa: E402
from tests.support.budgets import spent, told  # noqa: E402
from tests.support.databases import at, create_test_database, drop_test_database, keep_connection, let_go, use_database  # noqa: E402
from tests.support.redis_slots import Slot, claim_slot  # noqa: E402
from tests.support.shared_services import Lease, shared_dir  # noqa: E402

# A shared or busy machine is no reason to fail; hanging tests are ended by CI.
hypothesis.settings.register_profile("headrace", deadline=None)
hypothesis.settings.load_profile("headrace")
# Before its first test it would read the source of every loaded module for numbers and words to try, in each process
# anew; the strategies here name what matters.
providers._get_local_constants = Constants

# Each test's client loads the middleware anew, and finding every static file then would cost more than its requests.
settings.WHITENOISE_AUTOREFRESH = True
# How slowly passwords are hashed is Django's business; what an installation uses, tests/security holds.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# pytest-django sets Django up when it finds the settings loaded.
assert settings.DATABASES


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let each process load the settings after it has made its own environment, not with this one's folder."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, or one process would end with it while the others have nothing left to do."""
    items.sort(key=lambda item: ("services" not in item.keywords, "browser" not in item.keywords))


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end, and is not looked through any more."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What each folder took, and what was left to ``make test-all``, after a run of all tests."""
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.collectonly:
        return
    reports = [r for found in terminalreporter.stats.values() for r in found if isinstance(r, pytest.TestReport)]
    terminalreporter.section("time by folder")
    for line in told(spent(reports)):
        terminalreporter.line(line)
    terminalreporter.section("cells of large grids")
    for line in grids.told():
        terminalreporter.line(line)


def pytest_unconfigure() -> None:
    gc.unfreeze()  # or libraries in C++ complain at the end of what was never let go
    shutil.rmtree(_process_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def services() -> Iterator[Urls]:
    """Running PostgreSQL and Redis: the shared embedded ones, or those of ``TEST_DATABASE_URL``/``TEST_REDIS_URL``."""
    if _given["DATABASE_URL"] and _given["REDIS_URL"]:
        yield Urls(_given["DATABASE_URL"], _given["REDIS_URL"])
        return
    lease = Lease()
    urls = lease.take()
    yield Urls(_given["DATABASE_URL"] or urls.database_url, _given["REDIS_URL"] or urls.redis_url, urls.acme_url)
    lease.end()


@pytest.fixture(scope="session")
def redis_slot(services: Urls, django_test_environment: None) -> Iterator[Slot]:
    """Redis databases of this process; cache and queue use them from here on."""
    import dramatiq
    from django.test import override_settings

    from config.queue import queue_pool

    slot = claim_slot(services.redis_url, shared_dir())
    cache = {**settings.CACHES["default"], "LOCATION": services.redis_url, "OPTIONS": {"db": slot.cache_db}}
    # With the number, or the limits of destinations would be shared with other test processes.
    redis_url = f"{services.redis_url.rstrip('/')}/{slot.cache_db}"
    changed = override_settings(CACHES={"default": cache}, REDIS_URL=redis_url, QUEUE_REDIS_DB=slot.queue_db)
    changed.enable()
    broker = dramatiq.get_broker()
    broker.client.connection_pool = queue_pool(services.redis_url, slot.queue_db)  # type: ignore[attr-defined]
    yield slot
    changed.disable()
    slot.release()


@pytest.fixture(scope="session")
def django_db_setup(
    services: Urls, redis_slot: Slot, django_test_environment: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[None]:
    """A migrated database of this process's own, as an ordinary role under row-level security."""
    from tests.support.rows import empty_quickly

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        name = create_test_database(services.database_url, shared_dir())
        use_database(at(services.database_url, name))
        keep_connection()
        empty_quickly()
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        let_go()
        drop_test_database(services.database_url, name)


@pytest.fixture
def world(db: None) -> World:
    """The named world of ``tests/world.py``, made anew for the test."""
    from tests.world import build_world

    return build_world()
