"""The operator's console: what an installation holds, for support. It shows, and changes nothing but through services.

People become operators by ``manage.py operator EMAIL``. The console has lists of
organizations, workspaces, people and runs, without settings, credentials or rows, and
the e-mails that wait in files where no mail server is set. It shuts people out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import cached_property

from config.errors import HeadraceError
from governance.audit.actors import system
from notifications.choices import DeliveryState
from notifications.models import Notification
from notifications.services import retry_notification
from syncs.models import Run
from syncs.services import cancel_run
from workspaces.models import Organization, User, Workspace
from workspaces.scoping import unscoped, workspace_scope
from workspaces.services.operators import bar_person, readmit_person

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin

MAX_MAILS = 100
MAX_MAIL_BYTES = 200_000


class Console(admin.AdminSite):
    """Lets operators in, and tells nobody else that it is there."""

    site_header = site_title = "Headrace operator"
    index_title = "This installation"
    enable_nav_sidebar = False
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Operators only."""
        return isinstance(request.user, User) and request.user.is_active and request.user.is_operator

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Every page: for operators, over all workspaces, rendered while it may see them."""
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not self.has_permission(request):
                raise Http404
            with unscoped("the operator's console lists what all workspaces of the installation hold"):
                response: HttpResponse = inner(request, *args, **kwargs)
                return response.render() if isinstance(response, TemplateResponse) else response

        guarded.__module__ = __name__
        return guarded

    def get_urls(self) -> list[Any]:
        """The outbox beside the lists."""
        own: list[URLPattern] = [path("outbox/", self.admin_view(self.outbox), name="outbox")]
        # Without the library's way to any object's own page: the lists lead nowhere else.
        return own + [entry for entry in super().get_urls() if getattr(entry, "name", "") != "view_on_site"]

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """People sign in where everybody does."""
        return redirect("account_login")

    def outbox(self, request: HttpRequest) -> HttpResponse:
        """E-mails that were written to files, newest first."""
        context = {**self.each_context(request), "title": "Outbox", "mails": _mails(), "server": _mail_server()}
        return TemplateResponse(request, "admin/outbox.html", context)


class ReadOnly(_ModelAdmin):
    """A list and its details: nothing can be added, changed or deleted here."""

    list_per_page = 50
    show_full_result_count = False
    view_on_site = False

    def get_urls(self) -> list[URLPattern]:
        """The list and its details, without the library's redirect from addresses of long ago, which has no name."""
        return [entry for entry in super().get_urls() if entry.name]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever is in the console sees all of it."""
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The same."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def _each(self, request: HttpRequest, rows: QuerySet[Any], work: Callable[[Any], object], done: str) -> None:
        """Call a service for each chosen row in its workspace, and say what came of it."""
        worked = 0
        for row in rows:
            try:
                with workspace_scope(row.workspace_id) if hasattr(row, "workspace_id") else nullcontext():
                    work(row)
                worked += 1
            except HeadraceError as error:
                self.message_user(request, f"{row}: {error.message}", messages.ERROR)
        self.message_user(request, done.format(number=worked))


class OrganizationList(ReadOnly):
    """Organizations."""

    fields = list_display = ("id", "name", "created_at")
    search_fields = ("name",)


class WorkspaceList(ReadOnly):
    """Workspaces."""

    fields = list_display = ("id", "name", "slug", "organization", "created_at")
    search_fields = ("name", "slug")
    list_select_related = ("organization",)


class PersonList(ReadOnly):
    """People, without what they are allowed where."""

    fields = list_display = (
        "id",
        "email",
        "name",
        "is_active",
        "barred_at",
        "is_service",
        "is_operator",
        "last_login",
        "created_at",
    )
    search_fields = ("email", "name")
    list_filter = ("is_active", "is_service", "is_operator")
    actions = ("bar", "admit")

    @admin.action(description="Shut the chosen people out", permissions=["view"])
    def bar(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        """Ends their sessions and keys; no identity provider lets them in again."""
        actor = system(f"operator {request.user}")
        self._each(request, rows, lambda row: bar_person(actor=actor, user=row), "{number} people are shut out.")

    @admin.action(description="Let the chosen people in again", permissions=["view"])
    def admit(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        """As far as their identity provider still has them."""
        actor = system(f"operator {request.user}")
        self._each(
            request, rows, lambda row: readmit_person(actor=actor, user=row), "{number} people were let in again."
        )


class RunList(ReadOnly):
    """Runs with their counts; rows and requests are the workspaces' own."""

    list_display = ("id", "workspace", "sync", "status", "trigger", "created_at", "finished_at", "error_code")
    fields = (*list_display, "number", "queried", "correlation_id")
    list_filter = ("status", "trigger")
    list_select_related = ("workspace", "sync")
    actions = ("cancel",)

    @admin.action(description="Cancel the chosen runs", permissions=["view"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Run]) -> None:
        """Through the service that the run's own page uses."""
        actor = system(f"operator {request.user}")
        self._each(request, rows, lambda run: cancel_run(actor=actor, run=run), "{number} runs were asked to stop.")


class NotificationList(ReadOnly):
    """Messages to people and channels, without their words."""

    list_display = ("id", "workspace", "recipient", "topic", "state", "attempts", "created_at", "error")
    fields = list_display
    list_filter = ("state",)
    list_select_related = ("workspace",)
    actions = ("retry",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        """Those that have not arrived: the others are of no concern here."""
        return super().get_queryset(request).exclude(state=DeliveryState.SENT)

    @admin.action(description="Send the chosen messages again", permissions=["view"])
    def retry(self, request: HttpRequest, rows: QuerySet[Notification]) -> None:
        """Through the service that the channel's page uses."""
        actor = system(f"operator {request.user}")
        work = lambda row: retry_notification(actor=actor, notification=row)  # noqa: E731 - said once
        self._each(request, rows, work, "{number} messages are sent again.")


console = Console(name="admin")
LISTS: dict[type[Model], type[ReadOnly]] = {
    Organization: OrganizationList,
    Workspace: WorkspaceList,
    User: PersonList,
    Run: RunList,
    Notification: NotificationList,
}
for _model, _list in LISTS.items():
    console.register(_model, _list)


class _Mail:
    """An e-mail in a file."""

    def __init__(self, raw: bytes) -> None:
        self._message = message_from_bytes(raw, policy=policy.default)

    @cached_property
    def subject(self) -> str:
        return str(self._message.get("Subject", ""))

    @cached_property
    def to(self) -> str:
        return str(self._message.get("To", ""))

    @cached_property
    def date(self) -> str:
        return str(self._message.get("Date", ""))

    @cached_property
    def text(self) -> str:
        """The plain words; links in them work once."""
        part = self._message.get_body(preferencelist=("plain",))
        return str(part.get_content()) if part is not None else ""


def _mails() -> list[_Mail]:
    folder = Path(getattr(settings, "EMAIL_FILE_PATH", "") or Path(settings.DATA_DIR) / "outbox")
    if not folder.is_dir():
        return []
    newest = sorted(folder.glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True)[:MAX_MAILS]
    return [_Mail(file.read_bytes()[:MAX_MAIL_BYTES].rstrip(b"-\r\n")) for file in newest]


def _mail_server() -> bool:
    return "smtp" in settings.EMAIL_BACKEND
