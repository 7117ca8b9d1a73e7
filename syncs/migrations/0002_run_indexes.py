from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("syncs", "0001_initial"),
        ("workspaces", "0002_walls"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="run",
            name="run_finished",
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["workspace", "-id"], name="run_newest"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
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
        ),
    ]
