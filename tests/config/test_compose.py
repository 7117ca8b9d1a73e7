"""The deployment that is shown holds together, and lets nobody in by old TLS or past its front."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from config.reference import CHECKOUT


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
    return found


def test_only_the_front_and_this_machine_reach_the_web_process(shown: dict[str, Any]) -> None:
    open_to = {name: service["ports"] for name, service in shown["services"].items() if "ports" in service}
    assert open_to == {
        "front": ["80:80", "443:443"],
        "web": ["${HEADRACE_PORT:-127.0.0.1:8000}:8000"],
        "tunnels": ["2222:2222"],
    }
    assert shown["services"]["tunnels"]["profiles"] == ["tunnels"]
    assert shown["services"]["front"]["profiles"] == ["tls"]


def test_the_front_takes_nothing_older_than_tls_1_2(shown: dict[str, Any]) -> None:
    (used,) = shown["services"]["front"]["configs"]
    assert used["target"] == "/etc/caddy/Caddyfile"
    assert "protocols tls1.2 tls1.3" in shown["configs"][used["source"]]["content"]


def test_what_services_name_is_there(shown: dict[str, Any]) -> None:
    for name, service in shown["services"].items():
        assert {used["source"] for used in service.get("configs", ())} <= set(shown["configs"]), name
        mounted = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert mounted <= set(shown["volumes"]), name
