from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from workspaces.scoping import unscoped


def take_from_models(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Audiences whose syncs were moved to a folder are in it."""
    audience, model = apps.get_model("audiences", "Audience"), apps.get_model("syncs", "Model")
    folder = model._base_manager.filter(pk=models.OuterRef("model_id")).values("folder")[:1]
    with unscoped("audiences of all workspaces get the folder that their syncs are in"):
        audience._base_manager.filter(model__isnull=False).update(folder_id=models.Subquery(folder))


class Migration(migrations.Migration):
    dependencies = [
        ("audiences", "0005_audience_folder"),
        ("syncs", "0004_match_reports"),
    ]

    operations = [migrations.RunPython(take_from_models, migrations.RunPython.noop)]
