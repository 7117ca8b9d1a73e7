from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("syncs", "0005_jobs_of_services"),
    ]

    operations = [
        migrations.AddField(
            model_name="journalbatch",
            name="doubtful",
            field=models.JSONField(default=list),
        ),
    ]
