import django.core.serializers.json
import django.db.models.deletion
import syncs.models.alerts
from django.conf import settings
from django.db import migrations, models

from config.postgres.operations import CreateModels
from workspaces.walls import BuildWall, JoinWorkspace

# What a run was told to do is large and read one run at a time, so it lives
# beside the table; the rows that lists and sums go through stay small.
ASIDE = ("spec", "job", "prepared", "timings")
SET_ASIDE = [f"ALTER TABLE syncs_run ALTER COLUMN {column} SET STORAGE EXTERNAL" for column in ASIDE]
PUT_BACK = [f"ALTER TABLE syncs_run ALTER COLUMN {column} SET STORAGE EXTENDED" for column in ASIDE]


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("approvals", "0001_initial"),
        ("connectors", "0001_connections"),
        ("notifications", "0001_channels"),
        ("workspaces", "0002_workspaces"),
    ]
    replaces = [
        ("syncs", "0001_initial"),
        ("syncs", "0002_run_indexes"),
        ("syncs", "0003_schedules"),
        ("syncs", "0004_sync_logs"),
        ("syncs", "0005_alerts"),
        ("syncs", "0006_held_runs"),
        ("syncs", "0007_sequences"),
        ("syncs", "0008_previews"),
        ("syncs", "0009_organizing"),
        ("syncs", "0010_drafts"),
        ("syncs", "0011_privacy"),
        ("syncs", "0012_workspace_storage"),
        ("syncs", "0013_consent_trigger"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="AlertPolicy",
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
                            "destination",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="alert_policy",
                                to="connectors.destination",
                            ),
                        ),
                        (
                            "sync",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="alert_policy",
                                to="syncs.sync",
                            ),
                        ),
                        ("rules", models.JSONField(default=dict)),
                        ("own_recipients", models.BooleanField(default=False)),
                        ("reminder_hours", models.PositiveIntegerField(blank=True, null=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("destination__isnull", False), ("sync__isnull", False), _connector="XOR"
                                ),
                                name="alert_policy_one_owner",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AlertRecipient",
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
                            "policy",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="recipients",
                                to="syncs.alertpolicy",
                            ),
                        ),
                        (
                            "channel",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
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
                        (
                            "subscription",
                            models.CharField(
                                choices=[("critical", "Critical only"), ("all", "Critical and warning")],
                                default="all",
                                max_length=10,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["id"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("channel__isnull", False), ("person__isnull", False), _connector="XOR"
                                ),
                                name="alert_recipient_one",
                            ),
                            models.UniqueConstraint(fields=("policy", "channel"), name="alert_recipient_channel"),
                            models.UniqueConstraint(fields=("policy", "person"), name="alert_recipient_person"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AlertState",
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
                            "sync",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="alert_states",
                                to="syncs.sync",
                            ),
                        ),
                        (
                            "trigger",
                            models.CharField(
                                choices=[
                                    ("fatal", "Failed runs"),
                                    ("rejected", "Rejected rows"),
                                    ("held", "Held run"),
                                    ("model_size", "Model size"),
                                    ("duration", "Duration"),
                                    ("throughput", "Rows delivered"),
                                    ("consent", "Expired sign-in"),
                                ],
                                max_length=20,
                            ),
                        ),
                        (
                            "level",
                            models.CharField(
                                choices=[("ok", "No alert"), ("warning", "Warning"), ("critical", "Critical")],
                                default="ok",
                                max_length=10,
                            ),
                        ),
                        (
                            "announced",
                            models.CharField(
                                choices=[("ok", "No alert"), ("warning", "Warning"), ("critical", "Critical")],
                                default="ok",
                                max_length=10,
                            ),
                        ),
                        ("since", models.DateTimeField()),
                        ("told_at", models.DateTimeField(blank=True, null=True)),
                        ("value", models.FloatField(blank=True, null=True)),
                        ("summary", models.CharField(blank=True, default="", max_length=600)),
                        (
                            "run",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="syncs.run",
                            ),
                        ),
                        ("judged_run", models.BigIntegerField(blank=True, null=True)),
                        ("muted_at", models.DateTimeField(blank=True, null=True)),
                        ("muted_until", models.DateTimeField(blank=True, null=True)),
                        ("muted_by", models.CharField(blank=True, default="", max_length=320)),
                        ("thread", models.CharField(default=syncs.models.alerts.new_thread, max_length=32)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("level", "ok"), _negated=True),
                                fields=["workspace", "sync"],
                                name="alert_active",
                            ),
                            models.Index(
                                condition=models.Q(("level", models.F("announced")), _negated=True),
                                fields=["sync"],
                                name="alert_unannounced",
                            ),
                        ],
                        "constraints": [models.UniqueConstraint(fields=("sync", "trigger"), name="alert_state_once")],
                    },
                ),
                migrations.CreateModel(
                    name="AlertTransition",
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
                            "state",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="transitions",
                                to="syncs.alertstate",
                            ),
                        ),
                        (
                            "before",
                            models.CharField(
                                choices=[("ok", "No alert"), ("warning", "Warning"), ("critical", "Critical")],
                                max_length=10,
                            ),
                        ),
                        (
                            "after",
                            models.CharField(
                                choices=[("ok", "No alert"), ("warning", "Warning"), ("critical", "Critical")],
                                max_length=10,
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("value", models.FloatField(blank=True, null=True)),
                        ("summary", models.CharField(blank=True, default="", max_length=600)),
                        (
                            "run",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="syncs.run",
                            ),
                        ),
                        ("muted", models.BooleanField(default=False)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [models.Index(fields=["state", "-id"], name="alert_history")],
                    },
                ),
                migrations.CreateModel(
                    name="Model",
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
                        (
                            "source",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="models",
                                to="connectors.source",
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
                        ("slug", models.CharField(max_length=120)),
                        (
                            "folder",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="models",
                                to="workspaces.folder",
                            ),
                        ),
                        ("description", models.TextField(blank=True)),
                        (
                            "method",
                            models.CharField(choices=[("sql", "SQL query"), ("table", "Table or view")], max_length=10),
                        ),
                        ("sql", models.TextField(blank=True)),
                        ("table_schema", models.CharField(blank=True, max_length=400)),
                        ("table_name", models.CharField(blank=True, max_length=400)),
                        ("primary_key", models.CharField(max_length=400)),
                        ("revision", models.PositiveIntegerField(default=1)),
                        ("published", models.BooleanField(default=True)),
                        ("columns_refreshed_at", models.DateTimeField()),
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
                        "indexes": [models.Index(fields=["workspace", "name"], name="model_name")],
                        "constraints": [models.UniqueConstraint(fields=("workspace", "slug"), name="model_slug")],
                    },
                ),
                migrations.CreateModel(
                    name="ModelColumn",
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
                            "model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="columns", to="syncs.model"
                            ),
                        ),
                        ("name", models.CharField(max_length=400)),
                        ("position", models.PositiveIntegerField()),
                        (
                            "type",
                            models.CharField(
                                choices=[
                                    ("boolean", "Boolean"),
                                    ("number", "Number"),
                                    ("string", "String"),
                                    ("timestamp", "Timestamp"),
                                    ("date", "Date"),
                                    ("object", "Object"),
                                    ("unknown", "Unknown"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("native_type", models.CharField(blank=True, max_length=400)),
                        (
                            "override_type",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("boolean", "Boolean"),
                                    ("number", "Number"),
                                    ("string", "String"),
                                    ("timestamp", "Timestamp"),
                                    ("date", "Date"),
                                    ("object", "Object"),
                                    ("unknown", "Unknown"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("description", models.TextField(blank=True)),
                        ("description_edited", models.BooleanField(default=False)),
                        ("enabled", models.BooleanField(default=True)),
                        ("missing", models.BooleanField(default=False)),
                    ],
                    options={
                        "ordering": ["position", "id"],
                        "constraints": [models.UniqueConstraint(fields=("model", "name"), name="model_column_name")],
                    },
                ),
                migrations.CreateModel(
                    name="Preview",
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
                            "sync",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="previews", to="syncs.sync"
                            ),
                        ),
                        (
                            "draft",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="approvals.draft",
                            ),
                        ),
                        ("draft_revision", models.PositiveIntegerField(blank=True, null=True)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting for a worker"),
                                    ("running", "Being made"),
                                    ("ready", "Ready"),
                                    ("failed", "Failed"),
                                    ("cancelled", "Cancelled"),
                                ],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        ("actor_label", models.CharField(max_length=320)),
                        ("epoch", models.PositiveIntegerField(default=0)),
                        ("queried", models.BigIntegerField(default=0)),
                        ("spec", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                        (
                            "prepared",
                            models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
                        ),
                        ("plan", models.JSONField(default=list)),
                        ("warnings", models.JSONField(default=list)),
                        (
                            "requests",
                            models.JSONField(default=list, encoder=django.core.serializers.json.DjangoJSONEncoder),
                        ),
                        ("error_message", models.TextField(blank=True)),
                        ("error_hint", models.TextField(blank=True)),
                        ("created_at", models.DateTimeField()),
                        ("beat_at", models.DateTimeField()),
                        ("finished_at", models.DateTimeField(null=True)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["sync", "-id"], name="preview_of_sync"),
                            models.Index(fields=["created_at"], name="preview_age"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ForgetKey",
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
                        ("sealed", models.TextField()),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="Tombstone",
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
                            "model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="tombstones", to="syncs.model"
                            ),
                        ),
                        ("column", models.CharField(max_length=400)),
                        (
                            "key",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="tombstones",
                                to="syncs.forgetkey",
                            ),
                        ),
                        ("digest", models.CharField(max_length=64)),
                        ("case_id", models.BigIntegerField()),
                        ("fresh", models.BooleanField(default=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["case_id"], name="tombstone_case")],
                        "constraints": [
                            models.UniqueConstraint(fields=("model", "column", "digest"), name="tombstone_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Run",
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
                            "sync",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="syncs.sync"
                            ),
                        ),
                        ("number", models.PositiveIntegerField()),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("enqueued", "Waiting for a worker"),
                                    ("querying", "Querying the model"),
                                    ("preparing", "Computing changes"),
                                    ("held", "Held for a decision"),
                                    ("queued", "Waiting to write"),
                                    ("writing", "Writing"),
                                    ("settling", "Recording results"),
                                    ("succeeded", "Completed"),
                                    ("warning", "Completed with errors"),
                                    ("failed", "Failed"),
                                    ("cancelled", "Cancelled"),
                                    ("interrupted", "Interrupted"),
                                ],
                                default="enqueued",
                                max_length=12,
                            ),
                        ),
                        (
                            "trigger",
                            models.CharField(
                                choices=[
                                    ("manual", "Manual"),
                                    ("schedule", "Schedule"),
                                    ("api", "API"),
                                    ("retry", "Resumed after an interruption"),
                                    ("reset", "Model change"),
                                    ("sequence", "Sequence"),
                                    ("rejected", "Retry of rejected rows"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("actor_label", models.CharField(max_length=320)),
                        ("correlation_id", models.CharField(max_length=32)),
                        ("spec", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                        ("job", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                        ("sync_revision", models.PositiveIntegerField()),
                        (
                            "prepared",
                            models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
                        ),
                        ("hold", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                        ("created_at", models.DateTimeField()),
                        ("started_at", models.DateTimeField(null=True)),
                        ("finished_at", models.DateTimeField(null=True)),
                        ("cancel_requested_at", models.DateTimeField(null=True)),
                        ("timings", models.JSONField(default=dict)),
                        ("queried", models.BigIntegerField(default=0)),
                        ("null_keys", models.BigIntegerField(default=0)),
                        ("duplicates", models.BigIntegerField(default=0)),
                        ("forgotten", models.BigIntegerField(default=0)),
                        ("retried", models.BigIntegerField(default=0)),
                        ("planned_added", models.BigIntegerField(default=0)),
                        ("planned_changed", models.BigIntegerField(default=0)),
                        ("planned_removed", models.BigIntegerField(default=0)),
                        ("succeeded_added", models.BigIntegerField(default=0)),
                        ("succeeded_changed", models.BigIntegerField(default=0)),
                        ("succeeded_removed", models.BigIntegerField(default=0)),
                        ("rejected_added", models.BigIntegerField(default=0)),
                        ("rejected_changed", models.BigIntegerField(default=0)),
                        ("rejected_removed", models.BigIntegerField(default=0)),
                        ("aborted_added", models.BigIntegerField(default=0)),
                        ("aborted_changed", models.BigIntegerField(default=0)),
                        ("aborted_removed", models.BigIntegerField(default=0)),
                        ("in_doubt", models.BigIntegerField(default=0)),
                        ("error_code", models.CharField(blank=True, max_length=60)),
                        ("error_message", models.TextField(blank=True)),
                        ("error_hint", models.TextField(blank=True)),
                        ("traces_purged_at", models.DateTimeField(null=True)),
                        ("requests_purged_at", models.DateTimeField(null=True)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["sync", "-id"], name="run_of_sync"),
                            models.Index(
                                condition=models.Q(("status", "interrupted")),
                                fields=["finished_at"],
                                name="run_interrupted",
                            ),
                            models.Index(fields=["workspace", "-id"], name="run_newest"),
                            models.Index(
                                fields=["workspace", "-finished_at"],
                                include=(
                                    "succeeded_added",
                                    "succeeded_changed",
                                    "succeeded_removed",
                                    "rejected_added",
                                    "rejected_changed",
                                    "rejected_removed",
                                ),
                                name="run_summed",
                            ),
                            models.Index(
                                condition=models.Q(("status__in", ["failed", "interrupted"])),
                                fields=["workspace", "-id"],
                                name="run_failed",
                            ),
                            models.Index(
                                condition=models.Q(("finished_at__isnull", False), ("traces_purged_at__isnull", True)),
                                fields=["finished_at"],
                                name="run_to_purge",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("finished_at__isnull", False), ("requests_purged_at__isnull", True)
                                ),
                                fields=["finished_at"],
                                name="run_requests_to_purge",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("finished_at__isnull", True)), fields=("sync",), name="run_one_live"
                            ),
                            models.UniqueConstraint(fields=("sync", "number"), name="run_number"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RunStep",
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
                            "run",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="syncs.run"
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("prepare", "Query and compare"),
                                    ("clear", "Empty the list"),
                                    ("deliver", "Deliver a part"),
                                    ("settle", "Record results"),
                                    ("log", "Write logs to the warehouse"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("number", models.PositiveIntegerField(default=0)),
                        (
                            "state",
                            models.CharField(
                                choices=[("waiting", "Waiting"), ("running", "Running"), ("done", "Done")],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        ("epoch", models.PositiveIntegerField(default=0)),
                        ("lease_until", models.DateTimeField(null=True)),
                        ("available_at", models.DateTimeField()),
                        ("sent_at", models.DateTimeField()),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("rows_total", models.BigIntegerField(default=0)),
                        ("rows_done", models.BigIntegerField(default=0)),
                        (
                            "outcome",
                            models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
                        ),
                        ("started_at", models.DateTimeField(null=True)),
                        ("finished_at", models.DateTimeField(null=True)),
                    ],
                    options={
                        "ordering": ["run_id", "id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "waiting")), fields=["available_at"], name="step_waiting"
                            ),
                            models.Index(
                                condition=models.Q(("state", "running")), fields=["lease_until"], name="step_running"
                            ),
                        ],
                        "constraints": [models.UniqueConstraint(fields=("run", "kind", "number"), name="run_step")],
                    },
                ),
                migrations.CreateModel(
                    name="JournalBatch",
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
                            "step",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="batches", to="syncs.runstep"
                            ),
                        ),
                        ("number", models.PositiveIntegerField()),
                        ("first", models.PositiveBigIntegerField()),
                        ("rows", models.PositiveIntegerField()),
                        ("done", models.BooleanField(default=False)),
                        ("status", models.CharField(max_length=10)),
                        ("rejections", models.JSONField(default=list)),
                        ("code", models.CharField(blank=True, default="", max_length=100)),
                        ("message", models.TextField(blank=True, default="")),
                        ("in_doubt", models.BooleanField(default=False)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("step", "number"), name="journal_batch")],
                    },
                ),
                migrations.CreateModel(
                    name="Sequence",
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
                        (
                            "schedule_kind",
                            models.CharField(
                                choices=[
                                    ("manual", "Manual"),
                                    ("interval", "Interval"),
                                    ("custom", "Custom recurrence"),
                                    ("cron", "Cron expression"),
                                ],
                                default="manual",
                                max_length=10,
                            ),
                        ),
                        ("interval_count", models.PositiveIntegerField(blank=True, null=True)),
                        (
                            "interval_unit",
                            models.CharField(
                                blank=True,
                                choices=[("minute", "minutes"), ("hour", "hours"), ("day", "days"), ("week", "weeks")],
                                max_length=10,
                            ),
                        ),
                        ("cron", models.CharField(blank=True, max_length=200)),
                        (
                            "recurrences",
                            models.JSONField(
                                blank=True, default=list, encoder=django.core.serializers.json.DjangoJSONEncoder
                            ),
                        ),
                        ("zone", models.CharField(blank=True, max_length=64)),
                        ("starts_at", models.DateTimeField(blank=True, null=True)),
                        ("ends_at", models.DateTimeField(blank=True, null=True)),
                        ("schedule_enabled", models.BooleanField(default=True)),
                        ("next_run_at", models.DateTimeField(blank=True, null=True)),
                        ("name", models.CharField(max_length=200)),
                        ("slug", models.CharField(max_length=120)),
                        (
                            "last_run",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="syncs.sequencerun",
                            ),
                        ),
                        ("runs_started", models.PositiveIntegerField(default=0)),
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
                        "indexes": [
                            models.Index(
                                condition=models.Q(("next_run_at__isnull", False)),
                                fields=["next_run_at"],
                                name="sequence_due",
                            )
                        ],
                        "constraints": [models.UniqueConstraint(fields=("workspace", "slug"), name="sequence_slug")],
                    },
                ),
                migrations.CreateModel(
                    name="SequenceStep",
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
                            "terminate",
                            models.CharField(
                                choices=[
                                    ("rejected", "Stop if it fails or rejects too many rows"),
                                    ("fatal", "Stop only if it fails"),
                                    ("never", "Go on whatever happens"),
                                ],
                                default="fatal",
                                max_length=10,
                            ),
                        ),
                        (
                            "limit_unit",
                            models.CharField(
                                choices=[
                                    ("any", "Any row"),
                                    ("rows", "More than this many rows"),
                                    ("percent", "More than this % of its rows"),
                                ],
                                default="any",
                                max_length=10,
                            ),
                        ),
                        ("limit", models.PositiveIntegerField(default=0)),
                        (
                            "sequence",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="syncs.sequence"
                            ),
                        ),
                        ("position", models.PositiveIntegerField()),
                        (
                            "sync",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="sequence_steps",
                                to="syncs.sync",
                            ),
                        ),
                        ("label", models.CharField(max_length=200)),
                    ],
                    options={
                        "ordering": ["position", "id"],
                        "constraints": [
                            models.UniqueConstraint(fields=("sequence", "position"), name="sequence_step_position")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SequenceRun",
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
                            "sequence",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="syncs.sequence"
                            ),
                        ),
                        ("number", models.PositiveIntegerField()),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("running", "Running"),
                                    ("succeeded", "Completed"),
                                    ("failed", "Stopped"),
                                    ("cancelled", "Cancelled"),
                                ],
                                default="running",
                                max_length=10,
                            ),
                        ),
                        (
                            "trigger",
                            models.CharField(
                                choices=[("manual", "Manual"), ("schedule", "Schedule"), ("api", "API")], max_length=10
                            ),
                        ),
                        ("actor_label", models.CharField(max_length=320)),
                        ("correlation_id", models.CharField(max_length=32)),
                        ("created_at", models.DateTimeField()),
                        ("finished_at", models.DateTimeField(null=True)),
                        ("cancel_requested_at", models.DateTimeField(null=True)),
                        ("reason", models.TextField(blank=True)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["sequence", "-id"], name="sequence_run_newest"),
                            models.Index(
                                condition=models.Q(("finished_at__isnull", True)),
                                fields=["id"],
                                name="sequence_run_live",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("finished_at__isnull", True)),
                                fields=("sequence",),
                                name="sequence_one_live",
                            ),
                            models.UniqueConstraint(fields=("sequence", "number"), name="sequence_run_number"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SequenceRunStep",
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
                            "terminate",
                            models.CharField(
                                choices=[
                                    ("rejected", "Stop if it fails or rejects too many rows"),
                                    ("fatal", "Stop only if it fails"),
                                    ("never", "Go on whatever happens"),
                                ],
                                default="fatal",
                                max_length=10,
                            ),
                        ),
                        (
                            "limit_unit",
                            models.CharField(
                                choices=[
                                    ("any", "Any row"),
                                    ("rows", "More than this many rows"),
                                    ("percent", "More than this % of its rows"),
                                ],
                                default="any",
                                max_length=10,
                            ),
                        ),
                        ("limit", models.PositiveIntegerField(default=0)),
                        (
                            "run",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="steps",
                                to="syncs.sequencerun",
                            ),
                        ),
                        ("position", models.PositiveIntegerField()),
                        (
                            "sync",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="syncs.sync",
                            ),
                        ),
                        ("label", models.CharField(max_length=200)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting"),
                                    ("running", "Running"),
                                    ("succeeded", "Completed"),
                                    ("warning", "Completed with errors"),
                                    ("failed", "Failed"),
                                    ("cancelled", "Cancelled"),
                                    ("skipped", "Not run"),
                                ],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        (
                            "sync_run",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="syncs.run",
                            ),
                        ),
                        ("reason", models.TextField(blank=True)),
                        ("started_at", models.DateTimeField(null=True)),
                        ("finished_at", models.DateTimeField(null=True)),
                    ],
                    options={
                        "ordering": ["position", "id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state__in", ["waiting", "running"])),
                                fields=["sync"],
                                name="sequence_step_open",
                            )
                        ],
                        "constraints": [models.UniqueConstraint(fields=("run", "position"), name="sequence_run_step")],
                    },
                ),
                migrations.CreateModel(
                    name="WorkspaceStorage",
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
                        ("bucket", models.CharField(max_length=255)),
                        ("prefix", models.CharField(blank=True, default="", max_length=200)),
                        ("region", models.CharField(blank=True, default="", max_length=40)),
                        ("project", models.CharField(blank=True, default="", max_length=100)),
                        ("account", models.CharField(blank=True, default="", max_length=24)),
                        (
                            "credential",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="connectors.cloudcredential",
                            ),
                        ),
                        ("used_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "health",
                            models.CharField(
                                choices=[("untested", "Not tested"), ("healthy", "Healthy"), ("failing", "Failing")],
                                default="untested",
                                max_length=10,
                            ),
                        ),
                        ("checked_at", models.DateTimeField(blank=True, null=True)),
                        ("check_message", models.CharField(blank=True, default="", max_length=2000)),
                        ("check_hint", models.CharField(blank=True, default="", max_length=2000)),
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
                        "constraints": [models.UniqueConstraint(fields=("workspace",), name="workspace_storage_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Sync",
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
                        (
                            "schedule_kind",
                            models.CharField(
                                choices=[
                                    ("manual", "Manual"),
                                    ("interval", "Interval"),
                                    ("custom", "Custom recurrence"),
                                    ("cron", "Cron expression"),
                                ],
                                default="manual",
                                max_length=10,
                            ),
                        ),
                        ("interval_count", models.PositiveIntegerField(blank=True, null=True)),
                        (
                            "interval_unit",
                            models.CharField(
                                blank=True,
                                choices=[("minute", "minutes"), ("hour", "hours"), ("day", "days"), ("week", "weeks")],
                                max_length=10,
                            ),
                        ),
                        ("cron", models.CharField(blank=True, max_length=200)),
                        (
                            "recurrences",
                            models.JSONField(
                                blank=True, default=list, encoder=django.core.serializers.json.DjangoJSONEncoder
                            ),
                        ),
                        ("zone", models.CharField(blank=True, max_length=64)),
                        ("starts_at", models.DateTimeField(blank=True, null=True)),
                        ("ends_at", models.DateTimeField(blank=True, null=True)),
                        ("schedule_enabled", models.BooleanField(default=True)),
                        ("next_run_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="syncs", to="syncs.model"
                            ),
                        ),
                        (
                            "destination",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="syncs",
                                to="connectors.destination",
                            ),
                        ),
                        (
                            "space",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.RESTRICT,
                                related_name="syncs",
                                to="workspaces.space",
                            ),
                        ),
                        ("slug", models.CharField(max_length=120)),
                        ("name", models.CharField(blank=True, max_length=200)),
                        ("sync_type", models.CharField(max_length=60)),
                        ("mode", models.CharField(max_length=20)),
                        ("removal", models.CharField(default="nothing", max_length=20)),
                        ("first_run", models.CharField(default="backfill", max_length=20)),
                        (
                            "settings",
                            models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                        ),
                        ("sealed_settings", models.TextField(blank=True)),
                        (
                            "mappings",
                            models.JSONField(default=list, encoder=django.core.serializers.json.DjangoJSONEncoder),
                        ),
                        ("guardrails", models.JSONField(blank=True, default=dict)),
                        ("revision", models.PositiveIntegerField(default=1)),
                        ("paused", models.BooleanField(default=False)),
                        ("published", models.BooleanField(default=True)),
                        (
                            "pending_reset",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "Nothing special"),
                                    ("reset", "Remember the rows, send nothing"),
                                    ("resync", "Send every row as added"),
                                    ("clear", "Empty the destination's list, then send every row as added"),
                                ],
                                default="",
                                max_length=10,
                            ),
                        ),
                        ("pending_reprocess", models.BooleanField(default=False)),
                        ("baseline", models.JSONField(blank=True, null=True)),
                        (
                            "last_run",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="syncs.run",
                            ),
                        ),
                        ("runs_started", models.PositiveIntegerField(default=0)),
                        ("sync_logs", models.JSONField(blank=True, default=list)),
                        ("erasing_for", models.BigIntegerField(blank=True, null=True)),
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
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("next_run_at__isnull", False), ("paused", False)),
                                fields=["next_run_at"],
                                name="sync_due",
                            )
                        ],
                        "constraints": [models.UniqueConstraint(fields=("workspace", "slug"), name="sync_slug")],
                    },
                ),
            ],
        ),
        BuildWall("Model", ("source", "folder")),
        BuildWall("ModelColumn", ("model",)),
        BuildWall("Sync", ("model", "destination", "space")),
        BuildWall("Run", ("sync",)),
        JoinWorkspace("Sync", ("last_run",)),
        BuildWall("RunStep", ("run",)),
        BuildWall("JournalBatch", ("step",)),
        BuildWall("AlertPolicy", ("destination", "sync")),
        BuildWall("AlertRecipient", ("policy", "channel")),
        BuildWall("AlertState", ("sync", "run")),
        BuildWall("AlertTransition", ("state", "run")),
        BuildWall("Sequence"),
        BuildWall("SequenceRun", ("sequence",)),
        JoinWorkspace("Sequence", ("last_run",)),
        BuildWall("SequenceStep", ("sequence", "sync")),
        BuildWall("SequenceRunStep", ("run", "sync", "sync_run")),
        BuildWall("Preview", ("sync", "draft")),
        BuildWall("ForgetKey"),
        BuildWall("Tombstone", ("model", "key")),
        BuildWall("WorkspaceStorage", ("credential",)),
        migrations.RunSQL(
            ["ALTER TABLE syncs_run SET (toast_tuple_target = 256)", *SET_ASIDE],
            ["ALTER TABLE syncs_run RESET (toast_tuple_target)", *PUT_BACK],
        ),
    ]
