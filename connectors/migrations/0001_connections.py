import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from config.postgres.operations import CreateModels
from workspaces.walls import BuildWall


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("workspaces", "0002_workspaces"),
    ]
    replaces = [
        ("connectors", "0001_initial"),
        ("connectors", "0002_planner"),
        ("connectors", "0003_oauth_tokens"),
        ("connectors", "0004_stopped_destinations"),
        ("connectors", "0005_tunnels"),
        ("connectors", "0006_organizing"),
        ("connectors", "0007_cloud_credentials"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Source",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        ("labels", models.JSONField(blank=True, default=dict)),
                        ("name", models.CharField(max_length=200)),
                        ("slug", models.CharField(max_length=80)),
                        ("type", models.CharField(max_length=60)),
                        ("config", models.JSONField(default=dict)),
                        ("secret_config", models.TextField(blank=True, default="")),
                        ("secret_set_at", models.JSONField(blank=True, default=dict)),
                        ("timezone", models.CharField(default="UTC", max_length=64)),
                        ("setup_done", models.BooleanField(default=True)),
                        (
                            "health",
                            models.CharField(
                                choices=[("untested", "Not tested"), ("healthy", "Healthy"), ("failing", "Failing")],
                                default="untested",
                                max_length=10,
                            ),
                        ),
                        ("last_checked_at", models.DateTimeField(blank=True, null=True)),
                        ("last_check_message", models.CharField(blank=True, default="", max_length=2000)),
                        ("last_check_hint", models.CharField(blank=True, default="", max_length=2000)),
                        (
                            "created_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("schema_refreshed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "planner",
                            models.CharField(
                                choices=[("local", "Local"), ("warehouse", "Warehouse")], default="local", max_length=10
                            ),
                        ),
                        (
                            "write_health",
                            models.CharField(
                                choices=[("untested", "Not tested"), ("healthy", "Healthy"), ("failing", "Failing")],
                                default="untested",
                                max_length=10,
                            ),
                        ),
                        ("write_checked_at", models.DateTimeField(blank=True, null=True)),
                        ("write_check_message", models.CharField(blank=True, default="", max_length=2000)),
                        ("write_check_hint", models.CharField(blank=True, default="", max_length=2000)),
                        ("sync_logs", models.JSONField(blank=True, default=list)),
                        ("changelog_days", models.PositiveIntegerField(blank=True, null=True)),
                    ],
                    options={
                        "permissions": [
                            ("view_rows", "view the source's row data"),
                            ("draft", "draft models and syncs on the source"),
                            ("approve", "publish models and syncs on the source"),
                            ("configure_schema", "configure the source's schema"),
                            ("manage", "change the source's connection"),
                        ],
                        "default_permissions": (),
                        "indexes": [
                            models.Index(fields=["workspace", "name", "id"], name="source_by_name"),
                            models.Index(fields=["workspace", "type"], name="source_by_type"),
                            models.Index(fields=["workspace", "-updated_at", "-id"], name="source_by_change"),
                        ],
                        "constraints": [models.UniqueConstraint(fields=("workspace", "slug"), name="source_slug_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Destination",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        ("labels", models.JSONField(blank=True, default=dict)),
                        ("name", models.CharField(max_length=200)),
                        ("slug", models.CharField(max_length=80)),
                        ("type", models.CharField(max_length=60)),
                        ("config", models.JSONField(default=dict)),
                        ("secret_config", models.TextField(blank=True, default="")),
                        ("secret_set_at", models.JSONField(blank=True, default=dict)),
                        ("timezone", models.CharField(default="UTC", max_length=64)),
                        ("setup_done", models.BooleanField(default=True)),
                        (
                            "health",
                            models.CharField(
                                choices=[("untested", "Not tested"), ("healthy", "Healthy"), ("failing", "Failing")],
                                default="untested",
                                max_length=10,
                            ),
                        ),
                        ("last_checked_at", models.DateTimeField(blank=True, null=True)),
                        ("last_check_message", models.CharField(blank=True, default="", max_length=2000)),
                        ("last_check_hint", models.CharField(blank=True, default="", max_length=2000)),
                        (
                            "created_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("stopped_at", models.DateTimeField(blank=True, null=True)),
                        ("stopped_by", models.CharField(blank=True, default="", max_length=320)),
                        ("stop_reason", models.CharField(blank=True, default="", max_length=500)),
                    ],
                    options={
                        "permissions": [
                            ("trigger", "run syncs to the destination"),
                            ("draft", "draft syncs to the destination"),
                            ("approve", "publish syncs to the destination"),
                            ("manage", "change the destination's connection"),
                        ],
                        "default_permissions": (),
                        "indexes": [
                            models.Index(fields=["workspace", "name", "id"], name="destination_by_name"),
                            models.Index(fields=["workspace", "type"], name="destination_by_type"),
                            models.Index(fields=["workspace", "-updated_at", "-id"], name="destination_by_change"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("workspace", "slug"), name="destination_slug_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="OAuthToken",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "source",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="oauth_token",
                                to="connectors.source",
                            ),
                        ),
                        (
                            "destination",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="oauth_token",
                                to="connectors.destination",
                            ),
                        ),
                        ("sealed", models.TextField()),
                        ("places", models.JSONField(default=dict)),
                        ("scope", models.CharField(blank=True, max_length=2000)),
                        ("expires_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "connected_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("connected_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("renewed_at", models.DateTimeField(blank=True, null=True)),
                        ("renewing_since", models.DateTimeField(blank=True, null=True)),
                        ("refused_at", models.DateTimeField(blank=True, null=True)),
                        ("refused_message", models.CharField(blank=True, max_length=2000)),
                    ],
                    options={
                        "default_permissions": (),
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("destination__isnull", False), ("source__isnull", True)),
                                    models.Q(("destination__isnull", True), ("source__isnull", False)),
                                    _connector="OR",
                                ),
                                name="oauthtoken_of_one_connection",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Tunnel",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("host", models.CharField(max_length=253)),
                        ("port", models.PositiveIntegerField(default=22)),
                        ("username", models.CharField(max_length=100)),
                        ("public_key", models.TextField()),
                        ("sealed_key", models.TextField()),
                        ("host_key", models.TextField(blank=True, default="")),
                        (
                            "confirmed_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "health",
                            models.CharField(
                                choices=[("untested", "Not tested"), ("healthy", "Healthy"), ("failing", "Failing")],
                                default="untested",
                                max_length=10,
                            ),
                        ),
                        ("last_checked_at", models.DateTimeField(blank=True, null=True)),
                        ("last_check_message", models.CharField(blank=True, default="", max_length=2000)),
                        ("last_check_hint", models.CharField(blank=True, default="", max_length=2000)),
                        (
                            "created_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                    ],
                    options={
                        "default_permissions": (),
                        "constraints": [models.UniqueConstraint(fields=("workspace", "name"), name="tunnel_name_once")],
                    },
                ),
                migrations.CreateModel(
                    name="CloudCredential",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "provider",
                            models.CharField(
                                choices=[
                                    ("aws", "Amazon Web Services"),
                                    ("gcp", "Google Cloud Platform"),
                                    ("azure", "Microsoft Azure"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "access",
                            models.CharField(
                                choices=[
                                    ("role", "Cross-account role"),
                                    ("keys", "Access key"),
                                    ("service_account", "Service account"),
                                    ("service_principal", "Service principal"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("config", models.JSONField(default=dict)),
                        ("sealed", models.TextField()),
                        ("secret_set_at", models.DateTimeField(default=django.utils.timezone.now)),
                        (
                            "created_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                    ],
                    options={
                        "default_permissions": (),
                        "constraints": [
                            models.UniqueConstraint(fields=("workspace", "name"), name="cloud_credential_name_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SourceTable",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "source",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="cached_tables",
                                to="connectors.source",
                            ),
                        ),
                        ("schema", models.CharField(blank=True, max_length=300)),
                        ("name", models.CharField(max_length=300)),
                        ("kind", models.CharField(default="table", max_length=20)),
                        ("description", models.TextField(blank=True)),
                        ("columns", models.JSONField(blank=True, null=True)),
                        ("column_names", models.TextField(blank=True, default="")),
                        ("refreshed_at", models.DateTimeField()),
                    ],
                    options={
                        "ordering": ["schema", "name"],
                        "default_permissions": (),
                        "constraints": [
                            models.UniqueConstraint(fields=("source", "schema", "name"), name="source_table_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SourceGrant",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "permission",
                            models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.permission"),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "role",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.role"
                            ),
                        ),
                        (
                            "content_object",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="grants",
                                to="connectors.source",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("role", "permission", "content_object"), name="sourcegrant_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DestinationGrant",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "permission",
                            models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.permission"),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "role",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.role"
                            ),
                        ),
                        (
                            "content_object",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="grants",
                                to="connectors.destination",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("role", "permission", "content_object"), name="destinationgrant_once"
                            )
                        ],
                    },
                ),
            ],
        ),
        BuildWall("Source"),
        BuildWall("Destination"),
        BuildWall("SourceTable", ("source",)),
        BuildWall("SourceGrant", ("role", "content_object")),
        BuildWall("DestinationGrant", ("role", "content_object")),
        BuildWall("OAuthToken", ("source", "destination")),
        BuildWall("Tunnel"),
        BuildWall("CloudCredential"),
    ]
