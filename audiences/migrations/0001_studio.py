"""The studio: its schema, audiences, traits and the rules built on them."""

import django.contrib.postgres.fields
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from config.postgres.operations import CreateModels
from workspaces.walls import BuildWall, JoinWorkspace


class Migration(migrations.Migration):
    replaces = [
        ("audiences", "0001_initial"),
        ("audiences", "0002_audiences"),
        ("audiences", "0003_governance"),
        ("audiences", "0004_traits"),
        ("audiences", "0005_insights"),
        ("audiences", "0006_audience_model"),
        ("audiences", "0007_builder"),
        ("audiences", "0008_layers"),
        ("audiences", "0009_templates"),
        ("audiences", "0010_priority_lists"),
        ("audiences", "0011_sync_templates"),
        ("audiences", "0012_experiments"),
        ("audiences", "0013_count_after_runs"),
        ("audiences", "0014_snapshots"),
    ]

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("connectors", "0001_connections"),
        ("syncs", "0002_audience_models"),
        ("workspaces", "0003_subset_grants"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="SchemaModel",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("labels", models.JSONField(blank=True, default=dict)),
                        (
                            "kind",
                            models.CharField(
                                choices=[("parent", "Parent model"), ("related", "Related model"), ("event", "Event")],
                                max_length=10,
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
                        ("slug", models.CharField(max_length=120)),
                        ("description", models.TextField(blank=True)),
                        (
                            "method",
                            models.CharField(choices=[("sql", "SQL query"), ("table", "Table or view")], max_length=10),
                        ),
                        ("sql", models.TextField(blank=True)),
                        ("table_schema", models.CharField(blank=True, max_length=400)),
                        ("table_name", models.CharField(blank=True, max_length=400)),
                        (
                            "primary_key",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=400), size=None
                            ),
                        ),
                        ("primary_label", models.CharField(blank=True, max_length=400)),
                        ("secondary_label", models.CharField(blank=True, max_length=400)),
                        ("timestamp", models.CharField(blank=True, max_length=400)),
                        (
                            "event_type",
                            models.CharField(
                                choices=[
                                    ("generic", "Generic"),
                                    ("page_view", "Page view"),
                                    ("product_view", "Product view"),
                                    ("add_to_cart", "Add to cart"),
                                    ("checkout", "Checkout"),
                                    ("purchase", "Purchase"),
                                    ("sign_up", "Sign-up"),
                                    ("message", "Message"),
                                ],
                                default="generic",
                                max_length=20,
                            ),
                        ),
                        (
                            "entity",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "Nothing in particular"),
                                    ("people", "People"),
                                    ("household", "Household"),
                                    ("account", "Account"),
                                ],
                                default="",
                                max_length=20,
                            ),
                        ),
                        ("columns_refreshed_at", models.DateTimeField()),
                        (
                            "look_every",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "Only when asked"),
                                    ("hour", "Every hour"),
                                    ("day", "Every day"),
                                    ("week", "Every week"),
                                ],
                                default="week",
                                max_length=10,
                            ),
                        ),
                        (
                            "look_state",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "Not yet"),
                                    ("waiting", "Waiting for a worker"),
                                    ("running", "Running"),
                                    ("done", "Done"),
                                    ("failed", "Failed"),
                                ],
                                default="",
                                max_length=10,
                            ),
                        ),
                        ("look_asked_at", models.DateTimeField(null=True)),
                        ("looked_at", models.DateTimeField(null=True)),
                        ("look_error", models.TextField(blank=True)),
                        ("rows", models.BigIntegerField(null=True)),
                        ("key_empty", models.BigIntegerField(null=True)),
                        ("key_repeated", models.BigIntegerField(null=True)),
                        ("archived_at", models.DateTimeField(null=True)),
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
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="schema_models",
                                to="connectors.source",
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
                        "permissions": [
                            ("view_rows", "view the parent model's row data"),
                            ("configure", "configure audiences and their syncs on the parent model"),
                        ],
                        "default_permissions": (),
                        "indexes": [
                            models.Index(fields=["workspace", "name"], name="schema_model_name"),
                            models.Index(fields=["look_asked_at"], name="schema_model_look"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("workspace", "slug"), name="schema_model_slug")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SchemaColumn",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                        ("nullable", models.BooleanField(default=True)),
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
                        ("alias", models.CharField(blank=True, max_length=200)),
                        ("description", models.TextField(blank=True)),
                        ("description_edited", models.BooleanField(default=False)),
                        ("enabled", models.BooleanField(default=True)),
                        ("missing", models.BooleanField(default=False)),
                        (
                            "privacy",
                            models.CharField(
                                choices=[
                                    ("unreviewed", "Unreviewed"),
                                    ("approved", "Approved"),
                                    ("redacted", "Redacted"),
                                    ("sync_only", "Sync only"),
                                    ("sync_blocked", "Sync blocked"),
                                    ("blocked", "Blocked"),
                                ],
                                default="unreviewed",
                                max_length=20,
                            ),
                        ),
                        ("ignore_case", models.BooleanField(default=False)),
                        ("suggest", models.BooleanField(default=False)),
                        ("suggestions", models.JSONField(blank=True, default=list)),
                        ("different", models.BigIntegerField(null=True)),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="columns",
                                to="audiences.schemamodel",
                            ),
                        ),
                        ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                        (
                            "personal_data",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "None"),
                                    ("email", "E-mail"),
                                    ("name", "Name"),
                                    ("birthdate", "Birthdate"),
                                    ("address", "Address"),
                                    ("phone", "Phone"),
                                    ("ip_address", "IP address"),
                                    ("identity", "Identity number"),
                                ],
                                default="",
                                max_length=20,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["position", "id"],
                        "constraints": [models.UniqueConstraint(fields=("model", "name"), name="schema_column_name")],
                    },
                ),
                migrations.CreateModel(
                    name="Audience",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("labels", models.JSONField(blank=True, default=dict)),
                        ("name", models.CharField(max_length=200)),
                        ("description", models.TextField(blank=True)),
                        (
                            "definition",
                            models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                        ),
                        ("size", models.BigIntegerField(null=True)),
                        ("sized_at", models.DateTimeField(null=True)),
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
                            "parent_model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="audiences",
                                to="audiences.schemamodel",
                            ),
                        ),
                        (
                            "space",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.RESTRICT,
                                related_name="audiences",
                                to="workspaces.space",
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "enrichments",
                            models.JSONField(
                                blank=True, default=list, encoder=django.core.serializers.json.DjangoJSONEncoder
                            ),
                        ),
                        (
                            "model",
                            models.OneToOneField(
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="audience",
                                to="syncs.model",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "indexes": [models.Index(fields=["workspace", "name"], name="audience_name")],
                    },
                ),
                migrations.CreateModel(
                    name="Calculation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("definition", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting"),
                                    ("running", "Running"),
                                    ("ready", "Ready"),
                                    ("failed", "Failed"),
                                    ("cancelled", "Given up"),
                                ],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        ("counts", models.JSONField(default=dict)),
                        ("error_message", models.TextField(blank=True)),
                        ("error_hint", models.TextField(blank=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("began_at", models.DateTimeField(null=True)),
                        ("finished_at", models.DateTimeField(null=True)),
                        (
                            "audience",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="calculations",
                                to="audiences.audience",
                            ),
                        ),
                        (
                            "parent_model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="audiences.schemamodel",
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
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="connectors.destination",
                            ),
                        ),
                        (
                            "subset_ids",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BigIntegerField(), blank=True, default=list, size=None
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("size", "Size"),
                                    ("daily", "Size of the day"),
                                    ("run", "Size after a run"),
                                    ("overlap", "Overlap"),
                                    ("breakdown", "Breakdown"),
                                    ("events", "Events"),
                                    ("layers", "Layers of a sync"),
                                    ("groups", "Experiment groups"),
                                ],
                                default="size",
                                max_length=10,
                            ),
                        ),
                        ("question", models.JSONField(default=dict)),
                        ("beat_at", models.DateTimeField(null=True)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [models.Index(fields=["created_at"], name="calculation_age")],
                    },
                ),
                migrations.CreateModel(
                    name="Experiment",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("salt", models.CharField(max_length=40)),
                        ("slots", models.JSONField(default=list)),
                        (
                            "stratify",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=400), blank=True, default=list, size=None
                            ),
                        ),
                        ("launched_at", models.DateTimeField(null=True)),
                        ("ended_at", models.DateTimeField(null=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "audience",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="experiments",
                                to="audiences.audience",
                            ),
                        ),
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
                        "ordering": ["-id"],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("ended_at", None)), fields=("audience",), name="experiment_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ExperimentGroup",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
                        ("share", models.PositiveSmallIntegerField()),
                        ("position", models.PositiveSmallIntegerField()),
                        (
                            "experiment",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="groups",
                                to="audiences.experiment",
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
                        "constraints": [
                            models.UniqueConstraint(fields=("experiment", "name"), name="experiment_group_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SyncGroup",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "group",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="syncs",
                                to="audiences.experimentgroup",
                            ),
                        ),
                        (
                            "sync",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="experiment_groups",
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
                        "ordering": ["group__position", "id"],
                        "constraints": [models.UniqueConstraint(fields=("sync", "group"), name="sync_group_once")],
                    },
                ),
                migrations.CreateModel(
                    name="ParentModelGrant",
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
                            "role",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.role"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "content_object",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="grants",
                                to="audiences.schemamodel",
                            ),
                        ),
                    ],
                    options={
                        "abstract": False,
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("role", "permission", "content_object"), name="parentmodelgrant_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AudienceLogs",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("snapshots", models.BooleanField(default=False)),
                        ("holdouts", models.BooleanField(default=False)),
                        (
                            "every",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "Only when asked"),
                                    ("hour", "Every hour"),
                                    ("day", "Every day"),
                                    ("week", "Every week"),
                                ],
                                default="",
                                max_length=10,
                            ),
                        ),
                        (
                            "place",
                            models.CharField(
                                blank=True,
                                choices=[("warehouse", "In the warehouse"), ("storage", "In Headrace's storage")],
                                max_length=10,
                            ),
                        ),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "source",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="audience_logs",
                                to="connectors.source",
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
                        "ordering": ["id"],
                    },
                ),
                migrations.CreateModel(
                    name="Recording",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "reason",
                            models.CharField(
                                choices=[
                                    ("run", "After a run"),
                                    ("asked", "Somebody took a snapshot"),
                                    ("schedule", "By schedule"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting"),
                                    ("running", "Running"),
                                    ("done", "Done"),
                                    ("failed", "Failed"),
                                ],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        ("attempts", models.PositiveSmallIntegerField(default=0)),
                        ("moment", models.DateTimeField()),
                        ("beat_at", models.DateTimeField(null=True)),
                        ("finished_at", models.DateTimeField(null=True)),
                        ("entered", models.BigIntegerField(null=True)),
                        ("exited", models.BigIntegerField(null=True)),
                        ("held_out", models.BigIntegerField(null=True)),
                        ("synced", models.BigIntegerField(null=True)),
                        ("error_message", models.TextField(blank=True)),
                        ("error_hint", models.TextField(blank=True)),
                        (
                            "audience",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="recordings",
                                to="audiences.audience",
                            ),
                        ),
                        (
                            "run",
                            models.ForeignKey(
                                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="syncs.run"
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
                        "indexes": [models.Index(fields=["state", "beat_at"], name="recording_state")],
                    },
                ),
                migrations.CreateModel(
                    name="ValueList",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
                        (
                            "values",
                            models.JSONField(default=list, encoder=django.core.serializers.json.DjangoJSONEncoder),
                        ),
                        ("size", models.PositiveIntegerField()),
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
                        "indexes": [models.Index(fields=["workspace", "name"], name="value_list_name")],
                    },
                ),
                migrations.CreateModel(
                    name="PriorityList",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
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
                            "parent_model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="priority_lists",
                                to="audiences.schemamodel",
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
                        "indexes": [models.Index(fields=["workspace", "name"], name="priority_list_name")],
                        "constraints": [
                            models.UniqueConstraint(fields=("parent_model", "name"), name="priority_list_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PriorityPlace",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("position", models.PositiveSmallIntegerField()),
                        (
                            "audience",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="priority",
                                to="audiences.audience",
                            ),
                        ),
                        (
                            "list",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="places",
                                to="audiences.prioritylist",
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
                        "ordering": ["position"],
                        "constraints": [models.UniqueConstraint(fields=("list", "position"), name="priority_position")],
                    },
                ),
                migrations.CreateModel(
                    name="Relationship",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(blank=True, max_length=200)),
                        (
                            "cardinality",
                            models.CharField(
                                choices=[
                                    ("one_to_many", "1 to many"),
                                    ("one_to_one", "1 to 1"),
                                    ("many_to_one", "Many to 1"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("keys", models.JSONField(blank=True, default=list)),
                        (
                            "merged",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=400), blank=True, default=list, size=None
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "from_model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="relationships",
                                to="audiences.schemamodel",
                            ),
                        ),
                        (
                            "to_model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="relationships_to",
                                to="audiences.schemamodel",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["id"],
                    },
                ),
                migrations.CreateModel(
                    name="ThroughStep",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("position", models.PositiveSmallIntegerField()),
                        (
                            "relationship",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="used_by",
                                to="audiences.relationship",
                            ),
                        ),
                        (
                            "through",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="steps",
                                to="audiences.relationship",
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
                        "ordering": ["position"],
                        "constraints": [
                            models.UniqueConstraint(fields=("through", "position"), name="through_step_position")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DestinationRule",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
                        (
                            "definition",
                            models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                        ),
                        ("enabled", models.BooleanField(default=True)),
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
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="rules",
                                to="connectors.destination",
                            ),
                        ),
                        (
                            "parent_model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="destination_rules",
                                to="audiences.schemamodel",
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
                        "indexes": [models.Index(fields=["workspace", "name"], name="destination_rule_name")],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("parent_model", "destination", "name"), name="destination_rule_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="StudioSettings",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("null_is_a_value", models.BooleanField(default=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        ("templates_required", models.BooleanField(default=False)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("workspace",), name="studio_settings_once")],
                    },
                ),
                migrations.CreateModel(
                    name="AudienceSize",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("members", models.BigIntegerField()),
                        (
                            "reason",
                            models.CharField(
                                choices=[
                                    ("daily", "Once a day"),
                                    ("asked", "Somebody calculated it"),
                                    ("run", "After a run"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "audience",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sizes",
                                to="audiences.audience",
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
                        "ordering": ["-at", "-id"],
                        "indexes": [
                            models.Index(fields=["audience", "at"], name="audience_size_at"),
                            models.Index(fields=["at"], name="audience_size_age"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SubsetCategory",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
                        ("description", models.TextField(blank=True)),
                        ("required", models.BooleanField(default=False)),
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
                            "parent_model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="subset_categories",
                                to="audiences.schemamodel",
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
                        "constraints": [
                            models.UniqueConstraint(fields=("parent_model", "name"), name="subset_category_name")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Subset",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
                        (
                            "definition",
                            models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                        ),
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
                        (
                            "category",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="subsets",
                                to="audiences.subsetcategory",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "permissions": [("use", "see and build audiences from the subset")],
                        "default_permissions": (),
                        "constraints": [models.UniqueConstraint(fields=("category", "name"), name="subset_name")],
                    },
                ),
                migrations.CreateModel(
                    name="AudienceSubset",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "audience",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="chosen",
                                to="audiences.audience",
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "subset",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="chosen_by",
                                to="audiences.subset",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["subset__category_id", "subset_id"],
                        "constraints": [
                            models.UniqueConstraint(fields=("audience", "subset"), name="audience_subset_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SubsetGrant",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "content_object",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="grants",
                                to="audiences.subset",
                            ),
                        ),
                        (
                            "permission",
                            models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.permission"),
                        ),
                        (
                            "role",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.role"
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
                        "abstract": False,
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("role", "permission", "content_object"), name="subsetgrant_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SyncTemplate",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
                        ("description", models.TextField(blank=True)),
                        ("state", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                        ("sealed_settings", models.TextField(blank=True)),
                        (
                            "unlocked",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=500), blank=True, default=list, size=None
                            ),
                        ),
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
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="audience_sync_templates",
                                to="connectors.destination",
                            ),
                        ),
                        (
                            "parent_model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="sync_templates",
                                to="audiences.schemamodel",
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
                        "indexes": [models.Index(fields=["workspace", "name"], name="sync_template_name")],
                        "constraints": [
                            models.UniqueConstraint(fields=("parent_model", "name"), name="sync_template_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TemplatedSync",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "overridden",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(max_length=500), blank=True, default=list, size=None
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "sync",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE, related_name="templated", to="syncs.sync"
                            ),
                        ),
                        (
                            "template",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="derived",
                                to="audiences.synctemplate",
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
                        "ordering": ["id"],
                    },
                ),
                migrations.CreateModel(
                    name="AudienceTemplate",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=200)),
                        ("description", models.TextField(blank=True)),
                        (
                            "definition",
                            models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                        ),
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
                            "parent_model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="audience_templates",
                                to="audiences.schemamodel",
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
                        "indexes": [models.Index(fields=["workspace", "name"], name="audience_template_name")],
                    },
                ),
                migrations.CreateModel(
                    name="Trait",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("is_template", models.BooleanField(default=False)),
                        ("overrides", models.BooleanField(default=False)),
                        ("name", models.CharField(max_length=200)),
                        ("description", models.TextField(blank=True)),
                        ("definition", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder)),
                        (
                            "extra",
                            models.JSONField(
                                blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                            ),
                        ),
                        (
                            "blanks",
                            models.JSONField(
                                blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                            ),
                        ),
                        ("suggest", models.BooleanField(default=False)),
                        ("suggestions", models.JSONField(blank=True, default=list)),
                        ("suggested_at", models.DateTimeField(null=True)),
                        ("suggest_error", models.TextField(blank=True)),
                        ("archived_at", models.DateTimeField(null=True)),
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
                            "model",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="traits",
                                to="audiences.schemamodel",
                            ),
                        ),
                        (
                            "template",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="derived",
                                to="audiences.trait",
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
                        "indexes": [models.Index(fields=["workspace", "name"], name="trait_name")],
                        "constraints": [
                            models.UniqueConstraint(
                                models.F("model"), django.db.models.functions.text.Lower("name"), name="trait_name_once"
                            )
                        ],
                    },
                ),
            ],
        ),
        BuildWall("SchemaModel", ("source",)),
        BuildWall("SchemaColumn", ("model",)),
        BuildWall("Relationship", ("from_model", "to_model")),
        BuildWall("ThroughStep", ("through", "relationship")),
        BuildWall("ParentModelGrant", ("role", "content_object")),
        BuildWall("Audience", ("parent_model", "space")),
        BuildWall("Calculation", ("parent_model", "audience")),
        BuildWall("SubsetCategory", ("parent_model",)),
        BuildWall("Subset", ("category",)),
        BuildWall("SubsetGrant", ("role", "content_object")),
        BuildWall("AudienceSubset", ("audience", "subset")),
        BuildWall("DestinationRule", ("parent_model", "destination")),
        JoinWorkspace("Calculation", ("destination",)),
        BuildWall("Trait", ("model", "template")),
        BuildWall("AudienceSize", ("audience",)),
        JoinWorkspace("Audience", ("model",)),
        BuildWall("StudioSettings", ()),
        BuildWall("ValueList", ()),
        BuildWall("AudienceTemplate", ("parent_model",)),
        BuildWall("PriorityList", ("parent_model",)),
        BuildWall("PriorityPlace", ("list", "audience")),
        BuildWall("SyncTemplate", ("parent_model", "destination")),
        BuildWall("TemplatedSync", ("template", "sync")),
        BuildWall("Experiment", ("audience",)),
        BuildWall("ExperimentGroup", ("experiment",)),
        BuildWall("SyncGroup", ("sync", "group")),
        BuildWall("AudienceLogs", ("source",)),
        BuildWall("Recording", ("audience", "run")),
    ]
