"""What one key or Headrace itself did is found without reading what people did."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_words_within_the_wall")]

    operations = [
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("actor_kind", "person"), _negated=True),
                fields=["workspace_id", "actor_kind", "actor_id", "-id"],
                name="audit_actor",
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("actor_kind", "person"), _negated=True),
                fields=["organization_id", "actor_kind", "-id"],
                name="audit_organization_actor",
            ),
        ),
    ]
