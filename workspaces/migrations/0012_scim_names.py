"""People who signed in before there was SCIM get the names it knows people by."""

from typing import Any

from django.db import migrations

from workspaces.scoping import unscoped


def name_people(apps: Any, schema_editor: Any) -> None:
    """Whoever signed in before is known by the address they came with."""
    people, emails = (apps.get_model("workspaces", name) for name in ("DirectoryPerson", "DirectoryEmail"))
    with unscoped("people of all organizations get their names"):
        for person in people._base_manager.select_related("user").iterator():
            person.user_name, person.display_name = person.user.email, person.user.name
            person.save(update_fields=["user_name", "display_name"])
            emails._base_manager.create(
                organization_id=person.organization_id,
                person=person,
                address=person.user.email,
                kind="work",
                is_primary=True,
            )


class Migration(migrations.Migration):
    dependencies = [
        ("workspaces", "0011_scim"),
    ]

    operations = [migrations.RunPython(name_people, migrations.RunPython.noop)]
