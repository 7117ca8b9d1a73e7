"""Row-level security and composite keys around organizations and workspaces."""

from django.db import migrations

from workspaces.walls import (
    ALL,
    ORGANIZATION,
    OWN_ORGANIZATIONS,
    OWN_WORKSPACES,
    BuildOrganizationWall,
    BuildWall,
    JoinOrganization,
    create_policy,
    drop_policy,
)

# A workspace is seen by its own scope and by its organization's; an organization by both of those.
WORKSPACE_ROWS = f"{ALL} OR id = ANY({OWN_WORKSPACES}) OR organization_id::text = {ORGANIZATION}"
ORGANIZATION_ROWS = f"{ALL} OR id::text = {ORGANIZATION} OR id IN ({OWN_ORGANIZATIONS})"
WORKSPACE_KEY = "ALTER TABLE workspaces_workspace ADD CONSTRAINT workspaces_workspace_organization_wall UNIQUE (organization_id, id)"
GROUP_ROLE_WORKSPACE = (
    "ALTER TABLE workspaces_grouprole ADD CONSTRAINT workspaces_grouprole_workspace_id_wall "
    "FOREIGN KEY (organization_id, workspace_id) REFERENCES workspaces_workspace (organization_id, id) "
    "DEFERRABLE INITIALLY DEFERRED"
)


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0001_initial")]

    operations = [
        migrations.RunSQL(
            list(create_policy("workspaces_workspace", "workspace_rows", WORKSPACE_ROWS)),
            list(drop_policy("workspaces_workspace", "workspace_rows")),
        ),
        migrations.RunSQL(
            list(create_policy("workspaces_organization", "organization_rows", ORGANIZATION_ROWS)),
            list(drop_policy("workspaces_organization", "organization_rows")),
        ),
        migrations.RunSQL(
            WORKSPACE_KEY,
            "ALTER TABLE workspaces_workspace DROP CONSTRAINT workspaces_workspace_organization_wall",
        ),
        BuildOrganizationWall("OrganizationMember"),
        BuildOrganizationWall("UserGroup"),
        BuildOrganizationWall("GroupMember", ("group", "member")),
        BuildOrganizationWall("Invitation"),
        BuildOrganizationWall("InvitationGroup", ("invitation", "group")),
        BuildWall("RetiredSlug"),
        BuildWall("ApiKey"),
        BuildWall("Role"),
        BuildWall("RoleGrant", ("role",)),
        BuildWall("GroupRole", ("role",)),
        JoinOrganization("GroupRole", ("group",)),
        migrations.RunSQL(
            GROUP_ROLE_WORKSPACE,
            "ALTER TABLE workspaces_grouprole DROP CONSTRAINT workspaces_grouprole_workspace_id_wall",
        ),
    ]
