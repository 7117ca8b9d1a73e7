import django.db.models.deletion
from django.db import migrations, models

from workspaces.walls import JoinWorkspace


class Migration(migrations.Migration):
    dependencies = [
        ("audiences", "0004_sampling"),
        ("workspaces", "0005_one_tree_of_folders"),
    ]

    operations = [
        migrations.AddField(
            model_name="audience",
            name="folder",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="audiences",
                to="workspaces.folder",
            ),
        ),
        JoinWorkspace("Audience", ("folder",)),
    ]
