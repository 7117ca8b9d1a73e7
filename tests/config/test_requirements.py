"""Lock files pin every package with hashes and name no download host."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.invariants.tree import CHECKOUT

LOCKS = sorted((CHECKOUT / "requirements").glob("*.txt"))
ADDRESS = re.compile(r"https?://|git\+|file:|--(extra-)?index-url|--find-links")


@pytest.fixture
def sync() -> ModuleType:
    """``requirements/sync.py``, which is a script outside any package."""
    spec = importlib.util.spec_from_file_location("requirements_sync", CHECKOUT / "requirements" / "sync.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_with_hashes_and_names_no_host(lock: Path) -> None:
    text = lock.read_text()
    pins = re.findall(r"^[A-Za-z0-9_.\[\]-]+==.*(?:\n {4}--hash=.*)*", text, re.MULTILINE)
    assert pins
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []
    assert ADDRESS.findall(text) == []


def test_the_locks_serve_every_supported_python() -> None:
    base = (CHECKOUT / "requirements" / "base.txt").read_text()
    assert " ; python_full_version < '3.11.3'" in base, "pinned for one Python only: use `make lock`"


def test_the_package_lock_names_no_host() -> None:
    packages = json.loads((CHECKOUT / "frontend" / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_the_development_lock_contains_the_base_lock() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (CHECKOUT / "requirements" / name).read_text(), re.MULTILINE))

    assert pins("base.txt") - pins("dev.txt") == set()


def test_what_pip_was_told_is_passed_on_to_uv(sync: ModuleType) -> None:
    told = {"index-url": "https://index.example/simple", "find-links": "/wheels /more", "cert": "/ca.pem"}
    environment = sync.uv_environment({"UV_DEFAULT_INDEX": "https://own.example"}, told)
    assert environment == {
        "UV_DEFAULT_INDEX": "https://own.example",
        "UV_FIND_LINKS": "/wheels,/more",
        "SSL_CERT_FILE": "/ca.pem",
    }
