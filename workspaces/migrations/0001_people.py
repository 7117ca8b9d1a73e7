"""Organizations and people: what the packages for signing in point at."""

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

from config.postgres.operations import CreateModels


class Migration(migrations.Migration):
    initial = True

    dependencies = []
    replaces = [
        ("workspaces", "0001_initial"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="User",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("password", models.CharField(max_length=128, verbose_name="password")),
                        ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                        ("email", models.EmailField(max_length=254)),
                        ("name", models.CharField(blank=True, max_length=120)),
                        ("timezone", models.CharField(default="UTC", max_length=64)),
                        ("is_active", models.BooleanField(default=True)),
                        ("is_service", models.BooleanField(default=False)),
                        ("is_operator", models.BooleanField(default=False)),
                        ("barred_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        (
                            "sso_organization",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(django.db.models.functions.text.Lower("email"), name="user_email_lower")
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                django.db.models.functions.text.Lower("email"),
                                condition=models.Q(("sso_organization__isnull", True)),
                                name="user_email_any_case",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Organization",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("allow_invitations", models.BooleanField(default=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                ),
            ],
        ),
    ]
