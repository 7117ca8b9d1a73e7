"""Credentials: encrypted at rest, written and never read back, in no page, log, audit entry or error text."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings

from connectors import access, secrets, services
from connectors.models import Destination
from connectors.registry import DESTINATIONS
from governance.audit.models import AuditEntry
from tests.connectors.app.connections import HEADER_SECRET, a_destination, http_settings
from tests.world import Place, World
from workspaces.scoping import unscoped, workspace_scope

KEYS = ["NewNewNewNewNewNewNewNewNewNewNewNewNewNewN=", "OldOldOldOldOldOldOldOldOldOldOldOldOldOldO="]
SECRET = "hunter2-hunter2-hunter2"


@pytest.fixture
def acme(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


def stored_text(destination: Destination) -> str:
    """The row as the database holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(d)::text FROM connectors_destination d WHERE id = %s", [destination.pk])
        return str(cursor.fetchone()[0])


def test_what_is_encrypted_comes_back_and_does_not_show() -> None:
    token = secrets.encrypt({"password": SECRET})
    assert SECRET not in token
    assert secrets.decrypt(token) == {"password": SECRET}
    assert secrets.encrypt({}) == ""
    assert secrets.decrypt("") == {}


def test_the_database_holds_no_credential_in_the_clear(acme: Place) -> None:
    destination = a_destination(acme)
    assert SECRET not in stored_text(destination)
    assert access.settings_of(destination)["headers"][0]["value"] == HEADER_SECRET


def test_the_audit_log_names_what_was_replaced_and_never_shows_it(acme: Place) -> None:
    destination = a_destination(acme)
    headers = [{"name": "Authorization", "value": f"{SECRET}-2"}, {"name": "X-Signature", "value": SECRET}]
    services.update_destination(actor=acme.actor, destination=destination, values={"headers": headers})
    services.delete_destination(actor=acme.actor, destination=destination)
    entries = list(AuditEntry.objects.filter(resource_type="destination", resource_id=destination.pk))
    assert len(entries) == 3
    text = json.dumps([[e.before, e.after, e.resource_label] for e in entries])
    assert SECRET not in text
    updated = next(e for e in entries if e.event == "destination.updated")
    assert updated.after is not None
    assert updated.after["replaced"] == ["headers.Authorization", "headers.X-Signature"]


def test_only_replaced_credentials_get_a_new_date(acme: Place) -> None:
    destination = a_destination(acme, oauth={"token_url": "https://t", "client_id": "c", "client_secret": SECRET})
    before = dict(destination.secret_set_at)
    token = destination.secret_config
    again = services.update_destination(
        actor=acme.actor, destination=destination, values={"base_url": "https://api.example.com/v2"}
    )
    assert (again.secret_set_at, again.secret_config) == (before, token)
    oauth = {"token_url": "https://t", "client_id": "c", "client_secret": "another-secret"}
    changed = services.update_destination(actor=acme.actor, destination=again, values={"oauth": oauth})
    assert changed.secret_set_at["headers.Authorization"] == before["headers.Authorization"]
    assert changed.secret_set_at["oauth.client_secret"] > before["oauth.client_secret"]


def test_no_page_shows_a_credential(acme: Place, client: Client) -> None:
    destination = a_destination(acme, client_key=f"-----BEGIN-----\n{SECRET}\n-----END-----")
    client.force_login(acme.owner)
    for tab in ("", "/configuration", "/activity"):
        page = client.get(f"/acme/destinations/{destination.pk}{tab}")
        assert page.status_code == 200
        assert SECRET not in page.content.decode()
    wrong = {"base_url": "nonsense", "headers__name": ["Authorization"], "headers__value": [SECRET]}
    page = client.post(f"/acme/destinations/{destination.pk}/configuration", {**wrong, "headers__secret": ["1"]})
    assert page.status_code == 422
    assert SECRET not in page.content.decode()


def test_row_texts_and_representations_hold_no_credential(acme: Place) -> None:
    destination = a_destination(acme)
    assert SECRET not in f"{destination!r} {destination}"


def test_an_error_that_repeats_the_credential_is_scrubbed_from_outcome_row_and_log(
    acme: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = a_destination(acme)
    for name in ("Refusing", "Defective"):
        monkeypatch.setitem(DESTINATIONS, "http_request", f"tests.connectors.app.talkative:{name}")
        with caplog.at_level(logging.DEBUG):
            outcome = services.check_destination(actor=acme.actor, destination=destination)
        destination.refresh_from_db()
        assert "said ••••" in destination.last_check_message
        assert SECRET not in f"{outcome} {destination.last_check_message} {caplog.text}"


@override_settings(SECRET_KEYS=KEYS[1:])
def test_rotation_moves_every_workspace_to_the_newest_key(world: World) -> None:
    made = []
    for place in (world.acme, world.globex):
        with workspace_scope(place.workspace.pk):
            made.append(a_destination(place))
    with override_settings(SECRET_KEYS=KEYS):
        with pytest.raises(CommandError, match="needed for 2 destinations"):
            call_command("rotate_secrets", check=True, stdout=StringIO())
        out = StringIO()
        call_command("rotate_secrets", stdout=out)
        assert "2 stored credentials" in out.getvalue()
        call_command("rotate_secrets", stdout=out)
        assert "0 stored credentials" in out.getvalue()
        call_command("rotate_secrets", check=True, stdout=out)
        assert "older keys can be removed" in out.getvalue()
    with override_settings(SECRET_KEYS=KEYS[:1]), unscoped("the test looks at both workspaces"):
        for destination in made:
            destination.refresh_from_db()
            assert secrets.decrypt(destination.secret_config) == {"headers.Authorization": HEADER_SECRET}
        assert AuditEntry.objects.filter(event="credentials.rotated").count() == 2


def test_rotation_without_the_old_key_says_what_to_do_and_changes_nothing(acme: Place) -> None:
    destination = a_destination(acme)
    before = destination.secret_config
    with override_settings(SECRET_KEYS=[Fernet.generate_key().decode()]):
        with pytest.raises(CommandError, match="HEADRACE_SECRET_KEYS"):
            call_command("rotate_secrets", stdout=StringIO())
        outcome = services.check_destination(actor=acme.actor, destination=destination)
    assert outcome.code == "secret_unreadable"
    destination.refresh_from_db()
    assert destination.secret_config == before


def test_the_stored_credential_is_kept_by_a_blank_answer_through_the_page(acme: Place, client: Client) -> None:
    destination = a_destination(acme)
    client.force_login(acme.owner)
    kept = http_settings()["headers"]
    sent = {
        "base_url": "https://api.example.com/v3",
        "headers__name": [row["name"] for row in kept],
        "headers__value": ["", "sales"],
        "headers__secret": ["1", "0"],
    }
    answer = client.post(f"/acme/destinations/{destination.pk}/configuration", sent)
    assert answer.status_code == 302
    destination.refresh_from_db()
    opened = access.settings_of(destination)
    assert [row["value"] for row in opened["headers"]] == [HEADER_SECRET, "sales"]
    assert opened["base_url"] == "https://api.example.com/v3"
