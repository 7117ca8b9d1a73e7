import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from workspaces.walls import BuildWall

# The two tables point at each other, so this half comes after both have their keys.
LAST_RUN_WALL = (
    "ALTER TABLE syncs_sync ADD CONSTRAINT syncs_sync_last_run_id_wall FOREIGN KEY (workspace_id, last_run_id) "
    "REFERENCES syncs_run (workspace_id, id) DEFERRABLE INITIALLY DEFERRED"
)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("connectors", "0001_initial"),
        ("workspaces", "0002_walls"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Model",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("slug", models.CharField(max_length=120)),
                ("description", models.TextField(blank=True)),
                ("method", models.CharField(choices=[("sql", "SQL query"), ("table", "Table or view")], max_length=10)),
                ("sql", models.TextField(blank=True)),
                ("table_schema", models.CharField(blank=True, max_length=400)),
                ("table_name", models.CharField(blank=True, max_length=400)),
                ("primary_key", models.CharField(max_length=400)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("columns_refreshed_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
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
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="models", to="connectors.source"
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="ModelColumn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="columns", to="syncs.model"
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("enqueued", "Waiting for a worker"),
                            ("querying", "Querying the model"),
                            ("preparing", "Computing changes"),
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
                        ],
                        max_length=10,
                    ),
                ),
                ("actor_label", models.CharField(max_length=320)),
                ("correlation_id", models.CharField(max_length=32)),
                ("spec", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("job", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("sync_revision", models.PositiveIntegerField()),
                ("prepared", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("cancel_requested_at", models.DateTimeField(null=True)),
                ("timings", models.JSONField(default=dict)),
                ("queried", models.BigIntegerField(default=0)),
                ("null_keys", models.BigIntegerField(default=0)),
                ("duplicates", models.BigIntegerField(default=0)),
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
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RunStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("prepare", "Query and compare"),
                            ("deliver", "Deliver a part"),
                            ("settle", "Record results"),
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
                ("outcome", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="syncs.run"
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "ordering": ["run_id", "id"],
            },
        ),
        migrations.CreateModel(
            name="JournalBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("first", models.PositiveBigIntegerField()),
                ("rows", models.PositiveIntegerField()),
                ("done", models.BooleanField(default=False)),
                ("status", models.CharField(max_length=10)),
                ("rejections", models.JSONField(default=list)),
                ("code", models.CharField(blank=True, default="", max_length=100)),
                ("message", models.TextField(blank=True, default="")),
                ("in_doubt", models.BooleanField(default=False)),
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
            ],
        ),
        migrations.CreateModel(
            name="Sync",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.CharField(max_length=120)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("sync_type", models.CharField(max_length=60)),
                ("mode", models.CharField(max_length=20)),
                ("removal", models.CharField(default="nothing", max_length=20)),
                ("first_run", models.CharField(default="backfill", max_length=20)),
                ("settings", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("sealed_settings", models.TextField(blank=True)),
                ("mappings", models.JSONField(default=list, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ("revision", models.PositiveIntegerField(default=1)),
                (
                    "schedule_kind",
                    models.CharField(
                        choices=[("manual", "Manual"), ("interval", "Interval"), ("cron", "Cron expression")],
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
                ("schedule_enabled", models.BooleanField(default=True)),
                ("paused", models.BooleanField(default=False)),
                ("next_run_at", models.DateTimeField(blank=True, null=True)),
                (
                    "pending_reset",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Nothing special"),
                            ("reset", "Remember the rows, send nothing"),
                            ("resync", "Send every row as added"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("pending_reprocess", models.BooleanField(default=False)),
                ("baseline", models.JSONField(blank=True, null=True)),
                ("runs_started", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
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
                (
                    "destination",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="syncs", to="connectors.destination"
                    ),
                ),
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
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="syncs", to="syncs.model"
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddField(
            model_name="run",
            name="sync",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="syncs.sync"),
        ),
        migrations.AddIndex(
            model_name="model",
            index=models.Index(fields=["workspace", "name"], name="model_name"),
        ),
        migrations.AddConstraint(
            model_name="model",
            constraint=models.UniqueConstraint(fields=("workspace", "slug"), name="model_slug"),
        ),
        migrations.AddConstraint(
            model_name="modelcolumn",
            constraint=models.UniqueConstraint(fields=("model", "name"), name="model_column_name"),
        ),
        migrations.AddIndex(
            model_name="runstep",
            index=models.Index(condition=models.Q(("state", "waiting")), fields=["available_at"], name="step_waiting"),
        ),
        migrations.AddIndex(
            model_name="runstep",
            index=models.Index(condition=models.Q(("state", "running")), fields=["lease_until"], name="step_running"),
        ),
        migrations.AddConstraint(
            model_name="runstep",
            constraint=models.UniqueConstraint(fields=("run", "kind", "number"), name="run_step"),
        ),
        migrations.AddConstraint(
            model_name="journalbatch",
            constraint=models.UniqueConstraint(fields=("step", "number"), name="journal_batch"),
        ),
        migrations.AddIndex(
            model_name="sync",
            index=models.Index(
                condition=models.Q(("next_run_at__isnull", False), ("paused", False)),
                fields=["next_run_at"],
                name="sync_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="sync",
            constraint=models.UniqueConstraint(fields=("workspace", "slug"), name="sync_slug"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status", "interrupted")), fields=["finished_at"], name="run_interrupted"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["sync", "-id"], name="run_of_sync"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["workspace", "-finished_at"], name="run_finished"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status__in", ["failed", "interrupted"])),
                fields=["workspace", "-id"],
                name="run_failed",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False), ("traces_purged_at__isnull", True)),
                fields=["finished_at"],
                name="run_to_purge",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("finished_at__isnull", True)), fields=("sync",), name="run_one_live"
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(fields=("sync", "number"), name="run_number"),
        ),
        BuildWall("model", ("source",)),
        BuildWall("modelcolumn", ("model",)),
        BuildWall("sync", ("model", "destination")),
        BuildWall("run", ("sync",)),
        migrations.RunSQL(LAST_RUN_WALL, "ALTER TABLE syncs_sync DROP CONSTRAINT syncs_sync_last_run_id_wall"),
        BuildWall("runstep", ("run",)),
        BuildWall("journalbatch", ("step",)),
    ]
