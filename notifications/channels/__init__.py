"""The kinds of channel there are: one file each, the declaration first."""

from __future__ import annotations

from collections.abc import Mapping

from config.errors import NotFound
from notifications.channels.base import ChannelType
from notifications.channels.datadog import DATADOG
from notifications.channels.email import EMAIL
from notifications.channels.pagerduty import PAGERDUTY
from notifications.channels.slack import SLACK
from notifications.channels.sms import SMS
from notifications.channels.webhook import WEBHOOK

TYPES: Mapping[str, ChannelType] = {kind.key: kind for kind in (EMAIL, SLACK, PAGERDUTY, DATADOG, WEBHOOK, SMS)}


def channel_type(key: str) -> ChannelType:
    """The kind of this key."""
    if key not in TYPES:
        raise NotFound(f"There is no kind of notification channel called “{key}”.")
    return TYPES[key]


__all__ = ["TYPES", "ChannelType", "channel_type"]
