"""The notifications app: where messages to people go, and the outbox they leave from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from governance.approvals.announcements import Announcement
    from notifications.models import Channel


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        """Register this app's audit events, that channels hold credentials, and who carries news of requests."""
        from connectors import sealed
        from governance.approvals import announcements
        from governance.approvals.announcements import Carrier
        from notifications import events  # noqa: F401 - registers on import
        from notifications.models import AuditStream, Channel, Webhook
        from workspaces import belongings

        sealed.register("channels", Channel, "secret_config")
        sealed.register("webhooks", Webhook, "secret_config")
        sealed.register("audit streams", AuditStream, "secret_config")
        announcements.register(Carrier(_tell, _places))
        belongings.register("notification channels that mail them", _channels_that_mail)


def _tell(told: Announcement) -> None:
    """Imported on first use: starting Django loads no channel."""
    from notifications.requests import tell

    tell(told)


def _places() -> Sequence[tuple[int, str]]:
    from notifications.requests import places

    return places()


def _channels_that_mail(organization_id: int, user_id: int) -> QuerySet[Channel]:
    from notifications.models import Channel
    from workspaces.models import User

    email = User.objects.filter(pk=user_id).values_list("email", flat=True).first() or ""
    rows = Channel.objects.filter(workspace__organization_id=organization_id, type="email")
    return rows.filter(config__addresses__icontains=email)
