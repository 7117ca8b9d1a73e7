"""The operator's console: there for operators alone, showing no secrets and changing nothing but through services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.mail import send_mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from config.errors import Denied
from config.operating.console import LISTS, console
from governance.audit.models import AuditEntry
from tests.world import BUILDER, World
from workspaces.models import OrganizationMember, User
from workspaces.scoping import unscoped, workspace_scope
from workspaces.services import create_api_key
from workspaces.services.operators import bar_person, readmit_person, set_operator


@pytest.fixture
def operator(world: World) -> Client:
    """The browser of a person whom the command made an operator."""
    call_command("operator", world["member"].email)
    client = Client()
    client.force_login(User.objects.get(pk=world["member"].pk))
    return client


def test_nobody_else_learns_that_it_is_there(world: World) -> None:
    for person in (world.owner, world.outsider):
        client = Client()
        client.force_login(person)
        for name in ("admin:index", "admin:outbox", "admin:syncs_run_changelist"):
            assert client.get(reverse(name)).status_code == 404
    assert Client().get(reverse("admin:index"))["Location"].startswith("/accounts/login/")


def test_every_list_shows_and_none_can_be_written(world: World, operator: Client) -> None:
    with workspace_scope(world.acme.workspace.pk):
        for name in ("run", "notification", "source", "destination"):
            assert world.acme.rows[name]
    for model, made in LISTS.items():
        assert not getattr(made, "list_editable", ())
        names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        page = operator.get(reverse(f"{names}_changelist"))
        assert page.status_code == 200
        assert "hunter2" not in page.content.decode()
        with unscoped("the test asks for any row"):
            row = model._default_manager.order_by("pk").first()
        assert row is not None
        assert operator.get(reverse(f"{names}_change", args=[row.pk])).status_code == 200
        assert operator.post(reverse(f"{names}_change", args=[row.pk]), {"name": "Taken"}).status_code == 403
        assert operator.post(reverse(f"{names}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        assert operator.post(reverse(f"{names}_add"), {"name": "New"}).status_code == 403
    assert set(console._registry) == set(LISTS)


def test_an_action_goes_through_the_service_and_is_audited(world: World, operator: Client) -> None:
    with workspace_scope(world.acme.workspace.pk):
        run = world.acme.rows["run"]
    address = reverse("admin:syncs_run_changelist")
    assert operator.post(address, {"action": "cancel", "_selected_action": [run.pk]}).status_code == 302
    with workspace_scope(world.acme.workspace.pk):
        run.refresh_from_db()
        assert run.cancel_requested_at is not None
        entry = AuditEntry.objects.get(event="run.cancelled")
    assert entry.actor_label == f"operator {world['member'].email}"
    assert "delete_selected" not in operator.get(address).content.decode()


def test_whom_an_operator_shuts_out_is_out_at_once_and_comes_back_by_the_operator_alone(
    world: World, operator: Client
) -> None:
    user = world["editor"]
    with workspace_scope(world.acme.workspace.pk):
        key = create_api_key(actor=BUILDER, workspace=world.acme.workspace, name="Mine", owner=user)
    theirs = Client()
    theirs.force_login(user)
    assert theirs.get("/acme/").status_code == 200
    people = reverse("admin:workspaces_user_changelist")

    def act(action: str, *users: User) -> str:
        chosen = {"action": action, "_selected_action": [one.pk for one in users]}
        return operator.post(people, chosen, follow=True).content.decode()

    assert "1 people are shut out" in act("bar", user)
    assert theirs.get("/acme/").status_code == 302
    headers = {"Authorization": f"Bearer {key.secret}"}
    assert Client().get("/api/v1/syncs", headers=headers).status_code == 401
    with unscoped("the test reads the log of everything"):
        entry = AuditEntry.objects.get(event="person.barred")
    assert entry.after == {"stopped_keys": ["Mine"], "ended_sessions": 0}
    assert entry.actor_label == f"operator {world['member'].email}"
    act("admit", user)
    user.refresh_from_db()
    assert (user.is_active, user.barred_at) == (True, None)
    said = act("bar", world.owner, User.objects.get(pk=world["member"].pk))
    assert "last organization admin" in said
    assert "Operators cannot be shut out" in said
    for service in (bar_person, readmit_person):
        with pytest.raises(Denied):
            service(actor=world.acme.actor, user=user)


def test_the_outbox_shows_what_no_server_took(operator: Client, settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    send_mail("You are invited", "Open https://x.test/join <script>", None, ["new@acme.test"])
    page = operator.get(reverse("admin:outbox")).content.decode()
    assert "You are invited" in page
    assert "https://x.test/join &lt;script&gt;" in page
    assert "No mail server is set" in page


def test_only_the_command_makes_operators(world: World, operator: Client) -> None:
    with pytest.raises(Denied):
        set_operator(actor=world.acme.actor, user=world.owner, operator=True)
    with pytest.raises(CommandError, match="no account"):
        call_command("operator", "nobody@acme.test")
    call_command("operator", world["member"].email, revoke=True)
    assert operator.get(reverse("admin:index")).status_code == 404
    with unscoped("operators belong to no organization"):
        changed = AuditEntry.objects.filter(event="person.operator_changed").order_by("id")
        assert [entry.after for entry in changed] == [{"is_operator": True}, {"is_operator": False}]


def test_the_command_gives_an_organization_without_an_admin_a_new_one(world: World, capsys: Any) -> None:
    call_command("operator", "editor@acme.test", admin_of="acme")
    with workspace_scope(world.acme.workspace.pk):
        assert OrganizationMember.objects.get(user=world["editor"]).is_admin
        assert AuditEntry.objects.filter(event="member.updated", actor_label="manage.py operator").exists()
    assert not world["editor"].is_operator
    call_command("operator", "new@acme.test", admin_of="acme")
    assert "/invitations/" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no workspace"):
        call_command("operator", "editor@acme.test", admin_of="nowhere")
