"""Organization viewers, what a role is for, a workspace's region and end, and help that people put aside."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from workspaces.walls import BuildWall


class Migration(migrations.Migration):
    dependencies = [
        ("workspaces", "0004_key_scopes"),
    ]

    operations = [
        migrations.AddField(
            model_name="invitation",
            name="is_viewer",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="organization",
            name="allow_invitations",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="organizationmember",
            name="is_viewer",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="role",
            name="description",
            field=models.CharField(blank=True, max_length=400),
        ),
        migrations.AddField(
            model_name="workspace",
            name="deleting_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="workspace",
            name="region",
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AlterField(
            model_name="rolegrant",
            name="permission",
            field=models.CharField(
                choices=[
                    ("organization.read", "see the organization's people, groups and workspaces"),
                    ("organization.manage", "manage the organization's people, groups and workspaces"),
                    ("workspace.read", "open this workspace"),
                    ("workspace.manage", "manage this workspace"),
                    ("source.create", "create sources"),
                    ("destination.create", "create destinations"),
                    ("source.view_rows", "view the source's row data"),
                    ("source.draft", "draft models and syncs on the source"),
                    ("source.approve", "publish models and syncs on the source"),
                    ("source.configure_schema", "configure the source's schema"),
                    ("source.manage", "change the source's connection"),
                    ("destination.trigger", "run syncs to the destination"),
                    ("destination.draft", "draft syncs to the destination"),
                    ("destination.approve", "publish syncs to the destination"),
                    ("destination.manage", "change the destination's connection"),
                ],
                max_length=60,
            ),
        ),
        migrations.CreateModel(
            name="DismissedHint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hint", models.CharField(max_length=40)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
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
                "constraints": [
                    models.UniqueConstraint(fields=("workspace", "user", "hint"), name="hint_dismissed_once")
                ],
            },
        ),
        BuildWall("DismissedHint"),
    ]
