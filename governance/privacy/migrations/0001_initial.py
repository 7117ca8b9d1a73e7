import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from config.postgres.operations import CreateModels
from workspaces.walls import BuildWall


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("workspaces", "0002_workspaces"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="PersonCase",
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
                        ("value", models.CharField(blank=True, max_length=1000)),
                        ("scope", models.CharField(blank=True, max_length=500)),
                        ("scope_words", models.CharField(blank=True, max_length=500)),
                        ("hint", models.CharField(blank=True, max_length=100)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting for a worker"),
                                    ("searching", "Searching"),
                                    ("found", "Search finished"),
                                    ("failed", "Search failed"),
                                    ("requested", "Waiting for confirmation"),
                                    ("confirmed", "Waiting to erase"),
                                    ("erasing", "Erasing"),
                                    ("stuck", "Erasure stopped"),
                                    ("erased", "Forgotten"),
                                ],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        ("step", models.CharField(blank=True, max_length=300)),
                        ("done", models.PositiveIntegerField(default=0)),
                        ("total", models.PositiveIntegerField(default=0)),
                        (
                            "findings",
                            models.JSONField(
                                blank=True, default=list, encoder=django.core.serializers.json.DjangoJSONEncoder
                            ),
                        ),
                        ("error_message", models.TextField(blank=True)),
                        ("error_hint", models.TextField(blank=True)),
                        ("requested_by", models.CharField(max_length=320)),
                        ("requested_by_id", models.BigIntegerField(null=True)),
                        ("created_at", models.DateTimeField()),
                        ("finished_at", models.DateTimeField(null=True)),
                        ("expires_at", models.DateTimeField(null=True)),
                        ("epoch", models.PositiveIntegerField(default=0)),
                        ("beat_at", models.DateTimeField()),
                        ("available_at", models.DateTimeField()),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("reason", models.CharField(blank=True, max_length=500)),
                        ("ticket", models.CharField(blank=True, max_length=120)),
                        ("remove_first", models.BooleanField(default=False)),
                        ("erasure_by", models.CharField(blank=True, max_length=320)),
                        ("erasure_at", models.DateTimeField(null=True)),
                        ("confirmed_by", models.CharField(blank=True, max_length=320)),
                        ("confirmed_at", models.DateTimeField(null=True)),
                        ("erase_anyway", models.BooleanField(default=False)),
                        (
                            "notes",
                            models.JSONField(
                                blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                            ),
                        ),
                        (
                            "report",
                            models.JSONField(
                                blank=True, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["workspace", "-id"], name="person_case_newest"),
                            models.Index(
                                condition=models.Q(("state__in", ("waiting", "searching", "confirmed", "erasing"))),
                                fields=["available_at"],
                                name="person_case_due",
                            ),
                            models.Index(fields=["expires_at"], name="person_case_age"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Retention",
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
                            "request_days",
                            models.PositiveIntegerField(
                                blank=True, null=True, validators=[django.core.validators.MaxValueValidator(3650)]
                            ),
                        ),
                        (
                            "row_days",
                            models.PositiveIntegerField(
                                blank=True, null=True, validators=[django.core.validators.MaxValueValidator(3650)]
                            ),
                        ),
                        (
                            "run_days",
                            models.PositiveIntegerField(
                                blank=True,
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(3650),
                                ],
                            ),
                        ),
                        (
                            "preview_hours",
                            models.PositiveIntegerField(
                                blank=True,
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(720),
                                ],
                            ),
                        ),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("workspace",), name="retention_of_workspace")],
                    },
                ),
            ],
        ),
        BuildWall("PersonCase"),
        BuildWall("Retention"),
    ]
