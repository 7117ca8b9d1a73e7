"""Probes, metrics, logs and the doctor, as load balancers, Prometheus and operators meet them."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client, override_settings

from config.logs import Context, about, scrubbed
from config.operating.alive import Beating, living
from config.operating.doctor import Level, examine
from governance.audit.context import correlate
from tests.world import World
from workspaces.scoping import workspace_scope


def get(path: str, **headers: str) -> Any:
    return Client(headers=headers).get(path)


@pytest.mark.django_db
def test_ready_tells_what_works_and_what_does_not(settings: Any) -> None:
    answer = get("/readyz")
    assert answer.status_code == 200
    vital = {name: state for name, state in answer.json()["checks"].items() if name not in ("workers", "scheduler")}
    assert vital == dict.fromkeys(("database", "migrations", "redis", "storage"), "ok")
    settings.STORAGE_URL = "file:///proc/nowhere"
    answer = get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["storage"] == "failing"
    assert "/proc" not in answer.content.decode()


@pytest.mark.django_db
def test_workers_are_known_while_they_live() -> None:
    before = living()["worker"]
    with Beating("worker") as beating:
        while living()["worker"] == before:
            assert beating is not None
        assert get("/readyz").json()["checks"]["workers"] == "ok"
    assert living()["worker"] == before


def test_metrics_are_for_whoever_knows_the_token(world: World, settings: Any) -> None:
    with workspace_scope(world.acme.workspace.pk):
        assert world.acme.rows["run"]
    assert get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "scrape-me"
    assert get("/metrics").status_code == 401
    assert get("/metrics", Authorization="Bearer wrong").status_code == 401
    page = get("/metrics", Authorization="Bearer scrape-me").content.decode()
    assert 'headrace_runs_live{status="enqueued"} 1.0' in page
    assert 'headrace_steps_waiting{kind="prepare"} 1.0' in page
    assert 'headrace_queue_messages{queue="runs"}' in page
    assert 'headrace_http_request_seconds_count{route="metrics",status="4xx"}' in page
    assert "acme" not in page


@pytest.mark.parametrize(
    "line",
    [
        "postgresql://u:hunter2hunter2@db/x",
        "Authorization: Bearer hunter2hunter2",
        'got {"password": "hunter2hunter2"}',
        "key hr_hunter2hunter2",
        "api_key=hunter2hunter2&x=1",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2hunter2\n-----END OPENSSH PRIVATE KEY-----",
    ],
)
def test_credentials_stay_out_of_log_lines(line: str) -> None:
    assert "hunter2" not in scrubbed(line)
    assert "hunter2" not in scrubbed("x" * 30_000 + line)


def test_a_log_line_knows_what_it_is_about() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "sent %s to %s", ("a", "https://u:hunter2@h/"), None)
    with correlate("c0ffee"), about(run=7):
        Context().filter(record)
    assert record.getMessage() == "sent a to https://u:••••@h/"
    assert (record.correlation_id, record.run, record.workspace) == ("c0ffee", 7, None)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("setting", "value", "name", "level"),
    [
        ("DEBUG", True, "debug", Level.ERROR),
        ("SECRET_KEY", "x" * 50, "signing key", Level.ERROR),
        ("SECRET_KEYS", ["nonsense"], "secret keys", Level.ERROR),
        ("ALLOWED_HOSTS", ["other.example.com"], "host names", Level.ERROR),
        ("ALLOWED_HOSTS", ["*"], "host names", Level.WARNING),
        ("BASE_URL", "https://127.0.0.1", "TLS", Level.ERROR),
        ("CSRF_TRUSTED_ORIGINS", ["example.com"], "trusted origins", Level.ERROR),
        ("OUTBOUND_ALLOW", ["*"], "outbound calls", Level.WARNING),
        ("OUTBOUND_PROXY", "http://127.0.0.1:9", "way out", Level.ERROR),
        ("STORAGE_URL", "file:///proc/nowhere", "storage", Level.ERROR),
        ("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend", "mail", Level.WARNING),
    ],
)
@pytest.mark.django_db
def test_the_doctor_finds(setting: str, value: Any, name: str, level: Level) -> None:
    with override_settings(**{setting: value}):
        found = {finding.name: finding for finding in examine()}
    assert found[name].level is level
    assert found[name].hint or name == "storage"


@pytest.mark.django_db
def test_the_doctor_answers_machines_and_ends_with_a_status(settings: Any) -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:  # no worker runs here
        call_command("doctor", json=True, stdout=out)
    assert ended.value.code == 1
    found = {finding["name"]: finding for finding in json.loads(out.getvalue())["findings"]}
    assert found["workers"]["hint"].startswith("Start one")
    assert found["database role"]["level"] == found["connection pooling"]["level"] == found["clock"]["level"] == "ok"
