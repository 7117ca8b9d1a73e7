import django.db.models.deletion
from django.db import migrations, models

from workspaces.walls import BuildWall


class Migration(migrations.Migration):
    dependencies = [
        ("syncs", "0010_drafts"),
        ("workspaces", "0003_reserve_oauth"),
    ]

    operations = [
        migrations.CreateModel(
            name="ForgetKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sealed", models.TextField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("column", models.CharField(max_length=400)),
                ("digest", models.CharField(max_length=64)),
                ("case_id", models.BigIntegerField()),
                ("fresh", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name="run",
            name="forgotten",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="run",
            name="requests_purged_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="sync",
            name="erasing_for",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False), ("requests_purged_at__isnull", True)),
                fields=["finished_at"],
                name="run_requests_to_purge",
            ),
        ),
        migrations.AddField(
            model_name="forgetkey",
            name="workspace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
            ),
        ),
        migrations.AddField(
            model_name="tombstone",
            name="key",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="tombstones", to="syncs.forgetkey"
            ),
        ),
        migrations.AddField(
            model_name="tombstone",
            name="model",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="tombstones", to="syncs.model"
            ),
        ),
        migrations.AddField(
            model_name="tombstone",
            name="workspace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
            ),
        ),
        migrations.AddIndex(
            model_name="tombstone",
            index=models.Index(fields=["case_id"], name="tombstone_case"),
        ),
        migrations.AddConstraint(
            model_name="tombstone",
            constraint=models.UniqueConstraint(fields=("model", "column", "digest"), name="tombstone_once"),
        ),
        BuildWall("ForgetKey"),
        BuildWall("Tombstone", ("model", "key")),
    ]
