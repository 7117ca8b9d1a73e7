"""Writes to channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from config.errors import Invalid
from connectors.addresses import to_enter_again
from connectors.sdk.errors import ConfigError
from connectors.sdk.validation import Cleaned, InvalidSettings, clean
from connectors.secrets import decrypt, encrypt, set_times
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from notifications.access import channel_for
from notifications.channels import channel_type
from notifications.choices import ChannelHealth
from notifications.models import Channel
from workspaces.access import require
from workspaces.permissions import Permission
from workspaces.scoping import current_workspace_id

MAX_NAME = 120


@service("notification_channel.created")
def create_channel(*, actor: Actor, type: str, name: str, values: Mapping[str, Any]) -> Channel:
    """Add a channel. ``values`` are raw settings, credentials among them.

    Raises ``Invalid`` with the path of each wrong setting.
    """
    require(actor, Permission.MANAGE_WORKSPACE)
    channel = Channel(workspace_id=current_workspace_id(), type=channel_type(type).key, created_by_id=actor.user_id)
    channel.name = _free_name(name or channel_type(type).name)
    cleaned = _cleaned(channel, values, {})
    _keep(channel, cleaned, {})
    channel.save(force_insert=True)
    record(channel, after={**_facts(channel), "credentials": sorted(cleaned.secrets)})
    return channel


@service("notification_channel.updated")
def update_channel(
    *, actor: Actor, channel: Channel, name: str | None = None, values: Mapping[str, Any] | None = None
) -> Channel:
    """Change a channel; a blank credential keeps the stored one, another address asks for it again."""
    channel = channel_for(actor, channel.pk, Permission.MANAGE_WORKSPACE, lock=True)
    before, known = _facts(channel), decrypt(channel.secret_config)
    if name is not None:
        channel.name = _free_name(name, besides=channel.pk)
    replaced: list[str] = []
    if values is not None:
        cleaned = _cleaned(channel, {**channel.config, **values}, known)
        fields = channel_type(channel.type).fields
        if again := to_enter_again(fields, channel.config, known, cleaned, values):
            raise Invalid("Some credentials need to be entered again.", fields=again)
        replaced = sorted(path for path, value in cleaned.secrets.items() if known.get(path) != value)
        _keep(channel, cleaned, known)
    difference = changes(before, _facts(channel))
    if not difference and not replaced:
        unchanged()
        return channel
    if replaced or "config" in difference.after:
        channel.health, channel.last_error, channel.last_hint = ChannelHealth.UNTESTED, "", ""
    channel.save()
    after = {**difference.after, "credentials": replaced} if replaced else difference.after
    record(channel, before=difference.before, after=after)
    return channel


@service("notification_channel.deleted")
def delete_channel(*, actor: Actor, channel: Channel) -> None:
    """Remove a channel with its credentials; nobody is told through it any more."""
    channel = channel_for(actor, channel.pk, Permission.MANAGE_WORKSPACE, lock=True)
    record(channel, before=_facts(channel))
    channel.delete()


@service("notification_channel.tested")
def store_test(*, actor: Actor, channel: Channel, error: str, hint: str) -> Channel:
    """Remember what a test message showed; without an error it arrived."""
    channel = channel_for(actor, channel.pk, Permission.MANAGE_WORKSPACE, lock=True)
    note_outcome(channel, error, hint)
    record(channel, after={"outcome": error or "delivered"})
    return channel


def note_outcome(channel: Channel, error: str = "", hint: str = "") -> None:
    """Put what the latest message showed on the channel."""
    channel.health = ChannelHealth.FAILING if error else ChannelHealth.HEALTHY
    channel.last_error, channel.last_hint = error[:2_000], hint[:2_000]
    fields = ["health", "last_error", "last_hint"]
    if not error:
        channel.last_sent_at = timezone.now()
        fields.append("last_sent_at")
    channel.save(update_fields=fields)


def _cleaned(channel: Channel, values: Mapping[str, Any], known: Mapping[str, Any]) -> Cleaned:
    kind = channel_type(channel.type)
    try:
        cleaned = clean(kind.fields, values, stored=known)
        kind.target(cleaned.config)
    except InvalidSettings as error:
        raise Invalid("Some settings are not right.", fields=error.errors) from error
    except ConfigError as error:
        raise Invalid("Some settings are not right.", fields={error.field: error.message}) from error
    return cleaned


def _keep(channel: Channel, cleaned: Cleaned, known: Mapping[str, Any]) -> None:
    channel.config = cleaned.config
    channel.secret_config = encrypt(cleaned.secrets)
    channel.secret_set_at = set_times(known, cleaned.secrets, channel.secret_set_at, timezone.now())


def _facts(channel: Channel) -> dict[str, Any]:
    return {"name": channel.name, "type": channel.type, "config": channel.config}


def _free_name(name: str, besides: int = 0) -> str:
    name = name.strip()
    if not name:
        raise Invalid.field("name", "Enter a name.")
    if len(name) > MAX_NAME:
        raise Invalid.field("name", f"At most {MAX_NAME} characters.")
    if Channel.objects.filter(name=name).exclude(pk=besides).exists():
        raise Invalid.field("name", "Another channel of this workspace has this name.")
    return name
