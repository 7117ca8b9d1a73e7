"""Workspaces, who may do what in them, and the walls around organizations and workspaces."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import workspaces.models.keys
from django.conf import settings
from django.db import migrations, models

from config.postgres.operations import CreateModels
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


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("workspaces", "0001_people"),
        # Before ours only for speed: each step of theirs would render every model of ours anew.
        ("account", "0009_emailaddress_unique_primary_email"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
        ("usersessions", "0001_initial"),
    ]
    replaces = [
        ("workspaces", "0002_walls"),
        ("workspaces", "0003_reserve_oauth"),
        ("workspaces", "0004_key_scopes"),
        ("workspaces", "0005_people_and_roles"),
        ("workspaces", "0006_organizing"),
        ("workspaces", "0007_reserve_readyz"),
        ("workspaces", "0008_operators"),
        ("workspaces", "0009_sign_in"),
        ("workspaces", "0010_only_own_domains"),
        ("workspaces", "0011_scim"),
        ("workspaces", "0012_scim_names"),
        ("workspaces", "0013_barred_people"),
        ("workspaces", "0014_parent_model_grants"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="OrganizationMember",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="memberships",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("is_admin", models.BooleanField(default=False)),
                        ("is_viewer", models.BooleanField(default=False)),
                        ("admin_is_mapped", models.BooleanField(default=False)),
                        ("joined_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("organization", "user"), name="member_once")],
                    },
                ),
                migrations.CreateModel(
                    name="UserGroup",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("description", models.CharField(blank=True, max_length=400)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "constraints": [
                            models.UniqueConstraint(fields=("organization", "name"), name="group_name_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="GroupMember",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        (
                            "group",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="members",
                                to="workspaces.usergroup",
                            ),
                        ),
                        (
                            "member",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="groups",
                                to="workspaces.organizationmember",
                            ),
                        ),
                        ("by_hand", models.BooleanField(default=True)),
                        ("by_provider", models.BooleanField(default=False)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("group", "member"), name="group_member_once")],
                    },
                ),
                migrations.CreateModel(
                    name="DismissedHint",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("hint", models.CharField(max_length=40)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("workspace", "user", "hint"), name="hint_dismissed_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ApiKey",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("prefix", models.CharField(max_length=16)),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        (
                            "scopes",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.CharField(
                                    choices=[
                                        ("read", "Read configuration, runs and their numbers"),
                                        ("rows", "Read row data: previews, rows of runs, requests"),
                                        ("run", "Start, cancel and retry runs"),
                                        ("write", "Create and change sources, models, destinations and syncs"),
                                        ("manage", "Manage people, groups, roles and the workspace itself"),
                                    ],
                                    max_length=12,
                                ),
                                default=workspaces.models.keys.all_scopes,
                                size=None,
                            ),
                        ),
                        ("expires_at", models.DateTimeField(blank=True, null=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("last_used_at", models.DateTimeField(blank=True, null=True)),
                        ("revoked_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["-id"],
                    },
                ),
                migrations.CreateModel(
                    name="Invitation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        ("email", models.EmailField(max_length=254)),
                        ("is_admin", models.BooleanField(default=False)),
                        ("is_viewer", models.BooleanField(default=False)),
                        ("nonce", models.CharField(max_length=64)),
                        (
                            "invited_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("expires_at", models.DateTimeField()),
                        ("accepted_at", models.DateTimeField(blank=True, null=True)),
                        ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["-id"],
                    },
                ),
                migrations.CreateModel(
                    name="InvitationGroup",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        (
                            "invitation",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="groups",
                                to="workspaces.invitation",
                            ),
                        ),
                        (
                            "group",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.usergroup"
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("invitation", "group"), name="invitation_group_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Workspace",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        (
                            "slug",
                            models.CharField(
                                max_length=63,
                                unique=True,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$",
                                        "Use lower-case letters, digits and hyphens, beginning and ending with a letter or digit.",
                                    )
                                ],
                            ),
                        ),
                        ("region", models.CharField(blank=True, max_length=60)),
                        ("deleting_at", models.DateTimeField(blank=True, null=True)),
                        ("spaces_enabled", models.BooleanField(default=False)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "slug__in",
                                        [
                                            "accounts",
                                            "admin",
                                            "api",
                                            "app",
                                            "assets",
                                            "auth",
                                            "billing",
                                            "command",
                                            "docs",
                                            "favicon.ico",
                                            "healthz",
                                            "help",
                                            "home",
                                            "inspector",
                                            "invitations",
                                            "legal",
                                            "login",
                                            "logout",
                                            "me",
                                            "metrics",
                                            "new",
                                            "oauth",
                                            "organization",
                                            "palette",
                                            "profile",
                                            "readyz",
                                            "robots.txt",
                                            "scim",
                                            "settings",
                                            "signup",
                                            "sso",
                                            "static",
                                            "status",
                                            "styleguide",
                                            "support",
                                            "switch",
                                            "system",
                                            "webhooks",
                                            "welcome",
                                            "workspaces",
                                            "www",
                                        ],
                                    ),
                                    _negated=True,
                                ),
                                name="workspace_slug_not_reserved",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RetiredSlug",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        ("slug", models.CharField(max_length=63, unique=True)),
                        ("retired_at", models.DateTimeField(auto_now_add=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="Space",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("description", models.CharField(blank=True, max_length=400)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "constraints": [models.UniqueConstraint(fields=("workspace", "name"), name="space_name_once")],
                    },
                ),
                migrations.CreateModel(
                    name="SpaceGroup",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        (
                            "space",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="groups",
                                to="workspaces.space",
                            ),
                        ),
                        (
                            "group",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="spaces",
                                to="workspaces.usergroup",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("space", "group"), name="space_group_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Folder",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "tree",
                            models.CharField(choices=[("models", "Models and syncs")], default="models", max_length=20),
                        ),
                        (
                            "parent",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.RESTRICT,
                                related_name="children",
                                to="workspaces.folder",
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("workspace", "tree", "parent", "name"),
                                name="folder_name_once",
                                nulls_distinct=False,
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SavedFilter",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("page", models.CharField(max_length=40)),
                        ("name", models.CharField(max_length=120)),
                        ("query", models.CharField(max_length=2000)),
                        ("shared", models.BooleanField(default=False)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("workspace", "owner", "page", "name"), name="saved_filter_name_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DefaultView",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("page", models.CharField(max_length=40)),
                        (
                            "saved_filter",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="defaults",
                                to="workspaces.savedfilter",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("workspace", "user", "page"), name="default_view_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Favourite",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        ("object_id", models.BigIntegerField()),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "ordering": ["id"],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("workspace", "user", "kind", "object_id"), name="favourite_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Role",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("description", models.CharField(blank=True, max_length=400)),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("admin", "Workspace admin"),
                                    ("editor", "Workspace editor"),
                                    ("draft_editor", "Workspace draft editor"),
                                    ("viewer", "Workspace viewer"),
                                    ("custom", "Custom role"),
                                ],
                                default="custom",
                                max_length=20,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["id"],
                        "constraints": [
                            models.UniqueConstraint(fields=("workspace", "name"), name="role_name_once"),
                            models.UniqueConstraint(
                                condition=models.Q(("kind", "custom"), _negated=True),
                                fields=("workspace", "kind"),
                                name="role_built_in_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RoleGrant",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "role",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="grants", to="workspaces.role"
                            ),
                        ),
                        (
                            "permission",
                            models.CharField(
                                choices=[
                                    ("organization.read", "see the organization's people, groups and workspaces"),
                                    ("organization.manage", "manage the organization's people, groups and workspaces"),
                                    ("workspace.read", "open this workspace"),
                                    ("workspace.manage", "manage this workspace"),
                                    ("source.create", "create sources"),
                                    ("destination.create", "create destinations"),
                                    ("source.view_rows", "view the source's row data"),
                                    ("source.draft", "draft models and syncs on the source"),
                                    ("source.approve", "publish models and syncs on the source"),
                                    ("source.configure_schema", "configure the source's schema"),
                                    ("source.manage", "change the source's connection"),
                                    ("destination.trigger", "run syncs to the destination"),
                                    ("destination.draft", "draft syncs to the destination"),
                                    ("destination.approve", "publish syncs to the destination"),
                                    ("destination.manage", "change the destination's connection"),
                                    ("parent_model.view_rows", "view the parent model's row data"),
                                    (
                                        "parent_model.configure",
                                        "configure audiences and their syncs on the parent model",
                                    ),
                                ],
                                max_length=60,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("role", "permission"), name="role_grant_once")],
                    },
                ),
                migrations.CreateModel(
                    name="GroupRole",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "workspace",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workspaces.workspace"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        (
                            "group",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="roles",
                                to="workspaces.usergroup",
                            ),
                        ),
                        (
                            "role",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="holders",
                                to="workspaces.role",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("workspace", "group"), name="group_role_once")],
                    },
                ),
                migrations.CreateModel(
                    name="SignInRules",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sign_in_rules",
                                to="workspaces.organization",
                            ),
                        ),
                        ("second_factor_since", models.DateTimeField(blank=True, null=True)),
                        ("idle_minutes", models.PositiveIntegerField(blank=True, null=True)),
                        ("lifetime_hours", models.PositiveIntegerField(blank=True, null=True)),
                        ("networks", models.JSONField(blank=True, default=list)),
                        ("networks_for_scim", models.BooleanField(default=False)),
                        ("sso_required", models.BooleanField(default=False)),
                    ],
                ),
                migrations.CreateModel(
                    name="IdentityProvider",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="identity_provider",
                                to="workspaces.organization",
                            ),
                        ),
                        ("login_name", models.SlugField(max_length=63, unique=True)),
                        (
                            "protocol",
                            models.CharField(choices=[("saml", "SAML 2.0"), ("oidc", "OpenID Connect")], max_length=4),
                        ),
                        ("enabled", models.BooleanField(default=False)),
                        ("entity_id", models.CharField(blank=True, max_length=1024)),
                        ("sso_url", models.URLField(blank=True, max_length=1024)),
                        ("certificates", models.JSONField(blank=True, default=list)),
                        ("accepts_unasked", models.BooleanField(default=False)),
                        ("issuer", models.URLField(blank=True, max_length=1024)),
                        ("client_id", models.CharField(blank=True, max_length=400)),
                        ("sealed", models.TextField(blank=True)),
                        ("scopes", models.CharField(blank=True, max_length=400)),
                        ("email_attribute", models.CharField(default="email", max_length=200)),
                        ("name_attribute", models.CharField(default="name", max_length=200)),
                        ("groups_attribute", models.CharField(default="groups", max_length=200)),
                        ("only_own_domains", models.BooleanField(default=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("tested_at", models.DateTimeField(blank=True, null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="SsoAttempt",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        ("at", models.DateTimeField(auto_now_add=True)),
                        ("is_test", models.BooleanField(default=False)),
                        ("failure", models.CharField(blank=True, max_length=40)),
                        ("words", models.CharField(blank=True, max_length=1000)),
                        ("said", models.JSONField(blank=True, default=dict)),
                    ],
                    options={
                        "ordering": ["-id"],
                    },
                ),
                migrations.CreateModel(
                    name="EmailDomain",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        ("domain", models.CharField(max_length=253)),
                        ("nonce", models.CharField(max_length=64)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("verified_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["domain"],
                        "constraints": [
                            models.UniqueConstraint(fields=("organization", "domain"), name="email_domain_once"),
                            models.UniqueConstraint(
                                condition=models.Q(("verified_at__isnull", False)),
                                fields=("domain",),
                                name="email_domain_owner",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ScimToken",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="scim_token",
                                to="workspaces.organization",
                            ),
                        ),
                        ("prefix", models.CharField(max_length=16)),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        (
                            "made_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("made_at", models.DateTimeField()),
                        ("last_used_at", models.DateTimeField(blank=True, null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="DirectoryPerson",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        (
                            "user",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="directory_person",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("subject", models.CharField(blank=True, max_length=400)),
                        ("user_name", models.CharField(blank=True, max_length=400)),
                        ("external_id", models.CharField(blank=True, max_length=400)),
                        ("display_name", models.CharField(blank=True, max_length=400)),
                        ("formatted_name", models.CharField(blank=True, max_length=400)),
                        ("given_name", models.CharField(blank=True, max_length=400)),
                        ("family_name", models.CharField(blank=True, max_length=400)),
                        ("active", models.BooleanField(default=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("provisioned_at", models.DateTimeField(blank=True, null=True)),
                        ("removed_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["id"],
                        "indexes": [
                            models.Index(
                                models.F("organization"),
                                django.db.models.functions.text.Upper("user_name"),
                                name="directory_user_name",
                            ),
                            models.Index(fields=["organization", "external_id"], name="directory_external_id"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("subject", ""), _negated=True),
                                fields=("organization", "subject"),
                                name="directory_subject_once",
                            ),
                            models.UniqueConstraint(
                                models.F("organization"),
                                django.db.models.functions.text.Lower("user_name"),
                                condition=models.Q(("provisioned_at__isnull", False), ("removed_at__isnull", True)),
                                name="directory_user_name_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DirectoryEmail",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        (
                            "person",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="emails",
                                to="workspaces.directoryperson",
                            ),
                        ),
                        ("address", models.CharField(max_length=254)),
                        ("kind", models.CharField(blank=True, max_length=60)),
                        ("is_primary", models.BooleanField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["id"],
                        "indexes": [
                            models.Index(
                                models.F("organization"),
                                django.db.models.functions.text.Upper("address"),
                                name="directory_email_address",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DirectoryGroup",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        ("name", models.CharField(max_length=400)),
                        ("external_id", models.CharField(blank=True, max_length=400)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("provisioned_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["name", "id"],
                        "constraints": [
                            models.UniqueConstraint(fields=("organization", "name"), name="directory_group_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DirectoryMembership",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        (
                            "group",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="memberships",
                                to="workspaces.directorygroup",
                            ),
                        ),
                        (
                            "person",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="memberships",
                                to="workspaces.directoryperson",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("group", "person"), name="directory_membership_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="GroupMapping",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.organization",
                            ),
                        ),
                        (
                            "directory_group",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="mappings",
                                to="workspaces.directorygroup",
                            ),
                        ),
                        (
                            "group",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="workspaces.usergroup",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("directory_group", "group"), name="group_mapping_once", nulls_distinct=False
                            )
                        ],
                    },
                ),
            ],
        ),
        migrations.RunSQL(
            list(create_policy("workspaces_workspace", "workspace_rows", WORKSPACE_ROWS)),
            list(drop_policy("workspaces_workspace", "workspace_rows")),
        ),
        migrations.RunSQL(
            list(create_policy("workspaces_organization", "organization_rows", ORGANIZATION_ROWS)),
            list(drop_policy("workspaces_organization", "organization_rows")),
        ),
        JoinOrganization("Workspace"),
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
        JoinOrganization("GroupRole", ("group", "workspace")),
        BuildWall("DismissedHint"),
        BuildWall("Space"),
        BuildWall("SpaceGroup", ("space",)),
        JoinOrganization("SpaceGroup", ("group", "workspace")),
        BuildWall("Folder", ("parent",)),
        BuildWall("SavedFilter"),
        BuildWall("DefaultView", ("saved_filter",)),
        BuildWall("Favourite"),
        BuildOrganizationWall("SignInRules"),
        BuildOrganizationWall("IdentityProvider"),
        BuildOrganizationWall("SsoAttempt"),
        BuildOrganizationWall("EmailDomain"),
        BuildOrganizationWall("DirectoryPerson"),
        BuildOrganizationWall("DirectoryGroup"),
        BuildOrganizationWall("DirectoryMembership", ("group", "person")),
        BuildOrganizationWall("GroupMapping", ("directory_group", "group")),
        BuildOrganizationWall("ScimToken"),
        BuildOrganizationWall("DirectoryEmail", ("person",)),
    ]
