import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audiences", "0008_redacted_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="synctemplate",
            name="left_blank",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=500), blank=True, default=list, size=None
            ),
        ),
    ]
