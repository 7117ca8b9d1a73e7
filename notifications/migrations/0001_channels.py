import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from config.postgres.operations import CreateModels
from workspaces.walls import BuildOrganizationWall, BuildWall


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("workspaces", "0002_workspaces"),
    ]
    replaces = [
        ("notifications", "0001_initial"),
        ("notifications", "0002_webhooks_and_streams"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Channel",
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
                        ("type", models.CharField(max_length=20)),
                        ("config", models.JSONField(default=dict)),
                        ("secret_config", models.TextField(blank=True, default="")),
                        ("secret_set_at", models.JSONField(blank=True, default=dict)),
                        (
                            "health",
                            models.CharField(
                                choices=[("untested", "Untested"), ("healthy", "Working"), ("failing", "Failing")],
                                default="untested",
                                max_length=10,
                            ),
                        ),
                        ("last_sent_at", models.DateTimeField(blank=True, null=True)),
                        ("last_error", models.CharField(blank=True, default="", max_length=2000)),
                        ("last_hint", models.CharField(blank=True, default="", max_length=2000)),
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
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "constraints": [
                            models.UniqueConstraint(fields=("workspace", "name"), name="notification_channel_name")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Notification",
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
                            "channel",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="notifications",
                                to="notifications.channel",
                            ),
                        ),
                        (
                            "person",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("recipient", models.CharField(max_length=320)),
                        ("topic", models.CharField(max_length=60)),
                        ("thread", models.CharField(max_length=200)),
                        ("message", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting to be sent"),
                                    ("sending", "Being sent"),
                                    ("sent", "Sent"),
                                    ("failed", "Not delivered"),
                                ],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        ("epoch", models.PositiveIntegerField(default=0)),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                        ("available_at", models.DateTimeField()),
                        ("told_at", models.DateTimeField()),
                        ("created_at", models.DateTimeField()),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        ("receipt", models.CharField(blank=True, default="", max_length=300)),
                        ("error", models.CharField(blank=True, default="", max_length=2000)),
                        ("hint", models.CharField(blank=True, default="", max_length=2000)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state__in", ["waiting", "sending"])),
                                fields=["available_at"],
                                name="notification_due",
                            ),
                            models.Index(fields=["thread", "id"], name="notification_thread"),
                            models.Index(fields=["workspace", "topic"], name="notification_topic"),
                            models.Index(fields=["channel", "-id"], name="notification_of_channel"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("channel__isnull", False), ("person__isnull", False), _connector="XOR"
                                ),
                                name="notification_one_recipient",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AuditStream",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("kind", models.CharField(max_length=20)),
                        ("config", models.JSONField(default=dict)),
                        ("secret_config", models.TextField(blank=True, default="")),
                        ("secret_set_at", models.JSONField(blank=True, default=dict)),
                        ("cursor", models.BigIntegerField(default=0)),
                        ("sent", models.BigIntegerField(default=0)),
                        (
                            "health",
                            models.CharField(
                                choices=[("untested", "Untested"), ("healthy", "Working"), ("failing", "Failing")],
                                default="untested",
                                max_length=10,
                            ),
                        ),
                        ("paused_at", models.DateTimeField(blank=True, null=True)),
                        ("paused_reason", models.CharField(blank=True, default="", max_length=400)),
                        ("failing_since", models.DateTimeField(blank=True, null=True)),
                        ("failures", models.PositiveIntegerField(default=0)),
                        ("available_at", models.DateTimeField()),
                        ("told_at", models.DateTimeField()),
                        ("epoch", models.PositiveIntegerField(default=0)),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                        ("last_sent_at", models.DateTimeField(blank=True, null=True)),
                        ("last_error", models.CharField(blank=True, default="", max_length=2000)),
                        ("last_hint", models.CharField(blank=True, default="", max_length=2000)),
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
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "constraints": [
                            models.UniqueConstraint(fields=("organization", "name"), name="audit_stream_name")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Webhook",
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
                        ("shown_url", models.CharField(max_length=400)),
                        ("events", models.JSONField(default=list)),
                        ("secret_config", models.TextField(blank=True, default="")),
                        ("secret_set_at", models.DateTimeField()),
                        ("old_secret_until", models.DateTimeField(blank=True, null=True)),
                        ("enabled", models.BooleanField(default=True)),
                        ("disabled_reason", models.CharField(blank=True, default="", max_length=400)),
                        ("cursor", models.BigIntegerField(default=0)),
                        (
                            "health",
                            models.CharField(
                                choices=[("untested", "Untested"), ("healthy", "Working"), ("failing", "Failing")],
                                default="untested",
                                max_length=10,
                            ),
                        ),
                        ("failing_since", models.DateTimeField(blank=True, null=True)),
                        ("last_sent_at", models.DateTimeField(blank=True, null=True)),
                        ("last_error", models.CharField(blank=True, default="", max_length=2000)),
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
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "constraints": [models.UniqueConstraint(fields=("workspace", "name"), name="webhook_name")],
                    },
                ),
                migrations.CreateModel(
                    name="WebhookDelivery",
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
                            "webhook",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="deliveries",
                                to="notifications.webhook",
                            ),
                        ),
                        ("message_id", models.CharField(max_length=60)),
                        ("type", models.CharField(max_length=120)),
                        ("body", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting to be sent"),
                                    ("sending", "Being sent"),
                                    ("sent", "Sent"),
                                    ("failed", "Not delivered"),
                                ],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        ("epoch", models.PositiveIntegerField(default=0)),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                        ("available_at", models.DateTimeField()),
                        ("told_at", models.DateTimeField()),
                        ("created_at", models.DateTimeField()),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        ("status", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("took_ms", models.PositiveIntegerField(blank=True, null=True)),
                        ("request_headers", models.JSONField(blank=True, default=dict)),
                        ("response_headers", models.JSONField(blank=True, default=dict)),
                        ("response_body", models.TextField(blank=True, default="")),
                        ("error", models.CharField(blank=True, default="", max_length=2000)),
                        ("hint", models.CharField(blank=True, default="", max_length=2000)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state__in", ["waiting", "sending"])),
                                fields=["available_at"],
                                name="webhook_due",
                            ),
                            models.Index(fields=["webhook", "-id"], name="webhook_newest"),
                            models.Index(fields=["created_at"], name="webhook_old"),
                        ],
                    },
                ),
            ],
        ),
        BuildWall("Channel"),
        BuildWall("Notification", ("channel",)),
        BuildWall("Webhook"),
        BuildWall("WebhookDelivery", ("webhook",)),
        BuildOrganizationWall("AuditStream"),
    ]
