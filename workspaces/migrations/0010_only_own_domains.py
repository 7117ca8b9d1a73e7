from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workspaces", "0009_sign_in"),
    ]

    operations = [
        migrations.AddField(
            model_name="identityprovider",
            name="only_own_domains",
            field=models.BooleanField(default=True),
        ),
    ]
