"""Lists and sums over many runs: indexes for them, and narrow rows.

What a run was told to do is large and read one run at a time, so it lives
beside the table; the rows that lists and sums go through stay small.
"""

from django.db import migrations, models

ASIDE = ("spec", "job", "prepared", "timings")
SET_ASIDE = [f"ALTER TABLE syncs_run ALTER COLUMN {column} SET STORAGE EXTERNAL" for column in ASIDE]
PUT_BACK = [f"ALTER TABLE syncs_run ALTER COLUMN {column} SET STORAGE EXTENDED" for column in ASIDE]


class Migration(migrations.Migration):
    dependencies = [("syncs", "0001_initial")]

    operations = [
        migrations.RunSQL(
            ["ALTER TABLE syncs_run SET (toast_tuple_target = 256)", *SET_ASIDE],
            ["ALTER TABLE syncs_run RESET (toast_tuple_target)", *PUT_BACK],
        ),
        migrations.RemoveIndex(model_name="run", name="run_finished"),
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
