import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from workspaces.walls import BuildWall


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("workspaces", "0002_walls"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Destination",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                "permissions": [
                    ("trigger", "run syncs to the destination"),
                    ("draft", "draft syncs to the destination"),
                    ("approve", "publish syncs to the destination"),
                    ("manage", "change the destination's connection"),
                ],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="DestinationGrant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "content_object",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="grants", to="connectors.destination"
                    ),
                ),
                ("permission", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.permission")),
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
            },
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("schema_refreshed_at", models.DateTimeField(blank=True, null=True)),
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
                "permissions": [
                    ("view_rows", "view the source's row data"),
                    ("draft", "draft models and syncs on the source"),
                    ("approve", "publish models and syncs on the source"),
                    ("configure_schema", "configure the source's schema"),
                    ("manage", "change the source's connection"),
                ],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SourceGrant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "content_object",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="grants", to="connectors.source"
                    ),
                ),
                ("permission", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.permission")),
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
            },
        ),
        migrations.CreateModel(
            name="SourceTable",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("schema", models.CharField(blank=True, max_length=300)),
                ("name", models.CharField(max_length=300)),
                ("kind", models.CharField(default="table", max_length=20)),
                ("description", models.TextField(blank=True)),
                ("columns", models.JSONField(blank=True, null=True)),
                ("column_names", models.TextField(blank=True, default="")),
                ("refreshed_at", models.DateTimeField()),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cached_tables",
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
                "ordering": ["schema", "name"],
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="destination",
            index=models.Index(fields=["workspace", "name", "id"], name="destination_by_name"),
        ),
        migrations.AddIndex(
            model_name="destination",
            index=models.Index(fields=["workspace", "type"], name="destination_by_type"),
        ),
        migrations.AddIndex(
            model_name="destination",
            index=models.Index(fields=["workspace", "-updated_at", "-id"], name="destination_by_change"),
        ),
        migrations.AddConstraint(
            model_name="destination",
            constraint=models.UniqueConstraint(fields=("workspace", "slug"), name="destination_slug_once"),
        ),
        migrations.AddConstraint(
            model_name="destinationgrant",
            constraint=models.UniqueConstraint(
                fields=("role", "permission", "content_object"), name="destinationgrant_once"
            ),
        ),
        migrations.AddIndex(
            model_name="source",
            index=models.Index(fields=["workspace", "name", "id"], name="source_by_name"),
        ),
        migrations.AddIndex(
            model_name="source",
            index=models.Index(fields=["workspace", "type"], name="source_by_type"),
        ),
        migrations.AddIndex(
            model_name="source",
            index=models.Index(fields=["workspace", "-updated_at", "-id"], name="source_by_change"),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.UniqueConstraint(fields=("workspace", "slug"), name="source_slug_once"),
        ),
        migrations.AddConstraint(
            model_name="sourcegrant",
            constraint=models.UniqueConstraint(
                fields=("role", "permission", "content_object"), name="sourcegrant_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="sourcetable",
            constraint=models.UniqueConstraint(fields=("source", "schema", "name"), name="source_table_once"),
        ),
        BuildWall("source"),
        BuildWall("destination"),
        BuildWall("sourcetable", ("source",)),
        BuildWall("sourcegrant", ("role", "content_object")),
        BuildWall("destinationgrant", ("role", "content_object")),
    ]
