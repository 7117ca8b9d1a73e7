"""Settings of a workspace, under ``/<workspace>/``."""

from django.urls import path

from workspaces import views

app_name = "workspaces"
urlpatterns = [
    path("settings", views.general, name="general"),
    path("settings/new-workspace", views.new_workspace, name="new_workspace"),
    path("settings/profile", views.profile, name="profile"),
    path("settings/people", views.people, name="people"),
    path("settings/people/invite", views.invite, name="invite"),
    path("settings/people/<int:member_id>", views.member, name="member"),
    path("settings/people/<int:member_id>/remove", views.remove_member, name="remove_member"),
    path("settings/invitations/<int:invitation_id>/withdraw", views.withdraw, name="withdraw_invitation"),
    path("settings/groups", views.groups, name="groups"),
    path("settings/groups/new", views.new_group, name="new_group"),
    path("settings/groups/<int:group_id>", views.group, name="group"),
    path("settings/groups/<int:group_id>/role", views.group_role, name="group_role"),
    path("settings/groups/<int:group_id>/delete", views.delete_group, name="delete_group"),
    path("settings/api-keys", views.api_keys, name="api_keys"),
    path("settings/api-keys/new", views.new_api_key, name="new_api_key"),
    path("settings/api-keys/<int:key_id>/revoke", views.revoke_api_key, name="revoke_api_key"),
    path("palette", views.palette, name="palette"),
]
