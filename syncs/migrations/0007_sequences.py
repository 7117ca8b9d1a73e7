import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from workspaces.walls import BuildWall


# The two tables point at each other, so this half comes after both have their keys.
LAST_RUN_WALL = (
    "ALTER TABLE syncs_sequence ADD CONSTRAINT syncs_sequence_last_run_id_wall FOREIGN KEY (workspace_id, last_run_id) "
    "REFERENCES syncs_sequencerun (workspace_id, id) DEFERRABLE INITIALLY DEFERRED"
)


class Migration(migrations.Migration):
    dependencies = [
        ("syncs", "0006_held_runs"),
        ("workspaces", "0002_walls"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Sequence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    models.JSONField(blank=True, default=list, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("zone", models.CharField(blank=True, max_length=64)),
                ("starts_at", models.DateTimeField(blank=True, null=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("schedule_enabled", models.BooleanField(default=True)),
                ("next_run_at", models.DateTimeField(blank=True, null=True)),
                ("name", models.CharField(max_length=200)),
                ("slug", models.CharField(max_length=120)),
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
            name="SequenceRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                        choices=[
                            ("manual", "Manual"),
                            ("schedule", "Schedule"),
                            ("api", "API"),
                        ],
                        max_length=10,
                    ),
                ),
                ("actor_label", models.CharField(max_length=320)),
                ("correlation_id", models.CharField(max_length=32)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("cancel_requested_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True)),
                (
                    "sequence",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="syncs.sequence"
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
            model_name="sequence",
            name="last_run",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="syncs.sequencerun",
            ),
        ),
        migrations.CreateModel(
            name="SequenceRunStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("position", models.PositiveIntegerField()),
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
                ("reason", models.TextField(blank=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="syncs.sequencerun"
                    ),
                ),
                (
                    "sync",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="syncs.sync"
                    ),
                ),
                (
                    "sync_run",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="syncs.run"
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
            name="SequenceStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("position", models.PositiveIntegerField()),
                ("label", models.CharField(max_length=200)),
                (
                    "sequence",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="syncs.sequence"
                    ),
                ),
                (
                    "sync",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="sequence_steps",
                        to="syncs.sync",
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
        migrations.AddIndex(
            model_name="sequencerun",
            index=models.Index(fields=["sequence", "-id"], name="sequence_run_newest"),
        ),
        migrations.AddIndex(
            model_name="sequencerun",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", True)), fields=["id"], name="sequence_run_live"
            ),
        ),
        migrations.AddConstraint(
            model_name="sequencerun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("finished_at__isnull", True)), fields=("sequence",), name="sequence_one_live"
            ),
        ),
        migrations.AddConstraint(
            model_name="sequencerun",
            constraint=models.UniqueConstraint(fields=("sequence", "number"), name="sequence_run_number"),
        ),
        migrations.AddIndex(
            model_name="sequence",
            index=models.Index(
                condition=models.Q(("next_run_at__isnull", False)), fields=["next_run_at"], name="sequence_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="sequence",
            constraint=models.UniqueConstraint(fields=("workspace", "slug"), name="sequence_slug"),
        ),
        migrations.AddIndex(
            model_name="sequencerunstep",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "running"])), fields=["sync"], name="sequence_step_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="sequencerunstep",
            constraint=models.UniqueConstraint(fields=("run", "position"), name="sequence_run_step"),
        ),
        migrations.AddConstraint(
            model_name="sequencestep",
            constraint=models.UniqueConstraint(fields=("sequence", "position"), name="sequence_step_position"),
        ),
        BuildWall("sequence"),
        BuildWall("sequencerun", ("sequence",)),
        migrations.RunSQL(LAST_RUN_WALL, "ALTER TABLE syncs_sequence DROP CONSTRAINT syncs_sequence_last_run_id_wall"),
        BuildWall("sequencestep", ("sequence", "sync")),
        BuildWall("sequencerunstep", ("run", "sync", "sync_run")),
    ]
