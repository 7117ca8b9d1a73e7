"""Operators shut people out, which no identity provider undoes; networks may hold for SCIM."""

from django.db import migrations, models
from django.db.models import OuterRef, Subquery

from workspaces.scoping import unscoped


def remember(apps, schema_editor):
    """So far only identity providers made accounts inactive."""
    users = apps.get_model("workspaces", "User")
    people = apps.get_model("workspaces", "DirectoryPerson")._base_manager
    with unscoped("people of all organizations keep what their providers said"):
        people.update(active=Subquery(users.objects.filter(pk=OuterRef("user_id")).values("is_active")))


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0012_scim_names")]

    operations = [
        migrations.AddField(
            model_name="signinrules", name="networks_for_scim", field=models.BooleanField(default=False)
        ),
        migrations.AddField(
            model_name="user", name="barred_at", field=models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.AddField(model_name="directoryperson", name="active", field=models.BooleanField(default=True)),
        migrations.RunPython(remember, migrations.RunPython.noop),
    ]
