import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from config.postgres.operations import CreateModels
from workspaces.walls import BuildOrganizationWall


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("workspaces", "0002_workspaces"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Link",
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
                        ("kind", models.CharField(max_length=20)),
                        ("type", models.CharField(blank=True, max_length=60)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="LinkedThing",
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
                        (
                            "link",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="things",
                                to="environments.link",
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        ("kind", models.CharField(max_length=20)),
                        ("thing_id", models.BigIntegerField()),
                        ("remapped", models.JSONField(blank=True, default=dict)),
                        ("linked_at", models.DateTimeField(auto_now_add=True)),
                        ("linked_by", models.CharField(max_length=320)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("link", "workspace"), name="linked_thing_once_a_workspace"),
                            models.UniqueConstraint(fields=("kind", "thing_id"), name="linked_thing_in_one_link"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Deployment",
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
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "target",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[("running", "Running"), ("done", "Deployed"), ("stopped", "Stopped")],
                                default="running",
                                max_length=10,
                            ),
                        ),
                        ("with_schedule", models.BooleanField(default=False)),
                        ("actor_label", models.CharField(max_length=320)),
                        (
                            "user",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("correlation_id", models.CharField(max_length=32)),
                        ("started_at", models.DateTimeField(auto_now_add=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["workspace", "-id"], name="deployment_from"),
                            models.Index(fields=["target", "-id"], name="deployment_to"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DeploymentItem",
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
                        (
                            "deployment",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="items",
                                to="environments.deployment",
                            ),
                        ),
                        ("position", models.PositiveIntegerField()),
                        ("kind", models.CharField(max_length=20)),
                        ("thing_id", models.BigIntegerField()),
                        ("name", models.CharField(max_length=400)),
                        (
                            "action",
                            models.CharField(
                                choices=[("create", "Created"), ("update", "Updated"), ("unchanged", "Up to date")],
                                max_length=10,
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[("waiting", "Not deployed"), ("done", "Deployed"), ("failed", "Failed")],
                                default="waiting",
                                max_length=10,
                            ),
                        ),
                        ("target_thing_id", models.BigIntegerField(blank=True, null=True)),
                        ("before", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                        ("after", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                        ("error", models.CharField(blank=True, max_length=2000)),
                    ],
                    options={
                        "ordering": ["position"],
                        "constraints": [
                            models.UniqueConstraint(fields=("deployment", "position"), name="deployment_item_position")
                        ],
                    },
                ),
            ],
        ),
        BuildOrganizationWall("Link"),
        BuildOrganizationWall("LinkedThing", ("link", "workspace")),
        BuildOrganizationWall("Deployment", ("workspace", "target")),
        BuildOrganizationWall("DeploymentItem", ("deployment",)),
    ]
