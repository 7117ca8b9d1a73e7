"""Saved connections: sources that models query, destinations that syncs deliver to."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import JSONField  # inside Source, mypy takes `models` for the models built on it
from django.urls import reverse
from django.utils import timezone as clock

from connectors.choices import Cloud, CloudAccess, Health, Kind, Planner, TunnelKind
from connectors.sdk.tunnels import fingerprint
from workspaces.models import Labelled, ObjectGrant
from workspaces.permissions import object_permissions
from workspaces.scoping import TenantModel


class Connection(Labelled, TenantModel):
    """What sources and destinations share.

    ``config`` holds the settings that may be shown; the secret ones are in
    ``secret_config``, a Fernet token of a JSON object path → value (see
    ``secrets.py``), with ``secret_set_at`` telling when each was set. While
    ``setup_done`` is false the wizard is not finished, and nothing can be built
    on the connection. ``health`` speaks of the current settings: changing them
    makes it untested.
    """

    kind: ClassVar[Kind]

    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=80)
    type = models.CharField(max_length=60)
    config = models.JSONField(default=dict)
    secret_config = models.TextField(default="", blank=True)
    secret_set_at = models.JSONField(default=dict, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    setup_done = models.BooleanField(default=True)
    health = models.CharField(max_length=10, choices=Health.choices, default=Health.UNTESTED)
    last_checked_at = models.DateTimeField(null=True, blank=True)
    last_check_message = models.CharField(max_length=2_000, default="", blank=True)
    last_check_hint = models.CharField(max_length=2_000, default="", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.pk} {self.type} {self.slug}>"

    def get_absolute_url(self) -> str:
        """Its page. Lists know the workspace's slug and reverse the route themselves."""
        return reverse(f"connectors:{self.kind.value}", args=[self.workspace.slug, self.pk])

    @property
    def last_check_ok(self) -> bool | None:
        """Whether the last test passed; ``None`` where the current settings were never tested."""
        return {Health.HEALTHY: True, Health.FAILING: False}.get(Health(self.health))


def _connection_meta(noun: str) -> dict[str, Any]:
    """Constraints and indexes, named apart for the two tables."""
    return {
        "constraints": [models.UniqueConstraint(fields=["workspace", "slug"], name=f"{noun}_slug_once")],
        "indexes": [
            models.Index(fields=["workspace", "name", "id"], name=f"{noun}_by_name"),
            models.Index(fields=["workspace", "type"], name=f"{noun}_by_type"),
            models.Index(fields=["workspace", "-updated_at", "-id"], name=f"{noun}_by_change"),
        ],
    }


class Source(Connection):
    """A saved connection to a system that holds data; models query it.

    ``planner`` says where its syncs are compared; it moves from local to warehouse
    and never back. ``write_health`` is what the last test of write access found, as
    ``health`` is for the connection. ``sync_logs`` names the tables
    (:class:`~connectors.choices.LogTable`) that every sync of the source writes into
    the warehouse; the changelog keeps rows for ``changelog_days``, for ever if null.
    """

    kind = Kind.SOURCE

    schema_refreshed_at = models.DateTimeField(null=True, blank=True)
    planner = models.CharField(max_length=10, choices=Planner.choices, default=Planner.LOCAL)
    write_health = models.CharField(max_length=10, choices=Health.choices, default=Health.UNTESTED)
    write_checked_at = models.DateTimeField(null=True, blank=True)
    write_check_message = models.CharField(max_length=2_000, default="", blank=True)
    write_check_hint = models.CharField(max_length=2_000, default="", blank=True)
    sync_logs = JSONField(default=list, blank=True)
    changelog_days = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        permissions: ClassVar[Any] = object_permissions("source")
        constraints = _connection_meta("source")["constraints"]
        indexes = _connection_meta("source")["indexes"]

    @property
    def in_warehouse(self) -> bool:
        """Whether its syncs are compared in the warehouse."""
        return self.planner == Planner.WAREHOUSE

    def forget_write_check(self) -> None:
        """Other settings may be another user: what the last test of write access found says nothing of it."""
        self.write_health, self.write_checked_at = Health.UNTESTED, None
        self.write_check_message = self.write_check_hint = ""


class Destination(Connection):
    """A saved connection to a system that syncs deliver to.

    While ``stopped_at`` is set nothing is sent to it: running syncs stop before
    their next batch, and no run starts.
    """

    kind = Kind.DESTINATION

    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.CharField(max_length=320, default="", blank=True)
    stop_reason = models.CharField(max_length=500, default="", blank=True)

    class Meta:
        default_permissions = ()
        permissions: ClassVar[Any] = object_permissions("destination")
        constraints = _connection_meta("destination")["constraints"]
        indexes = _connection_meta("destination")["indexes"]


class OAuthToken(TenantModel):
    """What a service gave one connection when a person agreed on its page.

    ``sealed`` is a Fernet token of the access and refresh token, ``places`` the addresses
    they may be sent to. ``renewing_since`` is set while a renewal's answer is not stored yet,
    ``refused_at`` once the service honours them no longer.
    """

    source = models.OneToOneField(Source, null=True, blank=True, on_delete=models.CASCADE, related_name="oauth_token")
    destination = models.OneToOneField(
        Destination, null=True, blank=True, on_delete=models.CASCADE, related_name="oauth_token"
    )
    sealed = models.TextField()
    places = models.JSONField(default=dict)
    scope = models.CharField(max_length=2_000, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    connected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    connected_at = models.DateTimeField(default=clock.now)
    renewed_at = models.DateTimeField(null=True, blank=True)
    renewing_since = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)
    refused_message = models.CharField(max_length=2_000, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(source__isnull=True, destination__isnull=False)
                | models.Q(source__isnull=False, destination__isnull=True),
                name="oauthtoken_of_one_connection",
            ),
        ]

    def __str__(self) -> str:
        return f"OAuth token of {self.source_id or self.destination_id}"


class Tunnel(TenantModel):
    """An SSH connection through which connections reach hosts of a private network.

    ``sealed_key`` is a Fernet token of the tunnel's own private key, made here and never
    shown; ``public_key`` goes into the server's authorized_keys. ``host_key`` is the one
    public key the server must prove, empty until a person confirmed it. ``health`` is
    what the last test of these settings found.

    A reverse tunnel has no server: a client of theirs logs in at Headrace's own as ``handle``,
    proves the private half of ``public_key``, which is not kept here, and lends ``lent_port``.
    """

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=TunnelKind.choices, default=TunnelKind.STANDARD)
    handle = models.CharField(max_length=32, null=True, blank=True, unique=True)
    lent_port = models.PositiveIntegerField(null=True, blank=True, unique=True)
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=100, blank=True)
    public_key = models.TextField()
    sealed_key = models.TextField(blank=True)
    host_key = models.TextField(default="", blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    health = models.CharField(max_length=10, choices=Health.choices, default=Health.UNTESTED)
    last_checked_at = models.DateTimeField(null=True, blank=True)
    last_check_message = models.CharField(max_length=2_000, default="", blank=True)
    last_check_hint = models.CharField(max_length=2_000, default="", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="tunnel_name_once"),
            models.CheckConstraint(
                condition=models.Q(kind=TunnelKind.STANDARD, handle=None, lent_port=None)
                | models.Q(kind=TunnelKind.REVERSE, handle__isnull=False, lent_port__isnull=False, sealed_key=""),
                name="tunnel_of_one_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("connectors:tunnel", args=[self.workspace.slug, self.pk])

    @property
    def is_reverse(self) -> bool:
        """Whether a client of theirs opens it."""
        return self.kind == TunnelKind.REVERSE

    @property
    def fingerprint(self) -> str:
        """The digest of the confirmed host key, as ssh-keygen prints it; nothing while none is confirmed."""
        return fingerprint(self.host_key) if self.host_key else ""

    @property
    def authorized_line(self) -> str:
        """What goes into authorized_keys: the key may forward connections and do nothing else."""
        return f"restrict,port-forwarding {self.public_key}"


class CloudCredential(TenantModel):
    """What the workspace proves itself with at a cloud provider: named once, used in several places.

    ``config`` are the facts that may be shown (role, key ID, e-mail of a service account),
    ``sealed`` a Fernet token of the rest; the external ID of an AWS role is in there too,
    since it shows only while the credential is made. ``secret_set_at`` tells when the
    secret was entered last.
    """

    provider = models.CharField(max_length=10, choices=Cloud.choices)
    access = models.CharField(max_length=20, choices=CloudAccess.choices)
    name = models.CharField(max_length=120)
    config = models.JSONField(default=dict)
    sealed = models.TextField()
    secret_set_at = models.DateTimeField(default=clock.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="cloud_credential_name_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("connectors:cloud_credential", args=[self.workspace.slug, self.pk])

    @property
    def identity(self) -> str:
        """Who the provider takes Headrace for, in one line."""
        names = ("role_arn", "access_key_id", "client_email", "client_id", "url", "api_key")
        return next((str(self.config[name]) for name in names if self.config.get(name)), "")


class SourceTable(TenantModel):
    """One table of a source as it was last read, so that browsing asks the source nothing.

    ``columns`` is a list of ``{"name", "type", "native_type", "description",
    "nullable"}``; ``None`` until somebody opens the table. ``column_names`` is
    their names in one text, for the search.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="cached_tables")
    schema = models.CharField(max_length=300, blank=True)
    name = models.CharField(max_length=300)
    kind = models.CharField(max_length=20, default="table")
    description = models.TextField(blank=True)
    columns = models.JSONField(null=True, blank=True)
    column_names = models.TextField(default="", blank=True)
    refreshed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["source", "schema", "name"], name="source_table_once"),
        ]
        ordering = ["schema", "name"]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class SourceGrant(ObjectGrant):
    """A right that a custom role holds on one source."""

    side = "source"

    content_object = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="grants")

    class Meta(ObjectGrant.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.role_id} on source {self.content_object_id}"


class DestinationGrant(ObjectGrant):
    """A right that a custom role holds on one destination."""

    side = "destination"

    content_object = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="grants")

    class Meta(ObjectGrant.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.role_id} on destination {self.content_object_id}"
